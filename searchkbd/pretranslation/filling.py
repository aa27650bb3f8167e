"""What is put into the file for a segment, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from searchkbd.corpus.inline import markup_text
from searchkbd.corpus.machine import is_machine
from searchkbd.corpus.xml_parse import MalformedError
from searchkbd.memory.match import Match, MatchKind
from searchkbd.pretranslation.tags import with_tags_of

EXACT = 100
"""Quality from which a match may stand as a translation."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A translation for one segment.

    *markup* is *text* with the segment's inline tags, None where it has none or they could not be
    placed (*tags_lost*). *review* says that a person has to look at it: everything but the
    translation of the very same segment.
    """

    text: str
    markup: str | None
    match: Match
    review: bool
    tags_lost: bool
    by_meaning: bool = False

    @property
    def kind(self) -> MatchKind:
        return MatchKind.SEMANTIC if self.by_meaning else self.match.kind

    @property
    def label(self) -> str:
        """The mark that it gets in the file: ``fuzzy 92``; by meaning alone ``semantic 0.81``."""
        lost = ", without tags" if self.tags_lost else ""
        degree = f"{self.match.similarity:.2f}" if self.by_meaning else self.match.quality
        return f"{self.kind.value} {degree}{lost}"

    @property
    def origin(self) -> str:
        """The origin of the match on one line."""
        return " ".join(self.match.origin.split())

    @property
    def is_machine(self) -> bool:
        """Whether a machine translated it, which its origin tells."""
        return is_machine(self.match.origin) or is_machine(self.match.source_origin)


def filling(
    match: Match,
    markup: str | None,
    outer: tuple[str, str] = ("", ""),
    *,
    by_meaning: bool = False,
) -> Filling:
    """Return what *match* gives for a segment with *markup*, within the white space *outer*."""
    before, after = outer
    text = match.target if match.suggestion is None else match.suggestion
    placed = None
    if markup is not None and match.suggestion is None:
        placed = _placed(markup, match)
    lost = markup is not None and placed is None
    same = match.kind in (MatchKind.CONTEXT, MatchKind.EXACT) and match.quality >= EXACT
    return Filling(
        text=f"{before}{text}{after}",
        markup=None if placed is None else f"{before}{placed}{after}",
        match=match,
        review=lost or not same or match.suggestion is not None,
        tags_lost=lost,
        by_meaning=by_meaning,
    )


def _placed(markup: str, match: Match) -> str | None:
    try:
        placed = with_tags_of(markup, match.source_markup, match.target_markup)
        if placed is not None:
            markup_text(placed)
    except MalformedError:  # pairs that would overlap
        return None
    return None if placed is None else placed.strip()
