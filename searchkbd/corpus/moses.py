"""Moses pairs: two files of plain text whose lines with the same number are translations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

from searchkbd.corpus.decompress import STDIN
from searchkbd.corpus.files import half_name
from searchkbd.corpus.lines import Line, text_lines
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.order import with_neighbours
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.languages import normalize_language


def read_moses(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the pairs of *path* and the one file that it is read with, ``options.beside``.

    Lines that are blank in both files are skipped; one that is blank in one of them is rejected
    there. What one file has after the end of the other is rejected. Raises CorpusError when there
    are not two files, or their languages are not known.
    """
    if len(options.beside) != 1 or STDIN in (path, *options.beside):
        raise CorpusError(f"{path} needs its other half; give both files: a.kbd a.ru")
    paths = (path, options.beside[0])
    langs = _languages(paths, options)
    name = os.path.basename(half_name(path)[0])
    options = replace(options, name=options.name or name, origin=options.origin or name)
    readers = [RowReader(file, options) for file in paths]
    yield from with_neighbours(_pairs(paths, langs, options, readers))


def _languages(paths: tuple[str, str], options: ReadOptions) -> tuple[str, str]:
    langs = options.langs or tuple(half_name(file)[1] for file in paths)
    if None in langs:
        raise CorpusError(
            f"the names {paths[0]} and {paths[1]} do not end in languages, as a.kbd and a.ru do; "
            "say them: --langs kbd,ru"
        )
    if normalize_language(langs[0]) == normalize_language(langs[1]):
        raise CorpusError(
            f"{paths[0]} and {paths[1]} are both in {langs[0]}; say the languages: --langs kbd,ru"
        )
    return langs


def _pairs(
    paths: tuple[str, str],
    langs: tuple[str, str],
    options: ReadOptions,
    readers: list[RowReader],
) -> Iterator[list[Sentence | Reject]]:
    files = [text_lines(file, options) for file in paths]
    suffixes = readers[0].suffixes(langs)
    last = 0
    for lines in zip_longest(*files):
        if None in lines:
            side = lines.index(None)
            reason = f"no other half: {paths[side]} has {last} lines"
            number, raw, _ = lines[1 - side]
            if raw.strip():
                yield [readers[1 - side].reject(number, reason, raw)]
            continue
        last += 1
        if not any(line[1].strip() or line[2] for line in lines):
            continue
        pair = [
            _half(line, lang, suffix, reader)
            for line, lang, suffix, reader in zip(lines, langs, suffixes, readers, strict=True)
        ]
        sources = {item.source for item in pair if isinstance(item, Sentence)}
        if len(sources) == 2:  # a row is told by its place, so the pair must have one
            pair[1] = replace(pair[1], source=pair[0].source)
        yield pair


def _half(line: Line, lang: str, suffix: str, reader: RowReader) -> Sentence | Reject:
    number, text, problem = line
    if problem:
        return reader.reject(number, problem, text)
    return reader.sentence(number, text, text, lang, suffix=suffix)
