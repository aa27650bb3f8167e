"""Exports of Tatoeba: sentences with numbers, and links between the numbers.

The files of sentences have the columns number, language (ISO 639-3) and text; ``detailed`` ones
also owner, date added and date modified; ``CC0`` ones the date modified. Links have two numbers.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import numpy as np

from searchkbd.corpus.decompress import STDIN
from searchkbd.corpus.events import Remark, Stage
from searchkbd.corpus.lines import Line, text_lines
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.corpus.tatoeba_links import MAX_ID, Links, read_links
from searchkbd.text.languages import UnknownLanguageError, normalize_language

ORIGIN = "tatoeba"
"""The origin of the sentences, and what their ids and groups begin with."""

_COMPRESSION = r"(?:\.(?:gz|bz2|xz|zst))?"
_EXTENSION = rf"(?:\.tar|\.[ct]sv){_COMPRESSION}"
_SENTENCES = re.compile(rf"(?:[a-z]{{3}}_)?sentences(_detailed)?{_EXTENSION}")
_LINKS = re.compile(rf"(?:[a-z]{{3}}-[a-z]{{3}}_)?links{_EXTENSION}")
_ROW = re.compile(r"[1-9][0-9]{0,9}\t(?:[a-z]{2,4}|\\N)\t")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_ABSENT = ("", r"\N")
_BATCH = 1000
_MAX_CODES = 10_000
_EVERY = 100_000


def is_tatoeba(path: str) -> bool:
    """Return whether the first row of the file *path* is one of a Tatoeba export."""
    lines = (line for _, line, problem in text_lines(path, ReadOptions()) if line or problem)
    return bool(_ROW.match(next(lines, "")))


def read_tatoeba(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the sentences of a directory, or of *path* and ``options.beside``.

    Only languages of ``options.take`` are read, if it names any. The group of a sentence are all
    that links lead to by way of sentences that are read. ``meta["tatoeba"]["links"]`` has the
    numbers of its direct translations among those, ``meta["tatoeba"]["owner"]`` its owner.

    Links are those of ``options.links``, or lie beside the sentences. Everything is read twice,
    so standard input cannot be. Raises CorpusError when there are no such files.
    """
    sentences, links = _files(path, options)
    take = frozenset(map(normalize_language, options.take))
    readers = [RowReader(file, options) for file in sentences]
    table = Links(_numbers(sentences, options, take))
    if not links:
        options.on_event(
            Remark(f"{path}: no links.csv beside it; say it if there is: --links FILE")
        )
    for file in links:
        yield from read_links(file, table, options, RowReader(file, options))
    table.close()
    for file, reader in zip(sentences, readers, strict=True):
        wanted = _wanted(text_lines(file, options), take)
        while batch := list(islice(wanted, _BATCH)):
            yield from _sentences(batch, table, options, reader)


def _files(path: str, options: ReadOptions) -> tuple[list[str], list[str]]:
    """Return the files of sentences and of links."""
    if STDIN in (path, *options.beside, options.links):
        raise CorpusError("a Tatoeba export is read twice, and standard input is read once")
    directory = path if os.path.isdir(path) else os.path.dirname(path) or "."
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        raise CorpusError(f"{path} does not exist") from None
    if os.path.isdir(path):
        found = [name for name in names if _SENTENCES.fullmatch(name)]
        # All the sentences come as sentences.csv and, with more columns, as sentences_detailed.csv.
        detailed = [name for name in found if name.startswith("sentences_detailed.")]
        plain = [name for name in found if name.startswith("sentences.")]
        chosen = (detailed or plain)[:1] or found
        sentences = [os.path.join(path, name) for name in chosen]
        if not sentences:
            raise CorpusError(
                f"{path} is a directory; name the files in it (only a Tatoeba export is read "
                "whole, and there is no sentences.csv in it)"
            )
    else:
        sentences = [path, *options.beside]
    if options.links:
        return sentences, [options.links]
    found = [name for name in names if _LINKS.fullmatch(name)]
    whole = [name for name in found if name.startswith("links.")][:1]
    return sentences, [os.path.join(directory, name) for name in whole or found]


def _numbers(files: Sequence[str], options: ReadOptions, take: frozenset[str]) -> np.ndarray:
    """Return the numbers of all sentences that are read, sorted."""
    numbers = array("i")
    for file in files:
        for cells, _, _ in _wanted(text_lines(file, options), take):
            if cells is not None:
                numbers.append(int(cells[0]))
                if len(numbers) % _EVERY == 0:
                    options.on_event(Stage("Reading numbers", "sentences", len(numbers)))
    return np.unique(np.array(numbers, np.int32))


def _wanted(
    lines: Iterable[Line], take: frozenset[str]
) -> Iterator[tuple[list[str] | None, Line, str | None]]:
    """Yield the cells of each row in a language that is taken, or None and what is wrong."""
    codes: dict[str, str | None] = {}
    for line in lines:
        _, text, problem = line
        if not text and not problem:
            continue
        cells = text.split("\t")
        if problem is None:
            problem = _problem(cells)
        if problem is None:
            tag = cells[1]
            if tag not in codes:
                if len(codes) == _MAX_CODES:
                    codes.clear()
                codes[tag] = _code(tag)
            if take and codes[tag] not in take:
                continue
            problem = None if codes[tag] else f"unknown language: {tag[:40]!r}"
        yield None if problem else cells, line, problem


def _problem(cells: list[str]) -> str | None:
    if len(cells) not in (3, 4, 6):
        return f"wrong column count: {len(cells)} instead of 3, 4 or 6"
    if not _NUMBER.fullmatch(cells[0]) or int(cells[0]) > MAX_ID:
        return f"wrong number: {cells[0][:40]!r}"
    return None


def _code(tag: str) -> str | None:
    try:
        return normalize_language(tag)
    except UnknownLanguageError:
        return None


def _sentences(
    batch: list[tuple[list[str] | None, Line, str | None]],
    links: Links,
    options: ReadOptions,
    rows: RowReader,
) -> Iterator[Sentence | Reject]:
    ids = np.array([int(cells[0]) for cells, _, _ in batch if cells], np.int32)
    known = zip(links.roots(ids).tolist(), links.direct(ids), strict=True)
    for cells, (number, line, _), problem in batch:
        if cells is None:
            yield rows.reject(number, problem, line)
            continue
        root, direct = next(known)
        about: dict[str, object] = {"links": direct} if direct else {}
        owner = cells[3] if len(cells) == 6 else ""
        if owner not in _ABSENT:
            about["owner"] = owner
        yield rows.sentence(
            number, line, cells[2], cells[1], id=f"{ORIGIN}:{cells[0]}", group=f"{ORIGIN}:{root}",
            origin=options.origin or ORIGIN, meta={"tatoeba": about} if about else None,
            date=_date(cells[3:]),
        )  # fmt: skip


def _date(cells: list[str]) -> str | None:
    """Return the last of the dates in *cells* (UTC); there may be none."""
    for cell in reversed(cells):
        try:
            return datetime.strptime(cell, "%Y-%m-%d %H:%M:%S").strftime("%Y-%m-%dT%H:%M:%SZ")
        except ValueError:  # \N, 0000-00-00 00:00:00, or the owner
            continue
    return None
