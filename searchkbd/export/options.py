"""What is exported, and how, as the user said it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from searchkbd.errors import SearchkbdError

FORMATS = ("tmx", "xliff", "weblate", "tsv", "csv", "jsonl", "tatoeba")
XLIFF_VERSIONS = ("1.2", "2.0")


class ExportError(SearchkbdError):
    """Nothing was exported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which units are exported, and which of their sentences; the defaults take all.

    * ``source`` and ``target``: only units that have a sentence in each of the two that is given;
      with both, only their sentences in these two;
    * ``origins``: only sentences whose origin matches one of these patterns (``*``, ``?``,
      ``[...]``; letter case counts);
    * ``since``, ``until``: only units of which a sentence was last changed in that time, both ends
      included: ISO 8601 in UTC, ``2026-11-24`` or ``2026-11-24T02:11:40Z``;
    * ``query``: only units with a sentence in whose search key every word of it is found, as a
      word or inside one;
    * ``groups``, ``ids``: only the groups of these names, and of the sentences with these ids.
    """

    source: str | None = None
    target: str | None = None
    origins: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    query: str | None = None
    groups: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is written, and how.

    ``pairs`` makes a row of a table, or a line of JSON, of each pair and not of each sentence.
    """

    filters: Filters = Filters()
    pairs: bool = False
    xliff_version: str = XLIFF_VERSIONS[0]

    @property
    def source(self) -> str | None:
        """The source language of formats that have one."""
        return self.filters.source

    @property
    def target(self) -> str | None:
        """The target language of formats that have one."""
        return self.filters.target


@dataclass(slots=True)
class ExportSummary:
    """What was written, so far; ``altered`` texts have characters that the format cannot hold."""

    units: int = 0
    sentences: int = 0
    altered: int = 0
    languages: Counter[str] = field(default_factory=Counter)
