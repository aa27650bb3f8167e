"""Building an index: sentences are stored, encoded and written to files, all or nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.encoders.base import settings_of
from searchkbd.errors import IndexExistsError, NothingToBuildError
from searchkbd.index import hubness, schema, segments
from searchkbd.index.checksums import SENTENCE_COLUMNS, row_checksum
from searchkbd.index.compaction import maintain
from searchkbd.index.hashing import key_hash
from searchkbd.index.reader import SETTINGS_KEY, check_encoder, read_meta, require_own_tables
from searchkbd.index.transaction import WriteTransaction, now
from searchkbd.text.forms import loosen, search_key
from searchkbd.text.languages import LANGUAGES

if TYPE_CHECKING:
    from searchkbd.encoders.base import Encoder, Vectors

ENCODE_BATCH = 2048
"""Sentences read, deduplicated and encoded at a time."""


class Mode(Enum):
    """What a build may find in its directory."""

    NEW = "new"
    ADD = "add"
    REPLACE = "replace"


@dataclass(slots=True)
class BuildSummary:
    """What a build did; the counts of one build, not of the whole index."""

    read: int = 0
    added: int = 0
    merged: int = 0
    rejected: int = 0
    repaired: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    total: int = 0

    @property
    def foreign(self) -> dict[str, int]:
        """Sentences added in languages that the encoders were not made for."""
        return {lang: n for lang, n in self.languages.items() if lang not in LANGUAGES}


_INSERT = (
    f"INSERT INTO sentences (row, {', '.join(SENTENCE_COLUMNS)}, checksum)"
    f" VALUES ({', '.join('?' * (len(SENTENCE_COLUMNS) + 2))})"
)

Progress = Callable[[BuildSummary], None]
OnReject = Callable[["Reject"], None]


def build_index(
    directory: str | Path,
    items: Iterable[Sentence | Reject],
    encoder: Encoder,
    *,
    mode: Mode = Mode.NEW,
    penalty: int | None = None,
    on_reject: OnReject | None = None,
    progress: Progress | None = None,
    tidying: Callable[[int, int], None] = lambda done, total: None,
) -> BuildSummary:
    """Encode the sentences among *items* into the index at *directory*, all or nothing.

    Sentences with the search key, language and group of one already there are merged into it;
    rejects, and sentences whose id already stands for another text, go to *on_reject*. *penalty*
    is what the translation memory takes off matches from the origins of these sentences. *tidying*
    is called while, after the build, codes are made and segments merged: with sentences done and
    in all.

    Raises IndexExistsError, EncoderMismatchError, IndexBusyError, NothingToBuildError (no
    sentence was accepted; the directory is left as it was) and OSError (full disk, no
    permission). Whatever is raised, an index that was there before is still there, unchanged.
    """
    writer = IndexWriter(Path(directory), encoder, mode, penalty)
    with writer:
        chunk: list[Sentence] = []
        for item in items:
            if isinstance(item, Reject):
                writer.reject(item, on_reject)
                continue
            chunk.append(item)
            if len(chunk) == ENCODE_BATCH:
                writer.add(chunk, on_reject)
                chunk = []
                if progress:
                    progress(writer.summary)
        writer.add(chunk, on_reject)
        writer.commit()
    maintain(directory, tidying)
    if progress:
        progress(writer.summary)
    return writer.summary


class IndexWriter:
    """Puts sentences into one write transaction on an index directory."""

    def __init__(
        self, directory: Path, encoder: Encoder, mode: Mode, penalty: int | None = None
    ) -> None:
        self.directory = directory
        self.encoder = encoder
        self.mode = mode
        self.summary = BuildSummary()
        self._transaction = WriteTransaction(directory, make=True)
        self._penalty = penalty
        self._segments: dict[int, NDArray[np.int64]] = {}
        self._pending: dict[str, _Pending] = {}
        self._thread = ThreadPoolExecutor(1, "encoding")
        self._encoding: _Encoding | None = None
        self._origins: dict[str, int] = {}
        # The last group that was new, and the unit (that very object) that made it.
        self._unit: tuple[int, dict[str, Any] | None] = (0, None)
        self._now = now()

    def __enter__(self) -> IndexWriter:
        with contextlib.ExitStack() as undo:
            undo.enter_context(self._transaction)
            undo.enter_context(self._thread)
            self._connection = self._transaction.connection
            self._prepare()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._undo.__exit__(*error)

    def reject(self, item: Reject, on_reject: OnReject | None = None) -> None:
        """Count a rejected row and hand it on."""
        self.summary.rejected += 1
        if on_reject:
            on_reject(item)

    def add(self, sentences: list[Sentence], on_reject: OnReject | None = None) -> None:
        """Insert *sentences*, merge those already there, and have the others encoded.

        They are encoded by another thread, while the next ones are read and inserted.
        """
        new: list[_New] = []
        for sentence in sentences:
            self.summary.read += 1
            self.summary.repaired += sentence.repaired
            key = search_key(sentence.text)
            row = self._insert(sentence, key, on_reject)
            if row is not None:
                new.append(_New(row, sentence.lang, sentence.text, key))
        add_full_text(self._connection, [(each.row, each.key) for each in new])
        encoded, self._encoding = self._encoding, None
        if encoded is not None:
            encoded.vectors.result()  # one at a time: encoders have threads of their own
        if new:
            self._encoding = self._encode(new)
        if encoded is not None:
            self._keep(encoded)

    def _encode(self, new: list[_New]) -> _Encoding:
        distinct: dict[tuple[str, str], int] = {}
        which = [distinct.setdefault((each.lang, each.text), len(distinct)) for each in new]
        texts, langs = [text for _, text in distinct], [lang for lang, _ in distinct]
        return _Encoding(new, which, self._thread.submit(self.encoder.encode, texts, langs))

    def _keep(self, encoding: _Encoding) -> None:
        halves = encoding.vectors.result().astype(np.float16)  # as they are stored
        of_language: dict[str, list[int]] = {}
        for at, new in zip(encoding.which, encoding.new, strict=True):
            pending = self._pending.setdefault(new.lang, _Pending())
            pending.rows.append(new.row)
            pending.keys.append(new.key)
            of_language.setdefault(new.lang, []).append(at)
        for lang, places in of_language.items():
            # A copy: views would keep the vectors of all languages for as long as the rarest waits.
            self._pending[lang].vectors.append(halves[places])
            while len(self._pending[lang].rows) >= segments.SEGMENT_ROWS:
                self._flush(lang)

    def commit(self) -> None:
        """Make everything added durable and visible at once."""
        if not self.summary.added and not (self.mode is Mode.ADD and self.summary.merged):
            raise NothingToBuildError(self._nothing())
        if self._encoding is not None:
            self._keep(self._encoding)
            self._encoding = None
        for lang, pending in self._pending.items():
            if pending.rows:
                self._flush(lang)
        connection = self._connection
        hubness.write_row_files(self._transaction, self._segments)
        if self.mode is not Mode.ADD:  # rewrites the whole table
            for name in schema.FULL_TEXT:
                connection.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")
        (self.summary.total,) = connection.execute("SELECT count(*) FROM sentences").fetchone()
        self._transaction.commit(shrink=self.mode is Mode.REPLACE)

    def _prepare(self) -> None:
        connection = self._connection
        was_empty = self._transaction.was_empty
        if not was_empty:
            self._check_existing()
        self._transaction.sweep()
        if self.mode is Mode.REPLACE:
            schema.drop_tables(connection)
        if was_empty or self.mode is Mode.REPLACE:
            schema.create_tables(connection)
            connection.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)",
                [
                    ("format", str(schema.FORMAT_VERSION)),
                    ("encoder", self.encoder.name),
                    ("fingerprint", self.encoder.fingerprint),
                    ("dim", str(self.encoder.dim)),
                    ("created", self._now),
                    *self._settings(),
                ],
            )
        else:  # the same encoder may lie in another directory now
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'encoder'", (self.encoder.name,)
            )
        self._next_row, self._next_group = (
            1 + connection.execute(f"SELECT coalesce(max(row), 0) FROM {table}").fetchone()[0]
            for table in ("sentences", "groups")
        )

    def _settings(self) -> list[tuple[str, str]]:
        settings = settings_of(self.encoder)
        return [(SETTINGS_KEY, json.dumps(settings, ensure_ascii=False))] if settings else []

    def _check_existing(self) -> None:
        """Refuse a build that the index already there does not allow."""
        if self.mode is Mode.REPLACE:
            # Any format may be replaced, also one that this version cannot read.
            require_own_tables(self._connection, self.directory)
            return
        meta = read_meta(self._connection, self.directory)
        if self.mode is Mode.NEW:
            raise IndexExistsError(
                f"{self.directory}: already an index; add to it with --add, "
                "or build it anew with --replace"
            )
        check_encoder(meta, self.encoder, self.directory)
        hubness.read_anchors(self._connection, self.directory)  # damage shows before the work

    def _insert(
        self, sentence: Sentence, key: str, on_reject: OnReject | None
    ) -> int | None:
        """Insert one sentence and return its row, or None when it was merged or rejected."""
        connection = self._connection
        group, is_new = self._group(sentence)
        hashed = key_hash(key)
        if not is_new and connection.execute(
            "SELECT 1 FROM sentences WHERE group_row = ? AND lang = ? AND key_hash = ?",
            (group, sentence.lang, hashed),
        ).fetchone():
            self.summary.merged += 1
            return None
        row = self._next_row
        values = (
            row,
            self._free_id(sentence, row),
            sentence.lang,
            sentence.text,
            key,
            hashed,
            group,
            self._origin(sentence.origin),
            _json(sentence.meta),
            sentence.markup,
            sentence.context,
            _neighbour(sentence.previous),
            _neighbour(sentence.next),
            sentence.date or self._now,
        )
        try:
            connection.execute(_INSERT, (*values, row_checksum(values)))
        except sqlite3.IntegrityError:
            self._reject_id(sentence, on_reject)
            return None
        self._next_row += 1
        self.summary.added += 1
        self.summary.languages[sentence.lang] += 1
        return row

    def _group(self, sentence: Sentence) -> tuple[int, bool]:
        """Return the row of the sentence's group and whether this unit of a file made it.

        A unit of an exchange format is in a group of its own, made of all that it says, and may
        say the same twice with other tags: nothing in a group that it made is a duplicate.
        """
        found = self._connection.execute(
            "SELECT row FROM groups WHERE name = ?", (sentence.group,)
        ).fetchone()
        if found:
            group, unit = self._unit
            return found[0], unit is not None and unit is sentence.unit and group == found[0]
        row = self._next_group
        values = (row, sentence.group, _json(sentence.unit))
        self._connection.execute(
            "INSERT INTO groups (row, name, meta, checksum) VALUES (?, ?, ?, ?)",
            (*values, row_checksum(values)),
        )
        self._next_group += 1
        self._unit = (row, sentence.unit)
        return row, sentence.unit is not None

    def _free_id(self, sentence: Sentence, row: int) -> str:
        """Return the sentence's id, changed if it was made of a line and is taken already.

        A file that was edited, or another standard input, has other sentences in the same lines.
        """
        taken = not sentence.own_id and self._connection.execute(
            "SELECT 1 FROM sentences WHERE id = ?", (sentence.id,)
        ).fetchone()
        return f"{sentence.id}~{row}" if taken else sentence.id

    def _reject_id(self, sentence: Sentence, on_reject: OnReject | None) -> None:
        (text,) = self._connection.execute(
            "SELECT text FROM sentences WHERE id = ?", (sentence.id,)
        ).fetchone()
        shown = text if len(text) <= 60 else text[:59] + "…"
        reason = (
            f"duplicate id: {sentence.id!r} already stands for {shown!r}; "
            "give each sentence an id of its own"
        )
        self.reject(Reject(sentence.source, reason, sentence.text), on_reject)

    def _origin(self, name: str) -> int:
        """Return the row of an origin, made if new; with the penalty of this build."""
        if name not in self._origins:
            self._origins[name] = origin_row(self._connection, name, self._penalty)
        return self._origins[name]

    def _flush(self, lang: str) -> None:
        """Write a segment of the first sentences that wait."""
        pending = self._pending[lang]
        count = segments.SEGMENT_ROWS
        vectors = np.concatenate(pending.vectors)
        rows = np.array(pending.rows[:count], dtype=np.int64)
        segment = self._transaction.write_segment(
            lang, rows, vectors[:count], pending.keys[:count]
        )
        self._segments[segment] = rows
        rest = [vectors[count:].copy()] if len(vectors) > count else []
        self._pending[lang] = _Pending(pending.rows[count:], rest, pending.keys[count:])

    def _nothing(self) -> str:
        summary = self.summary
        if summary.rejected:
            return f"nothing to build: all {summary.rejected} rows were rejected"
        return "nothing to build: no sentences"


@dataclass(frozen=True, slots=True)
class _New:
    """A sentence that is in the database and not encoded yet."""

    row: int
    lang: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class _Encoding:
    """Sentences that are being encoded; ``which`` says which of the vectors each has."""

    new: list[_New]
    which: list[int]
    vectors: Future[Vectors]


@dataclass(slots=True)
class _Pending:
    """Sentences of one language that are in the database and in no segment yet."""

    rows: list[int] = field(default_factory=list)
    vectors: list[NDArray[np.float16]] = field(default_factory=list)
    """Blocks of rows, one after the other."""
    keys: list[str] = field(default_factory=list)


def origin_row(connection: sqlite3.Connection, name: str, penalty: int | None = None) -> int:
    """Return the row of the origin *name*, made if new; with *penalty* unless that is None."""
    found = connection.execute(
        "SELECT row, penalty FROM origins WHERE name = ?", (name,)
    ).fetchone()
    if found and penalty in (None, found[1]):
        return found[0]
    if found:
        row = found[0]
    else:
        (row,) = connection.execute("SELECT coalesce(max(row), 0) + 1 FROM origins").fetchone()
    values = (row, name, penalty)
    connection.execute(
        "INSERT OR REPLACE INTO origins (row, name, penalty, checksum) VALUES (?, ?, ?, ?)",
        (*values, row_checksum(values)),
    )
    return row


def add_full_text(connection: sqlite3.Connection, keys: Sequence[tuple[int, str]]) -> None:
    """Put sentences, their rows and search keys, into the full-text tables."""
    loose = [(row, loosen(key)) for row, key in keys]
    for name in schema.FULL_TEXT:
        connection.executemany(f"INSERT INTO {name} (rowid, key) VALUES (?, ?)", loose)


def _json(value: dict[str, Any] | None) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def _neighbour(text: str | None) -> int | None:
    return None if text is None else key_hash(search_key(text))
