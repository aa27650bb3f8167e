"""The words of a text file, in order: what a concordance is made from.

A text file (searchkbd.index.texts) holds the sentences of one segment. Of their search
keys it keeps, under names that begin with ``tokens.``:

* the **vocabulary**: every different word, sorted, and the order of the words read backwards, so
  that beginnings and endings are both found by bisection;
* the **loose vocabulary**: the same for the loose forms (without palochka, searchkbd.text.forms)
  of the words that have another one;
* the **stream**: the numbers of the words of all sentences, one after the other, and the sentence
  that each stands in;
* the **postings**: where in the stream each word of the vocabulary stands.

All are plain arrays that are read where they lie, memory-mapped.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.text.forms import loosen, words

Ids = NDArray[np.int64]
"""Numbers of words, ascending, each once."""

_SEPARATOR = b"\n"  # stands in no word
_PAST_PREFIX = b"\xff"  # greater than any byte of UTF-8
_SPARSE = 16
"""Positions are sorted when they are fewer than one in so many words, else marked and read off."""


def build(keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the sentences with these search keys, in this order."""
    return build_words([words(key) for key in keys])


def build_words(sentences: Sequence[Sequence[str]]) -> dict[str, NDArray[Any]]:
    """Return the arrays of sentences that are already taken apart into words."""
    vocabulary = sorted(set(chain.from_iterable(sentences)))
    number = {word: at for at, word in enumerate(vocabulary)}
    lengths = np.fromiter(map(len, sentences), dtype=np.int64, count=len(sentences))
    stream = np.fromiter(
        map(number.__getitem__, chain.from_iterable(sentences)),
        dtype=_unsigned(len(vocabulary)),
        count=int(lengths.sum()),
    )
    counts = np.bincount(stream, minlength=len(vocabulary))
    loose = sorted(
        (form, at) for at, word in enumerate(vocabulary) if (form := loosen(word)) != word
    )
    return {
        **_pack("tokens.words", vocabulary),
        **_pack("tokens.loose", [form for form, _ in loose]),
        "tokens.loose.ids": np.array([at for _, at in loose], dtype=np.uint32),
        "tokens.stream": stream,
        "tokens.sentences": np.repeat(
            np.arange(len(sentences), dtype=_unsigned(len(sentences))), lengths
        ),
        "tokens.starts": _offsets(lengths),
        "tokens.postings": np.argsort(stream, kind="stable").astype(np.uint32),
        "tokens.postings.offsets": _offsets(counts),
    }


def _pack(name: str, forms: list[str]) -> dict[str, NDArray[Any]]:
    encoded = [form.encode("utf-8", "surrogatepass") for form in forms]
    return {
        name: np.frombuffer(
            b"".join(form + _SEPARATOR for form in encoded), dtype=np.uint8
        ),
        f"{name}.offsets": _offsets([len(form) + 1 for form in encoded]),
        f"{name}.backwards": np.array(
            sorted(range(len(encoded)), key=lambda at: encoded[at][::-1]), dtype=np.uint32
        ),
    }


def _offsets(lengths: Sequence[int] | NDArray[Any]) -> NDArray[np.uint32]:
    out = np.zeros(len(lengths) + 1, dtype=np.uint32)
    np.cumsum(lengths, out=out[1:])
    return out


def _unsigned(count: int) -> type[np.unsignedinteger]:
    return np.uint16 if count <= 1 << 16 else np.uint32


class Vocabulary:
    """Sorted words packed into one array of bytes."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str) -> None:
        self._bytes = arrays[name]
        self._offsets = arrays[f"{name}.offsets"]
        self._backwards = arrays[f"{name}.backwards"]
        self._view = memoryview(self._bytes)

    def __len__(self) -> int:
        return len(self._backwards)

    def word(self, at: int) -> bytes:
        """Return the word of this number."""
        return bytes(self._view[int(self._offsets[at]) : int(self._offsets[at + 1]) - 1])

    def matching(self, parts: Sequence[bytes]) -> Ids:
        """Return the words that consist of *parts*, in this order, with anything between.

        One part is the whole word; the first and the last of several begin and end it and may be
        empty.
        """
        if len(parts) == 1:
            # Several words can have one loose form.
            low = bisect_left(range(len(self)), parts[0], key=self.word)
            return np.arange(low, bisect_right(range(len(self)), parts[0], low, key=self.word))
        prefix, *middle, suffix = parts
        low, high = self._beginning(prefix)
        if suffix:
            ids = self._ending(suffix)
            ids = np.sort(ids[(ids >= low) & (ids < high)])
        else:
            ids = np.arange(low, high)
        for part in middle:
            if part:
                ids = ids[self._holding(part)[ids]]
        # A beginning and an ending must not share letters: "abab" is not ab*bab.
        lengths = self._offsets[ids + 1].astype(np.int64) - self._offsets[ids] - 1
        ids = ids[lengths >= sum(map(len, parts))]
        if any(middle) and sum(map(bool, parts)) > 1:
            keep = [_in_order(self.word(at), parts) for at in ids.tolist()]
            ids = ids[np.array(keep, dtype=bool)]
        return ids

    def _beginning(self, prefix: bytes) -> tuple[int, int]:
        low = bisect_left(range(len(self)), prefix, key=self.word)
        return low, bisect_left(range(len(self)), prefix + _PAST_PREFIX, low, key=self.word)

    def _ending(self, suffix: bytes) -> Ids:
        def backwards(at: int) -> bytes:
            return self.word(int(self._backwards[at]))[::-1]

        prefix = suffix[::-1]
        low = bisect_left(range(len(self)), prefix, key=backwards)
        high = bisect_left(range(len(self)), prefix + _PAST_PREFIX, low, key=backwards)
        return self._backwards[low:high].astype(np.int64)

    def _holding(self, part: bytes) -> NDArray[np.bool_]:
        """Which words have *part* in them, bool [words]."""
        held = np.zeros(len(self), dtype=bool)
        last = len(self._bytes) - len(part) + 1
        if last <= 0:
            return held
        # Letters of one script share their first bytes: the last byte tells most.
        at = np.flatnonzero(self._bytes[len(part) - 1 :] == part[-1])
        for back, byte in enumerate(part[:-1]):
            at = at[self._bytes[at + back] == byte]
        held[np.searchsorted(self._offsets, at.astype(np.uint32), side="right") - 1] = True
        return held


def _in_order(word: bytes, parts: Sequence[bytes]) -> bool:
    prefix, *middle, suffix = parts
    at = len(prefix)
    for part in middle:
        at = word.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= len(word) - len(suffix)


class Tokens:
    """The words of one text file, read from its arrays (see :func:`build`)."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.vocabulary = Vocabulary(arrays, "tokens.words")
        self.stream = arrays["tokens.stream"]
        """The number of every word, [words]."""
        self.sentences = arrays["tokens.sentences"]
        """The sentence that every word stands in, [words]: a place in ``TextFile.rows``."""
        self.starts = arrays["tokens.starts"]
        """Where each sentence begins in the stream, [sentences + 1]."""
        self._arrays = arrays
        self._postings = arrays["tokens.postings"]
        self._offsets = arrays["tokens.postings.offsets"]

    def terms(self, parts: Sequence[str], *, loose: bool = False) -> Ids:
        """Return the words that consist of *parts* (see :meth:`Vocabulary.matching`).

        *parts* are parts of a search key. When *loose*, a missing palochka is forgiven, on either
        side, and accents are.
        """
        if not loose:
            return self.vocabulary.matching(_encoded(parts))
        wanted = _encoded([loosen(part) for part in parts])
        if not any(wanted):
            return np.empty(0, dtype=np.int64)
        other = Vocabulary(self._arrays, "tokens.loose").matching(wanted)
        ids = self._arrays["tokens.loose.ids"][other].astype(np.int64)
        return np.union1d(self.vocabulary.matching(wanted), ids)

    def count(self, ids: Ids) -> int:
        """Return how often these words stand in the stream, taken together."""
        return int((self._offsets[ids + 1].astype(np.int64) - self._offsets[ids]).sum())

    def positions(self, ids: Ids) -> NDArray[np.int64]:
        """Return where in the stream these words stand, ascending."""
        if len(ids) == 1:
            at = int(ids[0])
            return self._postings[self._offsets[at] : self._offsets[at + 1]].astype(np.int64)
        begins = self._offsets[ids].astype(np.int64)
        lengths = self._offsets[ids + 1].astype(np.int64) - begins
        total = int(lengths.sum())
        if total * _SPARSE > len(self.stream):
            return np.flatnonzero(self.among(ids)[self.stream])
        # The places of all their postings: each run of numbers begins where its word's do.
        runs = np.arange(total) + np.repeat(begins - np.cumsum(lengths) + lengths, lengths)
        return np.sort(self._postings[runs].astype(np.int64))

    def among(self, ids: Ids) -> NDArray[np.bool_]:
        """Return a table that says of each word whether it is one of these, bool [vocabulary]."""
        table = np.zeros(len(self.vocabulary), dtype=bool)
        table[ids] = True
        return table

    def words(self, start: int, end: int) -> tuple[str, ...]:
        """Return the words of the stream from *start* to before *end*."""
        return tuple(
            self.vocabulary.word(at).decode("utf-8", "surrogatepass")
            for at in self.stream[start:end].tolist()
        )


def _encoded(parts: Sequence[str]) -> list[bytes]:
    return [part.encode("utf-8", "surrogatepass") for part in parts]
