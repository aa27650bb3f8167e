"""What is answered. The shapes are those of docs/json.md and are made by ``to_dict``; these models
describe them in the OpenAPI document, and the tests hold every answer against that."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from searchkbd.memory.match import MatchKind
from searchkbd.search.hit import SearchMode


class Translation(BaseModel):
    """Another sentence of the same translation group."""

    id: str
    lang: str
    text: str
    origin: str


class Hit(BaseModel):
    """A sentence found."""

    rank: int = Field(description="From 1.")
    id: str
    lang: str
    text: str
    score: float = Field(description="What hits are ordered by, 0 to 1.")
    similarity: float | None = Field(
        description="The cosine of query and sentence; null in `lexical` mode."
    )
    origin: str
    group: str
    translations: list[Translation]


class SearchAnswer(BaseModel):
    """The hits for one query, best first."""

    query: str
    lang: str = Field(description="What the query was read as; `und` when that is not known.")
    mode: SearchMode
    hits: list[Hit]


class SearchAnswers(BaseModel):
    """An answer for each query, in the order of the queries."""

    results: list[SearchAnswer]


class Term(BaseModel):
    """Points taken off a quality, and what for."""

    reason: str
    points: int


class Score(BaseModel):
    """How a quality comes about."""

    edits: int
    length: int
    edit_quality: int
    deductions: list[Term]
    penalties: list[Term]
    context: Literal["key", "neighbours"] | None
    quality: int


class Change(BaseModel):
    """A stretch of text: in both, in the source only, in the segment only."""

    op: Literal["equal", "delete", "insert"]
    text: str


class Step(BaseModel):
    """A sentence that a pivot match goes through."""

    lang: str
    id: str
    text: str


class Part(BaseModel):
    """Which characters of the segment are like which of the source: start and end of each."""

    segment: list[int] = Field(min_length=2, max_length=2)
    source: list[int] = Field(min_length=2, max_length=2)


class Match(BaseModel):
    """A translation unit for a segment."""

    rank: int = Field(description="From 1.")
    quality: int = Field(description="0 to 101, by edits, after penalties.")
    similarity: float | None = Field(
        description="The cosine of segment and source; null without `semantic`."
    )
    kind: MatchKind
    source: str
    target: str
    source_id: str
    target_id: str
    origin: str = Field(description="The origin of the target.")
    source_origin: str
    suggestion: str | None = Field(description="The target with the numbers of the segment.")
    source_markup: str | None
    target_markup: str | None
    source_date: str
    target_date: str
    penalty: int
    score: Score
    diff: list[Change]
    path: list[Step]
    part: Part | None
    below: bool = Field(description="Whether it reaches no threshold and is the nearest.")


class MemoryAnswer(BaseModel):
    """The matches for one segment, best first."""

    segment: str
    from_: str = Field(alias="from")
    to: str
    matches: list[Match]


class MemoryAnswers(BaseModel):
    """An answer for each segment, in the order of the segments."""

    results: list[MemoryAnswer]


class Line(BaseModel):
    """An occurrence in its sentence: left, match and right together are the text."""

    id: str
    lang: str
    left: str
    match: str
    right: str
    start: int
    end: int
    text: str
    group: str
    origin: str
    translations: list[Translation]


class ConcordanceAnswer(BaseModel):
    """Occurrences of a pattern: all are counted, some are shown."""

    pattern: str
    lang: list[str]
    to: list[str]
    occurrences: int
    sentences: int
    lines: list[Line]


class SentenceAnswer(BaseModel):
    """All that is known of a sentence."""

    id: str
    lang: str
    text: str
    origin: str
    group: str
    date: str = Field(description="When it was last changed, ISO 8601, UTC.")
    context: str | None = Field(description="What tells it from others of the same text.")
    markup: str | None = Field(description="The text with its inline tags.")
    meta: dict[str, Any] = Field(description="What else its file said of it.")
    translations: list[Translation]


class LanguageSearch(BaseModel):
    """How nearest neighbours in one language are found."""

    lang: str
    sentences: int
    deleted: int
    method: Literal["exact", "pq", "ivfpq"]
    bytes_per_vector: int
    stored_bytes_per_vector: int
    recall: float
    candidates: int | None
    lists: int | None
    exact_sentences: int


class Stats(BaseModel):
    """What the index holds."""

    directory: str = Field(description="Its last name only.")
    format: int
    encoder: str = Field(description="Its name; of one in a directory, the last name only.")
    fingerprint: str
    dim: int
    encoder_settings: dict[str, str]
    created: str
    updated: str
    sentences: int
    deleted: int
    groups: int
    languages: dict[str, int]
    origins: dict[str, int]
    segments: int
    database_bytes: int
    vector_bytes: int
    text_bytes: int
    code_bytes: int
    searches: list[LanguageSearch]


class Health(BaseModel):
    """That the index can be asked."""

    status: Literal["ok", "stale"] = Field(
        description="`stale`: the index has changed and cannot be read any more; what is served "
        "is its state before that."
    )
    generation: int = Field(description="Grows when the index changes, in one process.")
    problem: str | None = Field(description="What is wrong when `stale`.")


class Rejected(BaseModel):
    """A sentence that was not stored."""

    number: int = Field(description="Which of the sentences of the request, from 1.")
    reason: str
    text: str = Field(description="How it begins.")


class Added(BaseModel):
    """What became of the sentences of a request."""

    read: int
    added: int
    merged: int = Field(description="Those that were there already, or twice in the request.")
    rejected: int
    total: int = Field(description="Sentences of the index now.")
    ids: list[str | None] = Field(
        description="The id of each sentence of the request; of a merged one, that of the sentence "
        "that was there; null for a rejected one."
    )
    rejects: list[Rejected]


class Deleted(BaseModel):
    """What was deleted."""

    sentences: int
    languages: dict[str, int]
    groups: int = Field(description="Groups that were left empty and went too.")
    absent: list[str] = Field(description="Ids of the request that no sentence had.")


class Embedding(BaseModel):
    """The vector of one text."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str = Field(
        description="Of unit length; with `base64`, little-endian float32."
    )


class Usage(BaseModel):
    """Words, as separated by white space."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """A vector for each text, in the order of the texts."""

    object: Literal["list"]
    data: list[Embedding]
    model: str = Field(description="The encoder of the index.")
    usage: Usage


class Model(BaseModel):
    """The encoder of the index."""

    id: str
    object: Literal["model"]
    created: int = Field(description="When the index was built, in seconds of Unix time.")
    owned_by: str


class Models(BaseModel):
    """The one model that there is."""

    object: Literal["list"]
    data: list[Model]


class OpenAIFault(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIProblem(BaseModel):
    """An error as clients of OpenAI's API read it."""

    model_config = ConfigDict(title="OpenAIError")
    error: OpenAIFault
