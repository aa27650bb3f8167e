"""The page of the translation memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from searchkbd.api import Index, detect_languages
from searchkbd.memory.diff import EQUAL
from searchkbd.memory.match import Match, MatchKind, Step
from searchkbd.server.pages.asking import (
    ProblemError,
    asked,
    checked,
    choices,
    known_language,
)
from searchkbd.server.pages.marking import difference
from searchkbd.server.pages.rendering import render_page
from searchkbd.server.service import service_of

router = APIRouter(include_in_schema=False)

_MATCHES = 8


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """A match as it is shown.

    ``source`` is its source with the differences marked, ``part`` the part of it that matches
    (None: the whole), ``middle`` the sentence that a pivot match goes through.
    """

    match: Match
    source: Markup
    part: str | None
    middle: Step | None


@dataclass(frozen=True, slots=True)
class Found:
    """The matches of a segment, whose language was given or ``detected``."""

    source: str
    target: str
    detected: bool
    matches: tuple[ShownMatch, ...]

    @property
    def differing(self) -> bool:
        """Whether something is marked as to be taken out or put in."""
        return any(
            change.op != EQUAL
            for shown in self.matches
            if shown.match.kind is not MatchKind.SEMANTIC
            for change in shown.match.diff
        )


@router.api_route("/memory", methods=["GET", "HEAD"])
async def memory_page(request: Request) -> Response:
    """The translation memory, and its matches where a segment is asked for."""
    service, params = service_of(request), request.query_params
    segment, source = params.get("q", "").strip(), params.get("from", "")
    target = params.get("to", "")

    def ask(index: Index) -> Found | None:
        return _found(index, segment, source, target) if segment else None

    answer = await asked(service.quick, ask)
    found = answer.value
    shown_target = found.target if found else target or _target(source, answer.languages)
    return render_page(
        request,
        "memory",
        status=answer.status,
        tab="memory",
        query=segment,
        sources=choices([source], answer.languages),
        targets=choices([shown_target], answer.languages, any_language=False),
        found=found,
        problem=answer.problem,
    )


def _found(index: Index, segment: str, source: str, target: str) -> Found:
    segment = checked(segment)
    if source:
        from_ = known_language(source)
    else:
        (from_,) = detect_languages([segment])
        if from_ == "und":
            raise ProblemError("memory.undetected")
    to = known_language(target or _target(from_, index.languages))
    if from_ == to and not source:
        # The form keeps what was chosen for the segment before; this one is in that language.
        to = _target(from_, index.languages)
    if from_ == to:
        raise ProblemError("memory.same_languages", lang=from_)
    (result,) = index.look_up([segment], from_, to, k=_MATCHES)
    return Found(from_, to, not source, tuple(_shown(segment, each) for each in result.matches))


def _target(source: str, present: Iterable[str]) -> str:
    """Return the language that is translated into where none was chosen: Kabardian, and out of
    it Russian, as far as the index has them."""
    wanted = [code for code in ("kbd", "ru", *present) if code != source and code in present]
    return wanted[0] if wanted else "kbd"


def _shown(segment: str, match: Match) -> ShownMatch:
    part = None
    if match.part:
        start, end = match.part.segment
        whole = (start, end) == (0, len(segment))
        part = match.source[slice(*match.part.source)] if whole else segment[start:end]
    middle = match.path[1] if len(match.path) > 2 else None
    return ShownMatch(match, difference(segment, match), part, middle)
