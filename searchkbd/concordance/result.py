"""What a concordance search returns: counts at once, lines when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import cached_property
from itertools import accumulate, islice
from typing import Any

from numpy.typing import NDArray

from searchkbd.concordance.match import Matches
from searchkbd.errors import IndexDamagedError
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.index.tokens import Tokens
from searchkbd.search.hit import Translation
from searchkbd.text.spans import word_spans

MAX_GAP = 100
"""Words that a star may stand for at most."""

_BATCH = 100  # lines read at a time


class Order(str, Enum):
    """What lines are ordered by: the words before the match (the nearest first), those after it,
    the match itself, or nothing, which is the order of the index."""

    NONE = "none"
    LEFT = "left"
    RIGHT = "right"
    MATCH = "match"


@dataclass(frozen=True, slots=True)
class Options:
    """How to search; see :meth:`searchkbd.api.Index.concordance`.

    Raises ValueError for what cannot be had, or not together.
    """

    langs: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    gap: int = 5
    exact: bool = False
    loose: bool = False
    order: Order = Order.NONE
    only_translated: bool = False
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.gap <= MAX_GAP:
            raise ValueError(f"a gap of {self.gap} words; it must be from 0 to {MAX_GAP}")
        if self.exact and self.loose:
            raise ValueError("exact and loose: say either that spelling counts or that it does not")


@dataclass(frozen=True, slots=True)
class Line:
    """An occurrence in its sentence: ``text[start:end]`` is the match."""

    id: str
    lang: str
    text: str
    start: int
    end: int
    group: str
    origin: str
    translations: tuple[Translation, ...]

    @property
    def left(self) -> str:
        return self.text[: self.start]

    @property
    def match(self) -> str:
        return self.text[self.start : self.end]

    @property
    def right(self) -> str:
        return self.text[self.end :]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of a line of ``searchkbd concordance --json`` (docs/json.md)."""
        return {
            "id": self.id,
            "lang": self.lang,
            "left": self.left,
            "match": self.match,
            "right": self.right,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "group": self.group,
            "origin": self.origin,
            "translations": [asdict(translation) for translation in self.translations],
        }


@dataclass(frozen=True, slots=True)
class FileMatches:
    """The occurrences in one text file; ``rows`` are those of its sentences in the index."""

    lang: str
    rows: NDArray
    tokens: Tokens
    matches: Matches


@dataclass(frozen=True)
class Concordance:
    """Every occurrence of a pattern, counted. The index must still be open when lines are read.

    ``first`` are the numbers of the first occurrences in the order wanted, if there is one.
    """

    pattern: str
    options: Options
    reader: IndexReader = field(repr=False)
    files: tuple[FileMatches, ...] = field(repr=False)
    first: tuple[int, ...] = field(repr=False)

    @property
    def occurrences(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def sentences(self) -> int:
        """How many sentences they are in."""
        return sum(self.languages.values())

    @cached_property
    def languages(self) -> dict[str, int]:
        """In how many sentences of each language, most first."""
        counts: dict[str, int] = {}
        for file in self.files:
            counts[file.lang] = counts.get(file.lang, 0) + file.matches.count_sentences()
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def partly_sorted(self) -> bool:
        """Whether only some of the occurrences were put in order: the first lines."""
        return 0 < len(self.first) < self.occurrences

    def lines(self, limit: int | None = 20, offset: int = 0) -> Iterator[Line]:
        """Yield up to *limit* lines (None: all) after the first *offset*, read in batches."""
        stop = self.occurrences if limit is None else min(self.occurrences, offset + limit)
        numbers = iter(range(offset, stop))
        while batch := list(islice(numbers, _BATCH)):
            with self.reader.damage_reported():
                lines = list(self._read(batch))
            yield from lines

    def to_dict(self, limit: int | None = 20, offset: int = 0) -> dict[str, Any]:
        """Return the shape of ``searchkbd concordance --json`` (docs/json.md)."""
        return {
            "pattern": self.pattern,
            "lang": list(self.options.langs),
            "to": list(self.options.to),
            "occurrences": self.occurrences,
            "sentences": self.sentences,
            "lines": [line.to_dict() for line in self.lines(limit, offset)],
        }

    def _read(self, numbers: Sequence[int]) -> Iterator[Line]:
        places = [self._place(number) for number in numbers]
        rows = [int(file.rows[file.matches.sentences[at]]) for file, at in places]
        stored = self.reader.sentences(dict.fromkeys(rows))
        groups = self.reader.groups({sentence.group_row for sentence in stored.values()})
        for (file, at), row in zip(places, rows, strict=True):
            sentence = stored[row]
            yield _line(sentence, groups[sentence.group_row], file, at, self.options.to)

    def _place(self, number: int) -> tuple[FileMatches, int]:
        """The file of an occurrence and its place there, by its number in the order."""
        if number < len(self.first):
            number = self.first[number]
        at = bisect_right(self._ends, number)
        return self.files[at], number - (self._ends[at - 1] if at else 0)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(file.matches) for file in self.files))


def _line(
    sentence: StoredSentence,
    group: Iterable[StoredSentence],
    file: FileMatches,
    at: int,
    to: Sequence[str],
) -> Line:
    matches = file.matches
    begin = int(file.tokens.starts[matches.sentences[at]])
    first, last = int(matches.starts[at]) - begin, int(matches.ends[at]) - begin - 1
    spans = word_spans(sentence.text)
    if last >= len(spans):
        raise IndexDamagedError(
            f"sentence {sentence.id} has other words than its text file says; see searchkbd "
            "verify, then rebuild the index with --replace"
        )
    others = [other for other in group if other.row != sentence.row]
    if to:
        others = sorted(
            (other for other in others if other.lang in to),
            key=lambda other: to.index(other.lang),
        )
    return Line(
        id=sentence.id,
        lang=sentence.lang,
        text=sentence.text,
        start=spans[first][0],
        end=spans[last][1],
        group=sentence.group,
        origin=sentence.origin,
        translations=tuple(
            Translation(other.id, other.lang, other.text, other.origin) for other in others
        ),
    )
