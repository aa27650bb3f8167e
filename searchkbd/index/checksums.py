"""Checksums of rows of the database, which SQLite itself has not.

Every reader checks the rows that it gives out, so that a changed bit is an error and never
another text, and the small tables that say what the index is, as a whole.
"""

from __future__ import annotations

import sqlite3
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


CATALOG_KEY = "checksum"
"""The row of ``meta`` that holds ``catalog_checksum``."""

_CATALOG = (
    # Not where its tables begin: compaction moves them.
    "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
    f"SELECT key, value FROM meta WHERE key <> '{CATALOG_KEY}' ORDER BY key",
    "SELECT row, lang, rows, live, dead FROM segments ORDER BY row",
    "SELECT name, kind, owner, bytes, sha256, word_sum FROM files ORDER BY name",
    "SELECT row, lang, kind, segments, settings FROM codes ORDER BY row",
)


def catalog_checksum(connection: sqlite3.Connection) -> str:
    """Return the CRC-32 of the schema and of the tables that every reader reads whole."""
    total = 0
    for query in _CATALOG:
        for row in connection.execute(query):
            total = zlib.crc32(repr(row).encode("utf-8", "surrogatepass"), total)
    return str(total)
