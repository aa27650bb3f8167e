"""What an index holds, for people and scripts."""

from __future__ import annotations

from dataclasses import dataclass

from searchkbd.index.codes import Recall, code_bytes
from searchkbd.index.directory import database_bytes
from searchkbd.index.reader import IndexReader, encoder_settings


@dataclass(frozen=True, slots=True)
class LanguageSearch:
    """How nearest neighbours among the sentences of one language are found.

    ``method`` is ``exact`` (all vectors are compared), ``pq`` (codes choose the candidates) or
    ``ivfpq`` (inverted lists choose the codes). ``bytes_per_vector`` are read for each sentence
    of a search, ``stored_bytes_per_vector`` lie on disk. ``recall`` is the share of the true ten
    nearest that a balanced search finds, as it was measured; the others are its settings.
    ``exact_sentences`` have no codes yet and are compared all.
    """

    lang: str
    sentences: int
    deleted: int
    method: str
    bytes_per_vector: int
    stored_bytes_per_vector: int
    recall: float
    candidates: int | None
    lists: int | None
    exact_sentences: int


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """Counts and sizes of one index; bytes as they lie on disk.

    ``deleted`` sentences still take up space in files, until compaction.
    """

    directory: str
    format: int
    encoder: str
    fingerprint: str
    dim: int
    encoder_settings: dict[str, str]
    created: str
    updated: str
    sentences: int
    deleted: int
    groups: int
    languages: dict[str, int]
    origins: dict[str, int]
    segments: int
    database_bytes: int
    vector_bytes: int
    text_bytes: int
    code_bytes: int
    searches: tuple[LanguageSearch, ...]


def index_info(reader: IndexReader) -> IndexInfo:
    """Count what *reader* sees."""
    connection = reader.connection
    origins = connection.execute(
        "SELECT o.name, count(*) AS n FROM sentences s JOIN origins o ON o.row = s.origin_row"
        " GROUP BY o.row ORDER BY n DESC, o.name"
    ).fetchall()
    (groups,) = connection.execute("SELECT count(DISTINCT group_row) FROM sentences").fetchone()
    sizes = dict.fromkeys(("vectors", "rows", "texts"), 0)
    for entry in reader.segments:
        for kind, file in entry.files.items():
            sizes[kind] += file.bytes
    return IndexInfo(
        directory=str(reader.directory),
        format=int(reader.meta["format"]),
        encoder=reader.meta["encoder"],
        fingerprint=reader.meta["fingerprint"],
        dim=reader.dim,
        encoder_settings=encoder_settings(reader.meta),
        created=reader.meta["created"],
        updated=reader.meta["updated"],
        sentences=sum(reader.sentences_per_language.values()),
        deleted=sum(entry.rows - entry.live for entry in reader.segments),
        groups=groups,
        languages=reader.sentences_per_language,
        origins=dict(origins),
        segments=len(reader.segments),
        database_bytes=database_bytes(reader.directory),
        vector_bytes=sizes["vectors"] + sizes["rows"],
        text_bytes=sizes["texts"],
        code_bytes=sum(file.bytes for _, file in reader.codes),
        searches=tuple(_search(reader, lang) for lang in reader.sentences_per_language),
    )


def _search(reader: IndexReader, lang: str) -> LanguageSearch:
    segments = [entry for entry in reader.segments if entry.lang == lang]
    live = sum(entry.live for entry in segments)
    deleted = sum(entry.rows for entry in segments) - live
    stored = 2 * reader.dim
    codes = next((entry for entry, _ in reader.codes if entry.lang == lang), None)
    if codes is None:
        return LanguageSearch(
            lang, live, deleted, "exact", stored, stored, 1.0, None, None, live
        )
    effort = codes.efforts[Recall.BALANCED]
    without = sum(entry.live for entry in segments if entry.row not in codes.segments)
    # What has no codes is always found.
    recall = (effort.recall * (live - without) + without) / live
    read = code_bytes(
        reader.dim, sum(entry.rows for entry in segments if entry.row in codes.segments)
    )
    return LanguageSearch(
        lang, live, deleted, codes.kind, read, stored + read, round(recall, 4),
        effort.candidates, effort.lists or None, without,
    )  # fmt: skip
