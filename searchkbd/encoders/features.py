"""Features of Kabardian text: words and character n-grams as 64-bit numbers, without a vocabulary.

A Kabardian word form is often seen once, so what it shares with others (n-grams) carries its
meaning. The numbers depend on the text alone: not on the process, the platform or the batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from searchkbd.text.forms import loose_key

VERSION = "1"
"""Changes whenever a text may get other features: weights are bound to it."""

NGRAMS = (2, 3, 4, 5)
"""Lengths of the n-grams, each by one longer than the one before."""
MAX_CHARS = 4096
"""Characters of a text that are read; what follows does not count."""

_TOKEN = re.compile(r"\w+|\?")

# What the short way of ``model_keys`` rests on: see there.
_PLAIN = re.compile("[А-яЁёӀӏIiІіl0-9 \u00a0.,:;?!\"'()«»“”„‘’—–…-]*")
_UNPLAIN_BANG = re.compile(r"[IilІіӀӏ1]!|!\w")
_PLAIN_PALOCHKA = re.compile(
    r"(?<=[а-яё])(?:[ilі](?!\w)|[ilі1](?=[а-яё]))|(?<!\w)[ilі](?=[а-яё])|ӏ"
)
_LOOKALIKE = re.compile("[ilі1]")

_SPACE = 32
_BASE = np.uint64(0x100000001B3)
_WORD_SALT = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Features:
    """Features of several texts: those of text *i* are ``ids[offsets[i]:offsets[i + 1]]``."""

    ids: NDArray[np.uint64]
    offsets: NDArray[np.int64]


def model_key(text: str) -> str:
    """Return the form of a Kabardian text that the student reads: its words, single-spaced.

    The loose key, so that every spelling of the palochka, and its absence, gives one form. Of
    the punctuation only the question mark stays, since it is often all that makes a question.
    """
    return " ".join(_TOKEN.findall(loose_key(text[:MAX_CHARS])))


def model_keys(texts: Sequence[str]) -> list[str]:
    """Return ``model_key`` of each of *texts*, several times faster when they are many.

    Most texts have no other characters than Russian letters, spellings of the palochka, digits
    and plain punctuation. Of the rules of ``loose_key`` few can apply to them, each within a
    word, so all of them together are folded at once, a line a text. A text in which a look-alike
    is left after that (a number, say) goes the long way, and so does any other text.
    """
    whole = [text[:MAX_CHARS] for text in texts]
    plain = [_is_plain(text) for text in whole]
    joined = "\n".join(compress(whole, plain)).casefold()
    folded = iter(_PLAIN_PALOCHKA.sub("", joined).replace("ё", "е").split("\n"))
    keys = []
    for text, short in zip(whole, plain, strict=True):
        line = next(folded) if short else None
        if line is None or _LOOKALIKE.search(line):
            line = loose_key(text)
        keys.append(" ".join(_TOKEN.findall(line)))
    return keys


def _is_plain(text: str) -> bool:
    # An exclamation mark that ends a word and is beside no look-alike is never a palochka.
    return bool(_PLAIN.fullmatch(text)) and not ("!" in text and _UNPLAIN_BANG.search(text))


@dataclass(frozen=True)
class Words:
    """The different words of several texts.

    Text *i* has the words ``ids[offsets[i]:offsets[i + 1]]``, places in ``words``.
    """

    words: list[str]
    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]


def split_words(keys: Sequence[str]) -> Words:
    """Return the words of texts, given as their model keys."""
    place: dict[str, int] = {}
    ids = [place.setdefault(word, len(place)) for key in keys for word in key.split()]
    counts = [len(key.split()) for key in keys]
    return Words(
        list(place),
        np.array(ids, dtype=np.int64),
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
    )


def text_features(texts: Sequence[str]) -> Features:
    """Return the features of *texts*: each word, and each 2- to 5-gram of a word in its spaces."""
    return key_features(model_keys(texts))


def key_features(keys: Sequence[str]) -> Features:
    """Return the features of model keys, of texts or of single words.

    Those of a text are those of its words taken together. A key's words come before its n-grams.
    """
    # One array of code points for the whole batch; a double space ends a text.
    joined = " " + "  ".join(keys) + " "
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = codes.astype(np.uint64)
    owner = np.repeat(np.arange(len(keys)), [len(key) + 2 for key in keys])
    space = codes == _SPACE
    values, starts = _words(codes, space)
    found, at = [values ^ _WORD_SALT], [starts]
    for n, values, starts in _ngrams(codes, space):
        found.append(values + np.uint64(n))
        at.append(starts)
    owners = owner[np.concatenate(at)]
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(keys))
    return Features(
        _mix(np.concatenate(found))[order],
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
    )


def _ngrams(
    codes: NDArray[np.uint64], space: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.uint64], NDArray[np.intp]]]:
    """Yield for each length the values of the n-grams inside a word and where they start.

    An n-gram has at most the space before and the space after the word.
    """
    values, letter = codes, ~space
    inside = letter[:-1] | letter[1:]
    for n in NGRAMS:
        # Each n-gram is the one shorter by a character, and that character.
        values = values[:-1] * _BASE + codes[n - 1 :]
        if n > NGRAMS[0]:
            between = letter[n - 2 : len(letter) - 1]
            inside = between if n == 3 else inside[:-1] & between
        starts = np.flatnonzero(inside)
        yield n, values[starts], starts


def _words(
    codes: NDArray[np.uint64], space: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Return the values of the words and where they start."""
    letters = np.flatnonzero(~space)
    if not len(letters):
        return np.empty(0, np.uint64), np.empty(0, np.intp)
    # There is a space before the first letter and after the last.
    starts = np.flatnonzero(space[:-1] > space[1:]) + 1
    sizes = np.flatnonzero(space[:-1] < space[1:]) + 1 - starts
    begins = np.cumsum(sizes) - sizes
    powers = np.full(int(sizes.max()), _BASE)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    places = np.arange(len(letters)) - np.repeat(begins, sizes)
    return np.add.reduceat(codes[letters] * powers[places], begins), starts


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalizer of SplitMix64 (Steele, Lea and Flood 2014): spreads every bit over all others."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))
