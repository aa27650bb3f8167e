"""The text of a file, cut into pieces and put together again; and edits of a piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.corpus.xml_units import Dialect
from searchkbd.pretranslation import xml_copy
from searchkbd.pretranslation.blocks import BlockDecoder
from searchkbd.pretranslation.xml_edit import (
    attribute,
    changed,
    indent,
    opened,
    parsed,
    with_attributes,
)

DIALECT = Dialect("TMX", "tmx", ("tu",), ("header",))
PIECES = [
    "<tu>a</tu>", "<tu>\na\n</tu>", "<tu a='>'><!-- </tu> -->b</tu>", "<header x='1'/>",
    "<!-- <tu>a</tu> -->", "<!--\n<tu>\na\n</tu>--> ", "\n", "  ", "<?x <tu>a</tu> ?>", "text",
    "</tu>", "<tu>open", "<tu>\u04cf &amp; <![CDATA[</tu>]]></tu>",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["", "</tmx>", "</tmx>\n<!-- end -->\n"]),
    st.integers(1, 40),
)
def test_nothing_is_lost(tmp_path_factory, pieces, newline, codec, end, block):
    text = ("<?xml version='1.0'?>\n<tmx>" + "".join(pieces) + end).replace("\n", newline)
    path = tmp_path_factory.mktemp("x") / "a.tmx"
    path.write_bytes(text.encode(codec))
    with pytest.MonkeyPatch.context() as patch:
        # Small blocks, so that pieces are cut by them.
        data = path.read_bytes()
        blocks = [data[:64], *(data[at : at + block] for at in range(64, len(data), block))]
        patch.setattr(xml_copy, "byte_blocks", lambda path: iter(blocks))
        copy = xml_copy.XmlCopy(str(path), ReadOptions(), DIALECT)
        found = list(copy.pieces())
    assert "".join(item if isinstance(item, str) else item[1] for item in found) == text
    for item in found:
        if not isinstance(item, str) and not item[0].problem:
            piece, raw = item
            assert raw.replace("\r\n", "\n").replace("\r", "\n") == piece.text
    assert copy.mark + text.encode(copy.codec) == data


def test_edits_leave_the_rest_as_it_is():
    text = "<u a = '1'  b=\"x='2'\"><!-- <s> --><s/>\n  <t><![CDATA[</t>]]></t></u>"
    unit = parsed(text)
    s, t = unit.children
    assert (s.name, t.name, unit.first("t"), unit.first("v")) == ("s", "t", t, None)
    assert text[t.inner : t.close] == "<![CDATA[</t>]]>" and s.inner == s.close == s.end
    assert (indent(text, s), indent(text, t)) == ("", "\n  ")
    assert changed(text, [(t.inner, t.close, "T"), (s.end, s.end, "1"), (s.end, s.end, "2")]) == (
        "<u a = '1'  b=\"x='2'\"><!-- <s> --><s/>12\n  <t>T</t></u>"
    )
    assert opened("<s a='1' />") == "<s a='1'>" and opened("<s>") == "<s>"


@given(
    st.sets(st.sampled_from(["state", "x", "xml:lang"])),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20),
)
def test_attributes(before, value):
    value = "".join(c for c in value if c.isprintable())
    names = "".join(f" {name}='{n}'" for n, name in enumerate(sorted(before)))
    for tag in (f"<t{names}>", f"<t{names} />"):
        new = with_attributes(tag, state=value, state_qualifier="q", x=None)
        element = etree.fromstring(opened(new) + "</t>")
        assert element.get("state") == value and element.get("state-qualifier") == "q"
        assert "x" not in element.attrib and new.endswith("/>") == tag.endswith("/>")
        lang = element.get("{http://www.w3.org/XML/1998/namespace}lang")
        assert (lang is not None) == ("xml:lang" in before)
        assert attribute(new, "state-qualifier") == "q" and attribute(new, "y") is None


@pytest.mark.parametrize("content", [b"\x00\xd8", b"\x00\xd8\n\x00"])
def test_a_decoder_that_gives_up_is_told_with_the_name_of_the_file(content):
    decoder = BlockDecoder("a.xlf", "utf-16")
    with pytest.raises(CorpusError, match="a.xlf cannot be read as utf-16"):
        decoder.decode(content) + decoder.decode(b"", final=True)
