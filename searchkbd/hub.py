"""What downloads from the Hugging Face hub have in common: data sets and models.

``HF_ENDPOINT``, ``HF_HUB_OFFLINE``, ``HF_TOKEN`` and ``HF_HOME`` are honoured as huggingface_hub
does. Import that package by ``import_hub`` only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType

TIMEOUT = 20.0
"""Seconds to wait for an answer of the hub."""


def import_hub() -> ModuleType:
    """Return huggingface_hub, told to send no statistics; raises ImportError without it."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    return huggingface_hub


def refusal(error: Exception, *, what: str, name: str, page: str, revision: str) -> str | None:
    """Return what to say when the hub has answered that there is no such thing, or not for you.

    *what* is ``data set`` or ``model``, *name* what the user calls it, *page* the path of its page
    on the hub. None for an error that is not such an answer.
    """
    from huggingface_hub import constants, errors

    if isinstance(error, errors.GatedRepoError):
        return (
            f"{name} is given only to users who have accepted its terms; do so at "
            f"{constants.ENDPOINT}/{page} and log in: hf auth login"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"there is no {what} {name} at {constants.ENDPOINT}, or it is private: "
            "check the name, or log in: hf auth login"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{name} has no version {revision!r}"
    return None


def unreachable(error: Exception) -> str:
    """Return why the hub cannot be asked."""
    from huggingface_hub import constants, errors

    if isinstance(error, errors.OfflineModeIsEnabled) or constants.HF_HUB_OFFLINE:
        return "the network is not used, as HF_HUB_OFFLINE says"
    if isinstance(error, errors.HfHubHTTPError):
        return f"{constants.ENDPOINT} answered {error.response.status_code}"
    return f"{constants.ENDPOINT} cannot be reached"


def progress_bar(tell: Callable[[float, float | None], None]) -> type:
    """Return a progress bar of huggingface_hub's that draws nothing and calls *tell* with the
    bytes done and in all."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args: object, **settings: object) -> None:
            super().__init__(*args, **{**settings, "disable": True})
            self._done = settings.get("initial") or 0
            self._all = settings.get("total")

        def update(self, n: float | None = 1) -> None:
            self._done += n or 0
            tell(self._done, self._all)

    return Bar
