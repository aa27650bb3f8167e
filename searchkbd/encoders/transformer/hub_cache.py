"""The cache of huggingface_hub on disk, read without that package (and so without a network).

A model lies in ``models--OWNER--NAME``: ``refs/REVISION`` holds a commit, ``snapshots/COMMIT/`` the
files of that commit, mostly links to ``blobs/``, where a large file is named by its SHA-256.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from searchkbd.encoders.transformer.names import MAIN, HubName

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PREFIX = "models--"


@dataclass(frozen=True)
class Snapshot:
    """The files of one commit of a repository."""

    directory: Path
    commit: str

    @property
    def listing(self) -> Path:
        """Where huggingface_hub (2 and later) notes what files the commit has on the hub."""
        return self.directory.parents[1] / "trees" / f"{self.commit}.json"


def hub_cache() -> Path:
    """Return the cache directory, as ``huggingface_hub.constants`` finds it; it need not exist."""
    get = os.environ.get
    home = get("HF_HOME") or os.path.join(get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    place = get("HF_HUB_CACHE") or get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(place)))


def repo_folder(repo: str) -> Path:
    """Return the folder of the repository ``owner/name``."""
    return hub_cache() / (_PREFIX + repo.replace("/", "--"))


def cached_repos() -> Iterator[str]:
    """Yield the models that have a folder in the cache, by name."""
    try:
        names = sorted(entry.name for entry in os.scandir(hub_cache()) if entry.is_dir())
    except OSError:
        return
    for name in names:
        if name.startswith(_PREFIX) and name.count("--") == 2:
            yield name.removeprefix(_PREFIX).replace("--", "/")


def find_snapshot(name: HubName) -> Snapshot | None:
    """Return the snapshot of *name*, or None when the cache has nothing of that revision."""
    folder = repo_folder(name.repo)
    commit = name.revision
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (folder / "refs" / name.revision).read_text("ascii").strip()
        except (OSError, ValueError):
            return None
        if not _COMMIT.fullmatch(commit):
            return None
    directory = folder / "snapshots" / commit
    return Snapshot(directory, commit) if directory.is_dir() else None


def revisions(repo: str) -> list[str]:
    """Return the branches and tags of *repo* that the cache knows, main first."""
    refs = repo_folder(repo) / "refs"
    names = sorted(path.relative_to(refs).as_posix() for path in refs.rglob("*") if path.is_file())
    return sorted(names, key=lambda name: name != MAIN)
