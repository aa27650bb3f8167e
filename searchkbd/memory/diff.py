"""What differs: the words to delete from a memory's source and to insert to get the segment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from searchkbd.text.forms import search_key

# A word is what stands between spaces, without the punctuation around it, which is a token of
# its own. A bar or an exclamation mark inside or before a word may be its palochka.
_TOKEN = re.compile(r"(\s*)([^\w\s|!]+|[|!]?\w(?:\S*\w)?|[|!]+)|\s+$")

EQUAL, INSERT, DELETE = "equal", "insert", "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text: ``delete`` is in the source only, ``insert`` in the segment only."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a run of punctuation, and the white space before it."""

    gap: str
    text: str


def word_diff(source: str, segment: str) -> tuple[Change, ...]:
    """Return how *source* is turned into *segment*, word by word.

    The texts of ``equal`` and ``delete`` make up *source* exactly; those of ``equal`` and
    ``insert`` make up *segment*, but that equal words are spelt as in *source*: words are
    compared by search key, to which letter case and the spelling of the palochka are nothing.
    """
    from rapidfuzz.distance import Indel

    ours, theirs = _tokens(source), _tokens(segment)
    changes: list[Change] = []
    for step in Indel.opcodes([_key(t) for t in ours], [_key(t) for t in theirs]):
        deleted = ours[step.src_start : step.src_end]
        inserted = theirs[step.dest_start : step.dest_end]
        if step.tag == EQUAL:
            for kept, wanted in zip(deleted, inserted, strict=True):
                changes += _equal(kept, wanted)
        else:
            changes += (Change(DELETE, t.gap + t.text) for t in deleted)
            changes += (Change(INSERT, t.gap + t.text) for t in inserted)
    return tuple(_tidy(changes))


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(match[1], match[2]) if match[2] else _Token(match[0], "")
        for match in _TOKEN.finditer(text)
    ]


def _key(token: _Token) -> str:
    return search_key(token.text)


def _equal(kept: _Token, wanted: _Token) -> Iterator[Change]:
    if kept.gap and wanted.gap:
        yield Change(EQUAL, kept.gap)
    elif kept.gap:
        yield Change(DELETE, kept.gap)
    elif wanted.gap:
        yield Change(INSERT, wanted.gap)
    yield Change(EQUAL, kept.text)


def _tidy(changes: list[Change]) -> Iterator[Change]:
    """Join neighbours of one kind, deletions before insertions.

    A space at the start of both a deletion and the insertion beside it is equal.
    """
    at = 0
    equal = ""
    while at < len(changes):
        if changes[at].op == EQUAL:
            equal += changes[at].text
            at += 1
            continue
        deleted = inserted = ""
        while at < len(changes) and changes[at].op != EQUAL:
            if changes[at].op == DELETE:
                deleted += changes[at].text
            else:
                inserted += changes[at].text
            at += 1
        if deleted[:1].isspace() and inserted[:1].isspace():
            gap = len(deleted) - len(deleted.lstrip())
            equal += deleted[:gap]
            deleted, inserted = deleted[gap:], inserted.lstrip()
        for op, text in ((EQUAL, equal), (DELETE, deleted), (INSERT, inserted)):
            if text:
                yield Change(op, text)
        equal = ""
    if equal:
        yield Change(EQUAL, equal)
