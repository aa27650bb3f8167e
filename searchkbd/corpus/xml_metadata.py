"""What elements of exchange formats say besides their texts, as JSON that can be written again."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from searchkbd.corpus.xml_parse import attributes, content, local_name
from searchkbd.text.languages import UnknownLanguageError, normalize_language

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

About = list[list[Any]]
"""Child elements in order: ``[name, attributes, text]``."""


def about(element: Element, names: Container[str]) -> About:
    """Return the children of *element* that have one of *names*."""
    return [
        [local_name(child.tag), attributes(child), content(child)]
        for child in element
        if local_name(child.tag) in names
    ]


def children(element: Element, name: str) -> list[Element]:
    return [child for child in element if local_name(child.tag) == name]


def without_empty(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def pop_lang(named: dict[str, str]) -> str:
    """Take the language out of an element's attributes: ``xml:lang``, or ``lang`` of old TMX."""
    old = named.pop("lang", "")
    return named.pop("xml:lang", "") or old


def code_of(tag: str) -> str:
    """Return our code of the language *tag*, ``""`` where it names none."""
    try:
        return normalize_language(tag)
    except UnknownLanguageError:
        return ""


def lang_as_written(tag: str) -> str:
    """Return *tag* where our code does not say the same."""
    return "" if tag == code_of(tag) else tag
