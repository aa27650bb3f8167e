"""Finding all texts a few edits away, without comparing with each of them.

For every base form (searchkbd.text.segment) a text file keeps two bit sets, its **sketch**:

* letters: characters in 32 classes, each class counted in unary (``0111`` is 3), so that the
  number of differing bits of two sketches is the L1 distance of their (capped) counts;
* grams: one bit for each pair of neighbouring characters and its number of occurrence, hashed.

An insertion or deletion changes one letter count by one and takes away and brings at most three
grams; a substitution, two and four. Capping and hash collisions only ever bring sketches nearer.
So of two texts *d* edits apart whose lengths differ by *δ*, of which at least *δ* are insertions
or deletions, letters differ in at most ``2d − δ`` bits and grams in at most ``4d − δ``: the bag
distance of Bartolini, Ciaccia and Patella (SPIRE 2002, "String Matching with Metric Trees Using an
Approximate Distance") and the q-gram lemma of Ukkonen (1992, "Approximate string-matching with
q-grams and maximal matches"), with counts. What passes both is compared in full, so nothing is
missed and nothing is found wrongly.

Rows lie in the order of their length, since texts of very different length need no look; sketches
get wider with the length of the text, in classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.hashing import key_hash

BOUNDS = (24, 48, 96, 192)
"""Longest base form, in characters, of each class but the last."""

_CLASSES = len(BOUNDS) + 1
_LETTER_CLASSES = 32
_BLOCK = 2048  # texts sketched at a time: 8 MB of unpacked bits in the widest class
_EPSILON = 1e-9


class Sketched(Protocol):
    """What is searched: a text file, its row numbers and the arrays that ``build`` made.

    ``live``, bool [n], says which of its rows are still there; None: all of them.
    """

    rows: NDArray[np.int64]
    live: NDArray[np.bool_] | None
    arrays: Mapping[str, NDArray]


@dataclass(frozen=True, slots=True)
class Similar:
    """A row of ``sentences`` whose base form, *length* characters, is *edits* edits away."""

    row: int
    edits: int
    length: int


def build(bases: Sequence[str]) -> dict[str, NDArray]:
    """Return the arrays that a text file keeps of these base forms, which are in its order."""
    lengths = np.array([len(base) for base in bases], dtype=np.uint32)
    order = np.argsort(lengths, kind="stable").astype(np.uint32)
    lengths = lengths[order]
    ordered = [bases[at] for at in order.tolist()]
    encoded = [base.encode("utf-8", "surrogatepass") for base in ordered]
    starts = np.zeros(len(bases) + 1, dtype=np.uint32)
    np.cumsum([len(part) for part in encoded], out=starts[1:])
    hashes = np.array([key_hash(base) for base in ordered], dtype=np.int64)
    by_hash = np.argsort(hashes, kind="stable").astype(np.uint32)
    bounds = _class_bounds(lengths)
    arrays: dict[str, NDArray] = {
        "fuzzy.order": order,
        "fuzzy.lengths": lengths,
        "fuzzy.starts": starts,
        "fuzzy.text": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "fuzzy.hashes": hashes[by_hash],
        "fuzzy.by_hash": by_hash,
    }
    for number in range(_CLASSES):
        first, last = bounds[number], bounds[number + 1]
        if first == last:
            continue
        blocks = [
            _sketch(ordered[at : min(at + _BLOCK, last)], number)
            for at in range(first, last, _BLOCK)
        ]
        # Letters word by word, since all of a range are read; grams text by text.
        arrays[f"fuzzy.letters{number}"] = np.concatenate([b[0] for b in blocks]).T.copy()
        arrays[f"fuzzy.grams{number}"] = np.concatenate([b[1] for b in blocks])
    return arrays


def similar(files: Sequence[Sketched], base: str, least: float = 0.7) -> list[Similar]:
    """Return every row of *files* whose base form is like *base*, fewest edits first.

    Alike are two base forms if 1 − edits / length of the longer is at least *least* (above 0),
    where edits is the Levenshtein distance.
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    if not base:
        return []
    sketches: dict[int, tuple[NDArray, NDArray]] = {}
    rows: list[int] = []
    lengths: list[int] = []
    texts: list[str] = []
    for file in files:
        places = _living(file, _passing(file.arrays, base, least, sketches))
        if len(places):
            rows += file.rows[file.arrays["fuzzy.order"][places]].tolist()
            lengths += file.arrays["fuzzy.lengths"][places].tolist()
            texts += _texts(file.arrays, places)
    if not texts:
        return []
    allowed = _allowed(np.array(lengths, dtype=np.int64), len(base), least)
    edits = cdist(
        [base], texts, scorer=Levenshtein.distance, score_cutoff=int(allowed.max()), dtype=np.int32
    )[0]
    found = np.flatnonzero(edits <= allowed)
    alike = [Similar(rows[at], int(edits[at]), lengths[at]) for at in found.tolist()]
    size = len(base)
    return sorted(alike, key=lambda s: (s.edits / max(s.length, size), s.row))


def same_base(files: Sequence[Sketched], bases: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows whose base form is one of *bases*, by base form; none, no entry."""
    distinct = list(dict.fromkeys(bases))
    wanted = np.array([key_hash(base) for base in distinct], dtype=np.int64)
    found: dict[str, list[int]] = {}
    for file in files:
        hashes = file.arrays["fuzzy.hashes"]
        first = np.searchsorted(hashes, wanted, side="left")
        last = np.searchsorted(hashes, wanted, side="right")
        for at in np.flatnonzero(last > first).tolist():
            places = _living(file, np.sort(file.arrays["fuzzy.by_hash"][first[at] : last[at]]))
            same = [
                place
                for place, text in zip(places.tolist(), _texts(file.arrays, places), strict=True)
                if text == distinct[at]
            ]
            if same:
                rows = file.rows[file.arrays["fuzzy.order"][same]]
                found.setdefault(distinct[at], []).extend(rows.tolist())
    return found


def _living(file: Sketched, places: NDArray) -> NDArray:
    """Return those of *places*, in the order of length, whose rows are still there."""
    if file.live is None:
        return places
    return places[file.live[file.arrays["fuzzy.order"][places]]]


def _passing(
    arrays: Mapping[str, NDArray],
    base: str,
    least: float,
    sketches: dict[int, tuple[NDArray, NDArray]],
) -> NDArray[np.int64]:
    """Return the places, in the order of length, that the lower bounds do not rule out."""
    size = len(base)
    lengths = arrays["fuzzy.lengths"]
    shortest = int(np.ceil(least * size - _EPSILON))
    longest = int(size / least + _EPSILON)
    low, high = _places(lengths, (shortest, longest + 1), "left")
    bounds = _class_bounds(lengths)
    passing = []
    for number in range(_CLASSES):
        first, last = max(low, bounds[number]), min(high, bounds[number + 1])
        if first >= last:
            continue
        if number not in sketches:
            letters, grams = _sketch([base], number)
            sketches[number] = letters[0], grams[0]
        letters, grams = sketches[number]
        near = lengths[first:last]
        # Both limits depend on the length alone: worked out once a length.
        each = np.arange(near[0], int(near[-1]) + 1)
        allowed, apart = _allowed(each, size, least), np.abs(each - size)
        which = near - near[0]
        at = slice(first - bounds[number], last - bounds[number])
        differing = _differing(arrays[f"fuzzy.letters{number}"], letters, at)
        ok = np.flatnonzero(differing <= _capped(2 * allowed - apart)[which])
        if len(ok):
            rest = arrays[f"fuzzy.grams{number}"][at.start + ok] ^ grams
            counts = np.bitwise_count(rest).sum(axis=1, dtype=np.uint16)
            ok = ok[counts <= _capped(4 * allowed - apart)[which[ok]]]
            passing.append(ok + first)
    return np.concatenate(passing) if passing else np.empty(0, dtype=np.int64)


def _allowed(lengths: NDArray, size: int, least: float) -> NDArray[np.int64]:
    """Return how many edits a text of each length may be away from one of *size* characters."""
    return ((1 - least) * np.maximum(lengths, size) + _EPSILON).astype(np.int64)


def _capped(limits: NDArray[np.int64]) -> NDArray[np.uint16]:
    return np.minimum(limits, 65_535).astype(np.uint16)  # no sketch has so many bits


def _differing(words: NDArray[np.uint64], sketch: NDArray[np.uint64], at: slice) -> NDArray:
    """Return uint16 [n]: in how many bits each column of *words* differs from *sketch*."""
    total = np.bitwise_count(words[0, at] ^ sketch[0]).astype(np.uint16)
    for number in range(1, len(sketch)):
        total += np.bitwise_count(words[number, at] ^ sketch[number])
    return total


def _class_bounds(lengths: NDArray[np.uint32]) -> list[int]:
    """Return where each class of *lengths*, which ascend, begins, and where the last ends."""
    return [0, *_places(lengths, BOUNDS, "right"), len(lengths)]


def _places(lengths: NDArray[np.uint32], values: Sequence[int], side: str) -> list[int]:
    # Of the same type: else numpy converts all of the lengths first.
    return np.searchsorted(lengths, np.array(values, dtype=lengths.dtype), side=side).tolist()


def _texts(arrays: Mapping[str, NDArray], places: NDArray | list[int]) -> list[str]:
    starts = arrays["fuzzy.starts"]
    places = np.asarray(places, dtype=np.int64)
    text = arrays["fuzzy.text"].data
    return [
        str(text[first:last], "utf-8", "surrogatepass")
        for first, last in zip(starts[places].tolist(), starts[places + 1].tolist(), strict=True)
    ]


def _sketch(texts: Sequence[str], number: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the sketches of *texts* in the width of class *number*: uint64 [n, words] each."""
    letter_bits, gram_bits = 128 << number, 256 << number
    count = len(texts)
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(joined, dtype=np.uint32).astype(np.uint64)
    text_of = np.repeat(np.arange(count), [len(text) for text in texts])
    # The last five bits tell apart the letters of each of our alphabets; the space is put with ц
    # and f, which are rare.
    classes = np.where(points == 0x20, 6, points & 31).astype(np.int64)
    counts = np.bincount(
        text_of * _LETTER_CLASSES + classes, minlength=count * _LETTER_CLASSES
    ).reshape(count, _LETTER_CLASSES)
    unary = counts[:, :, None] > np.arange(letter_bits // _LETTER_CLASSES)
    letters = np.packbits(unary.reshape(count, letter_bits), axis=1).view(np.uint64)

    bits = np.zeros((count, gram_bits), dtype=bool)
    inside = text_of[:-1] == text_of[1:]
    owners = text_of[:-1][inside]
    pairs = ((points[:-1] << np.uint64(21)) | points[1:])[inside]
    hashed = _hashed(pairs + _occurrences(owners, pairs) * np.uint64(0x9E3779B97F4A7C15))
    bits[owners, (hashed % np.uint64(gram_bits)).astype(np.int64)] = True
    return letters, np.packbits(bits, axis=1).view(np.uint64)


def _occurrences(owners: NDArray[np.int64], pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return for each pair how many times its owner had it before."""
    order = np.lexsort((pairs, owners))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(owners[order]) != 0) | (pairs[order][1:] != pairs[order][:-1])
    places = np.arange(len(order))
    first = np.maximum.accumulate(np.where(new, places, 0))
    numbers = np.empty(len(order), dtype=np.uint64)
    numbers[order] = places - first
    return numbers


def _hashed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a mix of all bits: the finaliser of MurmurHash3 (Appleby, public domain)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))
