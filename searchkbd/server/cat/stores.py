"""Units that CAT tools send: named, so that sending them again replaces and does not double."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.server.cat.segments import Pair
from searchkbd.server.errors import RefusedError
from searchkbd.service.snapshots import Snapshots
from searchkbd.service.writes import Writer

LONGEST_NAME = 500
"""Characters of the name of a store: it is the origin of its sentences."""

FORMATS = {
    ".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".tmx": "tmx",
    ".json": "weblate", ".tsv": "tsv", ".csv": "csv",
}  # fmt: skip
"""Formats of files that can be sent, by the extension of the store's name."""

CONTENT_TYPES = {
    "text/x-gettext-translation": "po", "text/x-po": "po", "application/x-gettext": "po",
    "application/xliff+xml": "xliff", "application/x-xliff+xml": "xliff",
    "application/x-xliff": "xliff", "application/x-tmx": "tmx", "text/x-tmx": "tmx",
    "application/json": "weblate", "text/tab-separated-values": "tsv", "text/csv": "csv",
}  # fmt: skip
"""The same by the content type, where the name has no such extension."""

Items = Callable[[], Iterator["Sentence | Reject"]]
"""Gives sentences with their groups, those of a unit one after the other, and what is none."""


@dataclass(frozen=True, slots=True)
class Store:
    """Units that belong together: a file, or a single ``unit``; of one pair of languages."""

    kind: str
    pair: Pair
    name: str

    @property
    def prefix(self) -> str:
        """What the ids of its sentences and the names of its groups begin with."""
        return f"{self.kind}:{_digest(self.pair.source, self.pair.target, self.name)}:"


@dataclass(frozen=True, slots=True)
class Stored:
    """How many units there were, and how many texts or rows could not be taken."""

    units: int
    rejected: int


class Stores:
    """Puts units into an index, one store at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def put(
        self, writer: Writer, snapshots: Snapshots, store: Store, items: Items, *, whole: bool
    ) -> Stored:
        """Add the units among *items* to *store*, in place of those of the same source and context.

        With *whole* they are all that the store has then. Units are those with sentences in both
        languages of the store.

        What is new is added before what is old goes, and what stays is not touched: whoever asks
        meanwhile misses nothing, nothing is encoded twice, and after a failure between the two
        the same request mends it.

        Raises RefusedError when there are none, but something else is, and the store is left as
        it was; and what ``Writer`` raises.
        """
        with self._lock:
            snapshots.refresh()
            before = _ids(snapshots, store.prefix)
            taken = _Taken(store)
            try:
                addition = writer.add_items(taken.sentences(items()))
            except CorpusError as error:
                raise RefusedError(str(error)) from None
            rejected = [*taken.rejects, *addition.rejects]
            if not taken.units and (rejected or taken.others):
                why = rejected[0].reason if rejected else "its texts are in other languages"
                pair = f"{store.pair.source} and {store.pair.target}"
                raise RefusedError(f"{store.name} has no unit in both {pair}: {why}")
            old = [
                each
                for each in before
                if each not in taken.ids and (whole or _segment_of(each) in taken.segments)
            ]
            if old:
                writer.delete(old)
            return Stored(taken.units, len(rejected))


def check_name(name: str) -> str:
    """Return the *name* of a store if it can be one; raises RefusedError."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise RefusedError(f"the name of a store has 1 to {LONGEST_NAME} printable characters")
    return name


def listed_units(units: Sequence[Any], pair: Pair, *, origin: str) -> Items:
    """Return the sentences of *units*, objects with ``source``, ``target`` and maybe ``context``.

    One without a source or a target has not been translated and is left out. Raises RefusedError
    for what is no such object.
    """
    for number, unit in enumerate(units, start=1):
        said = [unit.get(each, "") for each in _TEXTS] if isinstance(unit, dict) else [None]
        if not all(isinstance(each, str) for each in said):
            raise RefusedError(f"unit {number} is not an object with two texts, source and target")
    rows = RowReader(origin, ReadOptions(origin=origin, name=origin))

    def sentences() -> Iterator[Sentence | Reject]:
        for number, unit in enumerate(units, start=1):
            source, target, context = (unit.get(each, "") for each in _TEXTS)
            if not source.strip() or not target.strip():
                continue
            group = _digest(source, target, context)
            for text, lang in ((source, pair.source), (target, pair.target)):
                yield rows.sentence(number, text, text, lang, group=group, context=context or None)

    return sentences


def uploaded_units(content: bytes, pair: Pair, name: str, content_type: str) -> Items:
    """Return the sentences of a translation file, read as a file named *name* is.

    Raises RefusedError when neither the name nor the content type says what it is.
    """
    extension = os.path.splitext(name)[1].lower()
    kind = content_type.partition(";")[0].strip().lower()
    format_ = FORMATS.get(extension) or CONTENT_TYPES.get(kind)
    if format_ is None:
        raise RefusedError(
            f"{name}: not a file that is read here; its name ends with one of {' '.join(FORMATS)}"
        )
    options = ReadOptions(
        format=format_, origin=name, name=name, lang=pair.target,
        langs=(pair.source, pair.target),
    )  # fmt: skip

    def sentences() -> Iterator[Sentence | Reject]:
        with tempfile.TemporaryDirectory(prefix="searchkbd-") as directory:
            path = Path(directory) / "upload"
            path.write_bytes(content)
            try:
                yield from read_corpus(path, options)
            except CorpusError as error:  # names the file; it is the client's that is meant
                raise CorpusError(str(error).replace(str(path), name)) from None

    return sentences


_TEXTS = ("source", "target", "context")


class _Taken:
    """What is taken of a stream of sentences, told apart while it goes by."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ids: set[str] = set()
        self.segments: set[str] = set()
        self.units = 0
        self.others = 0  # sentences in languages that are not those of the store
        self.rejects: list[Reject] = []

    def sentences(self, items: Iterable[Sentence | Reject]) -> Iterator[Sentence]:
        """Yield the sentences of whole units, under ids and groups of the store.

        Both are made of what the unit says, so that the same unit gets the same, and is merged by
        the index with what is there. They begin with what is to be translated, its context
        included.
        """
        languages = {self._store.pair.source, self._store.pair.target}
        for group, members in groupby(self._accepted(items), key=lambda each: each.group):
            mine = []
            for sentence in members:
                if sentence.lang in languages:
                    mine.append(sentence)
                else:
                    self.others += 1
            if {sentence.lang for sentence in mine} != languages:
                continue
            self.units += 1
            sources = (each for each in mine if each.lang == self._store.pair.source)
            segment = _digest(*(part for s in sources for part in (s.text, s.context or "")))
            self.segments.add(segment)
            said = (part for each in mine for part in (each.lang, each.text))
            name = f"{self._store.prefix}{segment}:{_digest(group, *said)}"
            seen: Counter[str] = Counter()
            for sentence in mine:
                seen[sentence.lang] += 1
                number = seen[sentence.lang]
                id_ = f"{name}:{sentence.lang}" + (f":{number}" if number > 1 else "")
                self.ids.add(id_)
                yield replace(sentence, id=id_, group=name, own_id=True)

    def _accepted(self, items: Iterable[Sentence | Reject]) -> Iterator[Sentence]:
        for item in items:
            if isinstance(item, Reject):
                self.rejects.append(item)
            else:
                yield item


def _ids(snapshots: Snapshots, prefix: str) -> list[str]:
    """Return the ids that begin with *prefix*, which ends with a colon."""
    with snapshots.lend() as index:
        return [
            id_
            for (id_,) in index.reader.connection.execute(
                "SELECT id FROM sentences WHERE id >= ? AND id < ?",
                (prefix, prefix[:-1] + ";"),  # the character after the colon
            )
        ]


def _segment_of(id_: str) -> str:
    """Return the part of an id that tells the segments of a store apart."""
    return id_.split(":")[2]


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=10).hexdigest()
