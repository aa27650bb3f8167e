"""Groups for rows that came without one, made of what the row says.

A row with the same texts in the same languages then gets the same group, in whatever file and line
it stands, and the index merges it as a duplicate. A group made of the line number would keep every
repetition of a line, since nothing is a duplicate of another group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from searchkbd.corpus.sentence import Place, Reject, Sentence
from searchkbd.text.forms import search_key

UNGROUPED = ""
"""Stands for the group of a sentence until this module has made it."""

PREFIX = "auto:"


def with_groups(items: Iterable[Sentence | Reject]) -> Iterator[Sentence | Reject]:
    """Yield *items* in their order, the missing groups filled in: one for each row of a file."""
    for place, row in groupby(items, key=_place):
        if place is None:
            yield from row
            continue
        sentences = list(row)
        group = _group(sentences)
        for sentence in sentences:
            yield replace(sentence, group=group)


def _place(item: Sentence | Reject) -> Place | None:
    """Return where an ungrouped sentence stands, None for everything else."""
    if isinstance(item, Sentence) and item.group == UNGROUPED:
        return item.source
    return None


def _group(sentences: list[Sentence]) -> str:
    parts = sorted(f"{sentence.lang}\0{search_key(sentence.text)}" for sentence in sentences)
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return PREFIX + digest.hexdigest()
