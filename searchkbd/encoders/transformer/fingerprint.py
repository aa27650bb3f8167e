"""What the vectors of a model depend on, as 16 hex digits; digests of large files are kept.

The SHA-256 of two gigabytes takes seconds. It is computed once for each file: in the cache of
huggingface_hub a large file is named by it, and others are noted, by size and time of change, in
the cache directory of searchkbd.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import write_atomically
from searchkbd.encoders.transformer.configs import read_object, vector_config
from searchkbd.encoders.use_weights import cache_directory

if TYPE_CHECKING:
    from searchkbd.encoders.transformer.description import ModelFiles

NOTES = "model-digests.json"

_VERSION = "searchkbd-transformer-1"
_LARGE = 1 << 20  # bytes; smaller files are read each time
_KEPT = 256  # files noted
_MAX_NOTES = 1 << 20  # bytes
_MAX_TOKENIZER = 256 << 20  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")

_RULES = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}

Digest = Callable[[Path], str]


def fingerprint(files: ModelFiles) -> str:
    """Return the identity of *files*; raises EncoderError for a file that cannot be read."""
    known = _Digests()
    try:
        parts = {
            "version": _VERSION,
            "config": vector_config(files.config),
            "modules": [
                [module.kind, {} if module.kind == "Transformer" else module.config]
                for module in files.modules
            ],
            "weights": [known.of(path, _file_digest) for path in files.weights],
            "tokenizer": _tokenizer(files, known),
            "max_tokens": files.max_tokens,
            "lower_case": files.lower_case,
            "palochka": files.palochka,
        }
    except OSError as error:
        raise EncoderError(f"{error.filename}: {error.strerror}") from error
    known.save()
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tokenizer(files: ModelFiles, known: _Digests) -> list[object]:
    path = files.tokenizer
    digest = _tokenizer_digest if path.suffix == ".json" else _file_digest
    # By these a tokenizer of BERT is set up anew, whatever its own file says.
    said = read_object(path.parent / "tokenizer_config.json")
    return [known.of(path, digest), *(said.get(rule, usual) for rule, usual in _RULES.items())]


def _file_digest(path: Path) -> str:
    from searchkbd.encoders.directory import file_digest  # 20 ms, with all that it imports

    return file_digest(path)


def _tokenizer_digest(path: Path) -> str:
    """Return a digest of what tokenizer.json says, not of how it is written, nor of the length to
    cut and fill texts to, which libraries set as they go."""
    with path.open("rb") as file:
        raw = file.read(_MAX_TOKENIZER + 1)
    try:
        if len(raw) > _MAX_TOKENIZER:
            raise ValueError(f"more than {_MAX_TOKENIZER:,} bytes")
        shape = json.loads(raw)
        if not isinstance(shape, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: damaged ({error})") from error
    shape = {key: value for key, value in shape.items() if key not in ("truncation", "padding")}
    text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class _Digests:
    """The digests that are noted, and new ones to be noted."""

    def __init__(self) -> None:
        self._path = cache_directory() / NOTES
        self._notes: dict[str, list] = {}
        self._changed = False
        with suppress(OSError, ValueError, RecursionError):
            with self._path.open("rb") as file:
                notes = json.loads(file.read(_MAX_NOTES))
            if isinstance(notes, dict):
                self._notes = notes

    def of(self, path: Path, digest: Digest) -> str:
        """Return ``digest(path)``, from the notes where *path* has not changed since."""
        real = os.path.realpath(path)
        *_, folder, name = Path(real).parts
        if digest is _file_digest and folder == "blobs" and _SHA256.fullmatch(name):
            return name
        status = os.stat(real)
        if status.st_size < _LARGE:
            return digest(path)
        state = [digest.__name__, status.st_size, status.st_mtime_ns]
        noted = self._notes.get(real)
        if isinstance(noted, list) and noted[:-1] == state and _SHA256.fullmatch(str(noted[-1])):
            return noted[-1]
        found = digest(path)
        after = os.stat(real)
        if [after.st_size, after.st_mtime_ns] == state[1:]:  # else it was being written
            self._notes.pop(real, None)
            self._notes[real] = [*state, found]
            self._changed = True
        return found

    def save(self) -> None:
        """Write the notes down, if there are new ones and the directory lets it."""
        if not self._changed:
            return
        latest = dict(list(self._notes.items())[-_KEPT:])
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(latest).encode())
