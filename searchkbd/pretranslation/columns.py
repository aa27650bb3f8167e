"""Which columns of a table hold the texts to translate and their translations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from searchkbd.corpus.columns import ALIASES
from searchkbd.corpus.sentence import CorpusError
from searchkbd.pretranslation.options import FileOptions, code_or_none
from searchkbd.text.languages import LANGUAGES

MATCH, QUALITY = "match", "quality"
"""Names of the columns that say what a translation was made of."""

_SOURCES = ("text_a", "source_text", *ALIASES["text"], "source")
_TARGETS = {"text_a": "text_b", "source_text": "target_text", "source": "target"}
_LANGUAGES = {
    "source": ("lang_a", "source_lang", "source_language", *ALIASES["lang"]),
    "target": ("lang_b", "target_lang", "target_language"),
}
_LONGEST_CODE = 11


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers of columns, from 0, of a table of *width* columns; *added* ones come after those.

    *source_lang* and *target_lang* are columns that name the language of each row, if there are.
    """

    width: int
    lang: str
    source: int
    target: int
    match: int
    quality: int
    source_lang: int | None
    target_lang: int | None
    added: tuple[str, ...]


def has_header(options: FileOptions) -> bool:
    """Return whether the first row names the columns: not where they were given by number."""
    given = options.reading.columns.values()
    if options.reading.header is not None:
        return options.reading.header
    return not (given and all(column.isdecimal() for column in given))


def find_columns(file: str, first: Sequence[str], options: FileOptions) -> Columns:
    """Return the columns of a table that begins with the row *first*.

    The source is the column that was named, or is called by its language, or as text or source;
    translations go into the one that was named, is called by their language, or as the source's
    counterpart, else into a new one. Raises CorpusError when that leaves open where the texts are.
    """
    header = has_header(options)
    names = [name.strip().casefold() if header else "" for name in first]
    codes = [_code(name, options) for name in names]
    given = _given(file, names, options)
    source = given.get("source")
    lang = options.source
    if source is None:
        source, lang = _source(file, names, codes, options)
    elif lang is None:
        lang = codes[source]
    lang = options.source_of(file, lang or "")
    target = given.get("target")
    counterpart = _TARGETS.get(names[source], options.target)
    if target is None and options.target in codes:
        target = codes.index(options.target)
    if target is None and counterpart in names:
        target = names.index(counterpart)
    if source == target:
        raise CorpusError(f"{file}: source and target are the same column")
    added = []
    for name, at in ((counterpart, target), (MATCH, None), (QUALITY, None)):
        if at is None and name not in names:
            added.append(name)
    places = [*names, *added]
    rows = {
        side: next((names.index(name) for name in aliases if name in names), None)
        for side, aliases in _LANGUAGES.items()
    }
    return Columns(
        width=len(names),
        lang=lang,
        source=source,
        target=places.index(counterpart) if target is None else target,
        match=places.index(MATCH),
        quality=places.index(QUALITY),
        source_lang=rows["source"],
        target_lang=rows["target"],
        added=tuple(added),
    )


def _code(name: str, options: FileOptions) -> str | None:
    """Return the language that a column is called by: one of ours, or one that was asked for."""
    code = code_or_none(name) if 0 < len(name) <= _LONGEST_CODE else None
    return code if code in (*LANGUAGES, options.source, options.target) else None


def _given(file: str, names: Sequence[str], options: FileOptions) -> dict[str, int]:
    """Return the columns that were named by the user, for source and target."""
    found = {}
    for role, wanted in options.reading.columns.items():
        side = None
        if role in ("text_b", "target") or code_or_none(role) == options.target:
            side = "target"
        elif role in ("text_a", "text", "source") or code_or_none(role) == options.source:
            side = "source"
        if side is None:
            raise CorpusError(
                f"unknown column {role!r} in the option: expected text_a (or the code of the "
                "source language) or text_b (or that of the target language)"
            )
        name = wanted.strip().casefold()
        if name in names:
            found[side] = names.index(name)
        elif name.isdecimal() and 1 <= int(name) <= len(names):
            found[side] = int(name) - 1
        else:
            has = ", ".join(filter(None, names)) or f"{len(names)} columns"
            raise CorpusError(f"{file}: no column is called {wanted!r}; there are: {has}")
    return found


def _source(
    file: str, names: Sequence[str], codes: Sequence[str | None], options: FileOptions
) -> tuple[int, str | None]:
    """Return the column of the source and its language, as far as these are known."""
    if options.source in codes and options.source is not None:
        return codes.index(options.source), options.source
    if options.source is None:
        others = [at for at, code in enumerate(codes) if code not in (None, options.target)]
        if len(others) == 1:
            return others[0], codes[others[0]]
        if others:
            langs = ", ".join(codes[at] or "" for at in others)
            raise CorpusError(f"{file} has columns in {langs}; say which to translate: --from LANG")
    for name in _SOURCES:
        if name in names:
            return names.index(name), options.source
    has = ", ".join(filter(None, names)) or f"{len(names)} columns without names"
    raise CorpusError(
        f"{file}: no column with texts to translate is found (there are: {has}); name it, or "
        "number it from 1: --column text_a=NAME"
    )
