"""The map of a corpus: a sample of its sentences, laid out by meaning, kept while it is true."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.api import Index
from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors
from searchkbd.errors import SearchkbdError
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.server import layout

_log = logging.getLogger("searchkbd")

SAMPLE = 1500
"""Sentences on a map. A layout of so many takes one processor five seconds."""

PATIENCE = 120.0
"""Seconds after which a layout is given up."""

_VERSION = "1"  # of how layouts are made: those of another are not used
_PREFIX = "map-"
_KEPT = 16  # layouts in the cache directory
_GROUP = 12  # sentences of one group on a map
_LOOK = 64  # rows of a language that are looked at together
_ALONE = 6000  # groups of one language that are passed over in looking for others
_TEXT = 200  # characters of a sentence


class MapError(SearchkbdError):
    """The map could not be made; the log says why."""


@dataclass(frozen=True, slots=True)
class Point:
    """A sentence and its place, in the plane of searchkbd.server.layout.

    ``group`` is a number that the sentences of one group have in common.
    """

    id: str
    lang: str
    text: str
    group: int
    x: float
    y: float


class Maps:
    """The map of the index that is served, made when first asked for; for many threads."""

    def __init__(self, directory: Path, *, sample: int = SAMPLE) -> None:
        """Layouts are kept in *directory*, which need not exist."""
        self._directory = directory
        self._size = sample
        self._lock = threading.Lock()
        self._generation: int | None = None
        self._sample: list[StoredSentence] = []
        self._key = ""
        self._points: tuple[Point, ...] | None = None
        self._failed = ""  # the key of what could not be laid out
        self._work: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def map_of(self, index: Index, generation: int) -> tuple[Point, ...] | None:
        """Return the points of the map of *index*, None while it is being made.

        *generation* tells the states of an index apart (``Snapshots.generation``). Raises
        MapError when it could not be made.
        """
        with self._lock:
            if generation != self._generation:
                with index.reader.damage_reported():
                    self._look_at(index.reader)
                self._generation = generation
            if self._points is not None:
                return self._points
            if self._failed == self._key:
                raise MapError("the map could not be made")
            if self._work is None and not self._closed:
                vectors = index.reader.vectors([sentence.row for sentence in self._sample])
                self._work = threading.Thread(
                    target=self._make, args=(self._key, vectors), name="searchkbd-map", daemon=True
                )
                self._work.start()
            return None

    def close(self) -> None:
        """Stop what is being made."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
            work = self._work
        if work is not None:
            work.join()

    def _look_at(self, reader: IndexReader) -> None:
        """Take the sample of another state. Where it is the same, or was before, so is the map."""
        self._sample = sample_of(reader, self._size)
        self._key = _key(reader.meta["fingerprint"], self._sample)
        places: NDArray[np.float32] | None = np.empty((0, 2), dtype=np.float32)
        if self._sample:
            places = _load(self._path(self._key), len(self._sample))
        self._points = None if places is None else _points(self._sample, places)

    def _make(self, key: str, vectors: NDArray[np.float32]) -> None:
        places = self._laid_out(vectors)
        if places is not None:
            _save(self._path(key), places)
        with self._lock:
            self._work = None
            if places is None:
                self._failed = key
            elif key == self._key:
                self._points = _points(self._sample, places)

    def _path(self, key: str) -> Path:
        return self._directory / f"{_PREFIX}{key}.safetensors"

    def _laid_out(self, vectors: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Return the places, None when they cannot be had."""
        try:
            with self._lock:
                if self._closed:
                    return None
                self._process = subprocess.Popen(
                    [sys.executable, "-m", layout.__name__],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )  # fmt: skip
            too_long = threading.Timer(PATIENCE, self._process.kill)
            too_long.start()
            try:
                return _answer(self._process, vectors)
            finally:
                too_long.cancel()
        except (OSError, ValueError) as error:
            if not self._closed:
                _log.error("the map could not be made: %s", error)
            return None
        finally:
            with self._lock:
                self._process = None


def sample_of(reader: IndexReader, size: int) -> list[StoredSentence]:
    """Return about *size* sentences, as many of each language as can be, whole groups of them.

    Sentences with translations are preferred. Which are taken depends on their row numbers alone,
    so that what is added later changes few of them.
    """
    languages = {lang: _translated_first(reader, lang) for lang in reader.sentences_per_language}
    found: dict[int, StoredSentence] = {}
    counts = Counter(dict.fromkeys(languages, 0))
    while languages and len(found) < size:
        lang = min(languages, key=lambda lang: (counts[lang], lang))
        group = next(languages[lang], None)
        if group is None:
            del languages[lang]
            continue
        for sentence in _representatives(group):
            if sentence.row not in found:
                found[sentence.row] = sentence
                counts[sentence.lang] += 1
    return list(found.values())


def _translated_first(reader: IndexReader, lang: str) -> Iterator[list[StoredSentence]]:
    """Yield groups that have sentences of *lang*, in an order that looks like chance.

    Those with other languages first, as far as they are found soon.
    """
    rows = np.concatenate([
        segment.row_file.rows if segment.live is None else segment.row_file.rows[segment.live]
        for partition in reader.partitions if partition.lang == lang
        for segment in partition.segments
    ])  # fmt: skip
    rows = rows[np.argsort(_scattered(rows))]
    alone: list[list[StoredSentence]] = []
    looked = 0
    while looked < len(rows) and len(alone) < _ALONE:
        for _, group in reader.groups_of(rows[looked : looked + _LOOK].tolist()).values():
            if any(sentence.lang != lang for sentence in group):
                yield group
            else:
                alone.append(group)
        looked += _LOOK
    yield from alone
    for start in range(looked, len(rows), _LOOK):
        for _, group in reader.groups_of(rows[start : start + _LOOK].tolist()).values():
            yield group


def _representatives(group: Sequence[StoredSentence]) -> list[StoredSentence]:
    """Return some of *group*, each language's first before any second."""
    seen: Counter[str] = Counter()
    ranked = []
    for sentence in group:
        ranked.append((seen[sentence.lang], sentence))
        seen[sentence.lang] += 1
    ranked.sort(key=lambda each: each[0])
    return [sentence for _, sentence in ranked[:_GROUP]]


def _scattered(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a hash of each row number (the finalizer of SplitMix64; Steele et al., 2014)."""
    mixed = rows.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _points(
    sample: Sequence[StoredSentence], places: NDArray[np.floating]
) -> tuple[Point, ...]:
    groups: dict[int, int] = {}
    return tuple(
        Point(
            s.id, s.lang, s.text if len(s.text) <= _TEXT else s.text[: _TEXT - 1] + "…",
            groups.setdefault(s.group_row, len(groups)), round(float(x), 1), round(float(y), 1),
        )
        for s, (x, y) in zip(sample, places, strict=True)
    )  # fmt: skip


def _key(fingerprint: str, sample: Sequence[StoredSentence]) -> str:
    """Return what names a layout: it is that of these texts by this encoder."""
    digest = hashlib.sha256(f"{_VERSION}\n{fingerprint}".encode())
    for sentence in sample:
        said = f"\n{sentence.row}\t{sentence.lang}\t{sentence.text}"
        digest.update(said.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _answer(
    process: subprocess.Popen[bytes], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what *process* (searchkbd.server.layout) makes of *vectors*.

    Its input stays open meanwhile: the process ends when this one does. Raises OSError or
    ValueError, with what it said, when it makes nothing.
    """
    assert process.stdin and process.stdout and process.stderr
    with process:
        with contextlib.suppress(OSError):  # it ended, and says why
            process.stdin.write(layout.written(vectors))
            process.stdin.flush()
        try:
            places = layout.read(process.stdout)
        except ValueError:
            with contextlib.suppress(OSError):
                process.stdin.close()
            said = process.stderr.read().decode(errors="replace").strip()
            raise OSError(said.rpartition("\n")[2] or "the layout was stopped") from None
        with contextlib.suppress(OSError):
            process.stdin.close()
    if places.shape != (len(vectors), 2) or not np.isfinite(places).all():
        raise ValueError("the layout has another shape")
    return places


def _load(path: Path, count: int) -> NDArray[np.float32] | None:
    """Return float32 [count, 2], the places that were saved, None when there are none."""
    try:
        places = map_tensors(path).take("places", "f4", count, 2)
    except FileNotFoundError:
        return None
    except (OSError, TensorFileError) as error:
        _log.info("making the map again: %s", error)
        return None
    return np.array(places) if np.isfinite(places).all() else None


def _save(path: Path, places: NDArray[np.float32]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, {"places": places})
        saved = sorted(path.parent.glob(f"{_PREFIX}*.safetensors"), key=lambda p: p.stat().st_mtime)
        for old in saved[:-_KEPT]:
            old.unlink()
    except OSError as error:
        _log.info("the map is not saved: %s", error)
