"""TMX: a text in the target language for each unit that has none, and what it was made of.

A ``<prop type="x-searchkbd:match">`` says how good it is (``fuzzy 92``), a
``<prop type="x-searchkbd:origin">`` where it comes from; that of a text to be reviewed ends with
``:fuzzy``, so that a memory that the file is added to does not take it for a translation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.inline import seg_markup, start_tag
from searchkbd.corpus.po import FUZZY
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.corpus.tmx import ORIGIN, unit_sentences
from searchkbd.corpus.xml_metadata import children, pop_lang
from searchkbd.corpus.xml_parse import attributes, parse_element, parse_start_tag
from searchkbd.corpus.xml_units import Dialect, Piece
from searchkbd.export.xml import content, element
from searchkbd.pretranslation.filling import Filling
from searchkbd.pretranslation.options import FileOptions, code_or_none
from searchkbd.pretranslation.units import Part, SegmentReader, Unit, divided
from searchkbd.pretranslation.xml_copy import XmlCopy, xml_parts
from searchkbd.pretranslation.xml_edit import attribute, changed, indent, opened, parsed

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MATCH = "x-searchkbd:match"
CREATOR = "searchkbd"

_DIALECT = Dialect("TMX", "tmx", ("tu",), ("header",))
_ANY_LANGUAGE = "*all*"


class TmxDocument:
    """A TMX file; it is read unit by unit."""

    def __init__(self, path: str, options: FileOptions) -> None:
        self._name = shown(path)
        self._options = options
        self._copy = XmlCopy(path, options.reading, _DIALECT)
        self._rows = RowReader(path, options.reading)
        self._segments = SegmentReader(self._rows, options.overwrite)
        self.codec, self.mark = self._copy.codec, self._copy.mark
        self._source_lang = ""
        self._source: str | None = None

    def parts(self) -> Iterator[Part]:
        return xml_parts(self._copy, self._segments, self._part)

    def _part(self, piece: Piece, raw: str) -> Part:
        if piece.name == "tu":
            return self._unit(parse_element(piece.text), piece, raw)
        if piece.name == "header":
            self._source_lang = parse_start_tag(piece.text).get("srclang", "")
        return raw

    def _unit(self, tu: Element, piece: Piece, raw: str) -> Unit:
        if self._source is None:
            tag = tu.get("srclang") or self._source_lang
            tag = "" if tag == _ANY_LANGUAGE else tag
            self._source = self._options.source_of(self._name, tag)
        at = _tuv(tu, self._source)
        if at is None:
            return Unit(raw, [None], lambda found: raw)
        tuvs = children(tu, "tuv")
        own = _tuv(tu, self._options.target)
        segs = [] if own is None else children(tuvs[own], "seg")
        target = "".join(seg_markup(seg)[0] for seg in segs)
        found = self._segment(tu, tuvs[at], piece, target)
        places, rejects = divided([found])
        return Unit(raw, places, partial(_rendered, raw, at, own, self._options.target), rejects)

    def _segment(self, tu: Element, tuv: Element, piece: Piece, target: str):
        text, markup = "", None
        for seg in children(tuv, "seg"):
            text, markup = seg_markup(seg)
        # What the unit says of the context is read as when it is added to a memory.
        items = list(unit_sentences(tu, piece, self._source_lang, self._rows))
        said = next(
            (i for i in items if isinstance(i, Sentence) and i.lang == self._source), None
        )
        if said is None:
            return next((i for i in items if isinstance(i, Reject)), None) if text.strip() else None
        return self._segments.segment(
            piece.line, text, self._source, target, markup=markup, context=said.context,
            previous=said.previous, next=said.next,
        )  # fmt: skip


def _tuv(tu: Element, lang: str) -> int | None:
    """Return which ``<tuv>`` of a unit is in *lang*, the first of several."""
    langs = (code_or_none(pop_lang(attributes(tuv))) for tuv in children(tu, "tuv"))
    return next((at for at, code in enumerate(langs) if code == lang), None)


def _rendered(
    raw: str, source: int, target: int | None, lang: str, found: Sequence[Filling | None]
) -> str:
    """Return the unit with a text in the language *lang*, in its ``<tuv>`` number *target*."""
    filling = found[0]
    if filling is None:
        return raw
    unit = parsed(raw)
    p = unit.prefix
    tuvs = list(unit.named("tuv"))
    origin = filling.origin + (FUZZY if filling.review else "")
    props = element(f"{p}prop", {"type": MATCH}, filling.label)
    props += element(f"{p}prop", {"type": ORIGIN}, origin)
    seg = filling.markup if filling.markup is not None else content(filling.text)
    if target is None:
        like = tuvs[source]
        old = attribute(raw[like.start : like.inner], "lang") is not None
        named = {"lang" if old else "xml:lang": lang, "creationid": CREATOR}
        tag = start_tag(f"{p}tuv", named)
        written = f"{indent(raw, like)}{tag}{props}<{p}seg>{seg}</{p}seg></{p}tuv>"
        return changed(raw, [(tuvs[-1].end, tuvs[-1].end, written)])
    tuv = tuvs[target]
    ours = (MATCH, ORIGIN)
    changes = [
        (prop.start, prop.end, "")
        for prop in tuv.named("prop")
        if attribute(raw[prop.start : prop.inner], "type") in ours
    ]
    there = tuv.first("seg")
    if there is None:
        tag = opened(raw[tuv.start : tuv.inner])
        end = raw[tuv.close : tuv.end] or f"</{p}tuv>"
        inside = raw[tuv.inner : tuv.close]
        written = f"{tag}{inside}{props}<{p}seg>{seg}</{p}seg>{end}"
        return changed(raw, [(tuv.start, tuv.end, written)])
    space = indent(raw, there)
    changes += [
        (there.start, there.start, f"{props}{space}"),
        (there.inner, there.close, seg) if there.end > there.inner else
        (there.start, there.end, f"<{p}seg>{seg}</{p}seg>"),
    ]  # fmt: skip
    return changed(raw, changes)
