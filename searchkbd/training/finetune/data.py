"""Pairs of texts to fine-tune on, from corpus files of any format and any two languages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby

import numpy as np

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import UNDETERMINED, CorpusError, Reject, Sentence
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.text.forms import loose_key, search_key

MAX_PAIRS = 20_000_000
"""More are refused: a pair takes some 400 bytes."""

MAX_HELD_OUT = 500
"""Pairs of one language pair that are held out at most."""

_MAX_GROUP = 10_000  # pairs that one group of translations may make
_HELD_OUT_SHARE = 0.05
_LEAST_PAIRS = 40  # of all; fewer leave nothing to measure by


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two texts, as stored, that are translations of each other, and their languages."""

    lang_a: str
    lang_b: str
    text_a: str
    text_b: str

    @property
    def langs(self) -> str:
        """The language pair, in its direction: ``kbd-ru``."""
        return f"{self.lang_a}-{self.lang_b}"

    def turned(self) -> TextPair:
        """Return the pair with its sides exchanged."""
        return TextPair(self.lang_b, self.lang_a, self.text_b, self.text_a)


@dataclass
class PairFiles:
    """What was read: the pairs, and how many were there before (merged)."""

    pairs: list[TextPair] = field(default_factory=list)
    merged: int = 0


@dataclass(frozen=True)
class Chosen:
    """Pairs to train on and to measure by; ``merged`` were there before, ``left_out`` are not
    trained on because they share a text with what is measured by."""

    train: list[TextPair]
    dev: list[TextPair]
    merged: int
    left_out: int


def read_and_choose(
    files: Sequence[str],
    dev: Sequence[str],
    options: ReadOptions,
    seed: int,
    on_reject: Callable[[Reject], None],
) -> Chosen:
    """Read *files* to train on and *dev* to measure by; without *dev* some are held out.

    No text of what is measured by is trained on, on either side. Raises CorpusError when nothing
    is left.
    """
    found = _read(files, options, on_reject)
    if dev:
        measured = _read(dev, options, on_reject).pairs
        train = without(found.pairs, measured)
    else:
        train, measured = hold_out(found.pairs, seed)
    if not train:
        raise CorpusError("no pairs are left to train on: all share a text with those of --dev")
    left_out = len(found.pairs) - len(train) - (0 if dev else len(measured))
    return Chosen(train, measured, found.merged, left_out)


def _read(
    files: Sequence[str], options: ReadOptions, on_reject: Callable[[Reject], None]
) -> PairFiles:
    found = pair_texts(
        (item for file in files for item in read_corpus(file, options)), on_reject
    )
    if not found.pairs:
        raise CorpusError(
            f"no pairs in {', '.join(files)}: needed are texts with their translations, in one row "
            "or one group (for two text columns, say their languages: --langs kbd,ru)"
        )
    return found


def read_text_pairs(
    files: Iterable[str], options: ReadOptions, on_reject: Callable[[Reject], None]
) -> list[TextPair]:
    """Return the pairs of *files*, repeated ones once. See ``pair_texts``."""
    items = (item for file in files for item in read_corpus(file, options))
    return pair_texts(items, on_reject).pairs


def pair_texts(
    items: Iterable[Sentence | Reject], on_reject: Callable[[Reject], None]
) -> PairFiles:
    """Pair the sentences of a row in two languages, in the order in which they stand there.

    Sentences that are alone in their row are paired with those of their group that are so too.
    Rejects among *items*, and sentences that make no pair, go to *on_reject*. Two pairs with the
    same search keys are one, whichever side comes first. Raises CorpusError for more than
    MAX_PAIRS.
    """
    found, seen = PairFiles(), set()
    alone: dict[str, list[Sentence]] = {}
    for row in _rows(items, on_reject):
        if len(row) == 1:
            alone.setdefault(row[0].group, []).append(row[0])
        else:
            _add(found, seen, row, on_reject)
    for group in alone.values():
        _add(found, seen, group, on_reject)
    return found


def _rows(
    items: Iterable[Sentence | Reject], on_reject: Callable[[Reject], None]
) -> Iterator[list[Sentence]]:
    def usable() -> Iterator[Sentence]:
        for item in items:
            if isinstance(item, Reject):
                on_reject(item)
            elif item.lang == UNDETERMINED:
                on_reject(Reject(item.source, "unknown language", item.text))
            else:
                yield item

    for _, row in groupby(usable(), key=lambda item: (item.source, item.group)):
        yield list(row)


def _add(
    found: PairFiles,
    seen: set[bytes],
    sentences: Sequence[Sentence],
    on_reject: Callable[[Reject], None],
) -> None:
    """Add the pairs of *sentences* in two languages to *found*."""
    if len({one.lang for one in sentences}) < 2:
        for one in sentences:
            on_reject(Reject(one.source, "no translation into another language", one.text))
        return
    keys = [f"{one.lang}\0{search_key(one.text)}" for one in sentences]
    made = 0
    for first, second in combinations(range(len(sentences)), 2):
        one, other = sentences[first], sentences[second]
        if one.lang == other.lang:
            continue
        both = "\n".join(sorted((keys[first], keys[second])))
        key = hashlib.blake2b(both.encode(), digest_size=12).digest()
        if key in seen:
            found.merged += 1
            continue
        seen.add(key)
        found.pairs.append(TextPair(one.lang, other.lang, one.text, other.text))
        made += 1
        if made > _MAX_GROUP or len(found.pairs) > MAX_PAIRS:
            raise CorpusError(
                f"{one.source}: the group {one.group!r} makes more than {_MAX_GROUP:,} pairs; "
                "give its texts smaller groups" if made > _MAX_GROUP else
                f"{one.source}: more than {MAX_PAIRS:,} pairs; give fewer files"
            )


def read_texts(
    files: Iterable[str],
    options: ReadOptions,
    langs: Collection[str],
    on_reject: Callable[[Reject], None],
) -> list[tuple[str, str]]:
    """Return language and text of the sentences of *files* that are in *langs*."""
    found = []
    for file in files:
        for item in read_corpus(file, options):
            if isinstance(item, Reject):
                on_reject(item)
            elif item.lang in langs:
                found.append((item.lang, item.text))
    return found


def without(pairs: Iterable[TextPair], dev: Iterable[TextPair]) -> list[TextPair]:
    """Return the *pairs* of which no text is in *dev*, palochkas, case and accents forgiven."""
    measured = {key for pair in dev for key in _keys(pair)}
    return [pair for pair in pairs if measured.isdisjoint(_keys(pair))]


def hold_out(pairs: Sequence[TextPair], seed: int) -> tuple[list[TextPair], list[TextPair]]:
    """Split *pairs* into those to train on and those to measure by.

    A twentieth of each language pair, MAX_HELD_OUT at most, is measured by; what shares a text
    with it is not trained on. The same pairs and seed give the same split. Raises CorpusError
    when there are too few.
    """
    advice = "give development pairs of their own: --dev FILE"
    if len(pairs) < _LEAST_PAIRS:
        raise CorpusError(f"{len(pairs)} pairs are too few to hold some out; {advice}")
    rows: dict[str, list[int]] = {}
    for row, pair in enumerate(pairs):
        rows.setdefault(pair.langs, []).append(row)
    rng = np.random.default_rng([seed, 1])
    chosen: list[int] = []
    for name in sorted(rows):
        count = min(MAX_HELD_OUT, round(_HELD_OUT_SHARE * len(rows[name])))
        chosen += rng.choice(rows[name], count, replace=False).tolist()
    dev = [pairs[row] for row in sorted(chosen)]
    train = without(pairs, dev)
    if len(train) < len(pairs) // 2:
        raise CorpusError(f"nearly all pairs share texts with others; {advice}")
    return train, dev


def in_directions(pairs: Iterable[TextPair], directions: str) -> dict[str, list[TextPair]]:
    """Return the pairs to train on by language pair (``kbd-ru``), anchors first.

    *directions*: ``as-is`` takes each as it stands, ``both`` each as it stands and turned.
    """
    found: dict[str, list[TextPair]] = {}
    for pair in pairs:
        for one in (pair, pair.turned()) if directions == "both" else (pair,):
            found.setdefault(one.langs, []).append(one)
    return dict(sorted(found.items()))


def columns(
    pairs: Iterable[tuple[TextPair, Sequence[str]]], palochka: str | None
) -> dict[str, list[str]]:
    """Return the columns anchor, positive, negative_1, … as a model with *palochka* reads them.

    Each pair comes with its hard negatives, texts in the language of its second text; they are
    as many for all.
    """
    found: dict[str, list[str]] = {"anchor": [], "positive": []}
    for pair, negatives in pairs:
        found["anchor"].append(model_text(pair.text_a, pair.lang_a, palochka))
        found["positive"].append(model_text(pair.text_b, pair.lang_b, palochka))
        for number, text in enumerate(negatives, 1):
            column = found.setdefault(f"negative_{number}", [])
            column.append(model_text(text, pair.lang_b, palochka))
    return found


def digest(pairs: Iterable[TextPair]) -> str:
    """Return the SHA-256 (hex) of *pairs* in their order."""
    total = hashlib.sha256()
    for pair in pairs:
        row = "\0".join((pair.lang_a, pair.lang_b, pair.text_a, pair.text_b, ""))
        total.update(row.encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def _keys(pair: TextPair) -> tuple[tuple[str, str], tuple[str, str]]:
    return (pair.lang_a, loose_key(pair.text_a)), (pair.lang_b, loose_key(pair.text_b))
