"""Files of parallel text: the sentences of a file, paired by group, one set a language pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import UNDETERMINED, CorpusError, Reject, Sentence
from searchkbd.mining.units import language_order


@dataclass(frozen=True, slots=True)
class Side:
    """The texts of one language, and the translation group that each belongs to."""

    lang: str
    texts: tuple[str, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.groups):
            raise ValueError(f"{len(self.texts)} texts but {len(self.groups)} groups")


@dataclass(frozen=True, slots=True)
class PairSet:
    """Parallel text in two languages; every group has a text on both sides."""

    name: str
    sides: tuple[Side, Side]

    @classmethod
    def from_texts(
        cls, name: str, langs: tuple[str, str], left: Sequence[str], right: Sequence[str]
    ) -> PairSet:
        """Return the set whose pairs are the texts of the same place in *left* and *right*."""
        if len(left) != len(right):
            raise ValueError(f"{len(left)} texts to the left but {len(right)} to the right")
        groups = tuple(map(str, range(len(left))))
        a, b = langs
        return cls(name, (Side(a, tuple(left), groups), Side(b, tuple(right), groups)))

    @property
    def langs(self) -> tuple[str, str]:
        """The two language codes."""
        return self.sides[0].lang, self.sides[1].lang


@dataclass(frozen=True, slots=True)
class PairFile:
    """What a file gave: a set for each pair of its languages, and what is in none of them."""

    name: str
    sets: tuple[PairSet, ...]
    sentences: int
    unpaired: int
    """Sentences without a translation in the file, or of no known language."""


def read_pairs(
    path: str | Path,
    options: ReadOptions | None = None,
    *,
    name: str | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> PairFile:
    """Return the parallel text of a file of any format that ``read_corpus`` reads.

    Sentences of one group in two languages are translations of each other. *name* is what the
    file is called in results, its path by default. *on_reject* gets what could not be used,
    *progress* the lines read so far.

    Raises CorpusError when the file cannot be read or holds no pair.
    """
    name = name or shown(str(path))
    groups: dict[str, list[Sentence]] = {}
    for item in read_corpus(path, options):
        if isinstance(item, Reject):
            if on_reject:
                on_reject(item)
        else:
            groups.setdefault(item.group, []).append(item)
            if progress:
                progress(item.source.line)
    langs: Counter[str] = Counter()
    sides: dict[tuple[str, str], tuple[list[Sentence], list[Sentence]]] = {}
    unpaired = 0
    for sentences in groups.values():
        langs.update(sentence.lang for sentence in sentences)
        by_lang: dict[str, list[Sentence]] = {}
        for sentence in sentences:
            if sentence.lang != UNDETERMINED:
                by_lang.setdefault(sentence.lang, []).append(sentence)
        paired = sum(map(len, by_lang.values())) if len(by_lang) > 1 else 0
        unpaired += len(sentences) - paired
        for a, b in combinations(sorted(by_lang, key=language_order), 2):
            left, right = sides.setdefault((a, b), ([], []))
            left.extend(by_lang[a])
            right.extend(by_lang[b])
    if not sides:
        raise CorpusError(_no_pairs(name, langs))
    sets = tuple(
        PairSet(name, (_side(a, sides[a, b][0]), _side(b, sides[a, b][1])))
        for a, b in sorted(sides, key=lambda pair: tuple(map(language_order, pair)))
    )
    return PairFile(name, sets, langs.total(), unpaired)


def _side(lang: str, sentences: list[Sentence]) -> Side:
    return Side(lang, tuple(s.text for s in sentences), tuple(s.group for s in sentences))


def _no_pairs(name: str, langs: Counter[str]) -> str:
    if not langs:
        return f"{name}: no sentences, so no pairs to measure"
    found = ", ".join(f"{lang} {count:,}" for lang, count in langs.most_common())
    if len(langs) == 1:
        return (
            f"{name}: no pairs to measure, all sentences are in one language ({found}); "
            "give each sentence its translation, in the same row or with the same group"
        )
    return (
        f"{name}: no pairs to measure, no group has sentences in two known languages ({found}); "
        "translations must stand in one row or share their group"
    )
