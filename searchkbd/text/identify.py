"""Which language is this: the five, Adyghe, or another one.

A linear classifier over hashed character n-grams (orders 1 to 5) and whole words, that is
multinomial logistic regression whose table is stored as 8-bit integers. ``training/lid.py``
makes the table; ``resources/lid.card.md`` says from what, and how well it does.

The text is read through its search key, so case and the spelling of the palochka do not matter;
only the Turkish dotless ``ı``, which search keys fold away, is kept apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from searchkbd.text.forms import PALOCHKA, search_key
from searchkbd.text.languages import LANGUAGES

CLASSES: tuple[str, ...] = (*LANGUAGES, "ady", "other")
"""The possible answers, in the order of the table's columns."""

MAX_CHARS = 2000
"""A longer text is identified by its first characters."""

MAX_ORDER = 5
"""The longest character n-gram; a blank stands for the edge of a word and counts as one."""

_TABLE_FILE = Path(__file__).resolve().parents[1] / "resources" / "lid.npz"
_TEXTS_AT_ONCE = 2048
# Features of a text of about three words.
_SHORT = 80

# The dotless i travels through the search key as a private-use character.
_DOTLESS = "\ue000"
_CYRILLIC = re.compile("[\u0400-\u052f]")

# Codes of characters: 0 breaks words; letters of the six known alphabets have one each; all
# further letters share one a script, so that an alphabet never seen in training is still foreign.
_BREAK, _FOREIGN_LATIN, _FOREIGN_CYRILLIC, _FOREIGN_OTHER, _FIRST_LETTER = 0, 1, 2, 3, 4
_LETTERS = (
    "'abcdefghijklmnopqrstuvwxyz"
    "àâæçèéêëîïôœùûüÿ"
    "ğöş" + _DOTLESS + "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" + PALOCHKA
)
_TABLE_END = 0x2000
_EDGE = _FIRST_LETTER + len(_LETTERS)

# Odd 64-bit constants: the golden ratio (Knuth, TAOCP 3, 6.4) and the finaliser of SplitMix64
# (Steele, Lea, Flood 2014); the third is the base of the hash of whole words.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_WORD_BASE = 0x100000001B3

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Identification:
    """The likeliest of :data:`CLASSES` for a text and its probability, in [0, 1]."""

    lang: str
    confidence: float


@dataclass(frozen=True, eq=False)
class Table:
    """A trained classifier.

    ``weights``: int8 [buckets, classes], buckets a power of two; ``scale``: float32 [classes],
    what one step of a weight is worth; ``bias``: float32 [classes]; ``prior``: float32 [classes],
    log-odds added to short texts, which are mostly queries in the five languages.
    """

    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    prior: NDArray[np.float32]

    def __post_init__(self) -> None:
        buckets = self.weights.shape[0] if self.weights.ndim == 2 else 0
        if self.weights.dtype != np.int8 or self.weights.shape != (buckets, len(CLASSES)):
            raise ValueError(f"weights must be int8 [buckets, {len(CLASSES)}]")
        if not 2 <= buckets <= 1 << 24 or buckets & (buckets - 1):
            raise ValueError(f"the number of buckets must be a power of two, not {buckets}")
        for row in (self.scale, self.bias, self.prior):
            if row.dtype != np.float32 or row.shape != (len(CLASSES),):
                raise ValueError(f"scale, bias and prior must be float32 [{len(CLASSES)}]")


def identify(text: str) -> Identification:
    """Return the language of *text*; ``("other", 0.0)`` when it has no letter."""
    return identify_batch([text])[0]


def identify_batch(texts: Sequence[str]) -> list[Identification]:
    """Return the language of each text, the same as :func:`identify` gives one by one."""
    return decide(probabilities(texts, default_table()))


def decide(probs: NDArray[np.float64]) -> list[Identification]:
    """Return the likeliest class of each row of *probs* [n, classes]."""
    best = probs.argmax(axis=1)
    top = probs[np.arange(len(best)), best]
    return [
        Identification(CLASSES[index] if value else "other", value)
        for index, value in zip(best.tolist(), top.tolist(), strict=True)
    ]


def probabilities(texts: Sequence[str], table: Table) -> NDArray[np.float64]:
    """Return float64 [n, classes], rows summing to one; a text without letters gets zeros."""
    probs = np.zeros((len(texts), len(CLASSES)))
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        chunk = [read(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
        probs[start : start + len(chunk)] = _probabilities(chunk, table)
    return probs


@cache
def default_table() -> Table:
    """Return the table that comes with the package, loaded once."""
    with _TABLE_FILE.open("rb") as file:
        return load_table(file)


def load_table(file: BinaryIO) -> Table:
    """Read a table written by ``numpy.savez``; raises ValueError when it is not one."""
    with np.load(file, allow_pickle=False) as arrays:
        try:
            return Table(arrays["weights"], arrays["scale"], arrays["bias"], arrays["prior"])
        except KeyError as error:
            raise ValueError(f"not a language identification table: {error}") from None


def read(text: str) -> str:
    """Return what the classifier sees of *text*: its search key, with Turkish ``ı`` kept."""
    text = text[:MAX_CHARS]
    if ("\u0131" in text or "\u0130" in text) and not _CYRILLIC.search(text):
        # Next to Cyrillic it is a palochka lower-cased by Turkish rules, which the key folds.
        text = text.replace("\u0130", "i").replace("\u0131", _DOTLESS)
    return search_key(text)


def features(readings: Sequence[str], buckets: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield (text numbers ascending, bucket numbers), int64, for each kind of feature.

    *readings* come from :func:`read`; *buckets* is a power of two.
    """
    if not readings:
        return
    codes, owner = _codes(readings)
    shift = np.uint64(64 - (buckets.bit_length() - 1))
    edge = codes == _EDGE
    packed = codes.astype(np.uint64)
    grams = packed
    inside = np.ones(len(codes), dtype=bool)
    for order in range(1, MAX_ORDER + 1):
        if order > 1:
            # An n-gram is its codes side by side, a byte each: no two of them are equal.
            grams = (grams[:-1] << np.uint64(8)) | packed[order - 1 :]
        if order == 1:
            keep = ~edge
        elif order == 2:
            keep = ~(edge[:-1] & edge[1:])
            inside = inside[:-1]
        else:
            # Edges may stand at the ends of an n-gram only, which also keeps texts apart.
            keep = inside = inside[:-1] & ~edge[order - 2 : -1]
        yield owner[: len(grams)][keep], _bucket(grams[keep], shift)
    starts = np.flatnonzero(edge[:-1] & ~edge[1:])
    yield owner[starts + 1], _bucket(_word_hashes(packed, edge, starts), shift)


def _word_hashes(
    packed: NDArray[np.uint64], edge: NDArray[np.bool_], starts: Ids
) -> NDArray[np.uint64]:
    """Polynomial hashes of the words that follow the edges at *starts*, modulo 2**64."""
    stops = np.flatnonzero(~edge[:-1] & edge[1:]) + 1
    place = np.arange(len(packed)) - np.repeat(
        np.append(0, starts), np.diff(np.concatenate(([0], starts, [len(packed)])))
    )
    powers = np.ones(int(place.max()) + 1, dtype=np.uint64)
    powers[1:] = np.uint64(_WORD_BASE)
    powers = np.multiply.accumulate(powers)
    sums = np.append(np.uint64(0), np.cumsum(packed * powers[place], dtype=np.uint64))
    return sums[stops] - sums[starts + 1]


def _bucket(keys: NDArray[np.uint64], shift: np.uint64) -> Ids:
    mixed = keys * _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    return (mixed >> shift).astype(np.int64)


def _codes(readings: Sequence[str]) -> tuple[NDArray[np.uint8], Ids]:
    """Return the codes of all texts end to end and the text of each.

    Each text begins and ends with an edge; edges within a text are single.
    """
    joined = "".join(f"\n{reading} " for reading in readings)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    codes = np.full(len(points), _FOREIGN_OTHER, dtype=np.uint8)
    low = points < _TABLE_END
    codes[low] = _code_table()[points[low]]
    # General punctuation to arrows, CJK punctuation, surrogates, emoji and beyond.
    signs = (points >= 0x2000) & (points < 0x2C00) | (points >= 0x3000) & (points < 0x3040)
    codes[signs | (points >= 0xD800) & (points < 0xE000) | (points >= 0x1F000)] = _BREAK
    codes[points == 0xE000] = _FIRST_LETTER + _LETTERS.index(_DOTLESS)
    codes[codes == _BREAK] = _EDGE
    owner = np.cumsum(points == 10) - 1
    edge = codes == _EDGE
    keep = np.append(True, ~(edge[1:] & edge[:-1] & (owner[1:] == owner[:-1])))
    return codes[keep], owner[keep]


@cache
def _code_table() -> NDArray[np.uint8]:
    table = np.zeros(_TABLE_END, dtype=np.uint8)
    for point in range(_TABLE_END):
        if unicodedata.category(chr(point))[0] in "LM":
            if point < 0x370 or 0x1E00 <= point < 0x1F00:
                table[point] = _FOREIGN_LATIN
            elif 0x400 <= point < 0x530:
                table[point] = _FOREIGN_CYRILLIC
            else:
                table[point] = _FOREIGN_OTHER
    for number, letter in enumerate(_LETTERS, start=_FIRST_LETTER):
        if letter != _DOTLESS:
            table[ord(letter)] = number
    return table


def _probabilities(readings: Sequence[str], table: Table) -> NDArray[np.float64]:
    # Sums of integers are exact in any order: hence one answer, alone or in a batch.
    sums = np.zeros((len(readings), len(CLASSES)), dtype=np.int64)
    counts = np.zeros(len(readings), dtype=np.int64)
    for owners, ids in features(readings, len(table.weights)):
        if not len(ids):
            continue
        firsts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
        texts = owners[firsts]
        sums[texts] += np.add.reduceat(table.weights[ids], firsts, axis=0, dtype=np.int32)
        counts[texts] += np.diff(np.append(firsts, len(ids)))
    return softmax(sums, counts, table)


def softmax(
    sums: NDArray[np.int64], counts: NDArray[np.int64], table: Table
) -> NDArray[np.float64]:
    """Return the probabilities of texts with *counts* features that sum up to *sums*.

    Sums are divided by the square root of the count: more evidence makes surer, but n-grams of
    one word are not independent. The prior fades beyond the length of a short query.
    """
    some = counts > 0
    counted = counts[some][:, None]
    logits = sums[some] * table.scale / np.sqrt(counted) + table.bias
    logits += table.prior * np.minimum(1.0, _SHORT / counted) ** 2
    logits -= logits.max(axis=1, keepdims=True)
    exps = np.exp(logits)
    probs = np.zeros((len(counts), len(CLASSES)))
    probs[some] = exps / exps.sum(axis=1, keepdims=True)
    return probs
