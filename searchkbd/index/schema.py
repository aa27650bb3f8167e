"""Tables of ``index.db``, documented in docs/index-format.md.

Everything a reader believes is in this database; a vector file exists only if a committed row
of ``vector_files`` names it, a text file only if one of ``text_files`` does.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

FORMAT_VERSION = 3
"""Raised when an older searchkbd could not read the directory any more."""

DATABASE = "index.db"
VECTORS = "vectors"
TEXTS = "texts"
TEMPORARY = ".writing-"
"""Prefix of a file that is being written."""

_SUFFIXES = (".faiss", ".safetensors")
_FILE = {"name": str, "lang": str, "rows": int, "bytes": int, "sha256": str}

_TABLES: dict[str, dict[str, type]] = {
    # What the index is: format, encoder, dimension, dates.
    "meta": {"key": str, "value": str},
    # ``penalty``: what the translation memory takes off matches from there; NULL: as it sees fit.
    "origins": {"row": int, "name": str, "penalty": int},
    # Translation groups: sentences of one group are translations of each other. ``meta``: what
    # an exchange format says of the unit.
    "groups": {"row": int, "name": str, "meta": str},
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
        # What exchange formats say besides: see searchkbd.corpus.sentence.Sentence.
        "markup": str,
        "context": str,
        "previous_hash": int,
        "next_hash": int,
        # When it was last changed; when it was added where the file does not say.
        "date": str,
        # See searchkbd.index.hubness; 0 where nothing was measured.
        "hubness": float,
    },
    # What hubness is measured by, at most one row: float16 vectors, one after the other.
    "anchors": {"row": int, "drawn_from": int, "vectors": bytes, "sha256": str},
    "vector_files": _FILE,
    "text_files": _FILE,
}
FILE_TABLES = {"vector_files": VECTORS, "text_files": TEXTS}
"""Table → the folder of the files that its rows name."""

_OPTIONAL = {
    "origins": {"penalty"},
    "groups": {"meta"},
    "sentences": {"meta", "markup", "context", "previous_hash", "next_hash"},
}
_PRIMARY_KEYS = {"meta": "key", "vector_files": "name", "text_files": "name"}
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


def texts_path(directory: Path) -> Path:
    return directory / TEXTS


def folders(directory: Path) -> list[Path]:
    """Return the folders of the immutable files."""
    return [directory / folder for folder in FILE_TABLES.values()]


def is_index_file(path: Path) -> bool:
    """Return whether *path* is one of our files, finished or half-written, by its name."""
    return path.suffix in _SUFFIXES or path.name.startswith(TEMPORARY)


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether the database has no table: nothing was ever committed to it."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def create_tables(connection: sqlite3.Connection) -> None:
    """Create every table and index; inside a transaction if one is open on *connection*."""
    import sqlite_utils  # 160 ms to import, and only writers need it

    db = sqlite_utils.Database(connection)
    for name, columns in _TABLES.items():
        optional = _OPTIONAL.get(name, set())
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
    # Finds duplicates; its prefix finds translations.
    db["sentences"].create_index(["group_row", "lang", "key_hash"])
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
