"""An end to work whose length depends on what a stranger asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from searchkbd.errors import SearchkbdError


class TooSlowError(SearchkbdError):
    """The work took longer than it may; the message says what to do."""


def deadline(
    seconds: float, less: str = "a rarer word, fewer stars, a smaller gap, one language"
) -> Callable[[int, int], None]:
    """Return a callback for ``progress`` that raises TooSlowError after so many *seconds*; its
    message says to ask for *less*."""
    end = time.monotonic() + seconds

    def check(done: int, total: int) -> None:
        if time.monotonic() > end:
            raise TooSlowError(f"this takes longer than {seconds:g} seconds; ask for less: {less}")

    return check
