"""What two texts of pairs are compared by when they must not stand in different splits."""

from __future__ import annotations

from searchkbd.text.forms import loosen, words


def text_key(key: str) -> str:
    """Return what is compared of a text whose search key is *key*: its loose key, words only.

    All spellings of the palochka, and its absence, letter case, accents, punctuation and spacing
    are the same. A text without words is compared as it is.
    """
    loose = loosen(key)
    return " ".join(words(loose)) or loose or key
