"""The tools: what each is asked, what it asks of the index, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from searchkbd.api import Index
from searchkbd.assistants import schemas, wording
from searchkbd.assistants.answers import (
    Answer,
    concordance_answer,
    lookup_answer,
    search_answer,
    sentence_answer,
)
from searchkbd.assistants.arguments import (
    Arguments,
    ConcordanceArguments,
    LookupArguments,
    SearchArguments,
    SentenceArguments,
)
from searchkbd.memory.match import MatchKind
from searchkbd.text.languages import LANGUAGES, UnknownLanguageError, normalize_language

Check = Callable[[], None]
"""Called between the parts of long work; raises when it is to end."""


class AskedError(ValueError):
    """A call that cannot be answered as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the protocol. ``ask`` is run in a thread that has the index to itself;
    ``slow``: it may take seconds."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    output: dict[str, Any]
    ask: Callable[[Index, Any, Check], Answer]
    slow: bool = False


def _search(index: Index, asked: SearchArguments, check: Check) -> Answer:
    langs = _codes(asked.languages)
    (result,) = index.search_batch(
        [asked.query],
        langs=langs,
        query_lang=_code(asked.source) if asked.source else None,
        k=asked.limit,
        mode=asked.mode,
    )
    return search_answer(result, _absent(index, langs))


def _look_up(index: Index, asked: LookupArguments, check: Check) -> Answer:
    source, target = _code(asked.source), _code(asked.target)
    (lookup,) = index.look_up(
        [asked.segment], source, target, k=asked.limit, min_quality=asked.min_quality
    )
    notes = _absent(index, (source, target))
    kinds = {match.kind for match in lookup.matches}
    if any(match.below for match in lookup.matches):
        notes.append("nothing is near enough; these are the nearest there are")
    elif kinds == {MatchKind.SEMANTIC}:
        notes.append("no sentence is few edits away; these are alike in meaning only")
    elif not kinds and not notes:
        notes.append("nothing is like it; look its words up with concordance")
    return lookup_answer(lookup, notes)


def _concordance(index: Index, asked: ConcordanceArguments, check: Check) -> Answer:
    langs, to = _codes(asked.languages), _codes(asked.to)
    how = {
        "langs": langs, "to": to, "order": asked.order, "only_translated": asked.only_translated,
        "progress": lambda done, total: check(),
    }  # fmt: skip
    found = index.concordance(asked.pattern, **how, loose=asked.loose)
    check()
    notes = _absent(index, (*langs, *to))
    if not found.occurrences:
        notes.append(_advice(index, asked, how))
    elif asked.offset >= found.occurrences:
        notes.append("the offset is beyond the last line")
    return concordance_answer(found, asked.limit, asked.offset, notes)


def _advice(index: Index, asked: ConcordanceArguments, how: dict[str, Any]) -> str:
    """Return what to try where nothing was found."""
    if not asked.loose:
        count = index.concordance(asked.pattern, **how, loose=True).occurrences
        if count:
            return f"with loose, which forgives a missing palochka: {count:,} occurrences"
    return (
        "not found; try a part of the word (*stem*), fewer words, other languages, "
        "or search for the meaning"
    )


def _sentence(index: Index, asked: SentenceArguments, check: Check) -> Answer:
    found = index.sentence(asked.id)
    if found is None:
        raise AskedError(
            "no sentence has this id; take ids as search, tm_lookup and concordance give them"
        )
    return sentence_answer(found)


TOOLS = (
    Tool(
        "search", "Search by meaning and words", wording.SEARCH, SearchArguments,
        schemas.SEARCH, _search,
    ),
    Tool(
        "tm_lookup", "Look a sentence up in the translation memory", wording.LOOKUP,
        LookupArguments, schemas.LOOKUP, _look_up,
    ),
    Tool(
        "concordance", "Find words in context", wording.CONCORDANCE, ConcordanceArguments,
        schemas.CONCORDANCE, _concordance, slow=True,
    ),
    Tool(
        "sentence", "Show a sentence", wording.SENTENCE, SentenceArguments, schemas.SENTENCE,
        _sentence,
    ),
)  # fmt: skip
"""In the order in which they are listed."""


def _code(tag: str) -> str:
    try:
        return normalize_language(tag)
    except UnknownLanguageError as error:
        raise AskedError(f"{error}; write {', '.join(LANGUAGES)}") from None


def _codes(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(_code, tags)))


def _absent(index: Index, langs: Sequence[str]) -> list[str]:
    """Return a note for each of *langs* of which there is no sentence."""
    there = index.languages
    return [
        f"there are no sentences in {lang} here; there are {', '.join(there) or 'none'}"
        for lang in dict.fromkeys(langs)
        if lang not in there
    ]
