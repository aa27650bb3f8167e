"""Watching what a process does to the disk: each change of a file, and each SQL statement."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable

WRITING = ("fsync", "replace", "mkdir", "chmod")
"""Functions of ``os`` that a full disk can refuse."""

FREEING = ("unlink", "rmdir")

FILE_EVENTS = frozenset({*WRITING, *FREEING, "mkstemp", "write"})

Happen = Callable[[str], None]
"""Told of an event that is about to happen: one of FILE_EVENTS, or the SQL statement."""


def watch_files(
    happen: Happen,
    functions: tuple[str, ...],
    set_attribute: Callable[[object, str, object], None] = setattr,
) -> None:
    """Call *happen* before these *functions* of ``os``, before a file is made and in each write.

    *set_attribute* puts the watching functions in the place of those they call.
    """

    def watch(module: object, name: str) -> None:
        function = getattr(module, name)

        def watching(*args, **options):
            happen(name)
            return function(*args, **options)

        set_attribute(module, name, watching)

    for name in functions:
        watch(os, name)
    watch(tempfile, "mkstemp")
    fdopen = os.fdopen
    set_attribute(os, "fdopen", lambda *args, **options: _Torn(fdopen(*args, **options), happen))


def watch_statements(happen: Happen) -> None:
    """Call *happen* before each statement on every connection that is made from now on."""
    connect = sqlite3.connect

    def watching(*args, **options):
        connection = connect(*args, **options)
        connection.set_trace_callback(happen)
        return connection

    sqlite3.connect = watching


class _Torn:
    """A file in whose writes something can happen when half of the data is on the disk."""

    def __init__(self, file, happen: Happen) -> None:
        self._file = file
        self._happen = happen

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def __enter__(self) -> _Torn:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data) -> None:
        data = memoryview(data)
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._happen("write")
        self._file.write(data[half:])
