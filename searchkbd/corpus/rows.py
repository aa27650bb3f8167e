"""From the cells of a row to sentences: the checks that every format shares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from searchkbd.corpus.columns import Layout, Part
from searchkbd.corpus.decompress import STDIN
from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.sentence import UNDETERMINED, Place, Reject, Sentence
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import UnknownLanguageError, normalize_language
from searchkbd.text.repair import repair

UNIDENTIFIED = ""
"""Stands for the language of a sentence until :mod:`searchkbd.corpus.auto` has found it."""

MAX_FIELD = 1000
"""Characters that an id, a group or an origin may have."""

# Control characters but tab and line ends, and halves of surrogate pairs, which JSON can hold
# and UTF-8 cannot. The second row of controls is left: mojibake has them.
_UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class _Refused(Exception):
    """Why a text is not taken."""


class RowReader:
    """Makes sentences and rejects of the rows of one file."""

    def __init__(self, file: str, options: ReadOptions) -> None:
        self._file = "<stdin>" if file == STDIN else file
        self._name = "stdin" if file == STDIN else os.path.basename(file)
        self._origin = options.origin or self._name
        self._lang = self._default_language(options.lang)
        self._repair = options.repair
        self._max_chars = options.max_chars
        self._codes: dict[str, str] = {}

    def reject(self, line: int, reason: str, raw: str) -> Reject:
        """Return the reject for what stands at *line*."""
        return Reject(Place(self._file, line), reason, raw)

    def read(
        self, layout: Layout, line: int, raw: str, cells: Sequence[str]
    ) -> Iterator[Sentence | Reject]:
        """Yield what the row *cells*, written *raw* in the file, gives under *layout*.

        A row without anything in it gives nothing. Of a pair whose one half is unusable, the
        other is kept.
        """
        if len(cells) != layout.width:
            reason = f"wrong column count: {len(cells)} instead of {layout.width}"
            yield self.reject(line, reason, raw)
            return
        # One look at the whole row: nearly all rows are printable, and this is fast.
        unwanted = None if (joined := "".join(cells)).isprintable() else _UNWANTED.search(joined)
        if unwanted:
            yield self.reject(line, f"control character: U+{ord(unwanted[0]):04X}", raw)
            return
        if not joined or joined.isspace():
            return
        parts = layout.parts
        if len(parts) == 1:
            yield self._sentence(layout, parts[0], line, raw, cells, "")
            return
        suffixes = self._suffixes(parts, cells)
        for part, suffix in zip(parts, suffixes, strict=True):
            # In a table of many languages an empty cell is a translation that nobody made.
            if len(parts) == 2 or cells[part.text].strip():
                yield self._sentence(layout, part, line, raw, cells, suffix)

    def _sentence(
        self, layout: Layout, part: Part, line: int, raw: str, cells: Sequence[str], suffix: str
    ) -> Sentence | Reject:
        place = Place(self._file, line)
        try:
            lang = self._language(cells, part)
            text = cells[part.text]
            if len(text) > self._max_chars:
                raise _Refused(f"text too long: {len(text)} characters")
            repaired = repair(text) if self._repair else text
            stored = stored_form(repaired)
            if not _LETTER_OR_DIGIT.search(stored):
                raise _Refused("no text")
            base = _cell(cells, layout.id) or f"{self._name}:{line}"
            own_id = _cell(cells, part.id) or base + suffix
            group = _cell(cells, layout.group) or base
            origin = _cell(cells, layout.origin) or self._origin
        except (_Refused, UnknownLanguageError) as error:
            return Reject(place, _reason(error), raw)
        meta = None
        if layout.meta:
            meta = {name: cells[at].strip() for name, at in layout.meta if cells[at].strip()}
        return Sentence(
            own_id, lang, stored, group, origin, meta or None, place, repaired is not text
        )

    def _language(self, cells: Sequence[str], part: Part) -> str:
        written = cells[part.lang] if part.lang is not None else ""
        code = self._codes.get(written)
        if code is not None:
            return code
        tag = written.strip() or part.code
        if not tag:
            if self._lang is None:
                raise _Refused("no language")
            return self._lang
        code = UNDETERMINED if tag.lower() == UNDETERMINED else normalize_language(tag)
        if written:
            self._codes[written] = code
        return code

    def _suffixes(self, parts: tuple[Part, ...], cells: Sequence[str]) -> list[str]:
        """Return what tells apart the ids of one row: the languages, letters if not all differ."""
        try:
            codes = [self._language(cells, part) for part in parts]
        except (_Refused, UnknownLanguageError):
            codes = []
        if len(set(codes)) < len(parts) or UNIDENTIFIED in codes:
            codes = [chr(ord("a") + number) for number in range(len(parts))]
        return [f":{code}" for code in codes]

    @staticmethod
    def _default_language(tag: str | None) -> str | None:
        if tag is None:
            return None
        return UNIDENTIFIED if tag == AUTO else normalize_language(tag)


def _cell(cells: Sequence[str], at: int | None) -> str:
    if at is None:
        return ""
    value = cells[at].strip()
    if len(value) > MAX_FIELD:
        raise _Refused(f"field too long: {len(value)} characters in an id, group or origin")
    return value


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _Refused) else f"unknown language: {error}"
