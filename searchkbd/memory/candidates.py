"""Candidates: units scored for a segment, and the matches made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from searchkbd.index.hashing import key_hash
from searchkbd.index.reader import StoredSentence
from searchkbd.memory.diff import word_diff
from searchkbd.memory.match import Match, MatchKind, Part, Step
from searchkbd.memory.numbers import with_numbers_of
from searchkbd.memory.quality import Score, compare
from searchkbd.memory.query import Query
from searchkbd.memory.units import Unit
from searchkbd.text.forms import search_key
from searchkbd.text.segment import Segment, read_segment

_ORDER = {kind: at for at, kind in enumerate(MatchKind)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query taken apart; make it with :func:`read_query`."""

    query: Query
    segment: Segment
    tags: tuple[str, ...]
    previous_hash: int | None
    next_hash: int | None

    @property
    def has_context(self) -> bool:
        """Whether a match can be a context match at all."""
        known = (self.query.context, self.previous_hash, self.next_hash)
        return any(each is not None for each in known)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit, scored; *part* is set where it is not the whole texts that are compared."""

    unit: Unit
    score: Score
    part: Part | None = None

    @property
    def quality(self) -> int:
        return self.score.quality

    @property
    def kind(self) -> MatchKind:
        """The kind that this is by its edits."""
        if self.part:
            return MatchKind.PART
        if self.unit.path:
            return MatchKind.PIVOT
        if self.score.context:
            return MatchKind.CONTEXT
        return MatchKind.EXACT if self.score.same else MatchKind.FUZZY


def read_query(query: Query) -> Asked:
    """Take *query* apart.

    Raises :class:`~searchkbd.corpus.xml_parse.MalformedError` when its markup is not well-formed.
    """
    return Asked(
        query,
        read_segment(query.text),
        _tags(query.markup),
        _hash(query.previous),
        _hash(query.next),
    )


def scored(asked: Asked, units: Iterable[Unit]) -> list[Candidate]:
    """Return *units* as candidates for *asked*."""
    scores: dict[int, Score] = {}
    found = []
    for unit in units:
        source = unit.source
        score = scores.get(source.row)
        if score is None:
            score = scores[source.row] = compare(
                asked.segment,
                read_segment(source.text),
                segment_tags=asked.tags,
                source_tags=_tags(source.markup),
            )
        context = _same_context(asked, unit) if score.same and not unit.path else None
        found.append(Candidate(unit, replace(score, penalties=unit.penalties, context=context)))
    return found


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort by quality, then kind, the newest translation first among equals."""
    newest = sorted(candidates, key=lambda c: c.unit.target.date, reverse=True)
    return sorted(newest, key=lambda c: (-c.quality, _ORDER[c.kind]))


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the first candidate of each target text."""
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        kept.setdefault(candidate.unit.target.key, candidate)
    return list(kept.values())


def match(
    asked: Asked,
    candidate: Candidate,
    *,
    rank: int,
    kind: MatchKind,
    similarity: float | None,
    below: bool,
) -> Match:
    """Return *candidate* as it is given to the user."""
    unit, part = candidate.unit, candidate.part
    source, target = unit.source, unit.target
    text, segment = source.text, asked.segment
    if part:
        text, segment = text[slice(*part.source)], read_segment(segment.text[slice(*part.segment)])
    whole_source = part is None or part.source == (0, len(source.text))
    return Match(
        rank=rank,
        quality=candidate.quality,
        similarity=similarity,
        kind=kind,
        source=source.text,
        target=target.text,
        source_id=source.id,
        target_id=target.id,
        origin=target.origin,
        source_origin=source.origin,
        suggestion=with_numbers_of(segment, read_segment(text), target.text)
        if whole_source
        else None,
        source_markup=source.markup,
        target_markup=target.markup,
        source_date=source.date,
        target_date=target.date,
        score=candidate.score,
        diff=word_diff(text, segment.text),
        path=tuple(Step(each.lang, each.id, each.text) for each in unit.path),
        part=part,
        below=below,
    )


def _tags(markup: str | None) -> tuple[str, ...]:
    if not markup:
        return ()
    from searchkbd.corpus.inline import tags

    return tags(markup)


def _hash(neighbour: str | None) -> int | None:
    return None if neighbour is None else key_hash(search_key(neighbour))


def _same_context(asked: Asked, unit: Unit) -> str | None:
    key = asked.query.context
    if key is not None and key in (unit.source.context, unit.target.context):
        return "key"
    return "neighbours" if _same_neighbours(asked, unit.source) else None


def _same_neighbours(asked: Asked, source: StoredSentence) -> bool:
    """Return whether a neighbour is known on both sides, and every one that is is the same."""
    known = [
        (ours, theirs)
        for ours, theirs in (
            (asked.previous_hash, source.previous_hash),
            (asked.next_hash, source.next_hash),
        )
        if ours is not None and theirs is not None
    ]
    return bool(known) and all(ours == theirs for ours, theirs in known)
