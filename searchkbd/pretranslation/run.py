"""Pretranslation from end to end: read, look up, write, count."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

from searchkbd.corpus.read import named_format
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.export.output import STDOUT, opened
from searchkbd.pretranslation.answers import Answer, LookUp, Memory, MemoryOptions
from searchkbd.pretranslation.filling import Filling, filling
from searchkbd.pretranslation.options import FileOptions
from searchkbd.pretranslation.statistics import Summary
from searchkbd.pretranslation.units import KEEP, Document, Part, Segment, Unit, with_neighbours

FORMATS = ("po", "xliff", "tmx", "tsv", "csv")

_BATCH_SEGMENTS = 64
_BATCH_PARTS = 4096


def pretranslate(
    path: str,
    out: str | None,
    look_up: LookUp,
    options: FileOptions,
    memory: MemoryOptions,
    *,
    on_reject: Callable[[Reject], None],
    progress: Callable[[int], None] = lambda segments: None,
) -> Summary:
    """Write the file *path* to *out* with translations from the memory, and count them.

    *look_up* asks the memory for translations into ``options.target``. Without *out* nothing is
    written. *progress* gets the number of segments done. All of *out* is there at once at the end,
    or nothing of it. What cannot be read goes to *on_reject* and is written as it stands.

    Raises CorpusError when the file as a whole cannot be used, and OSError when *out* cannot be
    written.
    """
    document = open_document(path, options)
    summary = Summary()
    run = _Run(Memory(look_up, memory), summary, on_reject, progress)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(opened(out)) if out is not None else None
        if stream:
            stream.write(document.mark)
        for text in run.texts(with_neighbours(document.parts())):
            if stream:
                stream.write(text.encode(document.codec, KEEP))
    return summary


def open_document(path: str, options: FileOptions) -> Document:
    """Return the document that *path* is; raises CorpusError."""
    if options.source == options.target:
        raise CorpusError(f"source and target language are both {options.target}")
    format_ = options.reading.format or named_format(path, options.reading)
    if format_ == "po":
        from searchkbd.pretranslation.po import PoDocument

        return PoDocument(path, options)
    if format_ == "xliff":
        from searchkbd.pretranslation.xliff import XliffDocument

        return XliffDocument(path, options)
    if format_ == "tmx":
        from searchkbd.pretranslation.tmx import TmxDocument

        return TmxDocument(path, options)
    if format_ in ("tsv", "csv"):
        from searchkbd.pretranslation.table import TableDocument

        return TableDocument(path, options, quoted=format_ == "csv")
    what = f"is {format_}" if format_ else "has a name that tells no format"
    raise CorpusError(
        f"{path} {what}; files to translate are {', '.join(FORMATS)}: say --format"
    )


def check_output(path: str, out: str, force: bool) -> None:
    """Raise CorpusError when *out* is the file *path*, unless it is to be replaced (*force*)."""
    if out == STDOUT or force or not os.path.exists(out):
        return
    with contextlib.suppress(OSError):
        if os.path.samefile(path, out):
            raise CorpusError(f"{out} is the input file; to replace it: --force")


class _Run:
    """One run over a file."""

    def __init__(
        self,
        memory: Memory,
        summary: Summary,
        on_reject: Callable[[Reject], None],
        progress: Callable[[int], None],
    ) -> None:
        self._memory = memory
        self._summary = summary
        self._on_reject = on_reject
        self._progress = progress

    def texts(self, parts: Iterator[Part]) -> Iterator[str]:
        """Yield the text of the file, filled; it is looked up in batches."""
        batch: list[Part] = []
        segments = 0
        for part in parts:
            batch.append(part)
            if isinstance(part, Unit):
                segments += sum(s is not None and s.wanted for s in part.segments)
            if segments >= _BATCH_SEGMENTS or len(batch) >= _BATCH_PARTS:
                yield from self._filled(batch)
                batch, segments = [], 0
        yield from self._filled(batch)

    def _filled(self, batch: Sequence[Part]) -> Iterator[str]:
        units = [part for part in batch if isinstance(part, Unit)]
        found = [s for unit in units for s in unit.segments if s is not None]
        wanted = [segment for segment in found if segment.wanted]
        self._count(units, found)
        answers = iter(self._memory.answers(wanted))
        for part in batch:
            if isinstance(part, str):
                yield part
                continue
            fillings = [
                self._filling(segment, next(answers)) if segment and segment.wanted else None
                for segment in part.segments
            ]
            yield part.render(fillings) if any(fillings) else part.raw
        summary = self._summary
        self._progress(summary.total.segments + summary.kept + summary.others)

    def _count(self, units: Sequence[Unit], found: Sequence[Segment]) -> None:
        summary = self._summary
        for unit in units:
            for reject in unit.rejects:
                summary.rejected += 1
                self._on_reject(reject)
        for segment in found:
            summary.source = segment.sentence.lang
            if not segment.wanted:
                summary.kept += bool(segment.target.strip())
                summary.others += not segment.target.strip()

    def _filling(self, segment: Segment, answer: Answer) -> Filling | None:
        sentence = segment.sentence
        filled = None
        if answer.chosen is not None:
            filled = filling(
                answer.chosen, sentence.markup, segment.outer, by_meaning=answer.by_meaning
            )
        self._summary.count(sentence.text, answer.best, filled, repeated=answer.repeated)
        return filled
