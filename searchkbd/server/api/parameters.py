"""What may be asked: the parameters of addresses and the bodies of requests.

They are named after the options of the command line. What is not named here is refused, so that a
misspelt option is not passed over in silence.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path as PathParameter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from searchkbd.api import MAX_QUERY_CHARS
from searchkbd.concordance.pattern import MAX_CHARS
from searchkbd.concordance.result import MAX_GAP, Order
from searchkbd.index.codes import Recall
from searchkbd.memory.query import MIN_QUALITY, MIN_SIMILARITY, LookupOptions, Query
from searchkbd.search.hit import SearchMode
from searchkbd.server.errors import RefusedError
from searchkbd.server.settings import Limits
from searchkbd.text.languages import normalize_language

_USUAL = Limits()  # what the document says; what holds are the limits of the server's settings
_MANY = 20  # languages, origins or penalties in one request
_NO_NUL = r"^[^\x00]*$"  # which no address may have

Language = Annotated[
    str,
    AfterValidator(normalize_language),
    Field(
        min_length=2, max_length=35, json_schema_extra={"format": "language-tag"},
        description="An ISO 639 code or BCP 47 tag: `kbd`, `ru`, `en`, `fr`, `tr` ...",
    ),
]  # fmt: skip
Languages = Annotated[list[Language], Field(max_length=_MANY)]
Names = Annotated[
    list[Annotated[str, Field(max_length=200, pattern=_NO_NUL)]], Field(max_length=_MANY)
]

AnyText = Annotated[str, Field(max_length=MAX_QUERY_CHARS)]
"""Any text: one without letters and digits is answered without hits."""

Aside = Annotated[str, Field(max_length=1000, pattern=_NO_NUL)]
"""What is said besides the text in an address."""

Id = Annotated[str, PathParameter(min_length=1, max_length=1100, pattern=_NO_NUL)]
"""An id in the path, slashes and all; stored ones have at most 1,000 characters and a number."""

Level = Annotated[
    Recall,
    Field(
        strict=False,
        description="How sure the nearest in meaning are to be found in a large language.",
    ),
]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Of an int: to JSON, 1.0 is a whole number."""

Count = Annotated[
    int,
    Field(
        ge=1, json_schema_extra={"maximum": _USUAL.hits}, description="Number of hits or matches."
    ),
    WHOLE,
]


def _batch(what: str) -> object:
    return Field(
        min_length=1, json_schema_extra={"maxItems": _USUAL.batch}, description=f"{what}, in order."
    )


class Strict(BaseModel):
    """A request in which every name is one that is known."""

    model_config = ConfigDict(extra="forbid")


class Body(Strict):
    """A body, in which numbers are numbers; in addresses they are text."""

    model_config = ConfigDict(strict=True)


class SearchOptions(Strict):
    """How to search."""

    lang: Languages = Field(
        default=[], description="Languages of hits; any language when not given."
    )
    from_: Language | None = Field(
        default=None, alias="from", description="Language of the query; detected when not given."
    )
    k: Count = 10
    mode: SearchMode = Field(
        default=SearchMode.FUSED,
        strict=False,
        description="`semantic`: by meaning; `lexical`: by words and parts of words; "
        "`fused`: both.",
    )
    recall: Level = Recall.BALANCED


class _Q(Strict):
    q: str = Field(
        min_length=1, max_length=2000, json_schema_extra={"format": "words"},
        description="What to look for: a text with a letter or a digit in it; longer ones by POST.",
        examples=["Сэ школым сокӏуэ"],
    )  # fmt: skip


class SearchQuery(SearchOptions, _Q):
    """One search."""


class SearchBatch(SearchOptions, Body):
    """Several searches. Those for texts without letters and digits have no hits."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"queries": ["сэлам", "good morning"], "k": 3}}
    )
    queries: Annotated[list[AnyText], _batch("What to look for")]


class MemoryOptions(Strict):
    """How to look up in the translation memory."""

    from_: Language = Field(alias="from", description="Language of the segments.", examples=["ru"])
    to: Language = Field(description="Language to translate into.", examples=["kbd"])
    k: Count = 5
    min_quality: Annotated[
        int,
        Field(ge=0, le=100, description="Least quality, after penalties, of a match by edits."),
        WHOLE,
    ] = MIN_QUALITY
    min_similarity: float = Field(
        default=MIN_SIMILARITY, ge=-1, le=1,
        description="Least similarity of a match by meaning, a cosine; 1 gives none.",
    )  # fmt: skip
    penalty: Annotated[
        list[Annotated[str, Field(pattern=r"^[^\x00]+=(?:[0-9]{1,2}|100)$", max_length=200)]],
        Field(max_length=_MANY),
    ] = Field(
        default=[],
        description="`ORIGIN=N`: points that matches from an origin lose instead of what they "
        "would; the origin may have wildcards, and `pivot` stands for matches through a third "
        "language.",
    )
    pivot: Languages = Field(
        default=[],
        description="Languages to go through where there is no translation, best first; ru, en, "
        "then any when not given.",
    )
    no_pivot: bool = Field(default=False, description="Go through no third language.")
    semantic: bool = Field(default=True, description="Whether to search by meaning as well.")
    recall: Level = Recall.BALANCED

    def options(self) -> LookupOptions:
        """Return what the memory is asked with. Raises RefusedError for a contradiction."""
        if self.pivot and self.no_pivot:
            raise RefusedError("pivot and no_pivot contradict each other")
        penalties = (each.rpartition("=") for each in self.penalty)
        return LookupOptions(
            k=self.k,
            min_quality=self.min_quality,
            min_similarity=self.min_similarity,
            penalties=tuple((origin, int(points)) for origin, _, points in penalties),
            pivots=() if self.no_pivot else tuple(self.pivot) or None,
            semantic=self.semantic,
            recall=self.recall,
        )


_PREVIOUS = "The segment before it; empty when it is the first."
_NEXT = "The segment after it; empty when it is the last."
_KEY = "Its key or context in its file (msgctxt, resname)."


class MemoryQuery(MemoryOptions, _Q):
    """One look-up."""

    previous: Aside | None = Field(default=None, description=_PREVIOUS)
    next: Aside | None = Field(default=None, description=_NEXT)
    key: Aside | None = Field(default=None, description=_KEY)

    def query(self) -> Query:
        """Return the segment."""
        return Query(self.q, context=self.key, previous=self.previous, next=self.next)


class Segment(Body):
    """A segment with what its document says of it."""

    text: AnyText
    previous: AnyText | None = Field(default=None, description=_PREVIOUS)
    next: AnyText | None = Field(default=None, description=_NEXT)
    key: AnyText | None = Field(default=None, description=_KEY)

    def query(self) -> Query:
        """Return the segment."""
        return Query(self.text, context=self.key, previous=self.previous, next=self.next)


class MemoryBatch(MemoryOptions, Body):
    """Several look-ups. Those of segments without letters and digits have no matches."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "from": "ru", "to": "kbd",
                "segments": ["Доброе утро!", {"text": "Спасибо!", "previous": "Доброе утро!"}],
            }
        }
    )  # fmt: skip
    segments: Annotated[list[AnyText | Segment], _batch("What to look up")]


class ConcordanceQuery(Strict):
    """Where a pattern stands."""

    q: str = Field(
        min_length=1, max_length=MAX_CHARS, json_schema_extra={"format": "words"},
        description="A pattern: words that follow each other; `за*`, `*ть`, `за*ть`: words that "
        "begin, end, do both; `a|b`: either word; `?`: any one word; `*`: up to `gap` words.",
        examples=["сэ *"],
    )  # fmt: skip
    lang: Languages = Field(default=[], description="Languages to look in; all when not given.")
    to: Languages = Field(
        default=[], description="Languages of the translations shown; all when not given."
    )
    n: int = Field(
        default=20, ge=0, json_schema_extra={"maximum": _USUAL.hits}, description="Number of lines."
    )
    offset: int = Field(default=0, ge=0, description="Lines to skip before those.")
    sort: Order = Field(
        default=Order.NONE,
        description="Order of lines: by the words left or right of the match, or by the match.",
    )
    gap: int = Field(
        default=5, ge=0, le=MAX_GAP, description="How many words `*` stands for at most."
    )
    exact: bool = Field(
        default=False, description="Letter case, palochka and accents must be as in the pattern."
    )
    loose: bool = Field(default=False, description="Forgive a missing palochka, and accents.")
    only_translated: bool = Field(
        default=False, description="Only sentences with a translation, into `to` where given."
    )
    origin: Names = Field(default=[], description="Only sentences of these origins.")


class AddedSentence(Body):
    """A sentence to add; what is empty is made up."""

    text: str = Field(description="The sentence.")
    lang: str = Field(description="Its language.", examples=["kbd"])
    id: str = Field(default="", description="Its id, which no other sentence may have.")
    group: str = Field(
        default="", description="Its translation group: sentences of one group say the same."
    )
    origin: str = Field(default="", description="Where it comes from; `api` when not given.")
    context: str | None = Field(
        default=None, description="What tells it from others of the same text."
    )


class AddedSentences(Body):
    """Sentences to add. Those that cannot be stored are in the answer, with the reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sentences": [
                    {"text": "Доброе утро!", "lang": "ru", "group": "morning"},
                    {"text": "Good morning!", "lang": "en", "group": "morning"},
                ]
            }
        }
    )
    sentences: Annotated[list[AddedSentence], _batch("The sentences")]


class DeletedIds(Body):
    """Sentences to delete, by their ids."""

    ids: Annotated[list[Annotated[str, Field(max_length=1100)]], _batch("Their ids")]


def require_at_most(name: str, value: int, most: int) -> None:
    """Raise RefusedError when *value*, which the client calls *name*, is greater than *most*."""
    if value > most:
        raise RefusedError(f"{name}: {value} is too many; {most} are the most in one request")
