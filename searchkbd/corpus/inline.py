"""Inline tags: the one form in which they are kept, whatever format they came from.

A segment with inline tags is kept twice: ``Sentence.text`` is what a person reads and what is
matched, without any tag; ``Sentence.markup`` is the whole, as the inside of a TMX 1.4b ``<seg>``
(XML, elements ``bpt ept it ph hi sub ut``, sections 4.1 and 4.2 of that standard). Other formats'
tags are turned into these, with the original tag as the native code inside:
``<b>`` of XLIFF's ``<g id="1" ctype="bold">`` is ``<bpt i="1" type="bold">...</bpt>``.

Markup is canonical: no namespaces, attributes in the order in which they were written, escaped
only where XML demands it. Reading it back gives the very same string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchkbd.corpus.xml_parse import attributes, local_name, parse_element

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

STANDALONE = frozenset({"ph", "it"})
"""Tags that stand for something in the text; words on their two sides are two words."""

CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})
"""Tags whose content is native code, not text."""

# Literal line ends and, in attributes, tabs do not survive an XML parser; nor does ]]> in text.
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One inline tag of a segment.

    ``name`` is that of its TMX element; ``xml`` how it stands in the markup (a ``hi`` gives two
    tags, ``<hi>`` and ``</hi>``); ``attributes`` are those of the element; ``code`` is the native
    code within.
    """

    name: str
    xml: str
    attributes: dict[str, str]
    code: str = ""


Run = str | Tag
"""A stretch of text without tags, or one tag."""


def seg_markup(seg: Element) -> tuple[str, str | None]:
    """Return the text of a TMX ``<seg>``, and its markup, None where it has no tag.

    An element that TMX does not know is kept as native code: ``<b>word</b>`` as a pair of ``bpt``
    and ``ept``, ``<br/>`` as ``ph``.
    """
    if not len(seg):
        return seg.text or "", None
    return text_and_markup(list(_runs(seg, _Numbers.of(seg))))


def text_and_markup(found: Sequence[Run]) -> tuple[str, str | None]:
    """Return the text and the markup that *found* are, the markup None without a tag."""
    markup = None
    if any(isinstance(run, Tag) for run in found):
        markup = "".join(run.xml if isinstance(run, Tag) else escaped(run) for run in found)
    return plain(found), markup


def runs(markup: str) -> list[Run]:
    """Take *markup* apart; the ``xml`` of its tags and its escaped texts in order are *markup*.

    Raises :class:`~searchkbd.corpus.xml_parse.MalformedError` when it is not well-formed.
    """
    seg = parse_element(f"<seg>{markup}</seg>")
    return list(_runs(seg, _Numbers.of(seg)))


def markup_text(markup: str) -> str:
    """Return the text of *markup* without its tags; raises as :func:`runs` does."""
    return plain(runs(markup))


def tags(markup: str | None) -> tuple[str, ...]:
    """Return the tags of *markup* in order, for comparison with those of another segment.

    Their numbers (``i``, ``x``), which differ from file to file, are left out.
    """
    return tuple(_unnumbered(run) for run in runs(markup or "") if isinstance(run, Tag))


def plain(found: Sequence[Run]) -> str:
    """Return the text of *found*: a standalone tag between two words is a space, others nothing."""
    out: list[str] = []
    gap = False
    for run in found:
        if isinstance(run, Tag):
            gap = gap or run.name in STANDALONE
        elif run:
            if gap and out and not out[-1][-1].isspace() and not run[0].isspace():
                out.append(" ")
            out.append(run)
            gap = False
    return "".join(out)


def escaped(text: str) -> str:
    """Return *text* as it is written between the tags of XML."""
    return text.translate(_IN_TEXT)


def start_tag(name: str, named: dict[str, str], *, empty: bool = False) -> str:
    """Return a start tag, or with *empty* the tag of an element without content."""
    written = "".join(f' {key}="{value.translate(_IN_ATTRIBUTE)}"' for key, value in named.items())
    return f"<{name}{written}{'/' if empty else ''}>"


def code_tag(name: str, named: dict[str, str], code: str, xml: str | None = None) -> Tag:
    """Return the tag *name* with the native *code*, of which *xml* is how it is written."""
    inner = escaped(code) if xml is None else xml
    if inner:
        return Tag(name, f"{start_tag(name, named)}{inner}</{name}>", named, code)
    return Tag(name, start_tag(name, named, empty=True), named)


def native(element: Element) -> str:
    """Return *element* of another format as it is kept within native code."""
    name = local_name(element.tag)
    inside = escaped(element.text or "") + "".join(
        native(child) + escaped(child.tail or "") for child in element
    )
    if not inside:
        return start_tag(name, attributes(element), empty=True)
    return f"{start_tag(name, attributes(element))}{inside}</{name}>"


def has_content(element: Element) -> bool:
    return bool(element.text) or len(element) > 0


class _Numbers:
    """Gives out the numbers by which pairs of ``bpt`` and ``ept`` are matched."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._last = 0

    @classmethod
    def of(cls, seg: Element) -> _Numbers:
        return cls({element.get("i", "") for element in seg.iter()})

    def new(self) -> str:
        self._last += 1
        while str(self._last) in self._taken:
            self._last += 1
        return str(self._last)


def _runs(element: Element, numbers: _Numbers) -> Iterator[Run]:
    """Yield what an element that contains text (``seg``, ``hi``, ``sub``) contains."""
    if element.text:
        yield element.text
    for child in element:
        name = local_name(child.tag)
        if name in CODES:
            code, xml = _code(child, numbers)
            yield code_tag(name, _plain_names(child), code, xml)
        elif name == "hi":
            named = _plain_names(child)
            yield Tag(name, start_tag(name, named), named)
            yield from _runs(child, numbers)
            yield Tag(name, "</hi>", {})
        elif name == "sub" or has_content(child):
            yield from paired(child, numbers.new(), _runs(child, numbers))
        else:
            yield code_tag("ph", {}, native(child))
        if child.tail:
            yield child.tail


def paired(
    element: Element, number: str, inside: Iterator[Run], type_: str | None = None
) -> Iterator[Run]:
    """Yield an element of another format around text as a pair of tags with *inside* between."""
    opening = start_tag(local_name(element.tag), attributes(element))
    typed = {"type": type_} if type_ else {}
    yield code_tag("bpt", {"i": number, **typed}, opening)
    yield from inside
    yield code_tag("ept", {"i": number}, f"</{local_name(element.tag)}>")


def _code(element: Element, numbers: _Numbers) -> tuple[str, str]:
    """Return the native code in *element*, and how it is written, with the ``sub`` in it."""
    code = [element.text or ""]
    xml = [escaped(code[0])]
    for child in element:
        if local_name(child.tag) == "sub":
            inside = list(_runs(child, numbers))
            code.append(plain(inside))
            written = "".join(run.xml if isinstance(run, Tag) else escaped(run) for run in inside)
            xml.append(f"{start_tag('sub', _plain_names(child))}{written}</sub>")
        else:
            code.append(native(child))
            xml.append(escaped(code[-1]))
        code.append(child.tail or "")
        xml.append(escaped(code[-1]))
    return "".join(code), "".join(xml)


def _plain_names(element: Element) -> dict[str, str]:
    """Return the attributes of a TMX tag without prefixes, which markup cannot declare."""
    found: dict[str, str] = {}
    for name, value in attributes(element).items():
        found.setdefault(name if name.startswith("xml:") else name.rpartition(":")[2], value)
    return found


def _unnumbered(tag: Tag) -> str:
    kept = {name: value for name, value in tag.attributes.items() if name not in ("i", "x")}
    if tag.name == "hi":
        return start_tag("hi", kept) if tag.xml != "</hi>" else tag.xml
    return code_tag(tag.name, kept, tag.code).xml
