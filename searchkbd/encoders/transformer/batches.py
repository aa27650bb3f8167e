"""Batches of about equally many tokens, of texts of about equal length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

TOKENS = 768
"""Tokens of a batch, padding included: on two cores larger ones were no faster."""

MAX_TEXTS = 256


def batches(
    lengths: Sequence[int], tokens: int = TOKENS, max_texts: int = MAX_TEXTS
) -> Iterator[NDArray[np.intp]]:
    """Yield the places of the texts of each batch, the longest texts first.

    No batch has more than *tokens* tokens once all its texts are padded to its longest, unless it
    is of one text. Longest first: what memory a run needs shows at its start, and no thread is
    left with a long batch at the end.
    """
    sizes = np.maximum(np.asarray(lengths, dtype=np.intp), 1)
    order = np.argsort(-sizes, kind="stable")
    at = 0
    while at < len(order):
        count = int(max(1, min(max_texts, tokens // sizes[order[at]])))
        yield order[at : at + count]
        at += count


def padded(ids: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids int64 [texts, longest], filled up with *pad*, and the mask of what is text."""
    lengths = np.fromiter(map(len, ids), np.intp, len(ids))
    mask = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
    out = np.full(mask.shape, pad, np.int64)
    out[mask] = np.fromiter((one for row in ids for one in row), np.int64, int(lengths.sum()))
    return out, mask.astype(np.int64)
