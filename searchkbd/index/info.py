"""What an index holds, for people and scripts."""

from __future__ import annotations

from dataclasses import dataclass

from searchkbd.index import schema
from searchkbd.index.reader import IndexReader


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """Counts and sizes of one index; bytes as they lie on disk."""

    directory: str
    format: int
    encoder: str
    fingerprint: str
    dim: int
    created: str
    updated: str
    sentences: int
    groups: int
    languages: dict[str, int]
    origins: dict[str, int]
    database_bytes: int
    vector_bytes: int
    vector_files: int
    text_bytes: int
    text_files: int


def index_info(reader: IndexReader) -> IndexInfo:
    """Count what *reader* sees."""
    connection = reader.connection
    origins = connection.execute(
        "SELECT o.name, count(*) AS n FROM sentences s JOIN origins o ON o.row = s.origin_row"
        " GROUP BY o.row ORDER BY n DESC, o.name"
    ).fetchall()
    (groups,) = connection.execute("SELECT count(DISTINCT group_row) FROM sentences").fetchone()
    database = schema.database_path(reader.directory)
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    return IndexInfo(
        directory=str(reader.directory),
        format=int(reader.meta["format"]),
        encoder=reader.meta["encoder"],
        fingerprint=reader.meta["fingerprint"],
        dim=reader.dim,
        created=reader.meta["created"],
        updated=reader.meta["updated"],
        sentences=sum(reader.sentences_per_language.values()),
        groups=groups,
        languages=reader.sentences_per_language,
        origins=dict(origins),
        database_bytes=sum(path.stat().st_size for path in files if path.exists()),
        vector_bytes=sum(file.bytes for file in reader.vector_files),
        vector_files=len(reader.vector_files),
        text_bytes=sum(file.bytes for file in reader.named_text_files),
        text_files=len(reader.named_text_files),
    )
