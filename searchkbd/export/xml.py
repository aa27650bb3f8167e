"""Elements as text, whatever characters the index holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from searchkbd.corpus.inline import escaped, start_tag
from searchkbd.corpus.xml_parse import MalformedError, parse_element

# XML 1.0, production 2 (Char).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_allowed(text: str) -> bool:
    """Return whether XML can hold every character of *text*."""
    return not _FORBIDDEN.search(text)


def content(text: str) -> str:
    """Return *text* as the content of an element; what XML cannot hold becomes U+FFFD."""
    return escaped(_FORBIDDEN.sub("\ufffd", text))


def opening(name: str, attributes: Mapping[str, object], *, empty: bool = False) -> str:
    """Return the start tag of an element, or with *empty* the tag of one without content.

    An attribute in a foreign namespace, which nothing here declares, loses its prefix.
    """
    named: dict[str, str] = {}
    for key, value in attributes.items():
        key = key if key.startswith("xml:") else key.rpartition(":")[2]
        named.setdefault(key, _FORBIDDEN.sub("\ufffd", str(value)))
    return start_tag(name, named, empty=empty)


def element(name: str, attributes: Mapping[str, object], text: str) -> str:
    """Return an element that contains *text* only."""
    return f"{opening(name, attributes)}{content(text)}</{name}>"


def well_formed(markup: str | None) -> str | None:
    """Return *markup*, None if a document that it stood in would be broken."""
    if markup is None:
        return None
    try:
        parse_element(f"<seg>{markup}</seg>")
    except MalformedError:
        return None
    return markup
