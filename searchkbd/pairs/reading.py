"""The pairs of files, data sets and indexes: every two sentences of a group in two languages."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchkbd.corpus.groups import PREFIX
from searchkbd.corpus.machine import is_machine
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import UNDETERMINED, CorpusError, Place, Reject
from searchkbd.encoders.directory import file_digest
from searchkbd.index.schema import database_path
from searchkbd.mining.units import language_order, read_units
from searchkbd.pairs.options import Langs, PrepareOptions

LANGUAGES, MACHINES, GROUP = "languages", "machine", "group"
"""Why a pair is not made: the reasons that are counted and not listed."""

FILE, INDEX, OTHER = "file", "index", "data set"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, in stored form, that are translations; their languages are in our order.

    ``machine``: a machine made one of them; ``origin`` is then its, else that of the second.
    """

    langs: Langs
    text_a: str
    text_b: str
    group: str
    origin: str
    machine: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: of a file the SHA-256 (hex) is its own, else that of the sentences."""

    name: str
    kind: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Side:
    lang: str
    text: str
    group: str
    origin: str
    place: Place


class PairReader:
    """Reads the pairs of sources; ``skipped`` counts those not made, ``sources`` what was read."""

    def __init__(
        self,
        reading: ReadOptions,
        options: PrepareOptions,
        *,
        on_reject: Callable[[Reject], None],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """*progress* gets the lines of a file, or the sentences of an index, read so far."""
        self.skipped: Counter[str] = Counter()
        self.sources: list[Source] = []
        self._reading = reading
        self._options = options
        self._only = frozenset(options.only)
        self._on_reject = on_reject
        self._progress = progress

    def read(self, names: Sequence[str]) -> Iterator[Pair]:
        """Yield the pairs of the sources *names*: files first, then data sets, then indexes.

        All files are one collection: a group may go on in another one. Sentences without a
        translation are rejected. Raises CorpusError, IndexNotFoundError, IndexDamagedError.
        """
        kinds = [_kind(name) for name in names]
        if INDEX in kinds and self._reading.cuts:
            raise CorpusError(
                f"{names[kinds.index(INDEX)]} is an index; --min-similarity and --percentile cut "
                "files while they are read, so leave them out, or give the files"
            )
        files = [name for name, kind in zip(names, kinds, strict=True) if kind == FILE]
        # Before they are read: a file that is not there is found at once.
        self.sources += [Source(_shown(name), FILE, _file_digest(name)) for name in files]
        yield from self._pairs(self._units_of_files(files))
        for name, kind in zip(names, kinds, strict=True):
            if kind != FILE:
                digest = hashlib.sha256()
                is_index = kind == INDEX
                units = self._units_of_index(name) if is_index else self._units_of_files([name])
                yield from self._pairs(_hashed(units, digest))
                self.sources.append(Source(_shown(name), kind, digest.hexdigest()))

    def _units_of_files(self, files: Sequence[str]) -> Iterator[list[_Side]]:
        if not files:
            return
        units = read_units(
            files, self._reading, on_reject=self._on_reject, progress=self._progress
        )
        for unit in units:
            yield [
                _Side(s.lang, s.text, _own(s.group), s.origin, s.source) for s in unit
            ]

    def _units_of_index(self, name: str) -> Iterator[list[_Side]]:
        from searchkbd.export.options import Filters
        from searchkbd.export.units import units
        from searchkbd.index.reader import IndexReader

        told = self._progress and (lambda done, total: self._progress(done))
        with IndexReader(name) as reader, reader.damage_reported():
            for unit in units(reader, Filters(), told):
                yield [
                    _Side(s.lang, s.text, _own(s.group), s.origin, Place(name, s.row))
                    for s in unit.sentences
                ]

    def _pairs(self, units: Iterable[list[_Side]]) -> Iterator[Pair]:
        for unit in units:
            by_lang: dict[str, list[_Side]] = {}
            for side in unit:
                if side.lang == UNDETERMINED:
                    self._on_reject(Reject(side.place, "language unknown", side.text))
                else:
                    by_lang.setdefault(side.lang, []).append(side)
            if len(by_lang) < 2:
                for side in (side for sides in by_lang.values() for side in sides):
                    reason = "no translation: no sentence in another language"
                    self._on_reject(Reject(side.place, reason, side.text))
                continue
            langs = sorted(by_lang, key=language_order)
            for at, lang_a in enumerate(langs):
                for lang_b in langs[at + 1 :]:
                    yield from self._in(by_lang[lang_a], by_lang[lang_b])

    def _in(self, ones: list[_Side], others: list[_Side]) -> Iterator[Pair]:
        """Yield the pairs of two languages in a group, as many different texts first as can be."""
        langs = ones[0].lang, others[0].lang
        count = len(ones) * len(others)
        if self._only and langs not in self._only:
            self.skipped[LANGUAGES] += count
            return
        made = 0
        for a, b in _diagonals(ones, others):
            machine = is_machine(a.origin) or is_machine(b.origin)
            if machine and not self._options.machine:
                self.skipped[MACHINES] += 1
            elif made == self._options.per_group:
                self.skipped[GROUP] += 1
            else:
                made += 1
                origin = a.origin if is_machine(a.origin) else b.origin
                yield Pair(langs, a.text, b.text, a.group, origin, machine, a.place)


def _diagonals(
    ones: Sequence[_Side], others: Sequence[_Side]
) -> Iterator[tuple[_Side, _Side]]:
    """Yield all pairs of the two, each of the longer list once before any of it comes again."""
    longest = max(len(ones), len(others))
    for shift in range(min(len(ones), len(others))):
        for at in range(longest):
            if len(ones) <= len(others):
                yield ones[(at + shift) % len(ones)], others[at]
            else:
                yield ones[at], others[(at + shift) % len(others)]


def _kind(name: str) -> str:
    if name.startswith("hf:") or name == "-":
        return OTHER
    if os.path.isdir(name):
        return INDEX if database_path(Path(name)).is_file() else OTHER
    return FILE


def _file_digest(name: str) -> str:
    path = Path(name)
    if not path.exists():
        raise CorpusError(f"{name}: no such file, nor an index directory")
    if not path.is_file():
        raise CorpusError(f"{name}: not a file; write what it gives to one, or use - for a pipe")
    return file_digest(path)


def _hashed(units: Iterable[list[_Side]], digest: hashlib._Hash) -> Iterator[list[_Side]]:
    for unit in units:
        for side in unit:
            row = "\t".join((side.lang, side.text, side.group, side.origin)) + "\n"
            digest.update(row.encode("utf-8", "surrogatepass"))
        yield unit


def _own(group: str) -> str:
    """Return a group as a file gave it; one that was made of the row will be made again."""
    return "" if group.startswith(PREFIX) else group


def _shown(name: str) -> str:
    """Return a name without where this machine keeps it."""
    return os.path.basename(os.path.normpath(name)) if os.path.isabs(name) else name
