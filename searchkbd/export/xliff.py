"""XLIFF 1.2 and 2.0: one file of pairs, a translated unit for each.

Of what other formats say besides, notes and the context are written; properties are not, since
XLIFF has no place for them that other programs read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from searchkbd.corpus.groups import PREFIX
from searchkbd.corpus.inline_xliff import to_xliff
from searchkbd.export.options import ExportOptions, ExportSummary
from searchkbd.export.units import Unit
from searchkbd.export.xml import content, element, is_allowed, opening, well_formed
from searchkbd.index.reader import StoredSentence

_NAMESPACE = "urn:oasis:names:tc:xliff:document:"
_ORIGINAL = "searchkbd"
_TRANSLATED = {"state": "translated"}
_PRESERVE = {"xml:space": "preserve"}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def xliff(units: Iterable[Unit], options: ExportOptions, summary: ExportSummary) -> Iterator[str]:
    """Yield an XLIFF document of the version that *options* name."""
    version = options.xliff_version
    document, write = (_version_1, _unit_1) if version == "1.2" else (_version_2, _unit_2)
    first, last = document(options)
    yield first
    number = 0
    for unit in units:
        for source, target in unit.pairs(options.source, options.target):
            number += 1
            segments = [_segment(sentence, version, summary) for sentence in (source, target)]
            yield write(unit, number, _name(unit, source, target), *segments)
    yield last


def _version_1(options: ExportOptions) -> tuple[str, str]:
    """Return what stands before and after the units of XLIFF 1.2."""
    root = opening("xliff", {"version": "1.2", "xmlns": f"{_NAMESPACE}1.2"})
    file = opening("file", {
        "original": _ORIGINAL,
        "source-language": options.source,
        "target-language": options.target,
        "datatype": "plaintext",
        **_PRESERVE,
    })  # fmt: skip
    first = f"{_DECLARATION}{root}\n  {file}\n    <body>\n"
    return first, "    </body>\n  </file>\n</xliff>\n"


def _unit_1(unit: Unit, number: int, name: str, source: str, target: str) -> str:
    lines = [
        opening("trans-unit", {"id": number, **({"resname": name} if name else {})}),
        f"  <source>{source}</source>",
        f"  {opening('target', _TRANSLATED)}{target}</target>",
        *(f"  {element('note', {}, note)}" for note in _notes(unit)),
        "</trans-unit>",
    ]
    return "".join(f"      {line}\n" for line in lines)


def _version_2(options: ExportOptions) -> tuple[str, str]:
    """Return what stands before and after the units of XLIFF 2.0."""
    root = opening("xliff", {
        "version": "2.0",
        "xmlns": f"{_NAMESPACE}2.0",
        "srcLang": options.source,
        "trgLang": options.target,
    })  # fmt: skip
    file = opening("file", {"id": _ORIGINAL, **_PRESERVE})
    return f"{_DECLARATION}{root}\n  {file}\n", "  </file>\n</xliff>\n"


def _unit_2(unit: Unit, number: int, name: str, source: str, target: str) -> str:
    notes = [element("note", {}, note) for note in _notes(unit)]
    # What inline tags of 2.0 refer to as their native code.
    data = [element("data", named, code) for named, code in _said(unit, "xliff").get("data", ())]
    lines = [
        opening("unit", {"id": f"u{number}", **({"name": name} if name else {})}),
        *_list("notes", notes),
        *_list("originalData", data),
        f"  {opening('segment', _TRANSLATED)}",
        f"    <source>{source}</source>",
        f"    <target>{target}</target>",
        "  </segment>",
        "</unit>",
    ]
    return "".join(f"    {line}\n" for line in lines)


def _list(name: str, elements: list[str]) -> list[str]:
    """Return the lines of an element that contains *elements*, none without them."""
    if not elements:
        return []
    return [f"  <{name}>", *(f"    {inner}" for inner in elements), f"  </{name}>"]


def _name(unit: Unit, source: StoredSentence, target: StoredSentence) -> str:
    """Return what tells the unit from others of the same text: its context, else its group."""
    name = source.context or target.context
    if name:
        return name
    return "" if unit.group.startswith(PREFIX) else unit.group


def _segment(sentence: StoredSentence, version: str, summary: ExportSummary) -> str:
    markup = well_formed(sentence.markup)
    if markup is None:
        summary.altered += sentence.markup is not None or not is_allowed(sentence.text)
        return content(sentence.text)
    return to_xliff(markup, version)


def _notes(unit: Unit) -> list[str]:
    """Return the notes on a unit that a TMX or XLIFF file had."""
    return [
        text
        for format_ in ("tmx", "xliff")
        for name, _, text in _said(unit, format_).get("about", ())
        if name == "note" and text.strip()
    ]


def _said(unit: Unit, format_: str) -> dict[str, Any]:
    """Return what a file of that format said of a unit."""
    return unit.meta.get(format_, {})
