"""Inline tags of XLIFF 1.2 and 2.0, to and from the form of :mod:`searchkbd.corpus.inline`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchkbd.corpus.inline import (
    Run,
    Tag,
    code_tag,
    escaped,
    has_content,
    native,
    paired,
    runs,
    start_tag,
    text_and_markup,
)
from searchkbd.corpus.xml_parse import MalformedError, attributes, local_name, parse_element

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Elements that are one tag each, and the TMX tag that is the like of it.
_SINGLE = {
    "bpt": "bpt", "ept": "ept", "it": "it", "ph": "ph", "x": "ph", "bx": "bpt", "ex": "ept",
    "sc": "bpt", "ec": "ept", "sm": "bpt", "em": "ept", "cp": "ph",
}  # fmt: skip
_AROUND = frozenset({"g", "pc", "mrk"})
_IN_VERSION = {
    "1.2": frozenset({"g", "mrk", "x", "bx", "ex", "bpt", "ept", "it", "ph"}),
    "2.0": frozenset({"pc", "mrk", "ph", "sc", "ec", "sm", "em", "cp"}),
}
# In 1.2 a ph has content or one of these, and a mrk has the second; in 2.0 neither does.
_ONLY_IN_1_2 = frozenset({"ctype", "mtype", "assoc", "xid", "crc", "ts"})
_POSITIONS = {"open": "begin", "close": "end"}

_START_TAG = re.compile(r'<([\w.-]+)((?:\s+[\w:.-]+="[^"<]*")*)\s*(/?)>')
_END_TAG = re.compile(r"</(g|pc|mrk)>")
_FOREIGN = re.compile(r'\s+(?!xml:)[\w.-]+:[\w.-]+="[^"<]*"')


def xliff_markup(element: Element) -> tuple[str, str | None]:
    """Return the text of an XLIFF ``<source>`` or ``<target>``, and its markup (None: no tag)."""
    if not len(element):
        return element.text or "", None
    return text_and_markup(list(_runs(element, {})))


def _runs(element: Element, numbers: dict[str, str]) -> Iterator[Run]:
    if element.text:
        yield element.text
    for child in element:
        name = local_name(child.tag)
        type_ = child.get("ctype") or child.get("type")
        if name in _SINGLE:
            yield _single(child, _SINGLE[name], type_, numbers)
        elif name in _AROUND or has_content(child):
            number = _number(numbers, f"<{len(numbers)}")
            yield from paired(child, number, _runs(child, numbers), type_)
        else:
            yield code_tag("ph", {}, native(child))
        if child.tail:
            yield child.tail


def _single(element: Element, name: str, type_: str | None, numbers: dict[str, str]) -> Tag:
    named = {}
    if name in ("bpt", "ept"):
        # The two of a pair share rid in 1.2, or just the id; in 2.0 the second names the first.
        if element.get("isolated") == "yes":  # its other half is in another segment
            name, named["pos"] = "it", "begin" if name == "bpt" else "end"
        else:
            key = element.get("rid") or element.get("startRef") or element.get("id", "")
            named["i"] = _number(numbers, key)
    elif name == "it":
        named["pos"] = _POSITIONS.get(element.get("pos", ""), "begin")
    if type_ and name != "ept":
        named["type"] = type_
    return code_tag(name, named, native(element))


def _number(numbers: dict[str, str], key: str) -> str:
    return numbers.setdefault(key, str(len(numbers) + 1))


@dataclass(frozen=True, slots=True)
class _Original:
    """An XLIFF tag found as the native code of ours: the first, the second of a pair, or whole."""

    kind: str  # "open", "close", "whole"
    name: str
    xml: str
    ids: frozenset[str] = frozenset()


def to_xliff(markup: str, version: str = "1.2") -> str:
    """Return *markup* as the inside of a ``<source>`` or ``<target>`` of XLIFF *version*.

    *version* is "1.2" or "2.0" (which 2.1 is read as). Tags that came from XLIFF of that version
    are written as they were, attributes in other namespaces left out; ``g``, ``pc`` and ``mrk``
    only where both halves are there and properly nested. All other tags become ``bpt ept it ph``
    with the native code as content and ``mrk`` for ``hi`` in 1.2; ``sc ec ph`` with the code in
    ``disp`` and ``mrk`` in 2.0.

    Raises :class:`~searchkbd.corpus.xml_parse.MalformedError` when *markup* is not well-formed.
    """
    found = runs(markup)
    originals = _nested(found, [_original(run, version) for run in found])
    ids = frozenset().union(*(original.ids for original in originals if original))
    writer = _Writer1(ids) if version == "1.2" else _Writer2(ids)
    out = []
    for run, original in zip(found, originals, strict=True):
        if isinstance(run, str):
            out.append(escaped(run))
        elif original is not None and original.xml:
            out.append(original.xml)
        else:
            out.append(writer.tag(run))
    return "".join(out)


def _original(run: Run, version: str) -> _Original | None:
    if isinstance(run, str):
        return None
    if run.name == "hi":  # no native code, but nesting has to respect it
        return _Original("close" if run.xml == "</hi>" else "open", "hi", "")
    end = _END_TAG.fullmatch(run.code)
    if end:
        return _Original("close", end[1], run.code) if end[1] in _IN_VERSION[version] else None
    start = _START_TAG.match(run.code)
    if not start or start[1] not in _IN_VERSION[version]:
        return None
    opens = start[1] in _AROUND
    if opens and (start[3] or start.end() < len(run.code)):
        return None
    own = _FOREIGN.sub("", start[0]) + run.code[start.end() :]
    try:
        element = parse_element(f"{own}</{start[1]}>" if opens else own)
        named = attributes(element)
    except MalformedError:
        return None
    is_1_2 = has_content(element) or not _ONLY_IN_1_2.isdisjoint(named)
    if start[1] in ("ph", "mrk") and version == "2.0" and is_1_2:
        return None
    if start[1] == "mrk" and version == "1.2" and "mtype" not in named:
        return None
    ids = frozenset(named[key] for key in ("id", "rid", "mid") if key in named)
    if opens:
        return _Original("open", start[1], start_tag(start[1], named), ids)
    return _Original("whole", start[1], native(element), ids)


def _nested(found: list[Run], originals: list[_Original | None]) -> list[_Original | None]:
    """Leave of elements around text only those that begin and end properly nested."""
    kept = list(originals)
    open_: list[int] = []
    for at, original in enumerate(originals):
        if original is None or original.kind == "whole":
            continue
        if original.kind == "open":
            open_.append(at)
            continue
        if original.name == "hi":  # always nested: what is still open within it has no end
            while originals[open_[-1]].name != "hi":
                kept[open_.pop()] = None
            open_.pop()
        elif open_ and originals[open_[-1]].name == original.name:
            open_.pop()
        else:
            kept[at] = None
    for at in open_:
        kept[at] = None
    return kept


class _Writer1:
    """Tags of XLIFF 1.2 for those that came from elsewhere."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._last = 0
        self._open: dict[str, str] = {}

    def tag(self, tag: Tag) -> str:
        if tag.name == "hi":
            if tag.xml == "</hi>":
                return "</mrk>"
            return start_tag("mrk", {"mtype": f"x-{tag.attributes.get('type', 'hi')}"})
        number = self._new()
        named = {"id": number}
        if tag.name == "bpt":
            self._open[tag.attributes.get("i", "")] = number
            named["rid"] = number
        elif tag.name == "ept":
            named["rid"] = self._open.pop(tag.attributes.get("i", ""), number)
        elif tag.name == "it":
            named["pos"] = "close" if tag.attributes.get("pos") == "end" else "open"
        if "type" in tag.attributes and tag.name != "ept":
            named["ctype"] = _ctype(tag.attributes["type"])
        return code_tag("ph" if tag.name == "ut" else tag.name, named, tag.code).xml

    def _new(self) -> str:
        self._last += 1
        while str(self._last) in self._taken:
            self._last += 1
        return str(self._last)


class _Writer2(_Writer1):
    """Tags of XLIFF 2.0 for those that came from elsewhere."""

    def tag(self, tag: Tag) -> str:
        if tag.xml == "</hi>":
            return "</mrk>"
        number = self._new()
        if tag.name == "hi":
            value = tag.attributes.get("type", "hi")
            return start_tag("mrk", {"id": f"m{number}", "type": "x:hi", "value": value})
        name, named = "ph", {"id": number}
        if tag.name == "bpt":
            name = "sc"
            self._open[tag.attributes.get("i", "")] = number
        elif tag.name == "ept":
            name = "ec"
            start = self._open.pop(tag.attributes.get("i", ""), None)
            named = {"startRef": start} if start else {"id": number, "isolated": "yes"}
        elif tag.name == "it":
            name = "ec" if tag.attributes.get("pos") == "end" else "sc"
            named["isolated"] = "yes"
        if tag.code:
            named["disp"] = tag.code
        return start_tag(name, named, empty=True)


_CTYPES = frozenset({"bold", "italic", "underlined", "link", "image", "pb", "lb"})


def _ctype(type_: str) -> str:
    return type_ if type_ in _CTYPES or type_.startswith("x-") else f"x-{type_}"
