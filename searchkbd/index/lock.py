"""Who is writing to an index, for the message that others get.

The lock itself is SQLite's, which ends with the process that holds it; this file only names the
holder. One that was left behind by a process that is gone is ignored and written over.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

NAME = "writer.json"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that writes: its number, machine, command and when it began (local time)."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"process {self.pid}{where} ({self.command}, since {self.since})"


def write_holder(directory: Path) -> None:
    """Say that this process writes to *directory*; that it cannot be said harms nobody."""
    program = Path(sys.argv[0] or "python")
    name = program.parent.name if program.name == "__main__.py" else program.name  # python -m
    command = " ".join([name, *sys.argv[1:2]])
    since = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    holder = Holder(os.getpid(), socket.gethostname(), command, since)
    aside = directory / f".{NAME}-{os.getpid()}"
    with contextlib.suppress(OSError):
        for left in directory.glob(f".{NAME}-*"):  # by a process that was killed just then
            left.unlink(missing_ok=True)
        aside.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        os.replace(aside, directory / NAME)


def remove_holder(directory: Path) -> None:
    """Take away what this process has said."""
    (directory / f".{NAME}-{os.getpid()}").unlink(missing_ok=True)
    holder = _read(directory)
    if holder is not None and holder.pid == os.getpid() and holder.host == socket.gethostname():
        (directory / NAME).unlink(missing_ok=True)


def read_holder(directory: Path) -> Holder | None:
    """Return the process that writes to *directory*; None where it is unknown, or is gone."""
    holder = _read(directory)
    if holder is None or (holder.host == socket.gethostname() and not _is_alive(holder.pid)):
        return None
    return holder


def is_holder_file(path: Path) -> bool:
    """Return whether *path* is such a file, finished or half-written, by its name."""
    return path.name == NAME or path.name.startswith(f".{NAME}-")


def _read(directory: Path) -> Holder | None:
    try:
        said = json.loads((directory / NAME).read_text(encoding="utf-8"))
        pid, *others = (said[name] for name in ("pid", "host", "command", "since"))
        return Holder(int(pid), *map(str, others))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # asking would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
