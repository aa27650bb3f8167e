"""Models from the Hugging Face hub into the cache of huggingface_hub; nothing else downloads.

What a model is made of is looked at first: one that could not be used, or would need to run code
of its author, is refused before its weights are asked for. A broken download goes on where it
stopped, in the same run or the next, and each large file is checked against its SHA-256.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from types import ModuleType

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.directory import file_digest
from searchkbd.encoders.tensors import sync_directory
from searchkbd.encoders.transformer.description import (
    SETTINGS,
    SHARDS,
    WEIGHTS,
    ModelFiles,
    describe,
)
from searchkbd.encoders.transformer.files import MissingModelError, find_model
from searchkbd.encoders.transformer.hub_cache import hub_cache, repo_folder
from searchkbd.encoders.transformer.names import HubName, hub_name
from searchkbd.hub import TIMEOUT, import_hub, progress_bar, refusal, unreachable

Progress = Callable[[float, float], None]
"""Told of the bytes done and in all."""

_BESIDE = ("*.json", "vocab.txt", "merges.txt", "*.model", "README.md", "LICENSE*", "NOTICE*")
"""Files that are downloaded besides weights and tokenizer, beside which they lie."""

_MAX_SETTINGS = 4 << 20  # bytes
_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")
_SPARE = 64 << 20  # bytes of disk to leave free
_PART = ".searchkbd-part"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository: its size in bytes, and its SHA-256 where it is a large one."""

    name: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Plan:
    """What is to be downloaded: *files* are those of the model, *absent* those not here yet."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]
    absent: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        """What is not here yet."""
        return sum(file.bytes for file in self.absent)


def fetch(
    spec: str,
    *,
    revision: str | None = None,
    progress: Progress | None = None,
    on_plan: Callable[[Plan], None] | None = None,
) -> ModelFiles:
    """Download the model *spec* (a name as ``find_model`` takes) and return it.

    *revision* is a branch, tag or commit, ``main`` where neither it nor *spec* says one. *on_plan*
    is told what is to come, before it does. What is here already is not downloaded again.

    Raises EncoderError, saying what to do, when huggingface_hub is missing; when the hub cannot be
    reached, has no such model, or not for this user; when the model cannot be used; when the disk
    is full; when another process is at the same download.
    """
    name = hub_name(spec)
    if name is None or (revision is not None and "@" in spec):
        raise EncoderError(
            f"{spec!r} is not the name of a model on the hub; write it as owner/name, "
            "or owner/name@revision"
        )
    if revision is not None:
        spec = f"{spec}@{revision}"
        name = hub_name(spec)
        if name is None:
            raise EncoderError(f"{revision!r} is not the name of a branch, tag or commit")
    try:
        hub = import_hub()
    except ImportError:
        raise EncoderError(
            "models are fetched with huggingface_hub; install it: "
            'pip install "searchkbd[transformers]"'
        ) from None
    with _explained(spec, name):
        download = _Download(hub, name, progress or (lambda done, total: None))
        plan = download.plan()
        if on_plan is not None:
            on_plan(plan)
        _check_space(plan)
        download.run(plan)
    return find_model(spec)


class _Download:
    """One repository at one commit, on its way into the cache."""

    def __init__(self, hub: ModuleType, name: HubName, progress: Progress) -> None:
        self._hub, self._name, self._progress = hub, name, progress
        self._cache = hub_cache()

    def plan(self) -> Plan:
        """Ask the hub what there is; raises EncoderError when it cannot be used."""
        info = self._hub.HfApi().model_info(
            self._name.repo, revision=self._name.revision, timeout=TIMEOUT, files_metadata=True
        )
        listing = {
            file.rfilename: RemoteFile(
                file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None
            )
            for file in info.siblings or ()
        }
        digests = [file.sha256 for file in listing.values() if file.sha256 is not None]
        if not _COMMIT.fullmatch(str(info.sha)) or not all(map(_SHA256.fullmatch, digests)):
            raise EncoderError(f"the hub's answer on {self._name.repo} is not one of a hub")
        snapshot = repo_folder(self._name.repo) / "snapshots" / info.sha
        files = tuple(self._wanted(listing, info.sha))
        absent = tuple(file for file in files if not (snapshot / file.name).exists())
        return Plan(self._name.repo, info.sha, files, absent)

    def run(self, plan: Plan) -> None:
        """Download what is absent, small files first: without weights it is seen to be not whole.

        The name of the revision is moved to the commit last, so that an older version of the
        model can be used until the new one is here.
        """
        done, total = 0, plan.bytes
        for file in sorted(plan.absent, key=lambda file: file.bytes):
            before = done

            def tell(done: float, _: float | None, before: int = before) -> None:
                self._progress(before + done, total)

            if file.sha256 is not None:
                self._fetch_large(plan, file, progress_bar(tell))
            self._hub.hf_hub_download(
                plan.repo, file.name, revision=plan.commit, cache_dir=self._cache,
                tqdm_class=progress_bar(tell),
            )  # fmt: skip
            done += file.bytes
            self._progress(done, total)
        _set_revision(plan, self._name.revision)

    def _wanted(self, listing: Mapping[str, RemoteFile], commit: str) -> Iterator[RemoteFile]:
        """Yield the files of *listing* that make the model.

        They are known from a copy of it in which the files that hold settings are those of the
        model and the others are empty.
        """
        with tempfile.TemporaryDirectory(prefix="searchkbd-") as folder:
            copy = Path(folder) / "model"
            copy.mkdir()
            for file in filter(_near_the_top, listing.values()):
                path = copy / file.name
                if path.name in SETTINGS and file.bytes <= _MAX_SETTINGS:
                    self._hub.hf_hub_download(
                        self._name.repo, file.name, revision=commit, local_dir=copy,
                        tqdm_class=progress_bar(lambda done, total: None),
                    )  # fmt: skip
                elif path.suffix != ".py":
                    path.parent.mkdir(exist_ok=True)
                    path.touch()
            try:
                files = describe(self._name.repo, copy)
            except EncoderError as error:
                said = str(error).replace(f"{copy}{os.sep}", "").replace(str(copy), self._name.repo)
                raise EncoderError(
                    f"{self._name.repo} cannot be used, so nothing was downloaded: {said}"
                ) from None
            needed = {_relative(path, copy) for path in (*files.weights, files.tokenizer)}
            folders = {_relative(module.path, copy) for module in files.modules} | {"."}
        single = f"{_relative(files.modules[0].path, copy)}/{WEIGHTS}".removeprefix("./")
        for file in listing.values():
            path = PurePosixPath(file.name)
            beside = str(path.parent) in folders and any(fnmatch(path.name, p) for p in _BESIDE)
            if file.name in needed or (beside and not (path.name == SHARDS and single in needed)):
                yield file

    def _fetch_large(self, plan: Plan, file: RemoteFile, bar: type) -> None:
        """Download *file* to where huggingface_hub keeps it, on from where it stopped before.

        That package takes it from there: of itself it begins a file anew in each run.
        """
        from filelock import FileLock, Timeout
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        blob = repo_folder(plan.repo) / "blobs" / str(file.sha256)
        if blob.exists():
            return
        blob.parent.mkdir(parents=True, exist_ok=True)
        part = blob.with_name(blob.name + _PART)
        locks = self._cache / ".locks" / repo_folder(plan.repo).name
        locks.mkdir(parents=True, exist_ok=True)
        url = self._hub.hf_hub_url(plan.repo, file.name, revision=plan.commit)
        try:
            with FileLock(locks / f"{part.name}.lock", timeout=0):
                with part.open("ab") as out:
                    here = out.tell()
                    if here > file.bytes:
                        out.truncate(0)
                        here = 0
                    http_get(
                        url, out, resume_size=here, headers=build_hf_headers(),
                        expected_size=file.bytes, tqdm_class=bar,
                    )  # fmt: skip
                    out.flush()
                    os.fsync(out.fileno())
                if file_digest(part) != file.sha256:
                    part.unlink()
                    raise EncoderError(
                        f"{plan.repo}/{file.name}: what has come is not what the hub has "
                        "(checksum); fetch it again"
                    )
                os.replace(part, blob)
                sync_directory(blob.parent)
        except Timeout:
            raise EncoderError(
                f"another process is fetching {plan.repo}; wait until it is done"
            ) from None


@contextmanager
def _explained(spec: str, name: HubName) -> Iterator[None]:
    """Turn the errors of the hub, the network and the disk into EncoderError."""
    from huggingface_hub import errors

    again = f"go on with: searchkbd models fetch {spec}"
    try:
        yield
    except EncoderError:
        raise
    except (
        errors.HTTPError, errors.OfflineModeIsEnabled, errors.EntryNotFoundError,
        errors.FileMetadataError,
    ) as error:  # fmt: skip
        refused = refusal(
            error, what="model", name=name.repo, page=name.repo, revision=name.revision
        )
        if refused is not None:
            raise EncoderError(refused) from None
        raise EncoderError(f"{unreachable(error)}; {_what_is_here(spec)}; {again}") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise EncoderError(
                f"the disk of {hub_cache()} is full; make room, or set HF_HUB_CACHE to another "
                f"directory, and {again}"
            ) from None
        where = f"{error.filename}: " if error.filename else ""
        raise EncoderError(f"{where}{error.strerror or error}; {again}") from None


def _what_is_here(spec: str) -> str:
    try:
        find_model(spec)
    except MissingModelError:
        return f"{spec} is not here, or not all of it"
    except EncoderError as error:
        return f"what is here cannot be used ({error})"
    return f"the version of {spec} that is here can be used as before"


def _check_space(plan: Plan) -> None:
    place = hub_cache()
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if plan.absent and plan.bytes + _SPARE > free:
        raise EncoderError(
            f"{plan.repo} needs {plan.bytes / 1e9:,.1f} GB, and {hub_cache()} has "
            f"{free / 1e9:,.1f} GB free; make room, or set HF_HUB_CACHE to another directory"
        )


def _set_revision(plan: Plan, revision: str) -> None:
    """Note in the cache, as huggingface_hub does, which commit a branch or tag means."""
    if revision == plan.commit:
        return
    ref = repo_folder(plan.repo) / "refs" / revision
    with suppress(OSError):
        if ref.read_text("ascii") == plan.commit:
            return
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(plan.commit, "ascii")


def _near_the_top(file: RemoteFile) -> bool:
    """Return whether *file* is where files of a model are: at the top, or in a folder there."""
    path = PurePosixPath(file.name)
    return not path.is_absolute() and ".." not in path.parts and len(path.parts) <= 2


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
