"""Where the words of a query stand in a text, whatever spelling either uses."""

from __future__ import annotations

from searchkbd.text.forms import loose_key, loosen, search_key, words
from searchkbd.text.spans import word_spans

_LEAST_PART = 4
"""Letters that a query word needs to be found inside a longer word."""


def highlights(query: str, text: str) -> list[tuple[int, int]]:
    """Return the spans of *text*, in order, whose word is a word of *query* or contains one.

    Compared by loose keys, so that every spelling of the palochka, and none, is the same letter.
    """
    wanted = set(words(loose_key(query)))
    if not wanted:
        return []
    parts = [word for word in wanted if len(word) >= _LEAST_PART]
    spans = []
    for word, span in zip(words(search_key(text)), word_spans(text), strict=True):
        loose = loosen(word)
        if loose in wanted or any(part in loose for part in parts):
            spans.append(span)
    return spans
