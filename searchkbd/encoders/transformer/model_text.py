"""What a model is given for a text."""

from __future__ import annotations

from searchkbd.text.forms import model_input

WITH_PALOCHKA = frozenset(
    {"abq", "ady", "agx", "ava", "av", "che", "ce", "dar", "inh", "kbd", "lbe", "lez", "rut",
     "tab", "tkr"}
)  # fmt: skip
"""Languages that are written with a palochka: those of the North Caucasus."""


def model_text(text: str, lang: str | None, palochka: str | None) -> str:
    """Return *text* with its palochka written as *palochka*, when it is in a language with one.

    Letter case is kept: a capital ``I`` that stands for the palochka must not become an ``i``.
    With None, and in other languages, the text is as it was.
    """
    if palochka is None or lang not in WITH_PALOCHKA:
        return text
    return model_input(text, palochka)
