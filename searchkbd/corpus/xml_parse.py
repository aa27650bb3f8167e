"""A parser for small pieces of XML that nobody vouches for.

It reads no DTD, expands no entity but the five of XML itself, opens no file and no connection,
and goes neither deeper than 256 levels nor beyond the sizes that libxml2 thinks sane.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MAX_NAMESPACES = 200
"""Declarations of namespaces that one piece may have."""

MAX_ATTRIBUTES = 200
"""Attributes that one element may have."""

_XML = "{http://www.w3.org/XML/1998/namespace}"
_POSITION = re.compile(r"(?:, line \d+, column \d+)+$")


class MalformedError(ValueError):
    """Why a piece is not XML, as the reason of a reject."""


@cache
def _parser():
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def parse_element(text: str, namespaces: Mapping[str, str] | None = None) -> Element:
    """Return the one element that *text* is; prefixes of *namespaces* may be used in it.

    Raises :class:`MalformedError`.
    """
    from lxml import etree

    if text.count("xmlns:") > MAX_NAMESPACES:  # each attribute is looked up among them
        raise MalformedError(f"not well-formed: more than {MAX_NAMESPACES} namespaces")
    if namespaces:
        declared = "".join(f' xmlns:{name}="{escape(uri)}"' for name, uri in namespaces.items())
        text = f"<e{declared}>{text}</e>"
    try:
        root = etree.fromstring(text.encode(), _parser())
    except UnicodeEncodeError:
        raise MalformedError(
            "undecodable bytes: if the whole file is in another encoding, "
            "name it, for example --encoding cp1251"
        ) from None
    except etree.XMLSyntaxError as error:
        message = _POSITION.sub("", error.msg or "")
        # Line numbers would be those of the piece.
        message = re.sub(r" line \d+", "", message)
        if error.code == etree.ErrorTypes.ERR_UNDECLARED_ENTITY:
            message = f"{message}; entities that a file declares are never expanded"
        raise MalformedError(f"not well-formed: {message}") from None
    if not namespaces:
        return root
    if len(root) != 1:
        raise MalformedError("not well-formed: one element is expected")
    return root[0]


def parse_start_tag(text: str, namespaces: Mapping[str, str] | None = None) -> Element:
    """Return the element that begins with the start tag *text*, without its content."""
    return parse_element(text.rstrip("/>") + "/>", namespaces)


def local_name(name: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def attributes(element: Element) -> dict[str, str]:
    """Return the attributes of *element*, as written and in order, named ``prefix:name``.

    Raises :class:`MalformedError` when there are more than :data:`MAX_ATTRIBUTES`.
    """
    if len(element.attrib) > MAX_ATTRIBUTES:  # libxml2 searches through them for each
        raise MalformedError(f"not well-formed: more than {MAX_ATTRIBUTES} attributes")
    found: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for name, value in element.items():
        if name.startswith(_XML):
            name = "xml:" + local_name(name)
        elif name.startswith("{"):
            prefixes = prefixes or {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
            uri, _, local = name[1:].partition("}")
            name = f"{prefixes[uri]}:{local}"
        found[name] = value
    return found


def content(element: Element) -> str:
    """Return all text within *element*."""
    return "".join(element.itertext()) if len(element) else element.text or ""
