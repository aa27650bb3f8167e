"""Which models are on this machine: told from their files, none is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.transformer.description import MODULES
from searchkbd.encoders.transformer.files import MissingModelError, ModelFiles, find_model
from searchkbd.encoders.transformer.hub_cache import cached_repos, find_snapshot, revisions
from searchkbd.encoders.transformer.names import KNOWN, MAIN, HubName, KnownModel, hub_name

READY, ABSENT, INCOMPLETE, UNUSABLE = "ready", "absent", "incomplete", "unusable"

_MAX_CARD = 1 << 16  # bytes
_CARD = re.compile(r"---\r?\n(.*?)\r?\n---", re.DOTALL)


@dataclass(frozen=True)
class Listed:
    """A model by name, and its *state*: one of READY, ABSENT, INCOMPLETE, UNUSABLE.

    *files* are those of one that is ready; *reason* says of another what is the matter.
    """

    name: str
    state: str
    files: ModelFiles | None = None
    known: KnownModel | None = None
    reason: str = ""


def listed_models() -> Iterator[Listed]:
    """Yield the known models, here or not, and every other model of sentence-transformers in the
    cache of huggingface_hub. What else is in that cache is left out."""
    for model in KNOWN:
        yield replace(_listed(model.alias), known=model)
    for repo in cached_repos():
        for revision in revisions(repo):
            if revision == MAIN and any(model.repo == repo for model in KNOWN):
                continue
            snapshot = find_snapshot(HubName(repo, revision))
            if snapshot is not None and (snapshot.directory / MODULES).exists():
                yield _listed(repo if revision == MAIN else f"{repo}@{revision}")


def card_facts(directory: Path) -> dict[str, str]:
    """Return ``license`` and ``base_model`` as the model card in *directory* tells them, those
    that it does tell."""
    try:
        with (directory / "README.md").open("rb") as file:
            card = _CARD.match(file.read(_MAX_CARD).decode("utf-8", "replace"))
    except OSError:
        return {}
    facts = {}
    for key in ("license", "base_model") if card else ():
        # A value beside its name, or the first of a list below it.
        found = re.search(rf"^{key}:[ \t]*(?:\r?\n[ \t]*-[ \t]+)?(\S.*?)[ \t]*$", card[1], re.M)
        if found:
            facts[key] = found[1].strip("'\"")
    return facts


def _listed(name: str) -> Listed:
    place = hub_name(name)
    snapshot = find_snapshot(place) if place else None
    try:
        files = find_model(name)
        _ = files.fingerprint  # reads what finding has not: a damaged file shows here
    except MissingModelError as error:
        return Listed(name, INCOMPLETE if snapshot else ABSENT, reason=str(error))
    except EncoderError as error:
        reason = str(error)
        if snapshot:
            reason = reason.replace(f"{snapshot.directory}{os.sep}", "")
        return Listed(name, UNUSABLE, reason=reason)
    return Listed(name, READY, files)
