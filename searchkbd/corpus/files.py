"""Which of the files that were named are read together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import BY_EXTENSION, named_format, uncompressed_name
from searchkbd.corpus.sentence import CorpusError
from searchkbd.text.languages import UnknownLanguageError, normalize_language


def corpora(files: Sequence[str], options: ReadOptions) -> list[tuple[str, ReadOptions]]:
    """Return each corpus of *files* as its first file and the options to read it with.

    A corpus is one file, but for the two halves of a Moses pair, which follow each other, and the
    files of sentences of a Tatoeba export, which share their links.

    Raises CorpusError when a half has no other half.
    """
    formats = [options.format or named_format(file, options) for file in files]
    out: list[tuple[str, ReadOptions]] = []
    tatoeba: int | None = None
    at = 0
    while at < len(files):
        file, format_ = files[at], formats[at]
        following = files[at + 1] if at + 1 < len(files) else None
        halves = format_ is None and options.lang is None and not options.columns
        if format_ == "moses" or (halves and following and _are_halves(file, following)):
            if following is None:
                raise CorpusError(
                    f"{file} has no other half; give Moses files two by two: a.kbd a.ru"
                )
            out.append((file, replace(options, format="moses", beside=(following,))))
            at += 2
            continue
        if format_ == "tatoeba" and tatoeba is not None:
            first, with_others = out[tatoeba]
            out[tatoeba] = first, replace(with_others, beside=(*with_others.beside, file))
        else:
            if format_ == "tatoeba":
                tatoeba = len(out)
            out.append((file, options))
        at += 1
    return out


def _are_halves(file: str, other: str) -> bool:
    """Return whether the names differ in a language at their end, as a.kbd and a.ru do."""
    stem, lang = half_name(file)
    other_stem, other_lang = half_name(other)
    return bool(stem == other_stem and lang and other_lang and lang != other_lang)


def half_name(file: str) -> tuple[str, str | None]:
    """Return the name of a half of a pair without its language, and the language."""
    stem, extension = os.path.splitext(uncompressed_name(file))
    if extension.lower() in BY_EXTENSION:
        return stem, None
    try:
        return stem, normalize_language(extension[1:])
    except UnknownLanguageError:
        return stem, None
