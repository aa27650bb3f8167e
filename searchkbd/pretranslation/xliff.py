"""XLIFF 1.2, 2.0 and 2.1: targets, their states, and the matches they were made of.

1.2: ``<target state state-qualifier>``, and an ``<alt-trans>`` with the memory's own unit beside
what is to be reviewed. 2.x: ``<segment state subState>``, and ``<mtc:match>`` of the module for
translation candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.inline import start_tag
from searchkbd.corpus.inline_xliff import to_xliff, xliff_markup
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.corpus.xml_metadata import children
from searchkbd.corpus.xml_parse import (
    attributes,
    local_name,
    parse_element,
    parse_start_tag,
)
from searchkbd.corpus.xml_units import Dialect, Piece
from searchkbd.export.xml import content
from searchkbd.memory.match import MatchKind
from searchkbd.pretranslation.filling import Filling
from searchkbd.pretranslation.options import FileOptions
from searchkbd.pretranslation.units import Part, Segment, SegmentReader, Unit, divided
from searchkbd.pretranslation.xml_copy import XmlCopy, xml_parts
from searchkbd.pretranslation.xml_edit import (
    Change,
    Node,
    attribute,
    changed,
    indent,
    opened,
    parsed,
    with_attributes,
)

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MATCHES = "urn:oasis:names:tc:xliff:matches:2.0"

_DIALECT = Dialect("XLIFF", "xliff", ("trans-unit", "unit"), ("file", "group"))
_MAX_NAMESPACES = 200

_Render = Callable[[Sequence[Filling | None]], str]


class XliffDocument:
    """An XLIFF file; its segments are in the order of each ``<file>``."""

    def __init__(self, path: str, options: FileOptions) -> None:
        self._name = shown(path)
        self._options = options
        self._copy = XmlCopy(path, options.reading, _DIALECT)
        self._segments = SegmentReader(RowReader(path, options.reading), options.overwrite)
        self.codec, self.mark = self._copy.codec, self._copy.mark
        self._version = "1.2"
        self._source: str | None = None
        self._file = 0
        self._namespaces: dict[str, str] = {}

    def parts(self) -> Iterator[Part]:
        return xml_parts(self._copy, self._segments, self._part, lambda: self._file)

    def _part(self, piece: Piece, raw: str) -> Part:
        if piece.name in _DIALECT.units:
            return self._unit(parse_element(piece.text, self._namespaces), piece, raw)
        return self._entered(parse_start_tag(piece.text, self._namespaces), raw)

    def _entered(self, element: Element, tag: str) -> str:
        """Note what the start *tag* of an element says; return it with the target language."""
        named = attributes(element)
        for prefix, uri in element.nsmap.items():
            if prefix and len(self._namespaces) < _MAX_NAMESPACES:
                self._namespaces[prefix] = uri
        name = local_name(element.tag)
        if name == "xliff":
            self._version = "2.0" if named.get("version", "").startswith("2") else "1.2"
            if self._version == "2.0":
                return self._languages(tag, named, "srcLang", "trgLang")
        elif name == "file":
            self._file += 1
            if self._version == "1.2":
                return self._languages(tag, named, "source-language", "target-language")
        return tag

    def _languages(self, tag: str, named: dict[str, str], source: str, target: str) -> str:
        self._options.check_target(self._name, named.get(target, ""))
        found = self._options.source_of(self._name, named.get(source, ""))
        if self._source not in (None, found):
            raise CorpusError(
                f"{self._name} has files in {self._source} and in {found}; say which of them is "
                "the source: --from LANG"
            )
        self._source = found
        if not named.get(target, "").strip():
            return with_attributes(tag, **{target: self._options.target})
        return tag

    def _unit(self, element: Element, piece: Piece, raw: str) -> Unit:
        named = attributes(element)
        context = named.get("resname") or named.get("name") or named.get("id")
        translate = named.get("translate") != "no"
        segments, render = [element], _rendered_1
        if local_name(element.tag) == "unit":
            segments, render = children(element, "segment"), _rendered_2
        found = []
        for number, segment in enumerate(segments, 1):
            where = context
            if context and len(segments) > 1:
                where = f"{context}#{segment.get('id') or number}"
            found.append(self._segment(segment, piece, where, translate))
        places, rejects = divided(found)
        return Unit(raw, places, partial(render, raw), rejects, self._file)

    def _segment(
        self, element: Element, piece: Piece, context: str | None, translate: bool
    ) -> Segment | Reject | None:
        sources, targets = children(element, "source"), children(element, "target")
        if not sources:
            reason = "no text: a unit without <source>"
            return self._segments.reject(piece.line, reason, piece.raw)
        text, markup = xliff_markup(sources[0])
        return self._segments.segment(
            piece.line, text, self._source or "", "".join(xliff_markup(t)[0] for t in targets),
            translate=translate, markup=markup, context=context,
        )  # fmt: skip


def _rendered_1(raw: str, found: Sequence[Filling | None]) -> str:
    if found[0] is None:
        return raw
    filling = found[0]
    unit = parsed(raw)
    state = "needs-review-translation" if filling.review else "translated"
    alternative = _alt_trans(raw, unit, filling) if filling.review else ""
    change = _target_change(raw, unit, filling, "1.2", alternative,
                            state=state, state_qualifier=_qualifier(filling))
    return changed(raw, [change])


def _qualifier(filling: Filling) -> str:
    """Return the state-qualifier of XLIFF 1.2 (2.3 of its specification) for a translation."""
    if filling.is_machine:
        return "mt-suggestion"
    if filling.kind in (MatchKind.SEMANTIC, MatchKind.PIVOT):
        return "tm-suggestion"
    if filling.match.score.same:
        by_key = filling.kind is MatchKind.CONTEXT and filling.match.score.context == "key"
        return "id-match" if by_key else "exact-match"
    return "fuzzy-match"


def _alt_trans(raw: str, unit: Node, filling: Filling) -> str:
    """Return the memory's unit as the alternative that the translation was made of."""
    p, match = unit.prefix, filling.match
    named = {"match-quality": f"{min(match.quality, 100)}%", "origin": filling.origin}
    written = (
        f"{start_tag(f'{p}alt-trans', named)}<{p}source>{content(match.source)}</{p}source>"
        f"<{p}target>{content(match.target)}</{p}target></{p}alt-trans>"
    )
    return "" if written in raw else written


def _target_change(
    raw: str, parent: Node, filling: Filling, version: str, beside: str = "", **states: str
) -> Change:
    """Return the change that puts a target, and *beside* it, into a unit or segment."""
    body = content(filling.text)
    if filling.markup is not None:
        body = to_xliff(filling.markup, version)
    source = parent.first("seg-source") or parent.first("source")
    target = parent.first("target")
    space = indent(raw, source)
    beside = f"{space}{beside}" if beside else ""
    tag = f"<{source.prefix}target>" if target is None else raw[target.start : target.inner]
    written = f"{with_attributes(opened(tag), **states)}{body}</{source.prefix}target>{beside}"
    if target is None:
        return source.end, source.end, f"{space}{written}"
    return target.start, target.end, written


def _rendered_2(raw: str, found: Sequence[Filling | None]) -> str:
    unit = parsed(raw)
    changes: list[Change] = []
    matches = []
    for segment, filling in zip(unit.named("segment"), found, strict=True):
        if filling is None:
            continue
        changes.append(_target_change(raw, segment, filling, "2.0"))
        tag = raw[segment.start : segment.inner]
        sub = f"searchkbd:{_qualifier(filling)}" if filling.review else None
        state = "initial" if filling.review else "translated"
        tag_with_state = with_attributes(tag, state=state, subState=sub)
        changes.append((segment.start, segment.inner, tag_with_state))
        id_ = attribute(tag, "id")
        if filling.review and id_:
            matches.append(_match(unit.prefix, id_, filling))
    if matches and not any(unit.named("matches")):
        space = indent(raw, unit.children[0])
        written = f"{space}<mtc:matches xmlns:mtc=\"{MATCHES}\">{''.join(matches)}</mtc:matches>"
        changes.append((unit.inner, unit.inner, written))
    return changed(raw, changes)


def _match(p: str, segment_id: str, filling: Filling) -> str:
    match = filling.match
    named = {
        "ref": f"#{segment_id}", "type": "mt" if filling.is_machine else "tm",
        "origin": filling.origin, "similarity": f"{min(match.quality, 100)}.0",
    }  # fmt: skip
    return (
        f"{start_tag('mtc:match', named)}<{p}source>{content(match.source)}</{p}source>"
        f"<{p}target>{content(match.target)}</{p}target></mtc:match>"
    )
