"""XLIFF 1.2, 2.0 and 2.1: files on their way to a translation and back.

What a unit says besides its texts is in ``Sentence.unit``, what its source or target says in the
``meta`` of the sentence, each under the key ``xliff``. Of a unit (of each segment in 2.x)::

    {"version": "1.2", "original": "menu.html", "attributes": {"id": "7", "approved": "yes", ...},
     "segment": {"state": "final"}, "about": [["note", {"from": "me"}, "a button"]],
     "data": [[{"id": "d1"}, "<br/>"]]}

``segment`` and ``data`` (what inline tags refer to as their native code) are of 2.x alone; of a
source or target there are ``lang``, its tag as written where that is not our code, and
``attributes``. What is empty is left out. Alternatives (``alt-trans``, ``matches``) are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from searchkbd.corpus.inline_xliff import xliff_markup
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.order import with_neighbours
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.corpus.xml_metadata import (
    about,
    children,
    lang_as_written,
    pop_lang,
    without_empty,
)
from searchkbd.corpus.xml_parse import (
    MAX_NAMESPACES,
    MalformedError,
    attributes,
    local_name,
    parse_element,
    parse_start_tag,
)
from searchkbd.corpus.xml_units import Dialect, Piece, xml_pieces

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_DIALECT = Dialect("XLIFF", "xliff", ("trans-unit", "unit"), ("file", "group"))

MAX_SEGMENTS = 1000
"""Segments that a unit of 2.x may have; what it says is kept with each."""

_Items = list[Sentence | Reject]


def read_xliff(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the source and target sentences of each unit of the file *path*.

    A unit whose target is empty gives its source alone. ``context`` is the ``resname``
    (``name`` in 2.x) of the unit, else its ``id``, with the number or id of the segment where
    there are several; ``previous`` and ``next`` are those of the same ``<file>``. A unit that
    is not well-formed is a reject; the others are kept.
    """
    reader = _Reader(rows)
    units = reader.units(xml_pieces(path, options, _DIALECT))
    for _, file in groupby(units, key=itemgetter(0)):
        yield from with_neighbours(items for _, items in file)


class _Reader:
    """Reads units in the light of what the elements around them said."""

    def __init__(self, rows: RowReader) -> None:
        self._rows = rows
        self._file = 0
        self._version = ""
        self._original = ""
        self._langs = ("", "")
        self._namespaces: dict[str, str] = {}

    def units(self, pieces: Iterator[Piece]) -> Iterator[tuple[int, _Items]]:
        """Yield the items of each unit with the number of its ``<file>``."""
        for piece in pieces:
            try:
                if piece.problem:
                    raise MalformedError(piece.problem)
                if piece.name in _DIALECT.units:
                    element = parse_element(piece.text, self._namespaces)
                    for items in self._segments(element, piece):
                        yield self._file, items
                else:
                    self._enter(parse_start_tag(piece.text, self._namespaces))
            except MalformedError as error:
                yield self._file, [self._rows.reject(piece.line, str(error), piece.raw)]

    def _enter(self, element: Element) -> None:
        named = attributes(element)
        name = local_name(element.tag)
        if name == "xliff":
            self._version = named.get("version", "")
            self._langs = (named.get("srcLang", ""), named.get("trgLang", ""))
        elif name == "file":
            self._file += 1
            self._original = named.get("original", "")
            if "source-language" in named:  # in 2.x the root says it
                self._langs = (named["source-language"], named.get("target-language", ""))
        for prefix, uri in element.nsmap.items():
            if prefix and len(self._namespaces) < MAX_NAMESPACES:
                self._namespaces[prefix] = uri

    def _segments(self, unit: Element, piece: Piece) -> Iterator[_Items]:
        named = attributes(unit)
        of_unit = {"version": self._version, "original": self._original, "attributes": named}
        if local_name(unit.tag) == "trans-unit":
            context = named.get("resname") or named.get("id")
            said = without_empty(**of_unit, about=about(unit, ("note",)))
            yield self._pair(unit, piece, said, context)
            return
        notes = [note for group in children(unit, "notes") for note in about(group, ("note",))]
        data = [
            item[1:] for group in children(unit, "originalData") for item in about(group, ("data",))
        ]
        context = named.get("name") or named.get("id")
        segments = children(unit, "segment")
        if not segments or len(segments) > MAX_SEGMENTS:
            reason = "no text: a unit without <segment>"
            if segments:
                reason = f"too many texts: {len(segments)} segments in a unit"
            yield [self._rows.reject(piece.line, reason, piece.raw)]
            return
        for number, segment in enumerate(segments, 1):
            own = attributes(segment)
            said = without_empty(**of_unit, segment=own, about=notes, data=data)
            where = context
            if context and len(segments) > 1:
                where = f"{context}#{own.get('id') or number}"
            yield self._pair(segment, piece, said, where)

    def _pair(
        self, element: Element, piece: Piece, said: dict[str, Any], context: str | None
    ) -> _Items:
        """Return the sentences of an element with a source and a target, rejects last."""
        found = []
        for name, default in zip(("source", "target"), self._langs, strict=True):
            sides = children(element, name)
            if len(sides) > 1 or not (sides or name == "target"):
                reason = f"more than one <{name}> in a unit" if sides else f"no text: no <{name}>"
                return [self._rows.reject(piece.line, reason, piece.raw)]
            for side in sides:
                named = attributes(side)
                tag = pop_lang(named) or default
                text, markup = xliff_markup(side)
                if name == "source" or text.strip():
                    found.append((tag, text, markup, named))
        unit = {"xliff": said}
        items: _Items = []
        suffixes = self._rows.suffixes([tag for tag, *_ in found])
        for (tag, text, markup, named), suffix in zip(found, suffixes, strict=True):
            meta = without_empty(lang=lang_as_written(tag), attributes=named)
            items.append(
                self._rows.sentence(
                    piece.line,
                    text if text.strip() else piece.raw,
                    text,
                    tag,
                    suffix=suffix,
                    markup=markup,
                    unit=unit,
                    meta={"xliff": meta} if meta else None,
                    context=context,
                )
            )
        return sorted(items, key=lambda item: isinstance(item, Reject))
