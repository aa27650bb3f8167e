"""The index as the handlers of requests ask it: in threads, a snapshot each."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from searchkbd.api import Index
from searchkbd.errors import SearchkbdError
from searchkbd.server.settings import ServerSettings
from searchkbd.service.snapshots import Snapshots
from searchkbd.service.writes import Writer

_Result = TypeVar("_Result")

_SLOW_THREADS = 2
_MOST_WAITING = 100  # slow requests, or changes: beyond these, the last would wait for minutes


class OverloadedError(SearchkbdError):
    """More is asked than can be answered in time. Becomes a 503."""


class Service:
    """What all requests share. Requests beyond the threads wait for their turn."""

    def __init__(self, settings: ServerSettings, snapshots: Snapshots) -> None:
        self.settings = settings
        self.snapshots = snapshots
        self.writer = Writer(snapshots)
        # Python runs one thread at a time; more of them only take turns more often.
        self._quick = CapacityLimiter(max(2, os.cpu_count() or 2))
        self._slow = CapacityLimiter(_SLOW_THREADS)
        self._writing = CapacityLimiter(1)

    async def quick(self, ask: Callable[[Index], _Result]) -> _Result:
        """Return ``ask(index)``, which takes milliseconds: one search, one look-up."""
        return await to_thread.run_sync(self._lent, ask, limiter=self._quick)

    async def slow(self, ask: Callable[[Index], _Result]) -> _Result:
        """Return ``ask(index)``, which may take seconds and must not hold searches up: batches,
        concordances, counts of the whole index. Raises OverloadedError."""
        _require_room(self._slow)
        return await to_thread.run_sync(self._lent, ask, limiter=self._slow)

    async def write(self, change: Callable[[Writer], _Result]) -> _Result:
        """Return ``change(writer)``; changes wait for each other. Raises OverloadedError."""
        _require_room(self._writing)
        return await to_thread.run_sync(change, self.writer, limiter=self._writing)

    def _lent(self, ask: Callable[[Index], _Result]) -> _Result:
        with self.snapshots.lend() as index:
            return ask(index)


def _require_room(limiter: CapacityLimiter) -> None:
    if limiter.statistics().tasks_waiting >= _MOST_WAITING:
        raise OverloadedError("too much is being asked; try again in a moment")


def service_of(request: Request) -> Service:
    """Return the service of the application that *request* is to (a dependency of FastAPI)."""
    return request.app.state.service
