"""Models of sentence-transformers on this machine, found by name or directory.

Nothing here uses the network, or imports torch, transformers or huggingface_hub: it is on the way
of every query.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

from searchkbd.encoders.base import EncoderError, UnknownEncoderError
from searchkbd.encoders.transformer.configs import read_object
from searchkbd.encoders.transformer.description import (
    PALOCHKAS,
    SETTINGS,
    SHARDS,
    LackingFileError,
    ModelFiles,
    Module,
    describe,
    holds_model,
)
from searchkbd.encoders.transformer.hub_cache import (
    Snapshot,
    find_snapshot,
    hub_cache,
    repo_folder,
)
from searchkbd.encoders.transformer.names import KNOWN, HubName, hub_name, known

__all__ = [
    "KEEP", "PALOCHKAS", "MissingModelError", "ModelFiles", "Module", "find_model", "holds_model",
]  # fmt: skip

KEEP = "keep"
"""Instead of a palochka: texts are given to the model as they are."""


class MissingModelError(UnknownEncoderError):
    """The model is not on this machine, or not all of it."""


def find_model(spec: str | Path, palochka: str | None = None) -> ModelFiles:
    """Return the model called *spec*: a known name, a model in the cache of huggingface_hub
    (``owner/name``, ``owner/name@revision``), or the directory of one.

    A name goes before a directory of that name (``./labse`` is the directory). *palochka* is one
    of PALOCHKAS, or ``keep``; None leaves it to the model. Raises MissingModelError when there is
    no such model here, and EncoderError for one that cannot be used, or must not be.
    """
    if palochka not in (None, KEEP, *PALOCHKAS):
        raise EncoderError(
            f"{palochka!r} is no spelling of the palochka: one of {' '.join(PALOCHKAS)}, or keep"
        )
    name = hub_name(spec) if isinstance(spec, str) else None
    if name is not None and (_is_known(name) or repo_folder(name.repo).is_dir()):
        snapshot = find_snapshot(name)
        if snapshot is None:
            raise _missing(str(spec), name)
        files = _in_cache(str(spec), name, snapshot)
    elif str(spec) and Path(spec).exists():
        directory = Path(os.path.abspath(spec))
        files = describe(str(directory), directory)
    elif name is not None:
        raise _missing(str(spec), name)
    else:
        raise MissingModelError(f"there is no directory {str(spec)!r}, and no model is called so")
    return files if palochka is None else replace(
        files, palochka=None if palochka == KEEP else palochka
    )


def _is_known(name: HubName) -> bool:
    return known(name.repo) is not None


def _in_cache(spec: str, name: HubName, snapshot: Snapshot) -> ModelFiles:
    lacking = _lacking(snapshot)
    if not lacking:
        try:
            files = describe(spec, snapshot.directory)
        except LackingFileError as error:
            lacking = error.file
        else:
            model = known(name.repo)
            return replace(
                files, repo=name.repo, revision=snapshot.commit,
                palochka=files.palochka or (model.palochka if model else None),
            )  # fmt: skip
    raise MissingModelError(
        f"the model {spec} is not all here: its {lacking} is missing\n"
        f"  go on with it:  searchkbd models fetch {spec}\n"
        f"  what there is:  {snapshot.directory}"
    )


def _missing(spec: str, name: HubName) -> MissingModelError:
    model = known(name.repo)
    of = "" if spec == name.repo else name.repo
    size = f"about {model.bytes / 1e9:.1f} GB" if model else ""
    details = ", ".join(filter(None, (of, size)))
    lines = [f"the model {spec} is not here" + (f" ({details})" if details else "")]
    if "/" not in spec:
        names = ", ".join(["embedded", *(model.alias for model in KNOWN)])
        lines.append(f"  known names:    {names}")
    lines.append(f"  download it:    searchkbd models fetch {spec}")
    if importlib.util.find_spec("huggingface_hub") is None:
        lines.append('                  (first: pip install "searchkbd[transformers]")')
    lines += [
        f"  it will go to:  {hub_cache()}",
        "  have a copy:    --encoder DIR, with the directory of the copy",
        "  no download:    --encoder embedded, which comes with searchkbd",
    ]
    return MissingModelError("\n".join(lines))


def _lacking(snapshot: Snapshot) -> str | None:
    """Return a file of settings that the hub has and the cache has not."""
    listing = read_object(snapshot.listing).get("files")
    for file in sorted(listing) if isinstance(listing, dict) else ():
        folders, _, last = file.rpartition("/")
        wanted = last in SETTINGS - {SHARDS} and not folders.startswith(("onnx", "openvino"))
        if wanted and not (snapshot.directory / file).exists():
            return file
    return None
