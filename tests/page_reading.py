"""Reading pages as a browser would, and what holds for every one of them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
from lxml import html

_ADDRESSES = ("href", "src", "action", "srcset", "poster", "formaction", "data")
_PROSE = {"en", "ru", "tr", "fr", "kbd"}


def page_of(answer: httpx.Response) -> html.HtmlElement:
    """Return the page as a tree, after checking what holds for every page."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    parser = html.HTMLParser(encoding="utf-8")
    tree = html.document_fromstring(answer.content, parser=parser)
    assert_self_contained(tree)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids)), "an id stands for one element"
    assert tree.get("lang") in _PROSE
    return tree


def assert_self_contained(tree: html.HtmlElement) -> None:
    """Nothing from elsewhere, nothing inline: what the content security policy forbids."""
    for element in tree.iter("*"):
        assert element.get("style") is None, "no inline style"
        assert not [name for name in element.attrib if name.lower().startswith("on")]
        for name in _ADDRESSES:
            address = element.get(name)
            if address is not None:
                parts = urlsplit(address)
                assert not parts.scheme and not parts.netloc, f"elsewhere: {address}"
    assert not tree.xpath("//style | //iframe | //object | //embed | //base")
    for script in tree.xpath("//script"):
        assert script.get("src") and not (script.text or "").strip(), "no inline script"


def texts(tree: html.HtmlElement, path: str) -> list[str]:
    """Return the text of each element that XPath *path* finds, white space made single."""
    return [" ".join(element.text_content().split()) for element in tree.xpath(path)]


def of_class(name: str) -> str:
    """Return the XPath condition for an element with this class."""
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(name)
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


PROBLEM = f"//section[@id='results']//div[{of_class('problem')}]"
"""Where a page says what is wrong with the question."""
