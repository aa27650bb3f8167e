"""From the cells of a row to sentences: the checks that every format shares."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from searchkbd.corpus.columns import Layout, Part
from searchkbd.corpus.decompress import STDIN, shown
from searchkbd.corpus.groups import UNGROUPED
from searchkbd.corpus.inline import markup_text
from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.sentence import UNDETERMINED, UNWANTED, Place, Reject, Sentence
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import UnknownLanguageError, normalize_language
from searchkbd.text.repair import repair

UNIDENTIFIED = ""
"""Stands for the language of a sentence until :mod:`searchkbd.corpus.auto` has found it."""

MAX_FIELD = 1000
"""Characters that an id, a group or an origin may have."""

MARKUP_FACTOR = 10
"""How many times longer than a text its form with tags, and all that is said of it, may be."""

_MAX_CODES = 10_000
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
        self._unit: dict[str, Any] | None = None
        self._unit_problem = ""

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
        unwanted = _unwanted(joined)
        if unwanted:
            return (self.reject(line, unwanted, raw),)
        parts = layout.parts
        if len(parts) == 1:
            return (self._sentence(layout, parts[0], line, raw, cells, ""),)
        return [
            self._sentence(layout, part, line, raw, cells, suffix)
            for part, suffix in zip(
                parts, self._suffixes([_tags(cells, part) for part in parts]), strict=True
            )
            # In a table of many languages an empty cell is a translation that nobody made.
            if len(parts) == 2 or cells[part.text].strip()
        ]

    def sentence(
        self,
        line: int,
        raw: str,
        text: str,
        lang: str,
        *,
        id: str = "",
        suffix: str = "",
        group: str = "",
        origin: str = "",
        meta: dict[str, Any] | None = None,
        markup: str | None = None,
        unit: dict[str, Any] | None = None,
        context: str | None = None,
        previous: str | None = None,
        next: str | None = None,
        date: str | None = None,
    ) -> Sentence | Reject:
        """Return the sentence *text* in the language tagged *lang*, or why there is none.

        For formats that are no tables. An empty *lang* is that of the options; an empty *id* is
        made of the file's name, *line* and *suffix*; empty *group* and *origin* are filled in.
        The rest is as in :class:`Sentence`, and is checked for control characters and length.
        """
        neighbours = {"context": context, "previous": previous, "next": next}
        if unit is not self._unit:  # looked through once for all its sentences
            self._unit, self._unit_problem = unit, self._problem(unit)
        problem = self._unit_problem or self._problem([neighbours, meta])
        for value in (text, id, group, origin, markup):
            problem = problem or (_unwanted(value) if value else "")
        if not problem and len(markup or "") > MARKUP_FACTOR * self._max_chars:
            problem = f"text too long: {len(markup or '')} characters with tags"
        if problem:
            return self.reject(line, problem, raw)
        return self._accepted(
            line, raw, text, lang, "", id, suffix, group.strip(), origin.strip(), meta,
            markup=markup, unit=unit, date=date, **neighbours,
        )  # fmt: skip

    def _problem(self, value: object) -> str:
        """Return what is wrong with the strings of a JSON value, ``""`` for nothing."""
        strings: list[tuple[str, str]] = []
        _strings("", value, strings)
        total = sum(len(name) + len(said) for name, said in strings)
        if total > MARKUP_FACTOR * self._max_chars:  # it is kept with every sentence of a unit
            return f"field too long: {total} characters besides the text"
        for name, said in strings:
            problem = _unwanted(said)
            if not problem and len(said) > self._max_chars:
                problem = f"field too long: {len(said)} in {name[:40]!r}"
            if problem:
                return problem
        return ""

    def suffixes(self, tags: Sequence[str]) -> list[str]:
        """Return what tells apart the ids of one unit's sentences in the languages *tags*.

        It is the languages' codes, or letters if these do not all differ or are not known.
        """
        return self._suffixes([(tag, "") for tag in tags])

    def _sentence(
        self, layout: Layout, part: Part, line: int, raw: str, cells: Sequence[str], suffix: str
    ) -> Sentence | Reject:
        meta = None
        if layout.meta:
            meta = {name: cells[at].strip() for name, at in layout.meta if cells[at].strip()}
            for name, value in meta.items():
                if len(value) > self._max_chars:
                    return self.reject(line, f"field too long: {len(value)} in {name[:40]!r}", raw)
        own_id, shared = _cell(cells, part.id), _cell(cells, layout.id)
        return self._accepted(
            line, raw, cells[part.text], *_tags(cells, part),
            own_id or (shared and shared + suffix), suffix,
            _cell(cells, layout.group), _cell(cells, layout.origin), meta,
        )  # fmt: skip

    def _accepted(
        self,
        line: int,
        raw: str,
        text: str,
        tag: str,
        fallback: str,
        own_id: str,
        suffix: str,
        group: str,
        origin: str,
        meta: dict[str, Any] | None,
        *,
        markup: str | None = None,
        **said: Any,
    ) -> Sentence | Reject:
        """Check and mend what every format has; *said* goes into the sentence as it is."""
        place = Place(self._file, line)
        try:
            lang = self._language(tag, fallback)
            if len(text) > self._max_chars:
                raise _Refused(f"text too long: {len(text)} characters")
            repaired = repair(text) if self._repair else text
            if repaired is not text and markup is not None:
                repaired, markup = _repaired_together(text, repaired, markup)
            stored = stored_form(repaired)
            if not _LETTER_OR_DIGIT.search(stored):
                raise _Refused("no text")
        except (_Refused, UnknownLanguageError) as error:
            return Reject(place, _reason(error), raw)
        id_ = own_id or f"{self._name}:{line}{suffix}"
        group = group or UNGROUPED
        origin = origin or self._origin
        if len(id_) > MAX_FIELD or len(group) > MAX_FIELD or len(origin) > MAX_FIELD:
            reason = f"field too long: an id, group or origin has more than {MAX_FIELD} characters"
            return Reject(place, reason, raw)
        return Sentence(
            id_, lang, stored, group, origin, meta or None, place, repaired is not text,
            bool(own_id), markup, **said,
        )  # fmt: skip

    def _language(self, written: str, fallback: str) -> str:
        code = self._codes.get(written)
        if code is not None:
            return code
        own = written.strip()
        tag = own or fallback
        if not tag:
            if self._lang is None:
                raise _Refused("no language")
            return self._lang
        code = UNDETERMINED if tag.lower() == UNDETERMINED else normalize_language(tag)
        if own and len(self._codes) < _MAX_CODES:
            self._codes[written] = code
        return code

    def _suffixes(self, tags: Sequence[tuple[str, str]]) -> list[str]:
        """Return what tells apart the ids of one row: the languages, letters if not all differ."""
        try:
            codes = [self._language(*tag) for tag in tags]
        except (_Refused, UnknownLanguageError):
            codes = []
        if len(set(codes)) < len(tags) or UNIDENTIFIED in codes:
            codes = [_letters(number) for number in range(len(tags))]
        return [f":{code}" for code in codes]

    @staticmethod
    def _default_language(tag: str | None) -> str | None:
        if tag is None:
            return None
        return UNIDENTIFIED if tag == AUTO else normalize_language(tag)


def _cell(cells: Sequence[str], at: int | None) -> str:
    return "" if at is None else cells[at].strip()


def _unwanted(text: str) -> str:
    """Return that *text* has a control character, ``""`` if it has none."""
    found = None if text.isprintable() else UNWANTED.search(text)
    return f"control character: U+{ord(found[0]):04X}" if found else ""


def _tags(cells: Sequence[str], part: Part) -> tuple[str, str]:
    """Return the language of *part* as the row says it, and as the layout does."""
    return cells[part.lang] if part.lang is not None else "", part.code


def _strings(name: str, value: object, into: list[tuple[str, str]]) -> None:
    """Put every string in the JSON value *name* into *into*, with the name that it is under."""
    if isinstance(value, str):
        into.append((name, value))
    elif isinstance(value, dict):
        for key, inner in value.items():
            _strings(key, inner, into)
    elif isinstance(value, list):
        for inner in value:
            _strings(name, inner, into)


def _repaired_together(text: str, repaired: str, markup: str) -> tuple[str, str]:
    """Return text and markup repaired alike, or both as they were."""
    mended = repair(markup)
    if stored_form(markup_text(mended)) == stored_form(repaired):
        return repaired, mended
    return text, markup


def _letters(number: int) -> str:
    """Return a, b, ... z, ba, bb, ...: *number* in base 26."""
    rest, last = divmod(number, 26)
    return (_letters(rest) if rest else "") + chr(ord("a") + last)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _Refused) else f"unknown language: {error}"
