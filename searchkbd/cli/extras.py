"""What a command needs that not every installation has."""

from __future__ import annotations

import importlib.util

from searchkbd.errors import SearchkbdError


class MissingExtraError(SearchkbdError):
    """Packages that a command needs are not installed; the message says how to get them."""


def require_extra(extra: str, *packages: str) -> None:
    """Raise MissingExtraError unless all *packages* are here, which *extra* would install."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this needs {', '.join(missing)}; install what is missing with: "
            f'pip install "searchkbd[{extra}]", or in a checkout: pip install ".[{extra}]"'
        )
