"""The note that a build leaves in its index directory, so that it can be repeated.

It is written when the first row has been read, under the lock of the index, and taken away when the
build ends, but not when it is killed or interrupted. What was encoded until then is in the
embedding cache, so that the repetition goes on where the build was.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from searchkbd.cli.job import BuildJob
from searchkbd.errors import SearchkbdError
from searchkbd.index.directory import BUILDING, files_of

_FORMAT = 2
_MOST_BYTES = 1 << 22

_T = TypeVar("_T")


class NothingToResumeError(SearchkbdError):
    """No build was interrupted, or it is not known any more which."""


class BuildNote:
    """The note of one build: a context around it, which raises SearchkbdError for an interrupt."""

    def __init__(self, directory: Path, job: BuildJob) -> None:
        self._directory = directory
        self._job = job
        self._token = secrets.token_hex(8)
        self._makes_directory = not directory.exists()
        self._begun = False
        self._before: dict[str, str] = {}

    def __enter__(self) -> BuildNote:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        stored = interrupted and self._begun and _committed(self._directory) != self._before
        if interrupted and not stored:
            raise SearchkbdError(self._interrupted()) from None
        self._remove()
        if stored:  # it came during what follows the commit
            raise SearchkbdError(
                f"interrupted; all sentences had been stored by then, and {self._directory} is "
                "complete"
            ) from None

    def begin(self, items: Iterable[_T]) -> Iterator[_T]:
        """Yield *items*, and leave the note as soon as the first of them is there.

        To be iterated over while the index is locked.
        """
        rest = iter(items)
        first = list(islice(rest, 1))
        self._before = _committed(self._directory)
        if self._job.reads_stdin:
            _path(self._directory).unlink(missing_ok=True)  # of a build that this one follows
        else:
            self._write()
        self._begun = True
        yield from chain(first, rest)

    def _write(self) -> None:
        from searchkbd.encoders.tensors import write_atomically

        said = {"format": _FORMAT, "token": self._token, **self._job.to_json()}
        text = json.dumps(said, ensure_ascii=False, indent=2)
        for left in self._directory.glob(f".{BUILDING}.*"):  # by a build that was killed just then
            left.unlink(missing_ok=True)
        write_atomically(_path(self._directory), text.encode("utf-8", "surrogateescape"))

    def _remove(self) -> None:
        # Another build may have begun since this one gave up the lock.
        with contextlib.suppress(OSError, ValueError):
            if _read(self._directory).get("token") == self._token:
                _path(self._directory).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            if self._makes_directory and not files_of(self._directory):
                self._directory.rmdir()

    def _interrupted(self) -> str:
        kept = "interrupted; an unfinished build leaves the index as it was"
        if self._begun and self._job.reads_stdin:
            return f"{kept} (standard input cannot be read again: --resume needs files)"
        if not _path(self._directory).exists():
            return kept
        index = shlex.quote(str(self._directory))
        return f"{kept}; go on with: searchkbd build --resume --index {index}"


def interrupted_job(directory: Path) -> BuildJob:
    """Return the build that was interrupted in *directory*.

    Raises NothingToResumeError where there is none, it had ended, or its note cannot be read.
    """
    path = _path(directory)
    try:
        said = _read(directory)
        if said.get("format") != _FORMAT:
            raise ValueError("another format")
        job = BuildJob.from_json(said)
    except FileNotFoundError:
        raise NothingToResumeError(
            f"{directory}: nothing to resume: no build was interrupted here (one that reads "
            "standard input, or had read nothing yet, has to be started again with its FILEs)"
        ) from None
    except (OSError, ValueError) as error:
        raise NothingToResumeError(
            f"{path}: does not say which build to resume ({error}); start the build again with "
            "its FILEs"
        ) from None
    if job.rejects is not None and not _may_replace(job.rejects):
        # The directory may have come from elsewhere, with a name of something that matters here.
        raise NothingToResumeError(
            f"{path}: the report of rejects would replace {job.rejects}, which is none; start the "
            "build again with its FILEs"
        )
    if job.mode == "new" and _committed(directory):
        path.unlink(missing_ok=True)
        raise NothingToResumeError(
            f"{directory}: nothing to resume: all sentences of that build had been stored"
        )
    return job


def _path(directory: Path) -> Path:
    return directory / BUILDING


def _read(directory: Path) -> dict:
    """Return what the note says; raises OSError or ValueError."""
    with open(_path(directory), "rb") as file:
        data = file.read(_MOST_BYTES)
    try:
        said = json.loads(data.decode("utf-8", "surrogateescape"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    return said


def _may_replace(report: Path) -> bool:
    from searchkbd.corpus.report import HEADER

    if not os.path.lexists(report):
        return True
    with open(report, "rb") as file:
        return file.read(len(HEADER)) == HEADER.encode("utf-8")


def _committed(directory: Path) -> dict[str, str]:
    """Return what the index says of itself, as it was committed; nothing where there is none."""
    from searchkbd.index.reader import IndexReader

    try:
        with IndexReader(directory) as reader:
            return dict(reader.meta)
    except SearchkbdError:
        return {}
