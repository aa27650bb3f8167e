"""Pins: files by which running builds keep others from removing what they have cached.

A pin is locked for as long as its process lives, so one that can be locked is of a dead process.
Where there are no such locks (Windows), a file that is open cannot be removed, which says the
same.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None

_SUFFIX = ".pin"


class Pin:
    """Keeps chunks that are used from now on, until it is released or its process ends.

    Raises OSError where *folder* cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        while True:
            self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
            self._handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
            if fcntl is not None:
                with contextlib.suppress(OSError):  # a file system without locks
                    fcntl.flock(self._handle, fcntl.LOCK_EX)
            # Before it was locked, another process may have taken it for a dead one.
            if self._path.exists():
                return
            os.close(self._handle)

    def release(self) -> None:
        """Let everything go."""
        os.close(self._handle)
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def oldest_pin(folder: Path) -> int | None:
    """Return when the oldest pin of a living process was made, in ns; None when there is none.

    Pins of dead processes are removed.
    """
    starts = [_start(path) for path in folder.glob(f"*{_SUFFIX}")]
    return min((start for start in starts if start is not None), default=None)


def _start(path: Path) -> int | None:
    """Return when the pin was made, or None when its process is dead."""
    try:
        start = path.stat().st_mtime_ns
        if fcntl is None:
            path.unlink()
            return None
        handle = os.open(path, os.O_RDWR)  # NFS locks nothing else
    except FileNotFoundError:
        return None
    except OSError:
        return start
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return start
    except OSError:  # a file system without locks, or a read-only one
        return None
    finally:
        os.close(handle)
    return None
