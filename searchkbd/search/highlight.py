"""Where the words of a query stand in a text, whatever spelling either uses."""

from __future__ import annotations

import re

from searchkbd.text.forms import loose_key, words

_CHUNK = re.compile(r"[^\s\-‐‑–—]+")
# A bar or an exclamation mark before a word may be its palochka; after it, it is punctuation.
_LEADING = re.compile(r"[^\w|!]+")
_TRAILING = re.compile(r"\W+$")
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
    for chunk in _CHUNK.finditer(text):
        found = words(loose_key(chunk.group()))
        if any(word in wanted or any(part in word for part in parts) for word in found):
            start, end = chunk.span()
            leading = _LEADING.match(chunk.group())
            if leading and leading.end() < end - start:
                start += leading.end()
            core = _TRAILING.sub("", text[start:end])
            spans.append((start, start + len(core)) if core else (start, end))
    return spans
