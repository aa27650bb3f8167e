"""Translation units: what stands for these source sentences in the target language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.memory.penalties import INDIRECT, Penalties, pivot_penalty, unit_penalty
from searchkbd.memory.quality import Term

PREFERRED_PIVOTS = ("ru", "en")
"""Languages gone through before all others: those that most is translated from."""

MAX_TWINS = 50
"""Groups that one pivot sentence is looked for in."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A source sentence and a translation of it, with what the way there costs.

    *path* are all sentences from source to target where a third language lies between, else
    empty.
    """

    source: StoredSentence
    target: StoredSentence
    penalties: tuple[Term, ...]
    path: tuple[StoredSentence, ...] = ()

    @property
    def penalty(self) -> int:
        return sum(term.points for term in self.penalties)


class UnitFinder:
    """Finds the units of source sentences in one index, for one pair of languages.

    *pivots* are as of LookupOptions.
    """

    def __init__(
        self,
        reader: IndexReader,
        source_lang: str,
        target_lang: str,
        penalties: Penalties = (),
        pivots: Sequence[str] | None = None,
    ) -> None:
        self._reader = reader
        self._ends = (source_lang, target_lang)
        self._target_lang = target_lang
        self._penalties = penalties
        self._pivots = pivots
        self._may_pivot = (pivots is None or len(pivots) > 0) and (
            target_lang in reader.sentences_per_language
        )
        self._beyond: dict[tuple[str, str], list[tuple[StoredSentence, StoredSentence]]] = {}

    def units(self, rows: Iterable[int]) -> list[Unit]:
        """Return the units whose source is one of *rows*, in their order."""
        rows = list(rows)
        sources = self._reader.sentences(rows)
        groups = self._reader.groups({source.group_row for source in sources.values()})
        found: list[Unit] = []
        for row in rows:
            source = sources[row]
            members = groups[source.group_row]
            targets = [m for m in members if m.lang == self._target_lang]
            if targets:
                found += (self._direct(source, target) for target in targets)
            elif self._may_pivot:
                found += self._through_pivot(source, members)
        return found

    def _direct(self, source: StoredSentence, target: StoredSentence) -> Unit:
        terms = [unit_penalty([source, target], self._penalties)]
        if not _linked(source, target):
            terms.append(Term("indirect", INDIRECT))
        return Unit(source, target, _terms(terms))

    def _through_pivot(
        self, source: StoredSentence, members: Sequence[StoredSentence]
    ) -> Iterable[Unit]:
        """Return units through the first pivot language by which there are any.

        A member of the source's group is the same sentence as a member of another group, which
        has a translation. Each target is given once, by the way that costs least.
        """
        for lang in self._pivot_languages(members):
            best: dict[str, Unit] = {}
            for near in members:
                if near.lang != lang:
                    continue
                for far, target in self._targets_beyond(near):
                    unit = self._pivoted(source, near, far, target)
                    known = best.get(target.key)
                    if known is None or unit.penalty < known.penalty:
                        best[target.key] = unit
            if best:
                return best.values()
        return ()

    def _pivot_languages(self, members: Sequence[StoredSentence]) -> Iterator[str]:
        present = dict.fromkeys(m.lang for m in members if m.lang not in self._ends)
        wanted = self._pivots
        if wanted is None:
            wanted = dict.fromkeys([*PREFERRED_PIVOTS, *present])
        return (lang for lang in wanted if lang in present)

    def _targets_beyond(
        self, near: StoredSentence
    ) -> list[tuple[StoredSentence, StoredSentence]]:
        """Return (the same sentence in another group, a target in that group)."""
        place = near.lang, near.key
        if place not in self._beyond:
            twins = self._reader.with_key(near.key, near.lang, beside=self._target_lang)
            twins = twins[:MAX_TWINS]
            groups = self._reader.groups({twin.group_row for twin in twins})
            self._beyond[place] = [
                (twin, target)
                for twin in twins
                for target in groups[twin.group_row]
                if target.lang == self._target_lang
            ]
        return self._beyond[place]

    def _pivoted(
        self,
        source: StoredSentence,
        near: StoredSentence,
        far: StoredSentence,
        target: StoredSentence,
    ) -> Unit:
        terms = [
            pivot_penalty(self._penalties),
            unit_penalty([source, near], self._penalties),
            unit_penalty([far, target], self._penalties),
        ]
        terms += (
            Term("indirect", INDIRECT)
            for one, other in ((source, near), (far, target))
            if not _linked(one, other)
        )
        return Unit(source, target, _terms(terms), (source, near, far, target))


def _terms(found: Iterable[Term | None]) -> tuple[Term, ...]:
    return tuple(term for term in found if term)


def _linked(one: StoredSentence, other: StoredSentence) -> bool:
    """Return False for two Tatoeba sentences that are in one group by way of others only."""
    links, back = _links(one), _links(other)
    if links is None or back is None:
        return True
    return _tatoeba_id(other) in links or _tatoeba_id(one) in back


def _links(sentence: StoredSentence) -> set[str] | None:
    tatoeba = sentence.meta.get("tatoeba")
    if not isinstance(tatoeba, dict) or not isinstance(tatoeba.get("links"), list):
        return None
    return {str(link) for link in tatoeba["links"]}


def _tatoeba_id(sentence: StoredSentence) -> str:
    return sentence.id.rpartition(":")[2]
