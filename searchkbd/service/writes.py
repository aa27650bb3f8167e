"""Writing to an index that is being served."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from searchkbd.corpus.groups import with_groups
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.errors import NothingToBuildError
from searchkbd.index.editing import delete_rows
from searchkbd.index.hashing import key_hash
from searchkbd.index.writer import BuildSummary, Mode, build_index
from searchkbd.service.snapshots import Snapshots
from searchkbd.text.forms import search_key

DEFAULT_ORIGIN = "api"

_SAME = (
    "SELECT s.id FROM sentences s JOIN groups g ON g.row = s.group_row"
    " WHERE g.name = ? AND s.lang = ? AND s.key_hash = ? ORDER BY s.row"
)


@dataclass(frozen=True, slots=True)
class NewSentence:
    """A sentence to be added; what is empty is made up as it is for a row of a file."""

    text: str
    lang: str
    id: str = ""
    group: str = ""
    origin: str = ""
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """What became of new sentences: counts, and those refused with the place and the reason.

    A reject's line is the number of its sentence, from 1. ``ids``, of sentences that were given
    one by one, are what each can be found by now: its own id, or that of the sentence which it
    was merged into; None for a rejected one.
    """

    summary: BuildSummary
    rejects: tuple[Reject, ...]
    ids: tuple[str | None, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of the answer to ``POST /api/sentences`` (docs/json.md)."""
        summary = self.summary
        return {
            "read": summary.added + summary.merged + summary.rejected,
            "added": summary.added,
            "merged": summary.merged,
            "rejected": summary.rejected,
            "total": summary.total,
            "ids": list(self.ids),
            "rejects": [
                {"number": reject.place.line, "reason": reject.reason, "text": reject.raw}
                for reject in self.rejects
            ],
        }


@dataclass(frozen=True, slots=True)
class Removal:
    """What was deleted: ``sentences`` in all, and in each language; groups that were left empty;
    and which ids no sentence had."""

    sentences: int
    languages: dict[str, int]
    groups: int
    absent: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of the answer to ``DELETE /api/sentences/{id}`` (docs/json.md)."""
        return {**asdict(self), "absent": list(self.absent)}


class Writer:
    """Adds and deletes sentences, one change at a time; readers get the new state at once."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._lock = threading.Lock()

    @property
    def directory(self) -> Path:
        """The index that is written to."""
        return self._snapshots.directory

    def add(self, sentences: Sequence[NewSentence], *, name: str | None = None) -> Addition:
        """Add *sentences*; ids that are not given are made of *name* and a number.

        Without *name*, it is one that was never used before. Raises IndexBusyError while another
        process writes, and as ``build_index`` does; that none was accepted is no error.
        """
        name = name or _unused_name()
        rows = RowReader(name, ReadOptions(origin=DEFAULT_ORIGIN, name=name))
        items = list(
            with_groups(
                rows.sentence(
                    number, new.text, new.text, new.lang, id=new.id, group=new.group,
                    origin=new.origin, context=new.context,
                )
                for number, new in enumerate(sentences, start=1)
            )
        )  # fmt: skip
        added = self.add_items(items)
        return replace(added, ids=self._ids(items))

    def add_items(self, items: Iterable[Sentence | Reject]) -> Addition:
        """Add what a reader of files gives."""
        rejects: list[Reject] = []
        with self._lock:
            self._snapshots.refresh()  # replaced a moment ago, it may want another encoder
            try:
                summary = build_index(
                    self.directory, items, self._snapshots.encoder, mode=Mode.ADD,
                    on_reject=rejects.append,
                )  # fmt: skip
            except NothingToBuildError:
                with self._snapshots.lend() as index:
                    total = sum(index.languages.values())
                summary = BuildSummary(rejected=len(rejects), total=total)
        self._snapshots.refresh()
        return Addition(summary, tuple(rejects))

    def delete(self, ids: Sequence[str]) -> Removal:
        """Delete the sentences with these ids; those that are not there are passed over."""
        with self._lock:
            self._snapshots.refresh()
            with self._snapshots.lend() as index:
                reader = index.reader
                absent = tuple(id for id in dict.fromkeys(ids) if reader.with_id(id) is None)
            done = delete_rows(self.directory, ids)
        self._snapshots.refresh()
        return Removal(done.sentences, done.languages, done.groups, absent)

    def _ids(self, items: Sequence[Sentence | Reject]) -> tuple[str | None, ...]:
        """Return the id under which each of *items* is in the index."""
        with self._snapshots.lend() as index:
            connection = index.reader.connection
            return tuple(
                None if isinstance(item, Reject) else _stored_id(connection, item) for item in items
            )


def _stored_id(connection: sqlite3.Connection, sentence: Sentence) -> str | None:
    """Return the id of the sentence that *sentence* is, or is a duplicate of."""
    same = sentence.group, sentence.lang, key_hash(search_key(sentence.text))
    found = [id for (id,) in connection.execute(_SAME, same)]
    return sentence.id if sentence.id in found else next(iter(found), None)


def _unused_name() -> str:
    now = datetime.now(timezone.utc)
    return f"api-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
