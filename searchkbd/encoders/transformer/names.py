"""Names of models: the short ones that searchkbd knows, and repositories of the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

ORGANISATION = "sentence-transformers"
"""Owner of a model that is named without one, as in sentence-transformers."""

MAIN = "main"
"""The revision that is meant when none is named."""

_REPO = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]*", re.ASCII)


@dataclass(frozen=True)
class KnownModel:
    """A model with a short name: *palochka* is the spelling that it was trained on, *bytes* what
    its download takes, about, and *what* says what it is for."""

    alias: str
    repo: str
    palochka: str
    bytes: int
    what: str


KNOWN = (
    KnownModel(
        "labse-kbd", "panagoa/LaBSE-kbd-v0.2", "I", 1_900_000_000,
        "LaBSE trained on Kabardian and Russian",
    ),
    KnownModel(
        "labse", "sentence-transformers/LaBSE", "I", 1_900_000_000,
        "LaBSE of Google: 109 languages, Kabardian not among them",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class HubName:
    """A repository of the hub, and which version of it."""

    repo: str
    revision: str = MAIN


def resolve(spec: str) -> str:
    """Return the repository that *spec* means: that of an alias, or *spec* itself.

    A name without an owner is one of sentence-transformers, as that library has it.
    """
    for model in KNOWN:
        if model.alias == spec:
            return model.repo
    return spec if "/" in spec else f"{ORGANISATION}/{spec}"


def known(repo: str) -> KnownModel | None:
    """Return what is known of the repository *repo*."""
    return next((model for model in KNOWN if model.repo == repo), None)


def hub_name(spec: str) -> HubName | None:
    """Return the repository and revision of *spec*, ``NAME`` or ``NAME@REVISION``.

    None where *spec* cannot be the name of a model (a path with two slashes, or with ``..``).
    """
    name, at, revision = spec.partition("@")
    repo = resolve(name)
    if not name or not _REPO.fullmatch(repo) or ".." in spec or "--" in repo:
        return None
    if at and not _REVISION.fullmatch(revision):
        return None
    return HubName(repo, revision or MAIN)
