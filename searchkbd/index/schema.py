"""Tables of ``index.db``, documented in docs/index-format.md.

Everything a reader believes is in this database; any other file of the directory exists only if a
committed row of ``files`` names it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

FORMAT_VERSION = 4
"""Raised when an older searchkbd could not read the directory any more."""

DATABASE = "index.db"
TEMPORARY = ".writing-"
"""Prefix of a file that is being written."""

KINDS = {
    "vectors": ".faiss",  # searchkbd.index.vectors
    "rows": ".safetensors",  # searchkbd.index.rows
    "texts": ".safetensors",  # searchkbd.index.texts
    "codes": ".faiss",  # searchkbd.index.codes
}
"""Kind of file → its suffix; the folder has the name of the kind."""

_TABLES: dict[str, dict[str, type]] = {
    # What the index is: format, encoder, dimension, dates.
    "meta": {"key": str, "value": str},
    # ``penalty``: what the translation memory takes off matches from there; NULL: as it sees fit.
    "origins": {"row": int, "name": str, "penalty": int, "checksum": int},
    # Translation groups: sentences of one group are translations of each other. ``meta``: what
    # an exchange format says of the unit. ``members``: how many sentences there are, so that
    # none is missed when the index of the database that finds them is damaged.
    "groups": {"row": int, "name": str, "meta": str, "checksum": int, "members": int},
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
        # Of the columns before it: see searchkbd.index.checksums.
        "checksum": int,
    },
    # What hubness is measured by, at most one row: float16 vectors, one after the other.
    "anchors": {"row": int, "drawn_from": int, "vectors": bytes, "sha256": str},
    # Sentences of one language whose vectors and texts lie in files of their own. ``dead``: one
    # bit a sentence, set for those deleted since (NULL: none); ``live``: how many are not.
    "segments": {"row": int, "lang": str, "rows": int, "live": int, "dead": bytes},
    # ``owner``: the row of the segment, or for codes the row of ``codes``.
    "files": {
        "name": str, "kind": str, "owner": int, "bytes": int, "sha256": str, "word_sum": int,
    },
    # Product-quantised vectors of some segments of a language: see searchkbd.index.codes.
    # ``segments``: their rows, a JSON list; ``settings``: how to search, a JSON object.
    "codes": {"row": int, "lang": str, "kind": str, "segments": str, "settings": str},
}  # fmt: skip

_OPTIONAL = {
    "origins": {"penalty"},
    "groups": {"meta"},
    "sentences": {"meta", "markup", "context", "previous_hash", "next_hash"},
    "segments": {"dead"},
}
_DEFAULTS = {"groups": {"members": 0}}
_PRIMARY_KEYS = {"meta": "key", "files": "name"}
_FOREIGN_KEYS = [("group_row", "groups", "row"), ("origin_row", "origins", "row")]

OLDER_TABLES = ("vector_files", "text_files")
"""Of formats up to 3."""

# Contentless full-text tables over loose keys (see searchkbd.text.forms.loose_key). They are
# posting lists only: ranking is done by searchkbd.search.lexical, so no positions are kept.
FULL_TEXT = {
    "fts_words": "tokenize='unicode61 remove_diacritics 0'",
    "fts_trigrams": "tokenize='trigram'",
}


def database_path(directory: Path) -> Path:
    return directory / DATABASE


def folders(directory: Path) -> list[Path]:
    """Return the folders of the immutable files."""
    return [directory / kind for kind in KINDS]


def is_index_file(path: Path) -> bool:
    """Return whether *path* is one of our files, finished or half-written, by its name."""
    return path.suffix in KINDS.values() or path.name.startswith(TEMPORARY)


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
            defaults=_DEFAULTS.get(name),
        )
    db["origins"].create_index(["name"], unique=True)
    db["groups"].create_index(["name"], unique=True)
    db["sentences"].create_index(["id"], unique=True)
    db["sentences"].create_index(["key_hash"])
    # Finds duplicates; its prefix finds translations.
    db["sentences"].create_index(["group_row", "lang", "key_hash"])
    for event, side, change in (("INSERT", "NEW", "+ 1"), ("DELETE", "OLD", "- 1")):
        connection.execute(
            f"CREATE TRIGGER members_{event.lower()} AFTER {event} ON sentences BEGIN"
            f" UPDATE groups SET members = members {change} WHERE row = {side}.group_row; END"
        )
    for name in FULL_TEXT:
        create_full_text(connection, name)
        connection.execute(f"CREATE VIRTUAL TABLE {name}_terms USING fts5vocab({name}, 'row')")


def create_full_text(connection: sqlite3.Connection, name: str) -> None:
    """Create one of the full-text tables."""
    connection.execute(
        f"CREATE VIRTUAL TABLE {name}"
        f" USING fts5(key, content='', detail=none, {FULL_TEXT[name]})"
    )


def drop_tables(connection: sqlite3.Connection) -> None:
    """Drop every table, inside the open transaction."""
    for name in FULL_TEXT:
        connection.execute(f"DROP TABLE IF EXISTS {name}_terms")
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for name in [*_TABLES, *OLDER_TABLES]:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
