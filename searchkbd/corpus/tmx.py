"""TMX 1.4b (level 1 and 2), and 1.1 to 1.3: translation memories of other programs.

What a unit says besides its texts is kept so that it can be written again: of a ``<tu>`` in
``Sentence.unit``, of a ``<tuv>`` in its sentence's ``meta``, each under the key ``tmx``::

    {"attributes": {"tuid": "7", ...}, "about": [["prop", {"type": "x-domain"}, "law"], ...]}

``about`` has every ``note`` and ``prop`` in order; of a ``<tuv>`` there is also ``lang``, its tag
as written, where that is not our code. What is empty is left out.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from searchkbd.corpus.inline import seg_markup
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.corpus.xml_metadata import (
    About,
    about,
    children,
    code_of,
    lang_as_written,
    pop_lang,
    without_empty,
)
from searchkbd.corpus.xml_parse import MalformedError, attributes, parse_element, parse_start_tag
from searchkbd.corpus.xml_units import Dialect, Piece, xml_pieces
from searchkbd.text.forms import stored_form

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

ORIGIN = "x-searchkbd:origin"
"""The type of the property, of a unit or of one of its texts, that is ``Sentence.origin``."""

_DIALECT = Dialect("TMX", "tmx", ("tu",), ("header",))

MAX_TEXTS = 500
"""Texts that a unit may have; what it says is kept with each."""

# Types of properties that tell apart units of the same text, the most telling first: x-context is
# what translate-toolkit writes, id the key of a string in OmegaT.
_CONTEXTS = ("x-context", "context", "id")
# Types of properties with the texts before and after in the document: of OmegaT, in the unit; of
# MateCat and memoQ (which writes the text as a <seg>), in the unit or in the source text.
_NEIGHBOURS = {"previous": ("prev", "x-context-pre"), "next": ("next", "x-context-post")}
_DATES = ("changedate", "creationdate")
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)Z?")


def read_tmx(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the sentences of each ``<tu>`` of the file *path*, then what is wrong with it.

    A unit that is not well-formed, and a text in it that cannot be used, is a reject; the others
    are kept. So are units with a ``tuid`` that was there before, but that is told too. ``date`` is
    the ``changedate``, else the ``creationdate``, of the ``<tuv>``, else of the ``<tu>``.
    """
    seen = _SeenIds()
    source_lang = ""
    for piece in xml_pieces(path, options, _DIALECT):
        if piece.problem:
            yield rows.reject(piece.line, piece.problem, piece.raw)
            continue
        try:
            if piece.name == "header":
                source_lang = parse_start_tag(piece.text).get("srclang", "")
            elif piece.name == "tu":
                tu = parse_element(piece.text)
                yield from unit_sentences(tu, piece, source_lang, rows)
                tuid = tu.get("tuid")
                if tuid is not None and seen.before(tuid):
                    reason = f"duplicate tuid: {tuid[:80]!r}; both units are kept"
                    yield rows.reject(piece.line, reason, piece.raw)
        except MalformedError as error:
            yield rows.reject(piece.line, str(error), piece.raw)


def unit_sentences(
    tu: Element, piece: Piece, source_lang: str, rows: RowReader
) -> Iterator[Sentence | Reject]:
    """Yield what one ``<tu>`` gives: its sentences, then the rejects."""
    tuvs = children(tu, "tuv")
    if not tuvs:
        yield rows.reject(piece.line, "no text: a unit without <tuv>", piece.raw)
        return
    if len(tuvs) > MAX_TEXTS:
        yield rows.reject(piece.line, f"too many texts: {len(tuvs)} in a unit", piece.raw)
        return
    named = attributes(tu)
    kept, origin = _about(tu)
    props = _properties(kept)
    of_unit = {
        "unit": {"tmx": without_empty(attributes=named, about=kept)},
        "context": next((props[type_] for type_ in _CONTEXTS if props.get(type_)), None),
        "origin": origin,
        "date": _date(named),
    }
    said_by = [attributes(tuv) for tuv in tuvs]
    tags = [pop_lang(said) for said in said_by]
    source = _source(tags, named.get("srclang") or source_lang)
    items = []
    for at, suffix in enumerate(rows.suffixes(tags)):
        said = {**of_unit, "suffix": suffix}
        if at == source:
            said |= _neighbours(props)
        items.append(_sentence(tuvs[at], tags[at], said_by[at], piece, rows, said))
    # Rejects last: the sentences of a unit stay together.
    yield from sorted(items, key=lambda item: isinstance(item, Reject))


def _sentence(
    tuv: Element,
    tag: str,
    named: dict[str, str],
    piece: Piece,
    rows: RowReader,
    of_unit: dict[str, Any],
) -> Sentence | Reject:
    segs = children(tuv, "seg")
    if len(segs) != 1:
        reason = "no text: <tuv> without <seg>" if not segs else "more than one <seg> in a <tuv>"
        return rows.reject(piece.line, reason, piece.raw)
    text, markup = seg_markup(segs[0])
    kept, origin = _about(tuv)
    meta = without_empty(lang=lang_as_written(tag), attributes=named, about=kept)
    own = {**without_empty(origin=origin, date=_date(named)), **_neighbours(_properties(kept))}
    return rows.sentence(
        piece.line,
        text if text.strip() else piece.raw,
        text,
        tag,
        markup=markup,
        meta={"tmx": meta} if meta else None,
        **{**of_unit, **own},
    )


def _about(element: Element) -> tuple[About, str]:
    """Return the notes and properties of *element* in order, and the origin that one may be."""
    kept: About = []
    origin = ""
    for item in about(element, ("note", "prop")):
        if item[0] == "prop" and item[1].get("type") == ORIGIN:
            origin = item[2].strip()
        else:
            kept.append(item)
    return kept, origin


def _properties(kept: About) -> dict[str, str]:
    return {said.get("type", "").lower(): text for name, said, text in kept if name == "prop"}


def _neighbours(props: dict[str, str]) -> dict[str, str]:
    """Return what properties say of the texts before and after, "" for the document's edge."""
    found = {}
    for name, types in _NEIGHBOURS.items():
        for text in (props[type_] for type_ in types if type_ in props):
            if text.strip().startswith("<seg>"):
                with suppress(MalformedError):
                    text = seg_markup(parse_element(text.strip()))[0]
            found[name] = stored_form(text)
    return found


def _source(tags: list[str], source_lang: str) -> int:
    """Return which of *tags* is the source language, the first if none is."""
    source = code_of(source_lang)
    codes = list(map(code_of, tags))
    return codes.index(source) if source and source in codes else 0


def _date(named: dict[str, str]) -> str | None:
    """Return the date of an element, ISO 8601 in UTC, None if it has none that can be read."""
    for name in _DATES:
        match = _DATE.fullmatch(named.get(name, ""))
        if match:
            try:
                return f"{datetime(*map(int, match.groups())).isoformat()}Z"  # type: ignore[arg-type]
            except ValueError:
                continue
    return None


class _SeenIds:
    """Tells repeated ids in a fixed amount of memory: 8 MB, allocated with the first.

    A table of hashes, each in the one place that its value gives, where it takes the place of the
    one before: of more than a million ids some repetitions go unnoticed, none is made up (but
    once in 2**64).
    """

    _PLACES = 1 << 20

    def __init__(self) -> None:
        self._hashes: array[int] | None = None

    def before(self, id_: str) -> bool:
        """Return whether *id_* was asked for before, and remember it."""
        if self._hashes is None:
            self._hashes = array("Q", bytes(8 * self._PLACES))
        digest = int.from_bytes(blake2b(id_.encode(), digest_size=8).digest(), "little")
        digest = digest or 1  # 0 is an empty place
        at = digest % self._PLACES
        found = self._hashes[at] == digest
        self._hashes[at] = digest
        return found
