"""The translation memory of Weblate: a JSON array with an object for each pair."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from searchkbd.export.options import ExportOptions, ExportSummary
from searchkbd.export.units import Unit
from searchkbd.index.reader import StoredSentence

GLOBAL = 1
"""The category of units that belong to no project and no user."""


def weblate(
    units: Iterable[Unit], options: ExportOptions, summary: ExportSummary
) -> Iterator[str]:
    """Yield the array, an object a line, with no other keys than Weblate's schema knows."""
    before = "[\n"
    for unit in units:
        for source, target in unit.pairs(options.source, options.target):
            entry = _entry(unit, source, target)
            yield before + json.dumps(entry, ensure_ascii=False)
            before = ",\n"
    yield "\n]\n"


def _entry(unit: Unit, source: StoredSentence, target: StoredSentence) -> dict[str, str | int]:
    said = unit.meta.get("weblate", {})
    entry: dict[str, str | int] = {
        "source_language": source.lang,
        "target_language": target.lang,
        "source": source.text,
        "target": target.text,
        "origin": target.origin,
        "category": GLOBAL,
    }
    entry |= {key: said[key] for key in ("category", "status") if isinstance(said.get(key), int)}
    context = source.context or target.context
    return entry | ({"context": context} if context else {})
