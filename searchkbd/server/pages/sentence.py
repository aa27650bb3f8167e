"""The page of one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from searchkbd.api import Index
from searchkbd.search.hit import Hit, SearchMode, Translation
from searchkbd.search.sentence import SentenceDetails
from searchkbd.server.pages.rendering import render
from searchkbd.server.service import Service, service_of
from searchkbd.text.spans import word_spans

router = APIRouter(include_in_schema=False)

_SIMILAR = 5
_TRANSLATIONS = 200
_OWN = 500  # sentences of its own group that a search for similar ones may find first
_WORDS = 24  # linked to the concordance
_QUERY = 1000  # characters of a sentence that are searched for
_FACTS = 20  # of what its file said
_NAME, _VALUE = 60, 300  # characters


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown of a sentence: the others of its group, and ``more`` that are not shown, its
    words, what its file said of it, and sentences of other groups that are near in meaning."""

    sentence: SentenceDetails
    translations: Sequence[Translation]
    more: int
    words: Sequence[str]
    facts: Sequence[tuple[str, str]]
    similar: Sequence[Hit]


@router.api_route("/sentences/{id:path}", methods=["GET", "HEAD"])
async def sentence_page(
    request: Request, id: str, service: Annotated[Service, Depends(service_of)]
) -> Response:
    """All that is known of a sentence."""
    page = await service.quick(lambda index: _page(index, id))
    if page is None:
        raise HTTPException(404, "there is no sentence with this id")
    return render(
        request, "sentence.html", page=page, sentence=page.sentence, tab="", query=""
    )


def _page(index: Index, id: str) -> Page | None:
    sentence = index.sentence(id)
    if sentence is None:
        return None
    # Those of its own language are other versions of it, not translations.
    others = sorted(sentence.translations, key=lambda other: other.lang == sentence.lang)
    return Page(
        sentence,
        others[:_TRANSLATIONS],
        len(others[_TRANSLATIONS:]),
        words_of(sentence.text),
        facts_of(sentence.meta),
        _similar(index, sentence, 1 + len(others)),
    )


def words_of(text: str) -> list[str]:
    """Return the words of *text* as they are written, each once, the first of them."""
    words: dict[str, str] = {}
    for start, end in word_spans(text):
        words.setdefault(text[start:end].casefold(), text[start:end])
    return list(words.values())[:_WORDS]


def facts_of(meta: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of *meta*, cut where they are long."""
    facts = []
    for name, value in list(meta.items())[:_FACTS]:
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        facts.append((_cut(name, _NAME), _cut(said, _VALUE)))
    return facts


def _similar(index: Index, sentence: SentenceDetails, own: int) -> list[Hit]:
    try:
        hits = index.search(
            sentence.text[:_QUERY], query_lang=sentence.lang, k=_SIMILAR + min(own, _OWN),
            mode=SearchMode.SEMANTIC,
        )  # fmt: skip
    except ValueError:  # it has no word
        return []
    return [hit for hit in hits if hit.group != sentence.group][:_SIMILAR]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
