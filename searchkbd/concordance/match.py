"""Where a pattern stands in the words of one text file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.concordance.pattern import Block, Pattern, Word
from searchkbd.index.tokens import Ids, Tokens

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Occurrences in one text file, by where they start; they may overlap.

    ``starts`` and ``ends`` (exclusive) are places in the stream, ``sentences`` those in the file,
    int64 [occurrences] each.
    """

    starts: Positions
    ends: Positions
    sentences: Positions

    def __len__(self) -> int:
        return len(self.starts)

    def count_sentences(self) -> int:
        """Return in how many sentences they are."""
        return int(np.count_nonzero(np.diff(self.sentences))) + (len(self) > 0)

    def where(self, keep: NDArray[np.bool_]) -> Matches:
        """Return those for which *keep*, bool [occurrences], is true."""
        return Matches(self.starts[keep], self.ends[keep], self.sentences[keep])


NOTHING = Matches(*(np.empty(0, dtype=np.int64) for _ in range(3)))


def find(
    tokens: Tokens, pattern: Pattern, *, loose: bool = False, written: bool = False
) -> Matches:
    """Return where *pattern* stands: for each place it can start from, the shortest match.

    *loose* forgives a missing palochka. *written* compares words as they are written, for tokens
    that were made of such words and not of keys.
    """
    blocks: list[_Block] = []
    for block in pattern.blocks:
        ids = [_terms(tokens, words, loose, written) for words in block.words]
        counts = [tokens.count(each) for each in ids]
        if not all(counts):
            return NOTHING
        blocks.append(_Block(block, ids, counts))
    rarest = min(blocks, key=lambda block: min(block.counts))
    found = _stand(tokens, rarest, None)
    here = None
    if len(blocks) > 1:
        here = np.zeros(len(tokens.starts) - 1, dtype=bool)
        here[tokens.sentences[found]] = True
    chain = [found if block is rarest else _stand(tokens, block, here) for block in blocks]
    starts, ends = _linked(tokens, pattern.blocks, chain)
    sentences = tokens.sentences[starts].astype(np.int64)
    if pattern.before or pattern.after:
        starts, ends = starts - pattern.before, ends + pattern.after
        inside = (starts >= tokens.starts[sentences]) & (ends <= tokens.starts[sentences + 1])
        starts, ends, sentences = starts[inside], ends[inside], sentences[inside]
    return Matches(starts, ends, sentences)


@dataclass(frozen=True, slots=True)
class _Block:
    """A block whose words have numbers in this file, and how often each stands there."""

    block: Block
    ids: list[Ids]
    counts: list[int]


def _terms(tokens: Tokens, words: tuple[Word, ...], loose: bool, written: bool) -> Ids:
    found = [tokens.terms(word.written if written else word.key, loose=loose) for word in words]
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found))


def _stand(tokens: Tokens, block: _Block, here: NDArray[np.bool_] | None) -> Positions:
    """Where the first word of *block* stands when its others follow it in the same sentence.

    From the rarest word on, since the others need to be looked at beside it only. *here*,
    bool [sentences], says which sentences matter.
    """
    offsets = block.block.offsets
    rarest = int(np.argmin(block.counts))
    at = tokens.positions(block.ids[rarest])
    if here is not None:
        at = at[here[tokens.sentences[at]]]
    if len(offsets) == 1:
        return at
    at = at - offsets[rarest]
    last = offsets[-1]
    at = at[(at >= 0) & (at + last < len(tokens.stream))]
    at = at[tokens.sentences[at] == tokens.sentences[at + last]]
    order = np.argsort(block.counts, kind="stable").tolist()
    for which in order[1:]:
        ids, beside = block.ids[which], tokens.stream[at + offsets[which]]
        at = at[beside == ids[0] if len(ids) == 1 else tokens.among(ids)[beside]]
    return at


def _linked(
    tokens: Tokens, blocks: tuple[Block, ...], chain: list[Positions]
) -> tuple[Positions, Positions]:
    """Starts and ends of the chains of blocks that keep their distances.

    From the last block to the first, each place is linked with the nearest one of the next block
    that is far enough and leads to the end. The nearest leads to the nearest end too: when a
    later place is the only one that reaches something, an earlier one has reached less far.
    """
    starts = chain[-1]
    ends = starts + blocks[-1].offsets[-1] + 1
    for at in range(len(blocks) - 2, -1, -1):
        here, gap = chain[at], blocks[at + 1]
        if not len(starts):
            return starts, ends
        least = here + blocks[at].offsets[-1] + 1 + gap.least
        next_ = np.searchsorted(starts, least)
        next_[next_ == len(starts)] = len(starts) - 1
        reached = starts[next_]
        keep = (reached >= least) & (reached <= least + (gap.most - gap.least))
        keep &= tokens.sentences[here] == tokens.sentences[reached]
        starts, ends = here[keep], ends[next_[keep]]
    return starts, ends
