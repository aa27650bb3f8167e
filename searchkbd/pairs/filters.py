"""Which of the pairs that were read are taken, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from searchkbd.mining import checks
from searchkbd.pairs.options import PrepareOptions
from searchkbd.pairs.reading import Pair
from searchkbd.pairs.table import PairTable
from searchkbd.text.forms import search_key, words

TAKEN = ""
WORDS, DUPLICATE, NEAR, EXCLUDED = "words", checks.DUPLICATE, "near", "excluded"
TARGET, MIX = "target", "mix"
REASONS = (
    TAKEN, WORDS, checks.COPIED, checks.LANGUAGE, checks.LENGTH, checks.NUMBERS, DUPLICATE, NEAR,
    EXCLUDED, TARGET, MIX,
)  # fmt: skip
"""Why a pair is left out, in the order in which that is looked at; the first reason counts."""

_BATCH = 512


def code_of(reason: str) -> int:
    """Return the number of a reason."""
    return REASONS.index(reason)


def fill(
    table: PairTable,
    pairs: Iterable[Pair],
    options: PrepareOptions,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Add *pairs* to *table* and return uint8 ``[n]``, the reason of each, told by itself alone."""
    reasons = bytearray()
    pairs = iter(pairs)
    while batch := list(islice(pairs, _BATCH)):
        keys = [(search_key(pair.text_a), search_key(pair.text_b)) for pair in batch]
        found = [_reason(*both, options) for both in keys]
        if checks.LANGUAGE in options.drop:
            _flag_languages(batch, found)
        for pair, both, reason in zip(batch, keys, found, strict=True):
            table.add(pair, *both)
            reasons.append(code_of(reason))
        if progress:
            progress(len(table))
    return np.frombuffer(bytes(reasons), dtype=np.uint8).copy()


def _reason(key_a: str, key_b: str, options: PrepareOptions) -> str:
    counts = len(words(key_a)), len(words(key_b))
    most = options.max_words
    if min(counts) < options.min_words or (most is not None and max(counts) > most):
        return WORDS
    if checks.COPIED in options.drop and checks.is_copied(key_a, key_b):
        return checks.COPIED
    if checks.NUMBERS in options.drop and checks.numbers(key_a) != checks.numbers(key_b):
        return checks.NUMBERS
    return TAKEN


def _flag_languages(batch: list[Pair], found: list[str]) -> None:
    judged = [at for at, reason in enumerate(found) if reason in (TAKEN, checks.NUMBERS)]
    for side, number in (("text_a", 0), ("text_b", 1)):
        texts = [getattr(batch[at], side) for at in judged]
        wrong = checks.in_wrong_language(texts, [batch[at].langs[number] for at in judged])
        for at in (at for at, is_wrong in zip(judged, wrong, strict=True) if is_wrong):
            found[at] = checks.LANGUAGE


def flag_lengths(table: PairTable, reasons: NDArray[np.uint8]) -> None:
    """Mark the pairs whose lengths are unusual for their languages (``unusual_lengths``)."""
    strata = table.column("stratum")
    a, b = (table.column(name).astype(np.float64) for name in ("length_a", "length_b"))
    for stratum in range(len(table.langs)):
        rows = np.flatnonzero((strata == stratum) & (reasons == code_of(TAKEN)))
        logs = np.log(np.maximum(a[rows], 1) / np.maximum(b[rows], 1))
        unusual = checks.unusual_lengths(logs, np.minimum(a[rows], b[rows]))
        reasons[rows[unusual]] = code_of(checks.LENGTH)


def preferred(table: PairTable, reasons: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the pairs still taken, those that no machine made first, else in their order."""
    rows = np.flatnonzero(reasons == code_of(TAKEN))
    return rows[np.argsort(table.column("machine")[rows], kind="stable")]


def flag_duplicates(table: PairTable, reasons: NDArray[np.uint8]) -> None:
    """Mark the pairs of the same languages and search keys as another that is preferred."""
    rows = preferred(table, reasons)
    columns = [table.column(name)[rows] for name in ("stratum", "search_a", "search_b")]
    order = np.lexsort(columns)  # stable: of equal ones the preferred is first
    same = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for column in columns:
        same &= column[order][1:] == column[order][:-1]
    reasons[rows[order[1:][same]]] = code_of(DUPLICATE)


def flag_repeated(table: PairTable, reasons: NDArray[np.uint8], most: int) -> None:
    """Mark the pairs of which a text is in *most* pairs of the same languages before it."""
    rows = preferred(table, reasons)
    strata = table.column("stratum")[rows].tolist()
    for_sides = [table.column(name)[rows].tolist() for name in ("text_a", "text_b")]
    counts: dict[tuple[int, int, int], int] = {}
    for row, stratum, a, b in zip(rows.tolist(), strata, *for_sides, strict=True):
        sides = (stratum, 0, a), (stratum, 1, b)
        if any(counts.get(side, 0) >= most for side in sides):
            reasons[row] = code_of(TARGET)
            continue
        for side in sides:
            counts[side] = counts.get(side, 0) + 1


def left_out(
    table: PairTable, reasons: NDArray[np.uint8]
) -> Iterator[dict[str, str | int]]:
    """Yield the rows of the report of what was left out, in the order of reading."""
    for at in np.flatnonzero(reasons).tolist():
        row = table.rows[at]
        lang_a, lang_b = table.langs[row["stratum"]]
        yield {
            "file": table.files[row["file"]], "line": row["line"], "reason": REASONS[reasons[at]],
            "lang_a": lang_a, "lang_b": lang_b, "text_a": row["a"], "text_b": row["b"],
            "group": row["group"], "origin": row["origin"],
        }  # fmt: skip


REPORT_COLUMNS = (
    "file", "line", "reason", "lang_a", "lang_b", "text_a", "text_b", "group", "origin",
)  # fmt: skip
