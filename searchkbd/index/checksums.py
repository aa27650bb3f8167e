"""Checksums of rows of the database, which SQLite itself has not.

Every reader checks the rows that it gives out, so that a changed bit is an error and never
another text.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

SENTENCE_COLUMNS = (
    "id", "lang", "text", "key", "key_hash", "group_row", "origin_row", "meta", "markup",
    "context", "previous_hash", "next_hash", "date",
)  # fmt: skip
"""The columns of ``sentences`` that its checksum is of, in order; after the row."""


def row_checksum(values: Iterable[str | int | None]) -> int:
    """Return the CRC-32 of the values of a row, which finds every single changed bit.

    For ``sentences``: the row and SENTENCE_COLUMNS; ``groups``: row, name, meta; ``origins``:
    row, name, penalty.
    """
    joined = "\x1f".join(["\x00" if value is None else str(value) for value in values])
    return zlib.crc32(joined.encode("utf-8", "surrogatepass"))
