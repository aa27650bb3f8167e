"""A model of an index, the operations on it, and whether a directory holds what the model says.

Shared by the tests of this folder and by scripts/crash.py.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np

from searchkbd import api
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexNotFoundError
from searchkbd.index import codes, compaction, hubness, segments, writer
from searchkbd.index.codes import Recall
from searchkbd.index.coding import NothingToTuneError, tune_index
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from searchkbd.resources import PHRASEBOOK
from searchkbd.search.engine import search
from searchkbd.search.hit import SearchMode
from searchkbd.text.forms import search_key, words
from tests.conftest import TrigramEncoder

LANGS = ("kbd", "ru", "en", "tr", "fr")

SMALL = (
    (segments, "SEGMENT_ROWS", 40),
    (codes, "CODES_ROWS", 60),
    (codes, "IVF_ROWS", 110),
    (hubness, "MIN_ROWS", 64),
    (hubness, "GROWTH", 1.2),
    (writer, "ENCODE_BATCH", 16),
    (compaction, "DEAD_SHARE", 0.2),
)
"""Limits so low that a few hundred sentences take every path that millions take."""

State = dict[str, tuple[str, str]]
"""Id → language and text of every sentence."""


class Wrong(AssertionError):
    """A directory does not hold what it should."""


@cache
def _vocabulary() -> dict[str, list[str]]:
    """Words of every language that are long enough to be told apart."""
    found: dict[str, set[str]] = {lang: set() for lang in LANGS}
    for sentence in read_corpus(PHRASEBOOK, ReadOptions()):
        found[sentence.lang] |= {word for word in words(search_key(sentence.text)) if len(word) > 3}
    return {lang: sorted(every) for lang, every in found.items()}


def new_sentences(
    rng: random.Random, numbers: Iterator[int], how_many: int, langs: Sequence[str] = LANGS
) -> list[Sentence]:
    """Return sentences that are like no other; three of different languages make a group."""
    made = []
    for _ in range(how_many):
        number = next(numbers)
        lang = langs[number % len(langs)]
        text = " ".join(rng.sample(_vocabulary()[lang], 5))
        made.append(
            Sentence(f"s{number}", lang, text, f"g{number // 3}", "o", None, Place("t", number))
        )
    return made


def state_of(sentences: Sequence[Sentence]) -> State:
    """Return what an index of these sentences holds."""
    return {sentence.id: (sentence.lang, sentence.text) for sentence in sentences}


@dataclass(frozen=True)
class Operation:
    """What is done to a directory, and what is in it then."""

    name: str
    run: Callable[[Path], object]
    after: State


class World:
    """Draws operations; what they need of chance is settled when they are drawn."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.encoder = TrigramEncoder()
        self.numbers = count()

    def draw(self, state: State) -> Operation:
        """Return an operation that makes sense on *state* and keeps it from growing for ever."""
        names = ["add", "add", "delete", "edit", "replace", "compact", "tune"]
        if len(state) > 450:
            names = ["delete", "delete", "edit", "replace", "compact", "tune"]
        elif len(state) < 150:
            names = ["add"]
        return self.make(self.rng.choice(names) if state else "build", state)

    def make(self, name: str, state: State) -> Operation:
        """Return the operation of this *name* on *state*."""
        return getattr(self, f"_{name}")(state)

    def _build(self, state: State) -> Operation:
        new = self._new(150, 250)
        return Operation("build", lambda d: build_index(d, new, self.encoder), state_of(new))

    def _add(self, state: State) -> Operation:
        new = self._new(3, 90)
        return Operation(
            "add",
            lambda d: build_index(d, new, self.encoder, mode=Mode.ADD),
            {**state, **state_of(new)},
        )

    def _replace(self, state: State) -> Operation:
        new = self._new(150, 250)
        return Operation(
            "replace",
            lambda d: build_index(d, new, self.encoder, mode=Mode.REPLACE),
            state_of(new),
        )

    def _delete(self, state: State) -> Operation:
        doomed = self.rng.sample(sorted(state), self.rng.randint(1, min(80, len(state) - 1)))
        after = {id: said for id, said in state.items() if id not in set(doomed)}
        return Operation("delete", lambda d: delete_rows(d, doomed), after)

    def _edit(self, state: State) -> Operation:
        id = self.rng.choice(sorted(state))
        lang = state[id][0]
        text = new_sentences(self.rng, self.numbers, 1, [lang])[0].text
        return Operation(
            "edit",
            lambda d: edit_sentence(d, id, self.encoder, text=text),
            {**state, id: (lang, text)},
        )

    def _compact(self, state: State) -> Operation:
        return Operation("compact", compact, state)

    def _tune(self, state: State) -> Operation:
        def run(directory: Path) -> None:
            with contextlib.suppress(NothingToTuneError):
                tune_index(directory, 0.9, 20)

        return Operation("tune", run, state)

    def _new(self, least: int, most: int) -> list[Sentence]:
        # Two languages get most, so that these have codes and inverted lists.
        langs = [*LANGS, "kbd", "ru", "kbd", "ru", "kbd", "ru"]
        return new_sentences(self.rng, self.numbers, self.rng.randint(least, most), langs)


def stored(directory: Path) -> State:
    """Return what an index holds, by its rows; nothing where there is no index (yet)."""
    try:
        with IndexReader(directory) as reader:
            found = [(s.id, (s.lang, s.text)) for s in reader.iterate()]
    except IndexNotFoundError:
        return {}
    if len(dict(found)) != len(found):
        raise Wrong("an id is there twice")
    return dict(found)


def check(directory: Path, allowed: Sequence[State], rng: random.Random) -> State:
    """Return which of the *allowed* states the directory holds, all of it and nothing else.

    Raises Wrong as ``check_content`` does, and for searches that do not find a sentence that is
    there, or find one that is not.
    """
    found = check_content(directory, allowed)
    if not found:
        return found
    wanted = rng.sample(sorted(found), min(3, len(found)))
    gone = [said for state in allowed for id, said in state.items() if said != found.get(id)]
    with api.open_index(directory, TrigramEncoder()) as index:
        if sum(index.languages.values()) != len(found):
            raise Wrong("the languages have another number of sentences")
        for id in wanted:
            _check_searches(index, found, *found[id], there=True)
            _check_concordance(index, found, *found[id])
        for said in rng.sample(gone, min(2, len(gone))):
            _check_searches(index, found, *said, there=False)
    return found


def check_content(directory: Path, allowed: Sequence[State]) -> State:
    """Return which of the *allowed* states the directory holds.

    Raises Wrong for none of them, and for an index that is not sound.
    """
    found = stored(directory)
    if found not in allowed:
        raise Wrong(f"holds none of the states: {_difference(found, allowed)}")
    if found and not (result := verify_index(directory)).ok:
        raise Wrong(f"not sound: {result.problems}")
    return found


def check_vectors(directory: Path) -> None:
    """Raise Wrong unless every sentence has the vector of its text."""
    with IndexReader(directory) as reader:
        sentences = list(reader.iterate())
        wanted = TrigramEncoder().encode([s.text for s in sentences])
        found = reader.vectors([s.row for s in sentences])
    if not np.allclose(found, wanted, atol=1e-3):
        raise Wrong("a vector is not that of its sentence")


def _difference(found: State, allowed: Sequence[State]) -> str:
    sizes = [len(state) for state in allowed]
    parts = [
        f"{len(state.items() - found.items())} lost, {len(found.items() - state.items())} too many"
        for state in allowed
    ]
    return f"{len(found)} sentences, {sizes} allowed ({'; '.join(parts)})"


def _check_searches(index: api.Index, found: State, lang: str, text: str, *, there: bool) -> None:
    for mode, recall in (
        (SearchMode.SEMANTIC, Recall.FAST),
        (SearchMode.SEMANTIC, Recall.EXACT),
        (SearchMode.FUSED, Recall.BALANCED),
        (SearchMode.LEXICAL, Recall.BALANCED),
    ):
        (result,) = search(
            index._reader, index.encoder, [text], [lang], k=5, mode=mode, recall=recall
        )
        said = [(hit.id, (hit.lang, hit.text)) for hit in result.hits]
        said += [(t.id, (t.lang, t.text)) for hit in result.hits for t in hit.translations]
        for id, sentence in said:
            if found.get(id) != sentence:
                raise Wrong(f"{mode.value} {recall.value}: {id} {sentence} is not there")
        first = result.hits[0].text if result.hits else None
        if there != (first == text):
            raise Wrong(f"{mode.value} {recall.value}: {text!r} gives {first!r} first")


def _check_concordance(index: api.Index, found: State, lang: str, text: str) -> None:
    word = words(search_key(text))[0]
    lines = list(index.concordance(word, langs=[lang]).lines(None))
    have = sorted(line.id for line in lines)
    want = sorted(
        id for id, said in found.items() if said[0] == lang and word in words(search_key(said[1]))
    )
    if have != want:
        raise Wrong(f"concordance of {word!r}: {have}, not {want}")
