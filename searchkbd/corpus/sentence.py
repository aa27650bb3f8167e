"""What a corpus file gives: sentences, and the lines that are none with the reason why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from searchkbd.errors import SearchkbdError

MAX_RAW = 500
"""Characters of a rejected line that are kept."""

# Control characters but tab and line ends, and halves of surrogate pairs, which JSON can hold
# and UTF-8 cannot. The second row of controls is left: mojibake has them.
UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that no text, id or name may have."""

UNDETERMINED = "und"
"""The language code (ISO 639-2) of a text that was identified as none of the known languages."""


class CorpusError(SearchkbdError):
    """A whole file cannot be read; the message names it, the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the file as it was named and the line, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text in one language, with the group of its translations.

    ``text`` is in stored form; ``lang`` is a code as ``normalize_language`` gives it, or
    :data:`UNDETERMINED`; ``meta`` holds what else the file says of this text (its other columns,
    the attributes of its element) as a JSON object, None when that is nothing; ``repaired`` says
    that mojibake was undone, ``own_id`` that the file gave the id.

    What exchange formats (TMX, XLIFF, PO ...) say besides, None where a file does not:

    * ``markup``: the text with its inline tags, in the form of :mod:`searchkbd.corpus.inline`;
    * ``unit``: a JSON object about the whole translation unit, the same for all its sentences;
      a row with one is a duplicate only of a row that is alike in all of this;
    * ``context``: what tells this segment from others of the same text (msgctxt, resname ...);
    * ``previous``, ``next``: the texts before and after it in its document, in its language
      (``""`` at the document's edge);
    * ``date``: when it was last changed, ISO 8601 in UTC, ``2026-11-24T02:11:40Z``.
    """

    id: str
    lang: str
    text: str
    group: str
    origin: str
    meta: dict[str, Any] | None
    source: Place
    repaired: bool = False
    own_id: bool = True
    markup: str | None = None
    unit: dict[str, Any] | None = None
    context: str | None = None
    previous: str | None = None
    next: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Input that became no sentence: where it stands, why, and how it begins.

    A reason is of the form ``kind`` or ``kind: detail``, so that rejects can be counted by kind.
    """

    place: Place
    reason: str
    raw: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.raw[:MAX_RAW])

    @property
    def kind(self) -> str:
        """The reason without what is particular to this reject."""
        return self.reason.partition(":")[0]
