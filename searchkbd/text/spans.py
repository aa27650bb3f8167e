"""Where the words of a search key stand in the text that the key was made of.

A key is not the text: the palochka has one spelling, soft hyphens, stress marks and line-wrap
hyphens are gone, white space is single, and folding case can make two letters of one (``ß``). What
is found in keys is shown in texts, so every character of the key is followed back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from searchkbd.text.forms import (
    INVISIBLE,
    LINE_WRAP,
    SPACE,
    STRESS,
    TYPOGRAPHY,
    search_key,
)

Span = tuple[int, int]

_WORD = re.compile(r"\w+")


def word_spans(text: str) -> list[Span]:
    """Return where each of ``words(search_key(text))`` stands in *text*, one to one, in order.

    Marks that the key drops belong to the letter before them.
    """
    key, spans = align(text)
    return [
        (spans[match.start()][0], spans[match.end() - 1][1]) for match in _WORD.finditer(key)
    ]


def align(text: str) -> tuple[str, list[Span]]:
    """Return the search key of *text* and, for each of its characters, the span it came from.

    Spans never run backwards. They are exact but where marks compose in another order in the
    key, which is rare: there they are interpolated, up to the next white space.
    """
    key = search_key(text)
    chars, spans = _folded(text)
    if len(chars) == len(key):
        return key, spans
    pieces, wanted = chars.split(" "), key.split(" ")
    if len(pieces) != len(wanted):
        return key, _interpolated(chars, spans, key, 0)
    out: list[Span] = []
    at = 0
    for piece, want in zip(pieces, wanted, strict=True):
        end = at + len(piece)
        out += _interpolated(piece, spans[at:end], want, out[-1][1] if out else 0)
        out += spans[end : end + 1]  # the space
        at = end + 1
    return key, out


def _folded(text: str) -> tuple[str, list[Span]]:
    """The steps of :func:`searchkbd.text.forms.search_key` that change a text's length, in its
    order; the others put one character in the place of another."""
    chars, spans = _composed(text, [(at, at + 1) for at in range(len(text))])
    chars, spans = _without(chars, spans, STRESS.finditer(chars))
    chars, spans = _composed(chars, spans)
    chars, spans = _composed(*_without(chars, spans, INVISIBLE.finditer(chars)))
    chars, spans = _without(chars, spans, LINE_WRAP.finditer(chars))
    chars, spans = _single_spaces(chars, spans)
    pieces = [char.translate(TYPOGRAPHY).casefold() for char in chars]
    spans = [span for piece, span in zip(pieces, spans, strict=True) for _ in piece]
    return _composed("".join(pieces), spans)


def _composed(chars: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """NFC, a letter and its combining marks at a time."""
    if unicodedata.is_normalized("NFC", chars):
        return chars, spans
    pieces: list[str] = []
    out: list[Span] = []
    start = 0
    for end in range(1, len(chars) + 1):
        if end < len(chars) and unicodedata.combining(chars[end]):
            continue
        piece = unicodedata.normalize("NFC", chars[start:end])
        pieces.append(piece)
        out += [(spans[start][0], spans[end - 1][1])] * len(piece)
        start = end
    return "".join(pieces), out


def _without(
    chars: str, spans: list[Span], cuts: Iterable[re.Match[str]]
) -> tuple[str, list[Span]]:
    """Without the parts cut; the character before each takes its place in the text."""
    pieces: list[str] = []
    out: list[Span] = []
    at = 0
    for cut in cuts:
        start, end = cut.span()
        pieces.append(chars[at:start])
        out += spans[at:start]
        if out:
            out[-1] = (out[-1][0], spans[end - 1][1])
        at = end
    if not at:
        return chars, spans
    return "".join([*pieces, chars[at:]]), out + spans[at:]


def _single_spaces(chars: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """White space made single, and none outside."""
    pieces: list[str] = []
    out: list[Span] = []
    at = 0
    for match in SPACE.finditer(chars):
        start, end = match.span()
        pieces.append(chars[at:start])
        out += spans[at:start]
        if start and end < len(chars):
            pieces.append(" ")
            out.append((spans[start][0], spans[end - 1][1]))
        at = end
    return "".join([*pieces, chars[at:]]), out + spans[at:]


def _interpolated(chars: str, spans: list[Span], key: str, start: int) -> list[Span]:
    """Spans for *key*, not before *start*, from those of *chars*, which it resembles at both
    ends."""
    if len(chars) == len(key):
        return spans
    least = min(len(chars), len(key))
    head = 0
    while head < least and chars[head] == key[head]:
        head += 1
    tail = 0
    while tail < least - head and chars[-1 - tail] == key[-1 - tail]:
        tail += 1
    middle = spans[head : len(spans) - tail]
    begin = middle[0][0] if middle else spans[head - 1][1] if head else start
    end = middle[-1][1] if middle else begin
    count = len(key) - head - tail
    cuts = [begin + (end - begin) * at // max(count, 1) for at in range(count + 1)]
    return [*spans[:head], *zip(cuts, cuts[1:], strict=False), *spans[len(spans) - tail :]]
