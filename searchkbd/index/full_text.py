"""Checking the full-text tables against what the search keys make.

SQLite finds a damaged structure, but not a row number in a posting list that is another one now:
such a sentence would just not be found any more. So postings are made anew, some sentences at a
time, and all of them are compared by a sum that no single change leaves as it is.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from itertools import islice

from searchkbd.index import schema
from searchkbd.text.forms import loosen

_BATCH = 20_000  # sentences: some 50 MB of postings in memory


def full_text_problems(
    connection: sqlite3.Connection, name: str, progress: Callable[[int], None]
) -> list[str]:
    """Return what is wrong with the full-text table *name*, a line each.

    *progress* is called with the number of sentences that were compared since. Raises
    sqlite3.DatabaseError where the table cannot be read.
    """
    wanted = 0
    sizes_differ = False
    cursor = connection.execute("SELECT row, key FROM sentences ORDER BY row")
    while batch := list(islice(cursor, _BATCH)):
        fresh = sqlite3.connect(":memory:")
        try:
            schema.create_full_text(fresh, name)
            fresh.executemany(
                f"INSERT INTO {name} (rowid, key) VALUES (?, ?)",
                ((row, loosen(key)) for row, key in batch),
            )
            wanted += sum(_posting_number(*term) for term in _terms(fresh, name))
            sizes = f"SELECT id, sz FROM {name}_docsize WHERE id BETWEEN ? AND ? ORDER BY id"
            span = batch[0][0], batch[-1][0]
            sizes_differ |= (
                fresh.execute(sizes, span).fetchall() != connection.execute(sizes, span).fetchall()
            )
        finally:
            fresh.close()
        progress(len(batch))
    there = lost = 0
    for term, count, rows in _terms(connection, name):
        there += _posting_number(term, count, rows)
        # As a search looks it up, by the index of words that a scan does not need.
        found = connection.execute(
            f"SELECT doc FROM {name}_terms WHERE term = ?", (term,)
        ).fetchone()
        lost += found is None or found[0] != count
    problems = []
    if sizes_differ:
        problems.append(f"{name}: the lengths of sentences are not those of their search keys")
    if (wanted - there) % (1 << 64):
        problems.append(f"{name}: the posting lists are not those of the search keys")
    if lost:
        problems.append(f"{name}: {lost} words are there but are not found")
    return problems


def _posting_number(term: str, count: int, rows: int) -> int:
    """Return what the postings of *term* add to the sum; it is linear in their rows, so that the
    sums of some sentences at a time make that of all."""
    digest = hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    # Odd factors: no difference is lost modulo a power of two.
    odd = (int.from_bytes(half, "little") | 1 for half in (digest[:8], digest[8:]))
    return count * next(odd) + rows * next(odd)


def _terms(connection: sqlite3.Connection, name: str) -> sqlite3.Cursor:
    """Return each word, in how many rows it is, and the sum of their numbers, from a full scan."""
    postings = f"{name}_postings"
    connection.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{postings}"
        f" USING fts5vocab(main, {name}, instance)"
    )
    return connection.execute(
        f"SELECT term, count(*), sum(doc) FROM temp.{postings} GROUP BY term"
    )
