"""Serving over standard input and output: one client, which started this process."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import anyio
from anyio import from_thread, lowlevel, to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

_log = logging.getLogger("searchkbd")

MAX_LINE = 1_000_000
"""Bytes of one message; longer ones are passed over."""

_GRACE = 2.0  # seconds that calls have to end; clients kill those who take longer
_CHUNK = 65536
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def run_stdio(server: Server, output: int) -> None:
    """Serve until the client closes standard input or goes away, or until SIGINT or SIGTERM.

    *output* is the descriptor that the client reads, and that nothing else may write to.
    """
    anyio.run(_serve, server, output)


async def _serve(server: Server, output: int) -> None:
    async with anyio.create_task_group() as tasks:
        stop = tasks.cancel_scope.cancel
        tasks.start_soon(_stop_on_signal, stop)
        streams = _Input(0), _Output(output, stop)
        async with stdio_server(*streams) as (messages, answers):
            await server.run(messages, answers, server.create_initialization_options())
        stop()


async def _stop_on_signal(stop: Callable[[], None]) -> None:
    if sys.platform == "win32":  # which has KeyboardInterrupt only
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            _end_soon()
            stop()


def _end_soon() -> None:
    """End the process when the calls that run do not end in time; nothing is lost by that."""
    timer = threading.Timer(_GRACE, os._exit, (0,))
    timer.daemon = True
    timer.start()


class _Input:
    """The lines of a descriptor, for ``stdio_server``.

    They are read by a thread that nobody waits for: a read cannot be interrupted, and a process
    that is told to stop must not wait for what its client says next.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        send, receive = anyio.create_memory_object_stream[str](1)
        token = lowlevel.current_token()

        def read() -> None:
            try:
                for line in _lines(self._descriptor):
                    from_thread.run(send.send, line, token=token)
                _end_soon()
                from_thread.run_sync(send.close, token=token)
            except (RuntimeError, anyio.BrokenResourceError):
                pass  # the loop has ended, or nobody listens any more

        threading.Thread(target=read, name="searchkbd-stdin", daemon=True).start()
        with receive:
            async for line in receive:
                yield line


class _Output:
    """Writes to a descriptor, for ``stdio_server``; calls *gone* when nobody reads it."""

    def __init__(self, descriptor: int, gone: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._gone = gone

    async def write(self, text: str) -> None:
        try:
            await to_thread.run_sync(self._write, text.encode("utf-8", "replace"))
        except OSError:
            self._gone()

    async def flush(self) -> None:
        """Nothing is held back."""

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def _lines(descriptor: int) -> Iterator[str]:
    """Yield the lines that come from *descriptor* until it ends."""
    held = bytearray()
    passed_over = False
    while chunk := os.read(descriptor, _CHUNK):
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            held += end
            if not passed_over and len(held) <= MAX_LINE:
                yield _well_formed(held.decode("utf-8", "replace"))
            else:
                _log.warning("a message of more than %d bytes was passed over", MAX_LINE)
            held.clear()
            passed_over = False
        held += rest
        if len(held) > MAX_LINE:
            held.clear()
            passed_over = True


def _well_formed(line: str) -> str:
    r"""Return *line*, a message, with half a surrogate pair (``\ud83d``) as a question mark.

    JavaScript writes those where it has cut a text within a character. The message would not be
    understood, so nobody would be answered.
    """
    if not _HALF.search(line):
        return line
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return line
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace").decode()
