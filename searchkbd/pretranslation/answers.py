"""Asking the memory for the segments of a file: each different segment once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searchkbd.memory.match import Lookup, Match
from searchkbd.memory.query import MIN_SIMILARITY, LookupOptions, Query
from searchkbd.pretranslation.statistics import FLOOR
from searchkbd.pretranslation.units import Segment

if TYPE_CHECKING:
    from searchkbd.index.codes import Recall

MAX_REMEMBERED = 50_000
"""Different segments among which repetitions are noticed: bounds memory (some 150 MB)."""

LookUp = Callable[[Sequence[Query], str, LookupOptions], Sequence[Lookup]]
"""Look queries in a language up: ``look_up(queries, source_lang, options)``."""


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """What may be put into a file.

    *min_quality*: least quality of a match by edits, not below the analysis' floor; *semantic*:
    whether to take the nearest in meaning (of *min_similarity* or more) where there is none;
    *penalties*, *pivots* and *recall* are as of LookupOptions.
    """

    min_quality: int = 85
    semantic: bool = False
    min_similarity: float = MIN_SIMILARITY
    penalties: tuple[tuple[str, int], ...] = ()
    pivots: tuple[str, ...] | None = None
    recall: Recall | str = "balanced"


@dataclass(frozen=True, slots=True)
class Answer:
    """The best match by edits of a quality worth counting, and the match to put in.

    *repeated* says that the file had the same segment before.
    """

    best: Match | None
    chosen: Match | None
    by_meaning: bool = False
    repeated: bool = False


class Memory:
    """Answers segments, and remembers what it has answered."""

    def __init__(self, look_up: LookUp, options: MemoryOptions) -> None:
        self._look_up = look_up
        self._options = options
        self._by_edits = LookupOptions(
            k=1, min_quality=FLOOR, penalties=options.penalties, pivots=options.pivots,
            semantic=False, parts=False, step_down=False,
        )  # fmt: skip
        self._by_meaning = replace(
            self._by_edits, min_quality=options.min_quality, semantic=True,
            min_similarity=options.min_similarity, recall=options.recall,
        )  # fmt: skip
        self._known: dict[tuple[str, str | None], Answer] = {}

    def answers(self, segments: Sequence[Segment]) -> list[Answer]:
        """Return an answer for each of *segments*, all in one language, in their order.

        A segment that was there before gets the same answer again. Only one that is in the memory
        as it stands is looked up once more, since it may be there in this very context.
        """
        keys = [(s.sentence.text, s.sentence.markup) for s in segments]
        new: dict[tuple[str, str | None], Segment] = {}
        repeated = []
        for key, segment in zip(keys, segments, strict=True):
            repeated.append(key in self._known or key in new)
            if not repeated[-1]:
                new[key] = segment
        fresh = dict(zip(new, self._look_up_all(list(new.values())), strict=True))
        found = [
            replace(fresh.get(key) or self._known[key], repeated=again)
            for key, again in zip(keys, repeated, strict=True)
        ]
        self._remember(fresh)
        places = [
            at for at, answer in enumerate(found)
            if answer.repeated and answer.best is not None and answer.best.score.same
            and segments[at].has_context
        ]
        again = self._matches([segments[at] for at in places], self._by_edits)
        for at, match in zip(places, again, strict=True):
            found[at] = replace(found[at], best=match, chosen=self._worth(match))
        return found

    def _look_up_all(self, segments: Sequence[Segment]) -> list[Answer]:
        best = self._matches(segments, self._by_edits)
        answers = [Answer(match, self._worth(match)) for match in best]
        if self._options.semantic:
            rest = [at for at, answer in enumerate(answers) if answer.chosen is None]
            near = self._matches([segments[at] for at in rest], self._by_meaning)
            for at, match in zip(rest, near, strict=True):
                answers[at] = replace(answers[at], chosen=match, by_meaning=True)
        return answers

    def _matches(
        self, segments: Sequence[Segment], options: LookupOptions
    ) -> list[Match | None]:
        if not segments:
            return []
        queries = [segment.query for segment in segments]
        lookups = self._look_up(queries, segments[0].sentence.lang, options)
        return [lookup.matches[0] if lookup.matches else None for lookup in lookups]

    def _worth(self, match: Match | None) -> Match | None:
        return match if match and match.quality >= self._options.min_quality else None

    def _remember(self, answers: dict[tuple[str, str | None], Answer]) -> None:
        self._known |= answers
        while len(self._known) > MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
