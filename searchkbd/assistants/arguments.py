"""What the tools may be asked: names, types, bounds, and what is said of them to a model."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from searchkbd.api import MAX_QUERY_CHARS
from searchkbd.concordance.pattern import MAX_CHARS

_MOST_FAULTS = 3
_MOST_CHARS = 100

_CODES = "kbd Kabardian, ru Russian, en English, fr French, tr Turkish"


def _listed(value: object) -> object:
    """Return the list that *value* means: models also write ``"kbd"`` and ``'["kbd", "ru"]'``."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return [part.strip() for part in value.split(",") if part.strip()]


Language = Annotated[str, Field(max_length=_MOST_CHARS)]
Languages = Annotated[list[Language], BeforeValidator(_listed), Field(max_length=20)]


class Arguments(BaseModel):
    """The arguments of a tool. Null is as good as not given; what is unknown is refused, since a
    misspelt argument that is passed over gives an answer to another question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values


class SearchArguments(Arguments):
    """Of ``search``."""

    query: str = Field(
        max_length=MAX_QUERY_CHARS,
        description="A sentence, phrase or word in any of the languages.",
    )
    languages: Languages = Field(
        default=[],
        description=f"Languages of the sentences to find ({_CODES}); all when not given. "
        '["kbd"] finds Kabardian sentences whatever the language of the query.',
    )
    source: Language = Field(
        default="",
        alias="from",
        description="Language of the query; recognised when not given. Say it for single words.",
    )
    limit: int = Field(default=8, ge=1, le=50, description="Hits at most.")
    mode: Literal["fused", "semantic", "lexical"] = Field(
        default="fused",
        description="fused: by meaning and by words; semantic: by meaning alone, across "
        "languages; lexical: by words alone, in the language of the query.",
    )


class LookupArguments(Arguments):
    """Of ``tm_lookup``."""

    segment: str = Field(
        max_length=MAX_QUERY_CHARS,
        description="The sentence to be translated, whole, as it stands in the text.",
    )
    source: Language = Field(alias="from", description=f"Its language: {_CODES}.")
    target: Language = Field(alias="to", description="The language to translate it into.")
    limit: int = Field(default=5, ge=1, le=20, description="Matches at most.")
    min_quality: int = Field(
        default=70,
        ge=0,
        le=100,
        description="Least quality of a match by edits. Where nothing reaches it, the nearest "
        "are given and marked as below.",
    )


class ConcordanceArguments(Arguments):
    """Of ``concordance``."""

    pattern: str = Field(
        max_length=MAX_CHARS,
        description="Words that follow each other: псы; щӏыӏэ*; *къым; си *; сыт|дауэ; "
        "мы ? дэнэ; сэ * сщӏэркъым.",
    )
    languages: Languages = Field(
        default=[], description=f"Languages to look in ({_CODES}); all when not given."
    )
    to: Languages = Field(
        default=[], description="Languages to show translations in; all when not given."
    )
    limit: int = Field(default=15, ge=1, le=100, description="Lines at most; all are counted.")
    offset: int = Field(
        default=0, ge=0, le=1_000_000, description="Lines to skip, to read on where a list ended."
    )
    order: Literal["none", "left", "right", "match"] = Field(
        default="none",
        description="Order of the lines: by the words left or right of the match, or by the match "
        "itself, which shows the forms that a pattern with a star has met.",
    )
    loose: bool = Field(
        default=False,
        description="Forgive a palochka that is missing, in the pattern or in the sentence.",
    )
    only_translated: bool = Field(
        default=False, description="Only sentences that have a translation, into to where given."
    )


class SentenceArguments(Arguments):
    """Of ``sentence``."""

    id: str = Field(
        min_length=1, max_length=2000, description="The id of a sentence, as the other tools give."
    )


def input_schema(arguments: type[Arguments]) -> dict[str, Any]:
    """Return the JSON schema of *arguments*, without titles, which repeat the names."""
    schema = arguments.model_json_schema()
    del schema["title"], schema["description"]
    for said in schema["properties"].values():
        del said["title"]
    return schema


def faults(arguments: type[Arguments], error: ValidationError) -> str:
    """Return what is wrong with arguments, as a sentence that tells how to right it."""
    said = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(map(str, fault["loc"]))[:_MOST_CHARS] or "arguments"
        if fault["type"] == "extra_forbidden":
            names = ", ".join(input_schema(arguments)["properties"])
            said.append(f"{where!r} is no argument; there are {names}")
        else:
            said.append(f"{where}: {fault['msg']}")
    more = f"; and {len(said) - _MOST_FAULTS} more" if len(said) > _MOST_FAULTS else ""
    return "; ".join(said[:_MOST_FAULTS]) + more
