"""What a search returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class SearchMode(str, Enum):
    """How hits are found and ranked; see searchkbd.search.engine."""

    FUSED = "fused"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class Translation:
    """Another sentence of a hit's group."""

    id: str
    lang: str
    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One sentence found, best first by *rank*.

    *score* orders the hits of one mode: the cosine less half the sentence's
    hubness (semantic, 0–1), the share of the query's words
    found (lexical, 0–1) or the normalised reciprocal-rank sum (fused, 0–1). *similarity* is the
    cosine of query and sentence, None in lexical mode, which encodes nothing.
    """

    rank: int
    id: str
    lang: str
    text: str
    score: float
    similarity: float | None
    origin: str
    group: str
    translations: tuple[Translation, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits for one query; *lang* is the language the query was read as."""

    query: str
    lang: str
    mode: SearchMode
    hits: tuple[Hit, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of ``searchkbd search --json`` (docs/json.md)."""
        shape = asdict(self)
        shape["mode"] = self.mode.value
        shape["hits"] = list(shape["hits"])
        for hit in shape["hits"]:
            hit["translations"] = list(hit["translations"])
            hit["score"] = round(hit["score"], 4)
            if hit["similarity"] is not None:
                hit["similarity"] = round(hit["similarity"], 4)
        return shape
