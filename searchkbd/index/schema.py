"""Tables of ``index.db``, documented in docs/index-format.md.

Everything a reader believes is in this database; a vector file exists only if a committed row
of ``vector_files`` names it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

FORMAT_VERSION = 2
"""Raised when an older searchkbd could not read the directory any more."""

DATABASE = "index.db"
VECTORS = "vectors"
TEMPORARY = ".writing-"
"""Prefix of a vector file that is being written."""

_TABLES: dict[str, dict[str, type]] = {
    # What the index is: format, encoder, dimension, dates.
    "meta": {"key": str, "value": str},
    "origins": {"row": int, "name": str},
    # Translation groups: sentences of one group are translations of each other.
    "groups": {"row": int, "name": str},
    "sentences": {
        "row": int,
        "id": str,
        "lang": str,
        "text": str,
        "key": str,
        "key_hash": int,
        "group_row": int,
        "origin_row": int,
        "meta": str,
        # See searchkbd.index.hubness; 0 where nothing was measured.
        "hubness": float,
    },
    # What hubness is measured by, at most one row: float16 vectors, one after the other.
    "anchors": {"row": int, "drawn_from": int, "vectors": bytes, "sha256": str},
    "vector_files": {
        "name": str,
        "lang": str,
        "rows": int,
        "bytes": int,
        "sha256": str,
    },
}
_PRIMARY_KEYS = {"meta": "key", "vector_files": "name"}
_FOREIGN_KEYS = [("group_row", "groups", "row"), ("origin_row", "origins", "row")]

# Contentless full-text tables over loose keys (see searchkbd.text.forms.loose_key). They are
# posting lists only: ranking is done by searchkbd.search.lexical, so no positions are kept.
FULL_TEXT = {
    "fts_words": "tokenize='unicode61 remove_diacritics 0'",
    "fts_trigrams": "tokenize='trigram'",
}


def database_path(directory: Path) -> Path:
    return directory / DATABASE


def vectors_path(directory: Path) -> Path:
    return directory / VECTORS


def is_vector_file(path: Path) -> bool:
    """Return whether *path* is a vector file, finished or half-written, by its name."""
    return path.suffix == ".faiss" or path.name.startswith(TEMPORARY)


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether the database has no table: nothing was ever committed to it."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def create_tables(connection: sqlite3.Connection) -> None:
    """Create every table and index; inside a transaction if one is open on *connection*."""
    import sqlite_utils  # 160 ms to import, and only writers need it

    db = sqlite_utils.Database(connection)
    for name, columns in _TABLES.items():
        optional = {"meta"} if name == "sentences" else set()
        db[name].create(
            columns,
            pk=_PRIMARY_KEYS.get(name, "row"),
            not_null=set(columns) - optional - {"row"},
            foreign_keys=_FOREIGN_KEYS if name == "sentences" else [],
            defaults={"hubness": 0.0} if name == "sentences" else {},
        )
    db["origins"].create_index(["name"], unique=True)
    db["groups"].create_index(["name"], unique=True)
    db["sentences"].create_index(["id"], unique=True)
    db["sentences"].create_index(["key_hash"])
    # Unique: one sentence a language, search key and group. Its prefix finds translations.
    db["sentences"].create_index(["group_row", "lang", "key_hash"], unique=True)
    for name, options in FULL_TEXT.items():
        connection.execute(
            f"CREATE VIRTUAL TABLE {name} USING fts5(key, content='', detail=none, {options})"
        )
        connection.execute(f"CREATE VIRTUAL TABLE {name}_terms USING fts5vocab({name}, 'row')")


def drop_tables(connection: sqlite3.Connection) -> None:
    """Drop every table, inside the open transaction."""
    for name in FULL_TEXT:
        connection.execute(f"DROP TABLE IF EXISTS {name}_terms")
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for name in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
