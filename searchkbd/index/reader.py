"""Reading an index: one snapshot of the database and the files that it names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import settings_of
from searchkbd.errors import EncoderMismatchError, IndexDamagedError, IndexNotFoundError
from searchkbd.index import schema
from searchkbd.index.checksums import (
    CATALOG_KEY,
    SENTENCE_COLUMNS,
    catalog_checksum,
    row_checksum,
)
from searchkbd.index.codes import Codes, CodesEntry
from searchkbd.index.files import IndexFile, damaged
from searchkbd.index.hashing import key_hash
from searchkbd.index.partition import Partition
from searchkbd.index.segments import Segment, SegmentEntry, read_codes, read_segments

if TYPE_CHECKING:
    from searchkbd.encoders.base import Encoder
    from searchkbd.index.texts import TextFile

SETTINGS_KEY = "encoder_settings"
"""The row of ``meta`` that holds the settings of the encoder, as JSON, when there are any."""

_MAPPED = 1 << 40  # all of the database: a page read by a call costs ten times as much
_BATCH = 500  # SQLite allows 999 parameters in its oldest supported builds


@dataclass(frozen=True, slots=True)
class StoredSentence:
    """One row of ``sentences``, with what is known of its group and origin.

    ``unit`` is what an exchange format said of the unit, ``penalty`` what matches from this origin
    lose (None: nothing was said); the others are columns of docs/index-format.md.
    """

    row: int
    id: str
    lang: str
    text: str
    key: str
    group: str
    group_row: int
    origin: str
    penalty: int | None
    markup: str | None
    context: str | None
    previous_hash: int | None
    next_hash: int | None
    date: str
    meta: dict[str, Any]
    unit: dict[str, Any]


class IndexReader:
    """An open index: a snapshot that later writes do not change.

    Raises IndexNotFoundError when *directory* is no index, IndexDamagedError when it is one
    that cannot be read; methods that read rows raise the latter too when one is not there. Use
    it as a context manager, or call :meth:`close`. With *any_thread* it may be handed from one
    thread to another, never to two at a time.
    """

    def __init__(self, directory: str | Path, *, any_thread: bool = False) -> None:
        self.directory = Path(directory)
        self.connection = connect_read_only(self.directory, any_thread=any_thread)
        try:
            with self.damage_reported():
                # A read transaction holds the snapshot for as long as the reader is open.
                self.connection.execute("BEGIN")
                self.meta = read_meta(self.connection, self.directory)
                self.segments: list[SegmentEntry] = read_segments(self.connection)
                self.codes: list[tuple[CodesEntry, IndexFile]] = self._read_codes()
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> IndexReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def damage_reported(self) -> Iterator[None]:
        """Turn SQLite's errors into IndexDamagedError, which names the file and a way out."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> IndexDamagedError:
        return damaged(schema.database_path(self.directory), why)

    @property
    def dim(self) -> int:
        return int(self.meta["dim"])

    @cached_property
    def _opened(self) -> dict[int, Segment]:
        return {
            entry.row: Segment(self.directory, entry, self.dim) for entry in self.segments
        }

    @cached_property
    def partitions(self) -> list[Partition]:
        """All sentences of each language, their vectors memory-mapped."""
        codes = {entry.lang: (entry, file) for entry, file in self.codes}
        by_language: dict[str, list[Segment]] = {}
        for segment in self._opened.values():
            by_language.setdefault(segment.lang, []).append(segment)
        partitions = []
        for lang, segments in by_language.items():
            entry, file = codes.get(lang, (None, None))
            coded = self._coded(entry) if entry else []
            others = [segment for segment in segments if segment not in coded]
            opened = None
            if entry and file:
                opened = Codes(self.directory, file, entry, sum(map(len, coded)), self.dim)
            for segment in segments:
                _ = segment.row_file, segment.vector_file  # mapped: they may go from the disk now
            partitions.append(Partition(lang, self.dim, coded, others, opened))
        return partitions

    def _read_codes(self) -> list[tuple[CodesEntry, IndexFile]]:
        try:
            return read_codes(self.connection)
        except ValueError as error:
            raise self._damaged(str(error)) from error

    def _coded(self, entry: CodesEntry) -> list[Segment]:
        segments = [self._opened.get(row) for row in entry.segments]
        if any(segment is None or segment.lang != entry.lang for segment in segments):
            raise self._damaged(f"codes {entry.row} are of segments that are not there")
        return segments

    @cached_property
    def text_files(self) -> list[TextFile]:
        """The text file of every segment, memory-mapped."""
        return [segment.text_file for segment in self._opened.values()]

    @cached_property
    def sentences_per_language(self) -> dict[str, int]:
        """How many sentences each language has, most first."""
        counts: dict[str, int] = {}
        for entry in self.segments:
            counts[entry.lang] = counts.get(entry.lang, 0) + entry.live
        present = [(lang, count) for lang, count in counts.items() if count]
        return dict(sorted(present, key=lambda item: (-item[1], item[0])))

    def sentences(self, rows: Iterable[int]) -> dict[int, StoredSentence]:
        """Return the sentences with these row numbers, by row."""
        wanted = [int(row) for row in rows]
        found = {s.row: s for s in self._select("s.row", wanted)}
        self._require(wanted, found, "sentence")
        return found

    def with_id(self, id: str) -> StoredSentence | None:
        """Return the sentence with this id, if there is one."""
        for columns in self.connection.execute(f"{_SELECT} WHERE s.id = ?", (id,)):
            return self._stored(columns)
        return None

    def groups(self, group_rows: Iterable[int]) -> dict[int, list[StoredSentence]]:
        """Return the sentences of these groups, by group row, in the order they were added."""
        wanted = [int(row) for row in group_rows]
        found: dict[int, list[StoredSentence]] = {}
        for batch in _batches(wanted):
            marks = ",".join("?" * len(batch))
            found.update(self._whole_groups(f"s.group_row IN ({marks})", batch))
        self._require(wanted, found, "group")
        return found

    def groups_of(
        self, rows: Iterable[int]
    ) -> dict[int, tuple[StoredSentence, list[StoredSentence]]]:
        """Return for each of these rows its sentence and all of its group, as ``groups`` does."""
        wanted = [int(row) for row in rows]
        members: dict[int, list[StoredSentence]] = {}
        for batch in _batches(wanted):
            marks = ",".join("?" * len(batch))
            condition = f"s.group_row IN (SELECT group_row FROM sentences WHERE row IN ({marks}))"
            members.update(self._whole_groups(condition, batch))
        by_row = {sentence.row: sentence for group in members.values() for sentence in group}
        self._require(wanted, by_row, "sentence")
        return {row: (by_row[row], members[by_row[row].group_row]) for row in wanted}

    def _whole_groups(
        self, condition: str, values: Sequence[int]
    ) -> dict[int, list[StoredSentence]]:
        """Return the sentences by group, in the order they were added; no group lacks one."""
        found: dict[int, list[StoredSentence]] = {}
        sizes: dict[int, int] = {}
        for columns in self.connection.execute(f"{_SELECT} WHERE {condition}", values):
            sentence = self._stored(columns)
            found.setdefault(sentence.group_row, []).append(sentence)
            sizes[sentence.group_row] = columns[-1]
        for row, members in found.items():
            if len(members) != sizes[row]:
                raise self._damaged(f"group {row} has {sizes[row]} sentences, not {len(members)}")
            members.sort(key=lambda sentence: sentence.row)
        return found

    def group_rows(self, rows: Iterable[int]) -> dict[int, int]:
        """Return the group row of each of these sentences, by row."""
        return self._column("group_row", rows)

    def keys(self, rows: Iterable[int]) -> dict[int, str]:
        """Return the search key of each of these sentences, by row."""
        return self._column("key", rows)

    def _column(self, column: str, rows: Iterable[int]) -> dict[int, Any]:
        """Return one of SENTENCE_COLUMNS, checked, half as costly as whole sentences."""
        found: dict[int, Any] = {}
        wanted = [int(row) for row in rows]
        at = 1 + SENTENCE_COLUMNS.index(column)
        for batch in _batches(wanted):
            marks = ",".join("?" * len(batch))
            for *said, checksum in self.connection.execute(
                f"SELECT row, {', '.join(SENTENCE_COLUMNS)}, checksum FROM sentences"
                f" WHERE row IN ({marks})",
                batch,
            ):
                self._check("sentences", said, checksum)
                found[said[0]] = said[at]
        self._require(wanted, found, "sentence")
        return found

    def of_languages(
        self, rows: NDArray[np.int64], langs: Collection[str]
    ) -> NDArray[np.bool_]:
        """Return which of *rows* are sentences of *langs*, bool [n], without the database.

        Many times as fast as reading sentences where there are thousands.
        """
        order = np.argsort(rows)
        ordered = rows[order]
        here = np.zeros(len(rows), dtype=bool)
        for segment in self._opened.values():
            if segment.lang in langs and len(segment):
                segment.row_file.check()  # no vector is read, whose sum would tell
                own = segment.row_file.rows
                start, stop = np.searchsorted(ordered, (own[0], own[-1] + 1))
                here[start:stop] |= segment.places(ordered[start:stop])[0]
        found = np.empty_like(here)
        found[order] = here
        return found

    def with_key(
        self, key: str, lang: str, *, beside: str | None = None
    ) -> list[StoredSentence]:
        """Return the sentences of *lang* whose search key is *key*; with *beside*, of groups that
        have a sentence in that language."""
        found = self.connection.execute(
            f"{_SELECT} WHERE s.key_hash = ?1 AND (?2 IS NULL OR EXISTS"
            " (SELECT 1 FROM sentences t WHERE t.group_row = s.group_row AND t.lang = ?2))"
            " ORDER BY s.row",
            (key_hash(key), beside),
        )
        # The language is looked at here, after the row was checked: damage is no answer.
        return [s for s in map(self._stored, found) if s.lang == lang and s.key == key]

    def vectors(self, rows: Sequence[int]) -> np.ndarray:
        """Return float32 [n, dim], the vector of each row."""
        wanted = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(wanted), self.dim), dtype=np.float32)
        missing = np.ones(len(wanted), dtype=bool)
        for partition in self.partitions:
            if not missing.any():
                break
            here, vectors = partition.vectors(wanted)
            out[here] = vectors
            missing &= ~here
        if missing.any():
            self._require(wanted.tolist(), set(wanted[~missing].tolist()), "vector")
        return out

    def _require(self, wanted: Iterable[int], found: Container[int], what: str) -> None:
        """Raise IndexDamagedError unless all are found: every row has sentence and vector."""
        lost = next((row for row in wanted if row not in found), None)
        if lost is not None:
            raise IndexDamagedError(
                f"{self.directory}: row {lost} has no {what}; see searchkbd verify, "
                "then rebuild the index with --replace"
            )

    def _select(self, column: str, values: list[int]) -> list[StoredSentence]:
        found: list[StoredSentence] = []
        for batch in _batches(values):
            marks = ",".join("?" * len(batch))
            sql = f"{_SELECT} WHERE {column} IN ({marks})"
            found += map(self._stored, self.connection.execute(sql, batch))
        return found

    @cached_property
    def _origins(self) -> dict[int, tuple[str, int | None]]:
        origins = {}
        for row, name, penalty, checksum in self.connection.execute(
            "SELECT row, name, penalty, checksum FROM origins"
        ):
            self._check("origins", (row, name, penalty), checksum)
            origins[row] = (name, penalty)
        return origins

    def _check(self, table: str, values: Sequence[str | int | None], checksum: int) -> None:
        if row_checksum(values) != checksum:
            raise self._damaged(f"row {values[0]} of {table} is not what was written (checksum)")

    def _stored(self, columns: tuple) -> StoredSentence:
        *said, checksum, group, unit, group_checksum, _ = columns
        self._check("sentences", said, checksum)
        row, id_, lang, text, key, _, group_row, origin_row, meta, *rest = said
        self._check("groups", (group_row, group, unit), group_checksum)
        if origin_row not in self._origins:
            raise self._damaged(f"row {row} of sentences has an origin that is not there")
        origin, penalty = self._origins[origin_row]
        return StoredSentence(
            row, id_, lang, text, key, group, group_row, origin, penalty, *rest,
            meta=json.loads(meta) if meta else {}, unit=json.loads(unit) if unit else {},
        )  # fmt: skip

    def iterate(
        self, where: str = "", parameters: Sequence[object] = ()
    ) -> Iterator[StoredSentence]:
        """Yield the sentences in the order of their groups, read as they are asked for.

        *where* is an SQL condition over ``s`` (sentences), ``g`` (groups) and ``o`` (origins)
        with ``?`` for each of *parameters*.
        """
        condition = f" WHERE {where}" if where else ""
        yield from map(
            self._stored,
            self.connection.execute(
                f"{_SELECT} JOIN origins o ON o.row = s.origin_row{condition}"
                " ORDER BY s.group_row, s.row",
                parameters,
            ),
        )


_SELECT = (
    f"SELECT s.row, {', '.join(f's.{column}' for column in SENTENCE_COLUMNS)}, s.checksum,"
    " g.name, g.meta, g.checksum, g.members FROM sentences s JOIN groups g ON g.row = s.group_row"
)


def _batches(values: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def connect_read_only(directory: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open the database of an index for reading, by this thread alone or by *any_thread*.

    Raises IndexNotFoundError, saying what *directory* is instead.
    """
    if not directory.exists():
        raise IndexNotFoundError(
            f"{directory}: no such index; make one with: searchkbd build FILE --index {directory}"
        )
    if not directory.is_dir():
        raise IndexNotFoundError(f"{directory}: a file, not an index directory")
    path = schema.database_path(directory)
    if not path.is_file():
        raise IndexNotFoundError(
            f"{directory}: not an index (it has no {schema.DATABASE}); "
            f"make one with: searchkbd build FILE --index {directory}"
        )
    uri = path.absolute().as_uri()
    own = not any_thread
    try:
        connection = sqlite3.connect(
            f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=own
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            # A write-ahead-log database on read-only media cannot make its shared memory file.
            if path.with_name(schema.DATABASE + "-wal").exists():
                raise
            connection = sqlite3.connect(
                f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None,
                check_same_thread=own,
            )  # fmt: skip
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute(f"PRAGMA mmap_size = {_MAPPED}")
    except sqlite3.OperationalError as error:
        raise IndexDamagedError(
            f"{path}: cannot be opened ({error}); is the disk full, or the directory not writable?"
        ) from error
    except sqlite3.DatabaseError as error:
        raise IndexDamagedError(
            f"{path}: cannot be read as a database ({error}); "
            "move the directory away, or choose another one"
        ) from error
    return connection


def read_meta(connection: sqlite3.Connection, directory: Path) -> dict[str, str]:
    """Return the ``meta`` table, checked.

    Raises IndexNotFoundError when no build was ever committed here, IndexDamagedError when the
    index has a format that this version does not know.
    """
    if schema.is_empty(connection):
        raise IndexNotFoundError(
            f"{directory}: no index here yet (a build was interrupted); run the build again"
        )
    require_own_tables(connection, directory)
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    version = meta.get("format", "")
    if version != str(schema.FORMAT_VERSION):
        raise IndexDamagedError(
            f"{directory}: index format {version or 'unknown'}, this searchkbd reads "
            f"{schema.FORMAT_VERSION}; rebuild the index from its files"
        )
    if meta.get(CATALOG_KEY) != catalog_checksum(connection):
        path = schema.database_path(directory)
        raise damaged(path, "what it says of the index is not what was written (checksum)")
    return meta


def require_own_tables(connection: sqlite3.Connection, directory: Path) -> None:
    """Raise IndexNotFoundError when the database belongs to something else."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not {"meta", "sentences"} <= tables or not {"files", "vector_files"} & tables:
        raise IndexNotFoundError(
            f"{directory}: its {schema.DATABASE} is the database of something else"
        )


def encoder_settings(meta: dict[str, str]) -> dict[str, str]:
    """Return the settings of the encoder (see ``settings_of``) as the index was first built."""
    try:
        said = json.loads(meta.get(SETTINGS_KEY, "{}"))
    except ValueError:  # its checksum is right: another program's
        return {}
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def check_encoder(meta: dict[str, str], encoder: Encoder, directory: Path) -> None:
    """Raise EncoderMismatchError unless the index was built with *encoder*."""
    if meta["fingerprint"] != encoder.fingerprint:
        palochka = settings_of(encoder).get("palochka")
        if meta["encoder"] != encoder.name:
            changed = ""
        elif palochka not in (None, encoder_settings(meta).get("palochka")):
            changed = f" and given the palochka as {palochka}"
        else:
            changed = " with other weights or settings"
        raise EncoderMismatchError(
            f"{directory} was built with encoder {meta['encoder']} ({meta['fingerprint']}); this "
            f"is {encoder.name} ({encoder.fingerprint}){changed}. Their vectors cannot be "
            "compared: use that encoder (--encoder), or rebuild the index with --replace"
        )
