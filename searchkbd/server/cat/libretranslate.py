"""LibreTranslate's protocol, answered from the translation memory.

Its clients take what they get for a translation and show no quality. So only matches by edits are
given, from MIN_QUALITY on, and where there is none an empty text: never the source, nor a sentence
that is merely near in meaning.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from searchkbd.api import Index
from searchkbd.errors import SearchkbdError
from searchkbd.memory.match import Match
from searchkbd.server.cat.parameters import parameters
from searchkbd.server.cat.segments import (
    Pair,
    by_edits,
    known_languages,
    language_of,
    target_of,
)
from searchkbd.server.errors import problem
from searchkbd.server.service import service_of
from searchkbd.text.identify import Identification, identify_batch
from searchkbd.text.languages import NAMES

MIN_QUALITY = 75
"""Weblate's own threshold, which it does not apply to this protocol."""

MOST_ALTERNATIVES = 10

_AUTO = "auto"
_FORMATS = ("text", "html")
_FIELDS = ("q", "source", "target", "format", "alternatives")
_MAX_FIELDS = 20


class _Refused(SearchkbdError):
    """A request that is answered with 400, as LibreTranslate does."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client asks: ``texts`` to translate, ``batch`` if they came as a list."""

    texts: list[str]
    batch: bool
    source: str
    target: str
    is_html: bool
    alternatives: int


@dataclass(frozen=True, slots=True)
class _Translation:
    """The answer for one text: ``match`` is None where the memory has nothing, or where nothing
    was to translate."""

    text: str
    match: Match | None = None
    alternatives: tuple[str, ...] = ()


async def languages(request: Request) -> Response:
    """Answer the languages, each with those that it can be translated into."""
    codes = await service_of(request).quick(known_languages)
    return JSONResponse(
        [
            {
                "code": code,
                "name": NAMES.get(code, code),
                "targets": [other for other in codes if other != code],
            }
            for code in codes
        ]
    )


async def translate(request: Request) -> Response:
    """Answer the best match of each text, in LibreTranslate's shape; ``match`` says what it is."""
    service = service_of(request)
    try:
        asked = _read(await _fields(request), service.settings.limits.batch)
        run = service.slow if asked.batch else service.quick
        detected, translations = await run(lambda index: _translations(index, asked))
    except _Refused as error:
        return problem(400, str(error))

    def one_or_all(values: list[Any]) -> Any:
        return values if asked.batch else values[0]

    answer = {"translatedText": one_or_all([each.text for each in translations])}
    if detected is not None:
        answer["detectedLanguage"] = one_or_all([_detected(each) for each in detected])
    if asked.alternatives:
        answer["alternatives"] = one_or_all([list(each.alternatives) for each in translations])
    answer["match"] = one_or_all([_match(each.match) for each in translations])
    return JSONResponse(answer)


async def detect(request: Request) -> Response:
    """Answer the language of a text."""
    service = service_of(request)
    try:
        text = (await _fields(request)).get("q")
        if not isinstance(text, str) or not text:
            raise _missing("q")
    except _Refused as error:
        return problem(400, str(error))
    found = await service.quick(lambda index: identify_batch([text])[0])
    return JSONResponse([_detected(found)])


def _translations(
    index: Index, asked: _Asked
) -> tuple[list[Identification] | None, list[_Translation]]:
    target = _language(asked.target)
    detected = None
    if asked.source == _AUTO:
        detected = identify_batch(asked.texts)
        sources = [_code(each) for each in detected]
    else:
        sources = [_language(asked.source)] * len(asked.texts)
    k = 1 + asked.alternatives
    out = [_Translation("")] * len(asked.texts)
    for source in dict.fromkeys(sources):
        places = [at for at, each in enumerate(sources) if each == source]
        texts = [asked.texts[at] for at in places]
        if source == target:  # there is nothing to translate
            answers = [_Translation(text) for text in texts]
        else:
            if asked.is_html:
                texts = [html.unescape(text) for text in texts]
            try:
                found = by_edits(index, texts, Pair(source, target), k=k, min_quality=MIN_QUALITY)
            except ValueError as error:
                raise _Refused(str(error)) from None
            answers = [_best(matches, asked.is_html) for matches in found]
        for at, answer in zip(places, answers, strict=True):
            out[at] = answer
    return detected, out


def _best(matches: tuple[Match, ...], is_html: bool) -> _Translation:
    if not matches:
        return _Translation("")
    targets = [target_of(match) for match in matches]
    if is_html:
        targets = [html.escape(target, quote=False) for target in targets]
    return _Translation(targets[0], matches[0], tuple(targets[1:]))


def _match(match: Match | None) -> dict[str, Any] | None:
    """Return what a translation is taken from, which LibreTranslate has no place for."""
    return match and {
        "kind": match.kind.value,
        "quality": match.quality,
        "source": match.source,
        "origin": match.origin,
    }


def _detected(found: Identification) -> dict[str, Any]:
    return {"confidence": round(100 * float(found.confidence), 1), "language": _code(found)}


def _code(found: Identification) -> str:
    return "und" if found.lang == "other" else found.lang


def _language(tag: str) -> str:
    """Return the code of a language. One that the index lacks has no translations; that is no
    error, since clients probe with languages of their own choice."""
    code = language_of(tag)
    if code is None:
        raise _Refused(f"{tag[:40]} is not supported")
    return code


async def _fields(request: Request) -> dict[str, Any]:
    """Return what a request says, as JSON or as a form, with the address's own parameters."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
        given: Any = {name: form.get(name) for name in _FIELDS if name in form}
    else:
        given = _decoded(await request.body(), kind == "application/json")
    return {**parameters(request), **given}


def _decoded(body: bytes, is_json: bool) -> dict[str, Any]:
    try:
        if is_json:
            said = json.loads(body)
        else:
            pairs = parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS,
                errors="strict",
            )  # fmt: skip
            said = dict(reversed(pairs))
    except (ValueError, RecursionError):
        raise _Refused("Invalid request: the body is neither JSON nor a form in UTF-8") from None
    if not isinstance(said, dict):
        raise _Refused("Invalid request: the body is not an object")
    return said


def _read(fields: dict[str, Any], most: int) -> _Asked:
    """Return what *fields* ask for; *most* is how many texts one request may have."""
    q, source, target = (fields.get(name) for name in ("q", "source", "target"))
    batch = isinstance(q, list)
    texts = q if batch else [q]
    if not q or not all(isinstance(text, str) for text in texts):
        raise _missing("q")
    if len(texts) > most:
        raise _Refused(f"Invalid request: {len(texts)} texts, {most} are the most")
    for name, value in (("source", source), ("target", target)):
        if not isinstance(value, str) or not value:
            raise _missing(name)
    format_ = fields.get("format") or "text"
    if format_ not in _FORMATS:
        raise _Refused(f"{str(format_)[:40]} format is not supported")
    try:
        alternatives = int(fields.get("alternatives") or 0)
    except (ValueError, TypeError, OverflowError):
        alternatives = -1
    if alternatives < 0:
        raise _Refused("Invalid request: alternatives is a number from 0")
    return _Asked(
        texts, batch, source, target, format_ == "html", min(alternatives, MOST_ALTERNATIVES)
    )


def _missing(name: str) -> _Refused:
    return _Refused(f"Invalid request: missing {name} parameter")
