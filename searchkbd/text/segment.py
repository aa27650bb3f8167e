r"""What of a segment counts as text when a translation memory compares two of them.

Tags, placeholders, numbers and punctuation distort a count of edits: ``Open {0} files.`` and
``Open {1} files`` are one sentence to a translator. So edits are counted over the **base form**,
the words alone, and the rest is compared separately (searchkbd.memory.quality).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from searchkbd.text.forms import search_key

# printf and Python (%s, %1$d, %(name)s, %-5.2f), braces ({0}, {name}, {{x}}, ${x}), tags written
# as text (<b>, </a>, <br/>), character references (&amp;), RC and shell variables (%name%, $name),
# escapes (\n, \t).
_PLACEHOLDER = re.compile(
    r"""
      %\(\w+\)[-+#0 ]*\d*(?:\.\d+)?[a-z]
    | %(?:\d+\$)?[-+#0]*\d*(?:\.\d+)?(?:hh?|ll?|[jzt])?[a-z@](?![a-z])
    | %[a-z_]\w+%
    | \$?\{\{?[^{}\s]{0,64}\}?\}
    | \$[a-z_]\w*
    | </?[a-z][^<>]{0,256}>
    | &(?:[a-z]{2,8}|\#\d{1,6});
    | \\[ntr]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MAY_HAVE_PLACEHOLDER = re.compile(r"[%{$<&\\]")
_WORD = re.compile(r"\w+")
# Not beside a letter: a 1 there is a palochka (щ1алэ), and 5км, v1.5 are words.
_NUMBER = re.compile(r"(?<!\w)(?<!\d[.,:])\d+(?:[.,:]\d+)*(?!\w|[.,:]\d)")
_PUNCTUATION = re.compile(r"[^\w\s]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A text taken apart for comparison.

    ``key`` is its search key, ``base`` what edits are counted over; ``placeholders`` and
    ``numbers`` are as written and in order; ``punctuation`` is that of the key, in order, without
    what stands in placeholders and numbers.
    """

    text: str
    key: str
    base: str
    placeholders: tuple[str, ...]
    numbers: tuple[str, ...]
    punctuation: str


def read_segment(text: str) -> Segment:
    """Take *text* (in stored form) apart."""
    key = search_key(text)
    rest = text
    placeholders: tuple[str, ...] = ()
    if _MAY_HAVE_PLACEHOLDER.search(text):
        placeholders = tuple(_PLACEHOLDER.findall(text))
        rest = _PLACEHOLDER.sub(" ", text)
    folded = search_key(rest) if placeholders else key
    return Segment(
        text=text,
        key=key,
        base=base_form(key),
        placeholders=placeholders,
        numbers=tuple(_NUMBER.findall(folded)),
        punctuation="".join(_PUNCTUATION.findall(_NUMBER.sub(" ", folded))),
    )


def base_form(key: str) -> str:
    """Return the words of a search key, one space between them.

    A key without words is returned with its numbers as ``0``, so that it is compared as it
    stands.
    """
    return " ".join(base_words(key)) or _NUMBER.sub("0", key)


def base_words(key: str) -> list[str]:
    """Return the words of a search key: no placeholders, numbers or punctuation."""
    text = _PLACEHOLDER.sub(" ", key) if _MAY_HAVE_PLACEHOLDER.search(key) else key
    return [word for word in _WORD.findall(text) if not word.isdecimal()]


def blank_placeholders(text: str) -> str:
    """Return *text* with spaces in the place of its placeholders, as many as these are long."""
    if not _MAY_HAVE_PLACEHOLDER.search(text):
        return text
    return _PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)


def number_spans(text: str) -> list[tuple[int, int]]:
    """Return where the numbers of *text* stand, those in placeholders left out, in order."""
    return [match.span() for match in _NUMBER.finditer(blank_placeholders(text))]
