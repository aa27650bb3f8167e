"""TMX 1.4b, level 2: everything that a TMX file said of a unit is written again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from searchkbd import __version__
from searchkbd.corpus.groups import PREFIX
from searchkbd.corpus.tmx import ORIGIN
from searchkbd.export.options import ExportOptions, ExportSummary
from searchkbd.export.units import Unit
from searchkbd.export.xml import content, element, is_allowed, opening, well_formed
from searchkbd.index.reader import StoredSentence

CONTEXT = "x-context"
"""The type of the property that translate-toolkit and Trados keep the context in."""

_ALL = "*all*"
_INDENT = "  "


def tmx(units: Iterable[Unit], options: ExportOptions, summary: ExportSummary) -> Iterator[str]:
    """Yield a TMX document; the same units give the same text, whenever it is written."""
    header = {
        "creationtool": "searchkbd",
        "creationtoolversion": __version__,
        "segtype": "sentence",
        "o-tmf": "searchkbd",
        "adminlang": "en",
        "srclang": options.source or _ALL,
        "datatype": "plaintext",
    }
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n'
    yield f"{_INDENT}{opening('header', header, empty=True)}\n{_INDENT}<body>\n"
    for unit in units:
        yield _unit(unit, summary)
    yield f"{_INDENT}</body>\n</tmx>\n"


def _unit(unit: Unit, summary: ExportSummary) -> str:
    said = _said(unit.meta)
    named = dict(said.get("attributes", {}))
    if "tuid" not in named and not unit.group.startswith(PREFIX):
        named = {"tuid": unit.group, **named}
    context = _common(sentence.context for sentence in unit.sentences)
    origin = _common(sentence.origin for sentence in unit.sentences)
    lines = [opening("tu", named), *_about(said, context, origin)]
    for sentence in unit.sentences:
        lines += _variant(
            sentence,
            sentence.context if context is None else None,
            sentence.origin if origin is None else None,
            summary,
        )
    lines.append("</tu>")
    return "".join(f"{_INDENT * 2}{line}\n" for line in lines)


def _common(values: Iterable[str | None]) -> str | None:
    """Return what all of *values* are, None if they differ."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def _variant(
    sentence: StoredSentence, context: str | None, origin: str | None, summary: ExportSummary
) -> list[str]:
    said = _said(sentence.meta)
    named = {"xml:lang": said.get("lang", sentence.lang), **said.get("attributes", {})}
    lines = [
        opening("tuv", named),
        *_about(said, context, origin),
        f"{_INDENT}<seg>{_segment(sentence, summary)}</seg>",
        "</tuv>",
    ]
    return [_INDENT + line for line in lines]


def _said(meta: dict[str, Any]) -> dict[str, Any]:
    """Return what a TMX file said; a table may have a column of that name."""
    said = meta.get("tmx")
    return said if isinstance(said, dict) else {}


def _about(said: dict[str, Any], context: str | None, origin: str | None) -> list[str]:
    """Return notes and properties as they stood in the file, and after them ours.

    A *context* that was read from one of the properties is not written twice.
    """
    about = list(said.get("about", ()))
    if context and context not in [text for name, _, text in about if name == "prop"]:
        about.append(("prop", {"type": CONTEXT}, context))
    if origin:
        about.append(("prop", {"type": ORIGIN}, origin))
    return [_INDENT + element(name, named, text) for name, named, text in about]


def _segment(sentence: StoredSentence, summary: ExportSummary) -> str:
    markup = well_formed(sentence.markup)
    if markup is None:
        summary.altered += sentence.markup is not None or not is_allowed(sentence.text)
        return content(sentence.text)
    return markup
