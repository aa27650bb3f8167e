"""Changing a piece of XML as text, so that what is not changed stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from searchkbd.corpus.inline import start_tag

_TOKEN = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?:[^<>"']|"[^"]*"|'[^']*')*>""", re.DOTALL
)
_ATTRIBUTE = re.compile(r"""\s+([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(r"</?(?:([\w.-]+):)?([\w.-]+)")

Change = tuple[int, int, str]
"""From where to where, and what stands there then."""


@dataclass(slots=True)
class Node:
    """An element of a text: ``text[start:inner]`` is its start tag, ``text[close:end]`` its end
    tag; of an empty-element tag inner, close and end are the same."""

    prefix: str
    name: str
    start: int
    inner: int
    close: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)

    def named(self, name: str) -> Iterator[Node]:
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Node | None:
        return next(self.named(name), None)


def parsed(text: str) -> Node:
    """Return the element that *text*, which a parser has found well-formed, is."""
    root = Node("", "", 0, 0)
    open_ = [root]
    for token in _TOKEN.finditer(text):
        tag = token[0]
        if tag.startswith(("<!", "<?")):
            continue
        if tag.startswith("</"):
            node = open_.pop()
            node.close, node.end = token.span()
            continue
        prefix, name = _NAME.match(tag).groups()
        node = Node(prefix and f"{prefix}:" or "", name, *token.span())
        open_[-1].children.append(node)
        if tag.endswith("/>"):
            node.close = node.end = node.inner
        else:
            open_.append(node)
    return root.children[0]


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return *text* with *changes*, which do not overlap; those at one place in their order."""
    pieces, at = [], 0
    for start, end, new in sorted(changes, key=lambda change: change[:2]):
        pieces += (text[at:start], new)
        at = end
    return "".join([*pieces, text[at:]])


def indent(text: str, node: Node) -> str:
    """Return the white space before *node*, if it stands on a line of its own."""
    before = text[: node.start]
    space = before[len(before.rstrip()) :]
    return space if "\n" in space or "\r" in space else ""


def with_attributes(tag: str, **values: str | None) -> str:
    """Return a start tag with attributes set, None for those to be removed; ``_`` in a name stands
    for ``-``. The others stay as they are written."""
    for key, value in values.items():
        name = key.replace("_", "-")
        written = "" if value is None else start_tag("", {name: value})[1:-1]
        there = next((found for found in _ATTRIBUTE.finditer(tag) if found[1] == name), None)
        if there:
            tag = tag[: there.start()] + written + tag[there.end() :]
        else:
            end = len(tag) - (2 if tag.endswith("/>") else 1)
            tag = tag[:end].rstrip() + written + tag[end:]
    return tag


def attribute(tag: str, name: str) -> str | None:
    """Return the value of an attribute of a start tag as it is written, None if it has none."""
    return next((found[2][1:-1] for found in _ATTRIBUTE.finditer(tag) if found[1] == name), None)


def opened(tag: str) -> str:
    """Return a start tag, also that of an empty element, as one that content follows."""
    return f"{tag[:-2].rstrip()}>" if tag.endswith("/>") else tag
