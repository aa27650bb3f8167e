"""What a concordance looks for: words, parts of words, and what may stand between them.

The elements of a pattern are separated by white space::

    word           that word, in any case and any spelling of the palochka
    за*  *ть  *лэ* за*ть    a word that begins, ends, goes on so
    хотел|хочет    one or the other
    ?              exactly one word, whatever it is
    *              up to a number of words, or none (the gap)

Punctuation does not count, and a hyphen separates words as it does in search keys: ``что-то`` is
two words that follow each other, ``*-то`` a word and ``то``.

A bar between Kabardian letters may be a palochka: ``щ|алэ``. It is taken for one when the
search key of the word has a palochka there and the index has such a word; otherwise it separates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from searchkbd.text.forms import PALOCHKA, is_cyrillic, stored_form
from searchkbd.text.spans import align

MAX_ELEMENTS = 32
MAX_CHARS = 1000
MAX_STARS = 4
"""In one word."""

Parts = tuple[str, ...]
"""A word cut at its stars: one part is the whole word; of several, the first and last may be
empty (see searchkbd.index.tokens.Vocabulary.matching)."""

_WORD = re.compile(r"[\w*]+")
_SPACED_BAR = re.compile(r"\s+\|\s+")
# A Cyrillic letter of an alphabet given up in 1930 (Komi) that stands for a star while a word is
# folded: what follows a digit or a bar tells whether it is a palochka.
_STAR = "\u0501"


class PatternError(ValueError):
    """A pattern that cannot be looked for."""


@dataclass(frozen=True, slots=True)
class Word:
    """One way in which an element can be met with.

    ``key`` is compared with search keys, ``written`` with the text as it stands.
    """

    key: Parts
    written: Parts


@dataclass(frozen=True, slots=True)
class Block:
    """Words at fixed distances.

    ``words[i]`` (any of those) stands ``offsets[i]`` words after the first; ``least`` to ``most``
    words stand between the end of the block before and this one.
    """

    words: tuple[tuple[Word, ...], ...]
    offsets: tuple[int, ...]
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """Blocks in order; ``before`` and ``after`` words of any kind belong to the match too."""

    text: str
    blocks: tuple[Block, ...]
    before: int
    after: int


def parse_pattern(
    text: str, *, gap: int = 5, known: Callable[[Parts], bool] = lambda parts: False
) -> Pattern:
    """Read a pattern in which ``*`` stands for up to *gap* words.

    *known* says whether the index has a word of this key, which decides whether a bar is a
    palochka. Raises PatternError when nothing can be looked for, or too much.
    """
    text = stored_form(text)
    if len(text) > MAX_CHARS:
        raise PatternError(f"the pattern has {len(text)} characters, {MAX_CHARS} are the most")
    elements: list[str | tuple[Word, ...]] = []
    for token in _SPACED_BAR.sub("|", text).split():
        elements += _elements(token, known)
        if len(elements) > MAX_ELEMENTS:
            raise PatternError(
                f"the pattern has more than {MAX_ELEMENTS} words and wildcards; "
                "look for a part of it"
            )
    if not any(isinstance(element, tuple) for element in elements):
        raise PatternError(
            f"{text!r} has no word to look for; write a word, or a part of one as in за*"
        )
    return _pattern(text, elements, gap)


def _pattern(text: str, elements: Sequence[str | tuple[Word, ...]], gap: int) -> Pattern:
    blocks: list[Block] = []
    words: list[tuple[Word, ...]] = []
    offsets: list[int] = []
    before = least = most = between = 0
    starred = False
    for element in elements:
        if element == "?":
            between += 1
        elif element == "*":
            starred = True
        else:
            if not words:
                # Gaps at the ends match no word as well as any: they are nothing.
                before = between
            elif starred:
                blocks.append(Block(tuple(words), tuple(offsets), least, most))
                words, offsets = [], []
                least, most = between, between + gap
            words.append(element)
            offsets.append(offsets[-1] + 1 + between if offsets else 0)
            between, starred = 0, False
    blocks.append(Block(tuple(words), tuple(offsets), least, most))
    return Pattern(text, tuple(blocks), before, between)


def _elements(token: str, known: Callable[[Parts], bool]) -> list[str | tuple[Word, ...]]:
    """The elements of a *token* without white space: several where it has hyphens."""
    if token == "?" or not token.strip("*"):
        return [token[0]]
    alternatives = [_words(part) for part in token.split("|")]
    if len(alternatives) > 1:
        folded, bars = _fold_bars(token)
        if bars and all(known(word.key) for words in folded for word in words):
            alternatives = folded
    alternatives = [words for words in alternatives if words]
    if len(alternatives) <= 1:
        return [element for words in alternatives for element in map(_element, words)]
    if any(len(words) > 1 for words in alternatives):
        raise PatternError(f"{token!r}: what a bar separates must be single words")
    if any(not any(word.key) for (word,) in alternatives):
        return ["?"]
    return [tuple(word for (word,) in alternatives)]


def _element(word: Word) -> str | tuple[Word, ...]:
    # A star that a hyphen left alone is one word.
    return (word,) if any(word.key) else "?"


def _fold_bars(token: str) -> tuple[list[list[Word]], bool]:
    """Read *token* as one word, in which bars may be palochkas: alternatives, and whether."""
    key, written = _read(token)
    pieces: list[list[Word]] = [[]]
    for match in re.finditer(r"[\w*]+|\|", key):
        if match.group() == "|":
            pieces.append([])
        else:
            pieces[-1].append(_word(key, written, match))
    bars = any(
        char == PALOCHKA and letters == "|" for char, letters in zip(key, written, strict=True)
    )
    return [piece for piece in pieces if piece], bars


def _words(part: str) -> list[Word]:
    key, written = _read(part)
    return [_word(key, written, match) for match in _WORD.finditer(key)]


def _word(key: str, written: Sequence[str], match: re.Match[str]) -> Word:
    start, end = match.span()
    if match.group().count("*") > MAX_STARS:
        raise PatternError(f"{match.group()!r}: {MAX_STARS} stars in a word are the most")
    return Word(_cut(match.group()), _cut("".join(written[start:end])))


def _read(part: str) -> tuple[str, list[str]]:
    """Return the search key of a part of a pattern and, for each of its characters, what is
    written there."""
    cyrillic = any(map(is_cyrillic, part))
    key, spans = align(part.replace("*", _STAR) if cyrillic else part)
    end = 0
    written = []
    for start, stop in spans:
        # Two characters of a key may come from one of the text (ß): it is written once.
        written.append(part[max(start, end) : stop])
        end = stop
    return key.replace(_STAR, "*"), written


def _cut(word: str) -> Parts:
    return tuple(re.split(r"\*+", word))
