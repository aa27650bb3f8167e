"""Data sets of Hugging Face by name, ``hf:owner/name``: the Parquet files of one split.

A file is downloaded when its turn comes, into the cache of huggingface_hub, and read from there.
No code of a data set is ever run. ``HF_HUB_OFFLINE``, ``HF_ENDPOINT`` and ``HF_HOME`` are honoured
as huggingface_hub does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from searchkbd.corpus.events import Remark, Stage
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.parquet import read_shards
from searchkbd.corpus.read import HUB
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.corpus.splits import expected, files_of_split
from searchkbd.hub import TIMEOUT, import_hub, progress_bar, refusal, unreachable

MAIN = "main"
"""The version that is read when none is named."""

_NAME = re.compile(r"(?:\w[\w.-]*/)?\w[\w.-]*", re.ASCII)
_TYPE = "dataset"


def read_hub(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the rows of the data set *path*, with or without ``hf:``, file by file.

    ``options.split`` says which files, ``options.revision`` of which version. What is in the cache
    is read without a network. Raises CorpusError when huggingface_hub is missing, and when the
    data set, the split or the network is.
    """
    repo = path.removeprefix(HUB)
    if not _NAME.fullmatch(repo):
        raise CorpusError(f"{path} is not the name of a data set; write it as hf:owner/name")
    name = HUB + repo
    data_set = _DataSet(name, repo, options)
    files = data_set.files()

    def shards() -> Iterator[tuple[str, RowReader]]:
        for file in files:
            reading = replace(options, name=f"{repo}/{file}", origin=options.origin or name)
            yield data_set.fetched(file), RowReader(f"{name}/{file}", reading)

    yield from read_shards(shards, name, options)


class _DataSet:
    """One version of a data set, on the hub and in the cache."""

    def __init__(self, name: str, repo: str, options: ReadOptions) -> None:
        self._name = name
        self._repo = repo
        self._options = options
        self._revision = options.revision or MAIN
        self._commit: str | None = None
        try:
            self._hub = import_hub()
        except ImportError:
            raise CorpusError(
                f"{name} is fetched with huggingface_hub; install it: pip install 'searchkbd[hub]'"
            ) from None

    def files(self) -> list[str]:
        """Return the files of the split that is read."""
        from huggingface_hub import errors

        try:
            info = self._hub.HfApi().dataset_info(
                self._repo, revision=self._revision, timeout=TIMEOUT
            )
        except (errors.OfflineModeIsEnabled, errors.HTTPError) as error:
            reason = self._told(error)
            listed = self._cached()
            if not listed:
                raise CorpusError(f"{self._name}: {reason}; and nothing of it is cached") from None
            files = files_of_split(listed, self._options.split, self._name)
            if expected(files) is None:
                self._options.on_event(Remark(
                    f"{self._name}: {reason}; read are the files that are cached: "
                    + ", ".join(files)
                ))  # fmt: skip
            return files
        self._commit = info.sha
        names = [sibling.rfilename for sibling in info.siblings or ()]
        return files_of_split(names, self._options.split, self._name)

    def fetched(self, file: str) -> str:
        """Return where *file* lies in the cache, downloaded if it was not there."""
        from huggingface_hub import errors

        label = f"Fetching {os.path.basename(file)}"

        def tell(done: float, total: float | None) -> None:
            self._options.on_event(Stage(label, "bytes", done, total))

        try:
            path = self._hub.hf_hub_download(
                self._repo, file, repo_type=_TYPE, revision=self._revision,
                tqdm_class=progress_bar(tell),
            )  # fmt: skip
        except (errors.HTTPError, errors.EntryNotFoundError, errors.FileMetadataError) as error:
            raise CorpusError(f"{self._name}/{file}: {self._told(error)}") from None
        # snapshots/COMMIT/FILE
        commit = Path(path).parts[-1 - len(Path(file).parts)]
        if self._commit not in (None, commit):
            raise CorpusError(f"{self._name} has been changed while it was read; read it again")
        return path

    def _told(self, error: Exception) -> str:
        """Return what to say of *error*; raises CorpusError when the cache is of no help."""
        refused = refusal(
            error, what="data set", name=self._name, page=f"datasets/{self._repo}",
            revision=self._revision,
        )  # fmt: skip
        if refused is not None:
            raise CorpusError(refused) from None
        return unreachable(error)

    def _cached(self) -> list[str]:
        """Return the files of the version that the cache has."""
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(
            repo_id=self._repo, repo_type=_TYPE
        )
        try:
            commit = (folder / "refs" / self._revision).read_text("ascii").strip()
        except OSError:
            commit = self._revision
        snapshot = folder / "snapshots" / commit
        return [file.relative_to(snapshot).as_posix() for file in snapshot.rglob("*.parquet")]
