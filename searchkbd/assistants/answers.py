"""Answers for a model: structured, and as text to read; both short, and bounded.

The structured ones have the names of the command line's ``--json`` (docs/json.md) and of that
what a model needs: no ranks, groups and arithmetic, and nothing that is null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from searchkbd.concordance.result import Concordance, Line
from searchkbd.corpus.machine import is_machine
from searchkbd.memory.diff import DELETE, EQUAL, INSERT
from searchkbd.memory.match import Lookup, Match
from searchkbd.search.hit import Hit, SearchResult, Translation
from searchkbd.search.sentence import SentenceDetails

MAX_CHARS = 24_000
"""Characters of the structured answer; the first item is given however long it is."""

MAX_TEXT = 1000
"""Characters of one sentence; ``sentence`` gives more of it."""

MAX_WHOLE_TEXT = 8000
"""Characters of a sentence that was asked for by its id."""

MAX_TRANSLATIONS = 12
"""Translations of one sentence."""

_MARKS = {DELETE: ("[-", "-]"), INSERT: ("{+", "+}"), EQUAL: ("", "")}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool has found: ``text`` to read, and ``content``, which says the same."""

    text: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Item:
    """One hit, match or line."""

    text: str
    content: dict[str, Any]


def search_answer(result: SearchResult, notes: Sequence[str]) -> Answer:
    """Return the hits of a search."""
    items = [_hit(hit) for hit in result.hits]
    kept, notes = _shortened("hits", items, notes)
    return _answer(f"query read as {result.lang}", {"lang": result.lang}, "hits", kept, notes)


def lookup_answer(lookup: Lookup, notes: Sequence[str]) -> Answer:
    """Return the matches of a segment."""
    items = [_match(lookup, match) for match in lookup.matches]
    kept, notes = _shortened("matches", items, notes)
    head = {"from": lookup.source_lang, "to": lookup.target_lang}
    heading = f"{lookup.source_lang} to {lookup.target_lang}"
    return _answer(heading, head, "matches", kept, notes)


def concordance_answer(found: Concordance, limit: int, offset: int, notes: Sequence[str]) -> Answer:
    """Return *limit* lines after the first *offset*."""
    items = _fitting([_line(line) for line in found.lines(limit, offset)])
    head = {"occurrences": found.occurrences, "sentences": found.sentences}
    heading = f"occurrences: {found.occurrences:,}; in sentences: {found.sentences:,}"
    notes = list(notes)
    end = offset + len(items)
    if items and end < found.occurrences:
        notes.append(f"these are lines {offset + 1} to {end}; offset {end} gives the next")
    if found.partly_sorted:
        notes.append(f"only the first {len(found.first):,} occurrences are in order")
    return _answer(heading, head, "lines", items, notes)


def sentence_answer(sentence: SentenceDetails) -> Answer:
    """Return all that is known of a sentence."""
    meta = json.dumps(sentence.meta, ensure_ascii=False) if sentence.meta else ""
    known = {
        "group": sentence.group, "date": sentence.date, "context": sentence.context,
        "markup": sentence.markup, "meta": meta,
    }  # fmt: skip
    known = {name: _cut(value) for name, value in known.items() if value}
    shown, translations = _translations(sentence.translations)
    text = _cut(sentence.text, MAX_WHOLE_TEXT)
    content = {
        "id": sentence.id, "lang": sentence.lang, "text": text, "origin": sentence.origin,
        **_mark(sentence.origin), **known, **translations,
    }  # fmt: skip
    lines = [
        f"{sentence.lang} {text}",
        f"{sentence.id}, {_origin(sentence.origin)}",
        *shown,
        *(f"{name}: {value}" for name, value in known.items()),
    ]
    return Answer("\n".join(lines), content)


def _hit(hit: Hit) -> _Item:
    shown, translations = _translations(hit.translations)
    # What hits are ordered by says nothing to a model, unless it is the share of words found.
    name, value = ("score", hit.score) if hit.similarity is None else ("similarity", hit.similarity)
    content = {
        "id": hit.id, "lang": hit.lang, "text": _cut(hit.text), name: round(value, 2),
        "origin": hit.origin, **_mark(hit.origin), **translations,
    }  # fmt: skip
    text = [
        f"{hit.lang} {content['text']}",
        f"  {hit.id}, {name} {value:.2f}, {_origin(hit.origin)}",
        *(f"  {line}" for line in shown),
    ]
    return _Item("\n".join(text), content)


def _match(lookup: Lookup, match: Match) -> _Item:
    near = {} if match.similarity is None else {"similarity": round(match.similarity, 2)}
    content: dict[str, Any] = {
        "quality": match.quality, **near, "kind": match.kind.value,
        "source": _cut(match.source), "target": _cut(match.target),
        "source_id": match.source_id, "target_id": match.target_id, "origin": match.origin,
        # Of the pair: what one side of it lacks the other cannot prove.
        **(_mark(match.origin) or _mark(match.source_origin)),
    }  # fmt: skip
    if match.suggestion and match.suggestion != match.target:
        content["suggestion"] = _cut(match.suggestion)
    if match.path:
        content["path"] = [{"lang": s.lang, "text": _cut(s.text)} for s in match.path]
    if match.below:
        content["below"] = True
    # The difference of a part is of the parts, which are not the sentence.
    changes = () if match.part else match.diff
    marked = "".join(f"{_MARKS[c.op][0]}{c.text}{_MARKS[c.op][1]}" for c in changes)
    similarity = f", similarity {near['similarity']:.2f}" if near else ""
    below = ", below the thresholds" if match.below else ""
    text = [
        f"{match.kind.value}, quality {match.quality}{similarity}{below}",
        f"  {lookup.source_lang} {_cut(marked or match.source)}",
        *(f"  {step['lang']} {step['text']}" for step in content.get("path", [])[1:-1]),
        f"  {lookup.target_lang} {content['target']}",
    ]
    if "suggestion" in content:
        text.append(f"  suggestion {content['suggestion']}")
    machine = " (machine)" if "machine" in content else ""
    text.append(f"  {match.source_id}, {match.target_id}, {match.origin}{machine}")
    return _Item("\n".join(text), content)


def _line(line: Line) -> _Item:
    shown, translations = _translations(line.translations)
    # What is cut is far from the match.
    left, right = line.left, line.right
    room = max(MAX_TEXT - len(line.match), 0) // 2
    if len(line.text) > MAX_TEXT:
        left = f"…{left[-room:]}" if len(left) > room else left
        right = _cut(right, room)
    content = {
        "id": line.id, "lang": line.lang, "left": left, "match": _cut(line.match),
        "right": right, "origin": line.origin, **_mark(line.origin), **translations,
    }  # fmt: skip
    text = [
        f"{line.lang} {left}**{content['match']}**{right}",
        f"  {line.id}, {_origin(line.origin)}",
        *(f"  {shown_line}" for shown_line in shown),
    ]
    return _Item("\n".join(text), content)


def _translations(translations: Sequence[Translation]) -> tuple[list[str], dict[str, Any]]:
    """Return the lines and the fields of *translations*, machine translations marked."""
    shown, given = [], []
    for each in translations[:MAX_TRANSLATIONS]:
        mark = _mark(each.origin)
        given.append({"lang": each.lang, "text": _cut(each.text), **mark})
        shown.append(f"{each.lang} {given[-1]['text']}{' (machine)' if mark else ''}")
    fields: dict[str, Any] = {"translations": given}
    if more := len(translations) - len(given):
        fields["more_translations"] = more
        shown.append(f"and {more} more translations")
    return shown, fields


def _fitting(items: Sequence[_Item]) -> list[_Item]:
    """Return as many *items* as there is room for."""
    room = MAX_CHARS
    for number, item in enumerate(items):
        room -= len(json.dumps(item.content, ensure_ascii=False))
        if number and room < 0:
            return list(items[:number])
    return list(items)


def _shortened(
    name: str, items: Sequence[_Item], notes: Sequence[str]
) -> tuple[list[_Item], list[str]]:
    """Return the *items* that fit, and the *notes* with one of those that do not."""
    kept = _fitting(items)
    if len(kept) == len(items):
        return kept, list(notes)
    return kept, [
        *notes,
        f"only the first {len(kept)} of {len(items)} {name} are given: they are long",
    ]


def _answer(
    heading: str, head: dict[str, Any], name: str, items: Sequence[_Item], notes: Sequence[str]
) -> Answer:
    content = {**head, name: [item.content for item in items]}
    if notes:
        content["notes"] = list(notes)
    lines = [
        f"{name}: {len(items)}; {heading}",
        *(f"note: {note}" for note in notes),
        *(f"{number}. {item.text}" for number, item in enumerate(items, start=1)),
    ]
    return Answer("\n".join(lines), content)


def _mark(origin: str) -> dict[str, bool]:
    return {"machine": True} if is_machine(origin) else {}


def _origin(origin: str) -> str:
    return f"{origin} (machine)" if _mark(origin) else origin


def _cut(text: str, most: int = MAX_TEXT) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
