"""Operations on an index in a process that is killed, at a random time or at a chosen point.

The process that forks must have used no threads (OMP_NUM_THREADS=1): scripts/crash.py sees to it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.index.crash.disk import (
    FILE_EVENTS,
    FREEING,
    WRITING,
    watch_files,
    watch_statements,
)
from tests.index.crash.model import Operation, State, World, Wrong, check


@dataclass(frozen=True)
class Kill:
    """When a process dies: after ``delay`` seconds, or at an event that it counts itself.

    ``kind`` is ``time``; ``file``, ``unlink`` or ``sql``, the ``at``-th change of a file, removal
    of one, or statement; or ``commit``, the ``at``-th of any from the ``nth`` COMMIT on, that one
    counted.
    """

    kind: str
    delay: float = 0.0
    at: int = 0
    nth: int = 1


class Events:
    """Counts what a process does to the disk, and kills it at the event that was chosen."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._left = kill.at
        self._commits = 0
        self.counts: Counter[str] = Counter()

    def install(self) -> None:
        """Have everything that this process does to the disk from now on counted."""
        watch_files(self._happen, WRITING + FREEING)
        watch_statements(self._happen)

    def _happen(self, what: str) -> None:
        kinds = {"file" if what in FILE_EVENTS else "sql"}
        if what in FREEING:
            kinds.add("unlink")
        self.counts.update(kinds)
        self._commits += what == "COMMIT"
        if self._commits >= self._kill.nth:
            kinds.add("commit")
        if self._kill.kind in kinds:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Tally:
    """What became of the operations of one name."""

    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.05
    events: Counter[str] = field(default_factory=lambda: Counter(file=30, sql=300))


class Killing:
    """A directory that operations are begun on and killed, over and over."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.world = World(seed)
        self.rng = random.Random(seed + 1)
        self.tallies: dict[str, Tally] = {}
        self.state: State = {}
        self._folder = directory
        self._number = 0

    @property
    def directory(self) -> Path:
        """The index that is worked on."""
        return self._folder / f"index{self._number}"

    def run(self, kills: int) -> Iterator[tuple[Operation, Kill, str]]:
        """Go on until *kills* operations were killed; yield each that was begun, how it was to be
        killed, and what came of it.

        That is ``before`` or ``after``, of what the directory holds, ``same`` where these are one,
        or ``done`` where the kill came too late. Raises Wrong.
        """
        done = 0
        while done < kills:
            if self.state and self.rng.random() < 0.08:  # the first build is killed too
                self._number += 1
                self.state = {}
            operation = self.world.draw(self.state)
            kill = self._drawn(operation.name)
            try:
                outcome = self._round(operation, kill)
            except Exception as error:
                raise Wrong(f"{operation.name}, {kill}: {error!r}") from error
            done += outcome != "done"
            yield operation, kill, outcome

    def _drawn(self, name: str) -> Kill:
        tally = self.tallies.setdefault(name, Tally())
        kind = self.rng.choice(["time", "time", "file", "unlink", "sql", "commit"])
        if kind == "time":
            return Kill(kind, delay=self.rng.uniform(0, 1.1 * tally.seconds))
        if kind == "unlink":
            return Kill(kind, at=self.rng.randint(1, 5))
        if kind == "commit":
            at = self.rng.choice([1, 1, self.rng.randint(2, 14)])
            return Kill(kind, at=at, nth=self.rng.randint(1, 2))
        return Kill(kind, at=self.rng.randint(1, 1 + int(1.1 * tally.events[kind])))

    def _round(self, operation: Operation, kill: Kill) -> str:
        before, tally = self.state, self.tallies[operation.name]
        began = time.monotonic()
        killed, events = _in_child(operation, self.directory, kill)
        if killed:
            tally.kills[kill.kind] += 1
        else:
            tally.seconds = time.monotonic() - began
            tally.events = events
        allowed = [before, operation.after] if killed else [operation.after]
        self.state = check(self.directory, allowed, self.rng)
        if not killed:
            outcome = "done"
        elif before == operation.after:
            outcome = "same"
        else:
            outcome = "before" if self.state == before else "after"
        tally.outcomes[outcome] += 1
        return outcome


def _in_child(operation: Operation, directory: Path, kill: Kill) -> tuple[bool, Counter[str]]:
    """Run *operation* in a process of its own; return whether it was killed, and its events.

    Raises Wrong when it fails otherwise.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_child(operation, directory, kill, writing)
    os.close(writing)
    if kill.kind == "time":
        time.sleep(kill.delay)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with open(reading, encoding="utf-8") as said:
        text = said.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True, Counter()
    if status != 0:
        raise Wrong(f"{operation.name} failed with status {status}:\n{text}")
    file, sql = map(int, text.split())
    return False, Counter(file=file, sql=sql)


def _be_child(operation: Operation, directory: Path, kill: Kill, writing: int) -> None:
    status = 1
    try:
        events = Events(kill)
        events.install()
        operation.run(directory)
        os.write(writing, f"{events.counts['file']} {events.counts['sql']}".encode())
        status = 0
    except BaseException:
        os.write(writing, traceback.format_exc()[-4000:].encode())
    finally:
        os._exit(status)
