"""What is looked up in the translation memory, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchkbd.index.codes import Recall

MIN_QUALITY = 70
MIN_SIMILARITY = 0.6
"""Cosine below which the nearest sentence is not offered as a semantic match."""


@dataclass(frozen=True, slots=True)
class Query:
    """A segment to look up, with what its document says of it; None where that is not known.

    * ``text``: in stored form, without inline tags;
    * ``markup``: the text with its inline tags (:mod:`searchkbd.corpus.inline`);
    * ``context``: what tells this segment from others of the same text (msgctxt, resname ...);
    * ``previous``, ``next``: the texts before and after it, ``""`` at the document's edge.
    """

    text: str
    markup: str | None = None
    context: str | None = None
    previous: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class LookupOptions:
    """How to look up.

    * ``k``: matches given for a segment, at most;
    * ``min_quality``: least quality, after penalties, of a match by edits;
    * ``min_similarity``: least cosine of a match by meaning;
    * ``penalties``: (pattern of origins as of fnmatch, points): the last that fits an origin
      holds, instead of what it would lose by default (searchkbd.memory.penalties);
    * ``pivots``: languages to go through where there is no translation, best first; empty for
      none, None for any;
    * ``semantic``: whether to search by meaning; without, no encoder is needed and no match has
      a similarity;
    * ``recall``: how sure the nearest in meaning are to be found (``fast``, ``balanced`` or
      ``exact``: searchkbd.index.codes);
    * ``parts``: whether to look for parts when nothing whole reaches ``min_quality``;
    * ``step_down``: whether to give the nearest below the thresholds when nothing reaches them.
    """

    k: int = 5
    min_quality: int = MIN_QUALITY
    min_similarity: float = MIN_SIMILARITY
    penalties: tuple[tuple[str, int], ...] = ()
    pivots: tuple[str, ...] | None = None
    semantic: bool = True
    recall: Recall | str = "balanced"
    parts: bool = True
    step_down: bool = True
