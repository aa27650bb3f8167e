"""PO and POT files of gettext, block by block: what stands between blank lines.

translate-toolkit reads the blocks, so that a bad one costs no more than itself.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from searchkbd.corpus.decompress import STDIN, DamagedError, byte_chunks, shown
from searchkbd.corpus.lines import text_lines
from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.order import with_neighbours
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

if TYPE_CHECKING:
    from translate.storage.pypo import pounit

SOURCE_LANGUAGE = "en"
"""The language of msgid where neither the file nor the user says it."""

FUZZY = ":fuzzy"
"""What the origin of a translation that needs work ends with."""

_CHARSET = re.compile(rb"Content-Type:[^\n]*charset=\s*([\w.:-]+)", re.ASCII)
_HEAD = 1 << 16
_MAX_BLOCK = 10_000
_MAX_REASON = 200
_LINE_NUMBER = re.compile(r" on line \d+")
# A blank line before one of these is within an entry.
_CONTINUES = ('"', "msgstr", "msgid_plural")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines without a blank one between them; ``problem`` is why they cannot be read."""

    line: int
    lines: tuple[str, ...]
    problem: str | None = None


def read_po(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield msgid and msgstr of each entry, and each plural form with msgid_plural.

    Languages are those of ``options.langs``; else the header's ``X-Source-Language``, or English,
    and its ``Language``. ``msgctxt`` is the context, comments and flags are kept in
    ``unit["po"]``. A translation marked fuzzy has ``meta["po"]["fuzzy"]`` and an origin that ends
    with :data:`FUZZY`. A source without a translation is yielded alone. Obsolete entries are
    skipped.

    Raises CorpusError when translate-toolkit is missing, and when there are translations and
    nothing says their language.
    """
    pounit = load_toolkit(path)[1].pounit
    reader = _Reader(path, options, rows, pounit)
    options = replace(options, encoding=options.encoding or _charset(path))
    yield from with_neighbours(
        unit for block in _blocks(path, options) for unit in reader.units(block)
    )


def _charset(path: str) -> str | None:
    """Return the encoding that the header of the file names, if it is one of Python's."""
    if path == STDIN:
        return None
    head = b""
    with suppress(DamagedError):
        for chunk in byte_chunks(path):
            head += chunk
            if len(head) >= _HEAD:
                break
    found = _CHARSET.search(head[:_HEAD])
    name = found[1].decode() if found else ""
    try:
        codec = codecs.lookup(name).name
    except LookupError:  # "CHARSET" stands in templates
        return None
    return None if codec == "utf-8" else name


def _blocks(path: str, options: ReadOptions) -> Iterator[_Block]:
    lines: list[str] = []
    start, blank = 1, False
    for number, line, problem in text_lines(path, options):
        if not line.strip() and not problem:
            blank = True
            continue
        within = line.startswith(_CONTINUES) or not blank
        if lines and (problem or not within or number - start >= _MAX_BLOCK):
            yield _Block(start, tuple(lines))
            lines = []
        blank = False
        if problem:
            yield _Block(number, (line,), problem)
            continue
        start = start if lines else number
        lines += [""] * (number - start - len(lines))  # so that lines can be counted
        lines.append(line)
    if lines:
        yield _Block(start, tuple(lines))


def load_toolkit(path: str) -> tuple[Any, Any]:
    """Return translate-toolkit's modules ``poparser`` and ``pypo``.

    Raises CorpusError, about the file *path*, when it is not installed.
    """
    try:
        from translate.storage import poparser, pypo
    except ImportError:
        raise CorpusError(
            f"{shown(path)} is read with translate-toolkit; install it: "
            "pip install 'searchkbd[formats]'"
        ) from None
    return poparser, pypo


class _Reader:
    """Makes units of blocks."""

    def __init__(
        self, path: str, options: ReadOptions, rows: RowReader, unit_class: type[pounit]
    ) -> None:
        self._path = path
        self._rows = rows
        self._unit_class = unit_class
        self._source, self._target = options.langs or (None, None)
        if self._target is None and options.lang is not None:
            self._target = "" if options.lang == AUTO else options.lang

    def units(self, block: _Block) -> Iterator[list[Sentence | Reject]]:
        """Yield what each pair of texts in *block* gives, or one reject."""
        raw = "\n".join(block.lines)
        if block.problem:
            yield [self._rows.reject(block.line, block.problem, raw)]
            return
        from translate.storage import poparser

        state = poparser.PoParseState(
            [line + "\n" for line in block.lines], self._unit_class, "utf-8"
        )
        line = block.line
        try:
            while state.next_line:
                line = block.line + state.lineno - 1
                unit = poparser.parse_unit(state)
                if unit is None or _is_half(unit):
                    raise poparser.PoParseError(state, "incomplete entry")
                yield from self._unit(unit, line, raw)
        except (ValueError, IndexError) as error:
            reason = _LINE_NUMBER.sub("", str(error))[:_MAX_REASON]
            yield [self._rows.reject(line, f"bad PO: {reason}", raw)]

    def _unit(self, unit: pounit, line: int, raw: str) -> Iterator[list[Sentence | Reject]]:
        if unit.isheader():
            self._header(unit)
            return
        if unit.isobsolete() or not unit.msgid:  # or a comment alone
            return
        sources = getattr(unit.source, "strings", [unit.source])
        targets = getattr(unit.target, "strings", [unit.target])
        for source, target in _pairs(sources, targets):
            yield self._pair(unit, source, target, line, raw)

    def _pair(
        self, unit: pounit, source: str, target: str, line: int, raw: str
    ) -> list[Sentence | Reject]:
        about = {"po": _about(unit)}  # an object of its own for each pair tells them apart
        context = unit.getcontext() or None
        langs = [self._source or SOURCE_LANGUAGE, self._target_language() if target else ""]
        suffixes = self._rows.suffixes(langs) if target else [f":{langs[0]}"]
        items = [
            self._rows.sentence(
                line, raw, source, langs[0], suffix=suffixes[0], unit=about, context=context
            )
        ]
        if target:
            item = self._rows.sentence(
                line, raw, target, langs[1], suffix=suffixes[1], unit=about, context=context
            )
            if unit.isfuzzy() and isinstance(item, Sentence):
                item = replace(item, origin=item.origin + FUZZY, meta={"po": {"fuzzy": True}})
            items.append(item)
        return items

    def _target_language(self) -> str:
        if self._target is None:
            raise CorpusError(
                f"{shown(self._path)} does not say which language it translates into "
                "(Language in its header); say it: --langs en,kbd"
            )
        return self._target

    def _header(self, unit: pounit) -> None:
        from translate.storage.poheader import parseheaderstring

        said = {key.lower(): value.strip() for key, value in parseheaderstring(unit.target).items()}
        self._source = self._source or said.get("x-source-language") or None
        if self._target is None:
            self._target = said.get("language") or None


def _is_half(unit: pounit) -> bool:
    """Return whether an entry breaks off before its translation."""
    return not unit.isobsolete() and not unit.msgstr and bool(unit.msgctxt or unit.msgid)


def _pairs(sources: list[str], targets: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each translation with its source: the first form's is the singular.

    A language with one form only has it for both.
    """
    if len(sources) == 1:
        yield sources[0], targets[0] if targets else ""
        return
    yield sources[0], targets[0] if targets else ""
    for target in targets[1:] or targets[:1] or [""]:
        yield sources[1], target


def _about(unit: pounit) -> dict[str, str | list[str]]:
    flags = [flag.strip() for line in unit.typecomments for flag in line.lstrip("#,").split(",")]
    said = {
        "comments": unit.getnotes("translator") if unit.othercomments else "",
        "extracted": unit.getnotes("developer") if unit.automaticcomments else "",
        "references": unit.getlocations(),
        "flags": [flag for flag in flags if flag and flag != "fuzzy"],
    }
    return {key: value for key, value in said.items() if value}
