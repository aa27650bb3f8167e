"""How to read a file, as the user said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from searchkbd.corpus.events import OnEvent, unheard

AUTO = "auto"
"""In place of a language code: identify the language of each text that has none."""

LINE_FORMATS: tuple[str, ...] = ("tsv", "csv", "jsonl", "text")
"""Formats that are read line by line."""

EXCHANGE_FORMATS: tuple[str, ...] = (
    "tmx", "xliff", "po", "moses", "tatoeba", "weblate", "parquet", "hub",
)  # fmt: skip
"""Formats with a reader of the file of their own."""

FORMATS: tuple[str, ...] = LINE_FORMATS + EXCHANGE_FORMATS


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Everything that a file does not say about itself; the defaults suit a file that does.

    * ``lang``: language of texts that have none in the file, or :data:`AUTO`;
    * ``langs``: languages of the two text columns of a file of pairs;
    * ``columns``: our column name → the file's, or its number counted from 1;
    * ``delimiter``: one character; a tab for TSV, found by the header for CSV when None;
    * ``header``: whether the first row names the columns; None decides by looking at it;
    * ``format``: one of :data:`FORMATS`; None decides by the file's name, then its first line;
    * ``encoding``: a Python codec name; None takes UTF-8, and UTF-16 or UTF-32 by their marks;
    * ``repair``: undo mojibake;
    * ``origin``: origin of sentences that have none in the file; None takes the file's name;
    * ``name``: what stands for the file in ids made from its lines; None takes its base name;
    * ``beside``: further files that are read together with the file: the other half of a Moses
      pair, more sentences of Tatoeba (see :mod:`searchkbd.corpus.files`);
    * ``links``: the file of Tatoeba's links; None looks beside the sentences;
    * ``take``: languages of a Tatoeba export to take, all when empty;
    * ``min_similarity``, ``percentile``: rows whose similarity is less than that, or than that
      percentile (0 to 100) of the file's, are left out (see :mod:`searchkbd.corpus.cut`);
    * ``split``, ``revision``: which part and which version of a Hugging Face data set to read;
    * ``on_event``: gets what is no sentence and no reject (see :mod:`searchkbd.corpus.events`);
    * ``max_chars``: a longer text is rejected; ``max_line_chars``: a longer line is rejected
      without being held in memory.
    """

    lang: str | None = None
    langs: tuple[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    delimiter: str | None = None
    header: bool | None = None
    format: str | None = None
    encoding: str | None = None
    repair: bool = True
    origin: str | None = None
    name: str | None = None
    beside: tuple[str, ...] = ()
    links: str | None = None
    take: tuple[str, ...] = ()
    min_similarity: float | None = None
    percentile: float | None = None
    split: str | None = None
    revision: str | None = None
    on_event: OnEvent = field(default=unheard, compare=False)
    max_chars: int = 20_000
    max_line_chars: int = 16_000_000

    @property
    def cuts(self) -> bool:
        """Whether rows are left out by their similarity."""
        return self.min_similarity is not None or self.percentile is not None
