"""Which column of a table, or which key of a JSON object, holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import UNWANTED
from searchkbd.text.languages import LANGUAGES, UnknownLanguageError, normalize_language

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "lang": ("lang", "language", "lang_code", "language_code", "iso"),
    "text": ("text", "sentence", "content"),
    "group": ("group", "group_id", "translation_group"),
    "origin": ("origin", "source", "corpus"),
    "lang_a": ("lang_a",),
    "lang_b": ("lang_b",),
    "text_a": ("text_a",),
    "text_b": ("text_b",),
    "id_a": ("id_a",),
    "id_b": ("id_b",),
}
"""Our name of a column → the names under which it is found, in any case, the first one first."""

# Roles that leave open where the texts are.
_NO_TEXTS = frozenset({"id", "group", "origin", "lang_a", "lang_b", "id_a", "id_b"})
_LONGEST_TAG = len("kbd-Cyrl-RU")
_NAMES = frozenset(name for names in ALIASES.values() for name in names) | {"source_text"}


class LayoutError(ValueError):
    """The columns do not say what is needed; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a row: numbers of its columns, from 0; ``code``: its language if fixed."""

    text: int
    lang: int | None = None
    code: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What a row of ``width`` cells holds: one text, or two and more that are translations.

    ``id``, ``group`` and ``origin`` are column numbers from 0, None when the file has none;
    ``meta`` are the names and numbers of all other columns.
    """

    width: int
    parts: tuple[Part, ...]
    id: int | None = None
    group: int | None = None
    origin: int | None = None
    meta: tuple[tuple[str, int], ...] = ()


def is_header(cells: Sequence[str], options: ReadOptions) -> bool:
    """Return whether the row *cells* names columns rather than holds a sentence."""
    if options.header is not None:
        return options.header
    names = [_fold(cell) for cell in cells]
    mapped = {_fold(name) for name in options.columns.values()}
    if any(name in _NAMES or (name in mapped and not name.isdecimal()) for name in names):
        return True
    return sum(_language(name) in _languages(options) for name in names) >= 2


def layout_of(header: Sequence[str], options: ReadOptions) -> Layout:
    """Return the layout of a file whose columns are named *header*; raises LayoutError."""
    if UNWANTED.search("".join(header)):
        raise LayoutError("control character: one is in the name of a column")
    names = [_fold(cell) for cell in header]
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if twice:
        raise LayoutError(f"duplicate column: the header names {twice[0]!r} twice")
    found = _mapped(options.columns, names, len(header))
    found |= _source_and_target(names, found)
    for role, aliases in ALIASES.items():
        if role not in found:
            free = (names.index(alias) for alias in aliases if alias in names)
            column = next((at for at in free if at not in found.values()), None)
            if column is not None:
                found[role] = column
    if not {"text", "text_a", "text_b"} & found.keys():
        for at, name in enumerate(names):
            code = _language(name)
            if code in _languages(options) and code not in found and at not in found.values():
                found[code] = at
        texts = [code for code in found if code not in ALIASES]
        if options.langs and len(texts) < 2 and len(header) == 2:
            # Two columns and two languages: whatever the names mean, these are the texts.
            found = {"text_a": 0, "text_b": 1}
    parts = _parts(found, options, header)
    return _layout(parts, found, list(header))


def _source_and_target(names: list[str], mapped: Mapping[str, int]) -> dict[str, int]:
    """Return the roles of the columns of a pair that are named as translation tools do.

    Only ``source`` and ``target`` together are a pair; ``source`` alone is an origin.
    """
    free = {name: at for at, name in enumerate(names) if at not in mapped.values()}
    if mapped.keys() - _NO_TEXTS or free.keys() & {*ALIASES["text"], "text_a", "text_b"}:
        return {}
    for suffix in ("", "_text"):
        found = {}
        for side, half in (("source", "a"), ("target", "b")):
            if side + suffix in free:
                found[f"text_{half}"] = free[side + suffix]
            for name in (f"{side}_lang", f"{side}_language"):
                if name in free and f"lang_{half}" not in mapped:
                    found[f"lang_{half}"] = free[name]
        if {"text_a", "text_b"} <= found.keys():
            return found
    return {}


def layout_without_header(width: int, options: ReadOptions) -> Layout:
    """Return the layout of a headerless file of *width* columns; raises LayoutError."""
    found = _mapped(options.columns, [], width)
    if options.langs and not {"text", "text_a", "text_b"} & found.keys():
        free = [at for at in range(width) if at not in found.values()]
        if len(free) < 2:
            raise LayoutError("missing column: two texts are expected and there is one column")
        found |= {"text_a": free[0], "text_b": free[1]}
    numbered = [f"column {number}" for number in range(1, width + 1)]
    return _layout(_parts(found, options, []), found, numbered)


def knows_columns_by_number(options: ReadOptions) -> bool:
    """Return whether *options* suffice to read a file that has no header."""
    columns = options.columns
    return bool(options.langs) or (
        all(value.isdecimal() for value in columns.values())
        and ("text" in columns or {"text_a", "text_b"} <= columns.keys())
    )


def _mapped(columns: Mapping[str, str], names: list[str], width: int) -> dict[str, int]:
    found = {}
    for role, wanted in columns.items():
        name = _fold(wanted)
        code = None if role in ALIASES else _language(role)
        if role not in ALIASES and code is None:
            raise LayoutError(
                f"unknown column {role!r} in the option: expected one of {', '.join(ALIASES)} "
                "or a language code"
            )
        if name in names:
            at = names.index(name)
        elif name.isdecimal() and 1 <= int(name) <= width:
            at = int(name) - 1
        else:
            has = f"; there are: {', '.join(filter(None, names))}" if names else ""
            raise LayoutError(f"missing column: none is called {wanted!r}{has}")
        found[code or role] = at
    return found


def _parts(found: dict[str, int], options: ReadOptions, header: Sequence[str]) -> list[Part]:
    if "text_a" in found or "text_b" in found:
        if not {"text_a", "text_b"} <= found.keys():
            missing = "text_a" if "text_b" in found else "text_b"
            raise LayoutError(f"missing column: no {missing}; name it: --column {missing}=NAME")
        codes = options.langs or (None, None)
        parts = [
            Part(found[f"text_{x}"], found.get(f"lang_{x}"), code, found.get(f"id_{x}"))
            for x, code in zip("ab", codes, strict=True)
        ]
    elif "text" in found:
        parts = [Part(found["text"], found.get("lang"))]
    else:
        parts = [
            Part(at, code=code)
            for code, at in sorted(found.items(), key=lambda item: item[1])
            if code not in ALIASES
        ]
        if len(parts) < 2:
            _no_text(header, options)
    if not options.lang and any(part.lang is None and part.code is None for part in parts):
        how = "--lang CODE or --lang auto" if len(parts) == 1 else "--langs CODE,CODE"
        raise LayoutError(
            f"missing column: no language ({', '.join(ALIASES['lang'])}); say it: {how}"
        )
    return parts


def _no_text(header: Sequence[str], options: ReadOptions) -> None:
    pair = "--column text_a=NAME --column text_b=NAME"
    how = pair if options.langs else f"--column text=NAME; for pairs, --langs CODE,CODE {pair}"
    columns = ", ".join(name.strip()[:40] for name in header[:12]) or "no names"
    raise LayoutError(
        f"missing column: no text. Looked for {', '.join(ALIASES['text'])}, for text_a and "
        f"text_b, and for two language codes ({', '.join(LANGUAGES)}); the first line has: "
        f"{columns}. Name them, or number them from 1: {how}; "
        "where the first line is no header, add --no-header"
    )


def _layout(parts: list[Part], found: dict[str, int], names: list[str]) -> Layout:
    shared = {role: found.get(role) for role in ("id", "group", "origin")}
    used = {at for at in shared.values() if at is not None}
    for part in parts:
        used |= {at for at in (part.text, part.lang, part.id) if at is not None}
    meta = tuple(
        (name.strip() or f"column {at + 1}", at)
        for at, name in enumerate(names)
        if at not in used
    )
    return Layout(len(names), tuple(parts), meta=meta, **shared)


def _languages(options: ReadOptions) -> tuple[str, ...]:
    return tuple(map(normalize_language, options.langs)) if options.langs else LANGUAGES


def _language(name: str) -> str | None:
    if len(name) > _LONGEST_TAG or not name.isascii():
        return None  # a sentence: not worth looking up
    try:
        return normalize_language(name)
    except UnknownLanguageError:
        return None


def _fold(name: str) -> str:
    return name.strip().lstrip("\ufeff").casefold()
