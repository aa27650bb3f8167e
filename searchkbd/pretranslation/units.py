"""What a file is cut into: text that stays as it is, and units with segments to translate."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from searchkbd.corpus.order import EDGE
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.memory.query import Query
from searchkbd.pretranslation.filling import Filling

KEEP = "searchkbd.keep"
"""Encoding errors: undecodable bytes are written as they were read (searchkbd.corpus.lines), other
characters that the encoding has not as references of XML."""


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc00" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return f"&#{ord(char)};", error.start + 1


codecs.register_error(KEEP, _keep)


@dataclass(frozen=True, slots=True)
class Segment:
    """A text of the file in the source language.

    *target* is the translation that is there, ``""`` if none; *wanted* says whether one is to be
    put there. *outer* is the white space around the text, which its translation gets too.
    """

    sentence: Sentence
    target: str
    wanted: bool
    outer: tuple[str, str] = ("", "")

    @property
    def query(self) -> Query:
        s = self.sentence
        return Query(s.text, s.markup, s.context, s.previous, s.next)

    @property
    def has_context(self) -> bool:
        s = self.sentence
        return any(known is not None for known in (s.context, s.previous, s.next))


@dataclass(slots=True)
class Unit:
    """A piece of the file with segments; None in the place of a text that is none to translate.

    *raw* is the piece as it stands in the file, *render* returns it with translations put in, one
    or None for each segment. *document* numbers the documents in which segments follow each
    other; None where their order says nothing.
    """

    raw: str
    segments: list[Segment | None]
    render: Callable[[Sequence[Filling | None]], str]
    rejects: list[Reject] = field(default_factory=list)
    document: int | None = None

    def link(self, at: int, **neighbours: str | None) -> None:
        segment = self.segments[at] if self.segments else None
        if segment is not None:
            self.segments[at] = replace(segment, sentence=replace(segment.sentence, **neighbours))

    def text(self, at: int) -> str | None:
        segment = self.segments[at] if self.segments else None
        return segment.sentence.text if segment is not None else None


Part = str | Unit
"""A piece of a file; all of them one after the other are the file."""


class Document(Protocol):
    """A file that is read for pretranslation, once.

    *codec* is the encoding in which it is written again, *mark* the bytes that it begins with.
    """

    codec: str
    mark: bytes

    def parts(self) -> Iterator[Part]: ...


class SegmentReader:
    """Makes segments of texts in the source language, by the rules by which corpora are read."""

    def __init__(self, rows: RowReader, overwrite: bool) -> None:
        self._rows = rows
        self._overwrite = overwrite

    def reject(self, line: int, reason: str, raw: str) -> Reject:
        return self._rows.reject(line, reason, raw)

    def segment(
        self,
        line: int,
        text: str,
        lang: str,
        target: str,
        *,
        translate: bool = True,
        markup: str | None = None,
        context: str | None = None,
        previous: str | None = None,
        next: str | None = None,
    ) -> Segment | Reject | None:
        """Return the segment *text*, why it cannot be read, or None where it has no words."""
        if not any(char.isalnum() for char in text):
            return None
        item = self._rows.sentence(
            line, text, text, lang, markup=markup, context=context, previous=previous, next=next
        )
        if isinstance(item, Reject):
            return item
        wanted = translate and (self._overwrite or not target.strip())
        return Segment(item, target, wanted, outer_space(markup or text))


def outer_space(text: str) -> tuple[str, str]:
    """Return the white space before and after *text*."""
    start = len(text) - len(text.lstrip())
    return text[:start], text[len(text.rstrip()) :]


def divided(
    found: Iterable[Segment | Reject | None],
) -> tuple[list[Segment | None], list[Reject]]:
    """Return the places of a unit's segments, and its rejects."""
    found = list(found)
    return (
        [item if isinstance(item, Segment) else None for item in found],
        [item for item in found if isinstance(item, Reject)],
    )


def with_neighbours(parts: Iterable[Part]) -> Iterator[Part]:
    """Fill in what stands before and after each segment of a document, as readers of corpora do
    (:mod:`searchkbd.corpus.order`): a place without a text is an unknown neighbour."""
    held: list[Part] = []
    last: Unit | None = None
    for part in parts:
        if isinstance(part, Unit) and part.document is not None:
            begins = last is None or part.document != last.document
            if last is not None:
                last.link(-1, next=EDGE if begins else part.text(0))
            part.link(0, previous=EDGE if begins else last.text(-1))
            for at in range(1, len(part.segments)):
                part.link(at - 1, next=part.text(at))
                part.link(at, previous=part.text(at - 1))
            yield from held
            held, last = [part], part
        elif last is None:
            yield part
        else:
            held.append(part)
    if last is not None:
        last.link(-1, next=EDGE)
    yield from held
