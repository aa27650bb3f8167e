"""Groups for rows that came without one, made of what the row says.

A row with the same texts in the same languages then gets the same group, in whatever file and line
it stands, and the index merges it as a duplicate. A group made of the line number would keep every
repetition of a line, since nothing is a duplicate of another group.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from searchkbd.corpus.sentence import Place, Reject, Sentence
from searchkbd.text.forms import search_key

UNGROUPED = ""
"""Stands for the group of a sentence until this module has made it."""

PREFIX = "auto:"


def with_groups(items: Iterable[Sentence | Reject]) -> Iterator[Sentence | Reject]:
    """Yield *items* in their order, the missing groups filled in: one for each row of a file.

    A row is what stands at one place and, since several units of an exchange format may stand
    on one line, has one and the same ``unit`` object.
    """
    for place, row in groupby(items, key=_row):
        if place is None:
            yield from row
            continue
        sentences = list(row)
        group = _group(sentences)
        for sentence in sentences:
            yield replace(sentence, group=group)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Equal where it holds the very same object; holding it keeps its identity from reuse."""

    value: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def _row(item: Sentence | Reject) -> tuple[Place, _Same] | None:
    """Return what tells the rows of ungrouped sentences apart, None for everything else."""
    if isinstance(item, Sentence) and item.group == UNGROUPED:
        return item.source, _Same(item.unit)
    return None


def _group(sentences: list[Sentence]) -> str:
    parts = sorted(
        f"{sentence.lang}\0{search_key(sentence.text)}{_particulars(sentence)}"
        for sentence in sentences
    )
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return PREFIX + digest.hexdigest()


def _particulars(sentence: Sentence) -> str:
    """Return what else tells units of exchange formats apart; nothing for rows of tables."""
    if sentence.unit is None:
        return ""
    said = (sentence.unit, sentence.meta, sentence.markup, sentence.context)
    return "\0" + json.dumps(said, ensure_ascii=False, sort_keys=True)
