"""From the cells of a row to sentences: the checks that every format shares."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from searchkbd.corpus.columns import Layout, Part
from searchkbd.corpus.decompress import STDIN, shown
from searchkbd.corpus.groups import UNGROUPED
from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.sentence import UNDETERMINED, UNWANTED, Place, Reject, Sentence
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import UnknownLanguageError, normalize_language
from searchkbd.text.repair import repair

UNIDENTIFIED = ""
"""Stands for the language of a sentence until :mod:`searchkbd.corpus.auto` has found it."""

MAX_FIELD = 1000
"""Characters that an id, a group or an origin may have."""

_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class _Refused(Exception):
    """Why a text is not taken."""


class RowReader:
    """Makes sentences and rejects of the rows of one file."""

    def __init__(self, file: str, options: ReadOptions) -> None:
        self._file = shown(file)
        base = "stdin" if file == STDIN else os.path.basename(file)
        self._name = options.name or base
        self._origin = options.origin or base
        self._lang = self._default_language(options.lang)
        self._repair = options.repair
        self._max_chars = options.max_chars
        self._codes: dict[str, str] = {}

    def reject(self, line: int, reason: str, raw: str) -> Reject:
        """Return the reject for what stands at *line*."""
        return Reject(Place(self._file, line), reason, raw)

    def read(
        self, layout: Layout, line: int, raw: str, cells: Sequence[str]
    ) -> Sequence[Sentence | Reject]:
        """Return what the row *cells*, written *raw* in the file, gives under *layout*.

        A row without anything in it gives nothing. Of a pair whose one half is unusable, the
        other is kept.
        """
        # One look at the whole row: nearly all rows are printable, and this is fast.
        joined = "".join(cells)
        if not joined or joined.isspace():
            return ()
        if len(cells) != layout.width:
            reason = f"wrong column count: {len(cells)} instead of {layout.width}"
            return (self.reject(line, reason, raw),)
        unwanted = None if joined.isprintable() else UNWANTED.search(joined)
        if unwanted:
            return (self.reject(line, f"control character: U+{ord(unwanted[0]):04X}", raw),)
        parts = layout.parts
        if len(parts) == 1:
            return (self._sentence(layout, parts[0], line, raw, cells, ""),)
        return [
            self._sentence(layout, part, line, raw, cells, suffix)
            for part, suffix in zip(parts, self._suffixes(parts, cells), strict=True)
            # In a table of many languages an empty cell is a translation that nobody made.
            if len(parts) == 2 or cells[part.text].strip()
        ]

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
        except (_Refused, UnknownLanguageError) as error:
            return Reject(place, _reason(error), raw)
        given = _cell(cells, part.id) or _cell(cells, layout.id)
        base = _cell(cells, layout.id) or f"{self._name}:{line}"
        own_id = _cell(cells, part.id) or base + suffix
        group = _cell(cells, layout.group) or UNGROUPED
        origin = _cell(cells, layout.origin) or self._origin
        if len(own_id) > MAX_FIELD or len(group) > MAX_FIELD or len(origin) > MAX_FIELD:
            reason = f"field too long: an id, group or origin has more than {MAX_FIELD} characters"
            return Reject(place, reason, raw)
        meta = None
        if layout.meta:
            meta = {name: cells[at].strip() for name, at in layout.meta if cells[at].strip()}
            for name, value in meta.items():
                if len(value) > self._max_chars:
                    return Reject(place, f"field too long: {len(value)} in {name[:40]!r}", raw)
        return Sentence(
            own_id, lang, stored, group, origin, meta or None, place, repaired is not text,
            bool(given),
        )  # fmt: skip

    def _language(self, cells: Sequence[str], part: Part) -> str:
        written = cells[part.lang] if part.lang is not None else ""
        code = self._codes.get(written)
        if code is not None:
            return code
        own = written.strip()
        tag = own or part.code
        if not tag:
            if self._lang is None:
                raise _Refused("no language")
            return self._lang
        code = UNDETERMINED if tag.lower() == UNDETERMINED else normalize_language(tag)
        if own:
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
    return "" if at is None else cells[at].strip()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _Refused) else f"unknown language: {error}"
