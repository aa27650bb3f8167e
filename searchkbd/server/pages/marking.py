"""Texts as HTML in which something is marked: what matched, what differs."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from searchkbd.memory.diff import DELETE, EQUAL, INSERT
from searchkbd.memory.match import Match, MatchKind
from searchkbd.search.highlight import highlights

_ELEMENTS = {DELETE: "del", INSERT: "ins"}


def marked(text: str, spans: Iterable[tuple[int, int]]) -> Markup:
    """Return *text* with each of *spans*, which are in order and apart, in a ``<mark>``."""
    pieces, at = [], 0
    for start, end in spans:
        pieces += [escape(text[at:start]), Markup("<mark>"), escape(text[start:end])]
        pieces.append(Markup("</mark>"))
        at = end
    return Markup("").join([*pieces, escape(text[at:])])


def highlighted(query: str, text: str) -> Markup:
    """Return *text* with the words of *query* marked."""
    return marked(text, highlights(query, text))


def difference(segment: str, match: Match) -> Markup:
    """Return the source of *match*, with what is to be taken out and put in to get *segment*.

    Where only the meaning is near, nearly every word would be: then common words are marked.
    """
    if match.kind is MatchKind.SEMANTIC:
        return highlighted(segment, match.source)
    start, end = match.part.source if match.part else (0, len(match.source))
    pieces = [(EQUAL, match.source[:start])]
    pieces += [(change.op, change.text) for change in match.diff]
    pieces.append((EQUAL, match.source[end:]))
    return Markup("").join(_element(op, text) for op, text in pieces if text)


def _element(op: str, text: str) -> Markup:
    name = _ELEMENTS.get(op)
    return Markup("<{0}>{1}</{0}>").format(name, text) if name else escape(text)
