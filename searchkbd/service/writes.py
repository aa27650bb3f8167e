"""Writing to an index that is being served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchkbd.corpus.groups import with_groups
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.errors import NothingToBuildError
from searchkbd.index.editing import Deletion, delete_rows
from searchkbd.index.writer import BuildSummary, Mode, build_index
from searchkbd.service.snapshots import Snapshots

DEFAULT_ORIGIN = "api"


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

    A reject's line is the number of its sentence, from 1.
    """

    summary: BuildSummary
    rejects: tuple[Reject, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of the answer to ``POST /api/sentences`` (docs/json.md)."""
        return {
            "read": self.summary.read + self.summary.rejected,
            "added": self.summary.added,
            "merged": self.summary.merged,
            "rejected": self.summary.rejected,
            "total": self.summary.total,
            "rejects": [
                {"number": reject.place.line, "reason": reject.reason, "text": reject.raw}
                for reject in self.rejects
            ],
        }


class Writer:
    """Adds and deletes sentences, one change at a time; readers get the new state at once."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._lock = threading.Lock()

    @property
    def directory(self) -> Path:
        """The index that is written to."""
        return self._snapshots.directory

    def add(self, sentences: Sequence[NewSentence], *, name: str = "api") -> Addition:
        """Add *sentences*; ids that are not given are made of *name*, a number and their group.

        Raises IndexBusyError while another process writes, and as ``build_index`` does; that
        none was accepted is no error.
        """
        rows = RowReader(name, ReadOptions(origin=DEFAULT_ORIGIN, name=name))
        return self.add_items(
            with_groups(
                rows.sentence(
                    number, new.text, new.text, new.lang, id=new.id, group=new.group,
                    origin=new.origin, context=new.context,
                )
                for number, new in enumerate(sentences, start=1)
            )
        )  # fmt: skip

    def add_items(self, items: Iterable[Sentence | Reject]) -> Addition:
        """Add what a reader of files gives."""
        rejects: list[Reject] = []
        with self._lock:
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

    def delete(self, ids: Sequence[str]) -> Deletion:
        """Delete the sentences with these ids; those that are not there are passed over."""
        return self._change(lambda: delete_rows(self.directory, ids))

    def _change(self, change: Callable[[], Deletion]) -> Deletion:
        with self._lock:
            done = change()
        self._snapshots.refresh()
        return done
