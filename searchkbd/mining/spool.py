"""Records set aside in a temporary file until it is known what becomes of them."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def scratch_errors() -> Iterator[None]:
    """Name the place of temporary files, and what to do, in an OSError of writing one."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror} (temporary files; make room, or set TMPDIR to another disk)",
            tempfile.gettempdir(),
        ) from error


class Spool:
    """JSON objects on disk, in order; memory holds 8 bytes for each. Read once all are there."""

    def __init__(self) -> None:
        with scratch_errors():
            self._file = tempfile.TemporaryFile(prefix="searchkbd-rows-")  # noqa: SIM115
        self._starts = array("q")
        self._end = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, record: dict[str, Any]) -> None:
        """Add *record*; raises OSError when the disk is full."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with scratch_errors():
            self._file.write(line)
        self._starts.append(self._end)
        self._end += len(line)

    def __getitem__(self, at: int) -> dict[str, Any]:
        with scratch_errors():
            self._file.seek(self._starts[at])
        return json.loads(self._file.readline())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # By position, as whoever iterates may look up others in between.
        for at in range(len(self)):
            yield self[at]
