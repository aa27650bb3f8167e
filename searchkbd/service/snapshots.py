"""Snapshots of one index, lent to one thread at a time, and taken anew when the index changes."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from searchkbd.api import Index, open_encoder, open_index
from searchkbd.encoders.spec import EncoderSpec
from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.reader import IndexReader, connect_read_only
from searchkbd.service.encoder import SharedEncoder

_log = logging.getLogger("searchkbd")

POLL = 0.5
"""Seconds after which a change of the index is noticed, at most."""

_ATTEMPTS = 3  # to open a snapshot while the index changes
_PATIENCE = 30.0  # seconds that a thread waits for a snapshot which others use


@dataclass
class _Generation:
    """The open snapshots of one state of the index; ``idle`` ones are lent to nobody.

    ``state`` is how it was found to be a new one, ``meta`` what it says of itself.
    """

    state: tuple[int, ...]
    meta: dict[str, str]
    encoder: SharedEncoder
    number: int
    open: int = 0
    idle: list[Index] = field(default_factory=list)


class Snapshots:
    """Lends snapshots of the index at *directory*; a context manager.

    Whoever has one keeps it as it was; who asks after a change gets the index as it is now. Where
    the new state cannot be read (it is of another version, say, or the directory is gone), the
    old one goes on being lent, and :attr:`problem` says why.

    Raises what ``open_index`` does, and EncoderMismatchError.
    """

    def __init__(
        self, directory: str | Path, spec: EncoderSpec | None = None, *, poll: float = POLL
    ) -> None:
        """*spec* says which encoder to use, and how; the index's own when not given."""
        self.directory = Path(directory)
        self.problem: str | None = None
        self._spec = spec
        self._lock = threading.Lock()
        self._waiting: deque[SimpleQueue[tuple[_Generation, Index] | None]] = deque()
        self._refreshing = threading.Lock()
        self._watch: sqlite3.Connection | None = None
        self._watched: tuple[int, int] | None = None
        self._closed = threading.Event()
        connect_read_only(self.directory).close()  # says what is wrong with it
        try:
            self._now = self._opened(self._state(), None)
        except BaseException:
            if self._watch is not None:
                self._watch.close()
            raise
        self._watcher = threading.Thread(
            target=self._poll, args=(poll,), name="searchkbd-watch", daemon=True
        )
        self._watcher.start()

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._closed.set()
        self._watcher.join()
        with self._refreshing, self._lock:
            self._retire(self._now)
            if self._watch is not None:
                self._watch.close()

    @property
    def encoder(self) -> SharedEncoder:
        """The encoder of the state that is lent now."""
        return self._now.encoder

    @property
    def generation(self) -> int:
        """How many states have been lent; it grows when the index changes."""
        return self._now.number

    @contextmanager
    def lend(self) -> Iterator[Index]:
        """Lend a snapshot of the index as it is, for the block.

        Raises IndexDamagedError when none can be opened and none comes back in time.
        """
        generation, index = self._take()
        try:
            yield index
        finally:
            self._give_back(generation, index)

    def warm_up(self) -> None:
        """Load the encoder and what a search reads, so that the first to ask does not wait."""
        with self.lend() as index, suppress(ValueError):
            index.search("а", k=1)

    def refresh(self) -> bool:
        """Take the index anew if it has changed; return whether it has."""
        with self._refreshing:
            if self._closed.is_set():
                return False
            try:
                state = self._state()
                if state == self._now.state and self.problem is None:
                    return False
                fresh = self._opened(state, self._now)
            except Exception as error:  # whatever it is, what is open goes on being lent
                if self.problem != str(error):
                    _log.error("the index goes on as it was: %s", error)
                self.problem = str(error)
                return False
            if self.problem is not None:
                _log.info("the index can be read again")
            self.problem = None
            with self._lock:
                old, self._now = self._now, fresh
                self._retire(old)
                while self._waiting:
                    self._waiting.popleft().put(None)  # there is something new to ask for
            return True

    def _take(self) -> tuple[_Generation | None, Index]:
        """Return a snapshot and the generation that it goes back to; None: it is of no other."""
        failures, end = 0, time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with self._lock:
                generation = self._now
                if generation.idle:
                    return generation, generation.idle.pop()
                # While the index cannot be read, those that were opened before have to do.
                waits = generation.open > 0 and (
                    self.problem is not None or failures >= _ATTEMPTS
                )
                if waits:
                    place: SimpleQueue[tuple[_Generation, Index] | None] = SimpleQueue()
                    self._waiting.append(place)
                elif failures < _ATTEMPTS:
                    generation.open += 1
                else:
                    break
            taken = self._wait(place) if waits else self._open_another(generation)
            if taken is not None:
                return taken
            failures += not waits
        why = self.problem or "it changed too often, or all that were open are in use"
        raise IndexDamagedError(f"{self.directory}: no snapshot to read from: {why}")

    def _open_another(self, generation: _Generation) -> tuple[_Generation | None, Index] | None:
        """Open a snapshot for *generation*, which has counted it; None when it cannot be now."""
        try:
            index = self._open(generation.encoder)
        except Exception as error:
            _log.debug("opening a snapshot: %s", error)
            index = None
        if index is not None and index.reader.meta == generation.meta:
            return generation, index
        with self._lock:
            generation.open -= 1
        self.refresh()  # it has changed a moment ago
        return None if index is None else (None, index)

    def _wait(
        self, place: SimpleQueue[tuple[_Generation, Index] | None]
    ) -> tuple[_Generation, Index] | None:
        """Return what is put into *place* in time; None: nothing, or it is time to ask again."""
        with suppress(Empty):
            return place.get(timeout=_PATIENCE)
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                return None
        return place.get()

    def _give_back(self, generation: _Generation | None, index: Index) -> None:
        with self._lock:
            if generation is self._now and not self._closed.is_set():
                # Whoever waits comes first, or those that ask all the time would get it.
                if self._waiting:
                    self._waiting.popleft().put((generation, index))
                else:
                    generation.idle.append(index)
                return
            if generation is not None:
                generation.open -= 1
        index.close()

    def _opened(self, state: tuple[int, ...], before: _Generation | None) -> _Generation:
        """Return the generation of *state*, with one open snapshot."""
        with IndexReader(self.directory) as reader:
            if before is not None and reader.meta["fingerprint"] == before.encoder.fingerprint:
                encoder = before.encoder
            else:
                encoder = SharedEncoder(open_encoder(reader, self._spec))
        first = self._open(encoder)
        number = before.number + 1 if before else 1
        return _Generation(state, first.reader.meta, encoder, number, 1, [first])

    def _open(self, encoder: SharedEncoder) -> Index:
        return open_index(self.directory, encoder, any_thread=True)

    def _retire(self, generation: _Generation) -> None:
        for index in generation.idle:
            index.close()
        generation.open -= len(generation.idle)
        generation.idle.clear()

    def _state(self) -> tuple[int, ...]:
        """Return what changes with every write: which file the database is, and its version.

        When it was changed is part of it: snapshots that are opened once the log is written back
        do not read the log, which can then begin anew; and where nothing can be locked (read-only
        media), nothing else tells.
        """
        found = schema.database_path(self.directory).stat()
        place = found.st_dev, found.st_ino
        if self._watch is None or place != self._watched:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
            self._watch = connect_read_only(self.directory, any_thread=True)
            self._watched = place
        (version,) = self._watch.execute("PRAGMA data_version").fetchone()
        return (*place, found.st_mtime_ns, found.st_size, version)

    def _write_back(self) -> None:
        """Have the database take in its log, and the log begin anew, if we may write.

        Writers do that too, but not while somebody reads an older state or reads from the log, as
        we do: it would grow for as long as the server runs.
        """
        path = schema.database_path(self.directory)
        with suppress(OSError, sqlite3.Error):
            if not path.with_name(path.name + "-wal").stat().st_size:
                return
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None
            )
            with closing(connection):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _poll(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            try:
                self.refresh()
                self._write_back()
            except Exception:  # the watch must go on
                _log.exception("looking whether the index has changed")
