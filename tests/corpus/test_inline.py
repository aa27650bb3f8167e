"""The one form of inline tags: text, markup, runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.inline import (
    Tag,
    escaped,
    markup_text,
    plain,
    runs,
    seg_markup,
    start_tag,
    tags,
)
from searchkbd.corpus.xml_parse import MalformedError, parse_element

# Everything that XML can hold, with the characters that have to be escaped often.
TEXT = st.text(
    st.sampled_from(" \t\n\r<>&\"'") | st.characters(exclude_categories=("Cs", "Cc")), max_size=8
).filter(lambda text: not {"\ufffe", "\uffff"} & set(text))
NAMES = ("bpt", "ept", "it", "ph", "ut", "hi", "sub", "b", "br", "g", "x")
ATTRIBUTES = st.dictionaries(st.sampled_from(["i", "x", "type", "pos", "xml:lang"]), TEXT)


def _element(children):
    parts = st.lists(TEXT.map(escaped) | children, max_size=4).map("".join)
    return st.builds(
        lambda name, named, inside: f"{start_tag(name, named)}{inside}</{name}>",
        st.sampled_from(NAMES),
        ATTRIBUTES,
        parts,
    )


SEGMENTS = st.lists(
    TEXT.map(escaped) | st.recursive(TEXT.map(escaped), _element, max_leaves=12), max_size=5
).map("".join)


def seg(inside: str) -> tuple[str, str | None]:
    return seg_markup(parse_element(f"<seg>{inside}</seg>"))


@given(SEGMENTS)
def test_markup_read_back_is_the_same_string(inside):
    text, markup = seg(inside)
    if markup is not None:
        assert seg(markup) == (text, markup)
        assert markup_text(markup) == text


@given(SEGMENTS)
def test_runs_put_together_are_the_markup(inside):
    text, markup = seg(inside)
    found = runs(markup if markup is not None else escaped(text))
    together = "".join(run.xml if isinstance(run, Tag) else escaped(run) for run in found)
    assert together == (markup if markup is not None else escaped(text))
    assert plain(found) == text
    assert len(tags(together)) == sum(isinstance(run, Tag) for run in found)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("Куда ведёт эта дорога?", "Куда ведёт эта дорога?"),
        ("Куда <bpt i='1'>&lt;b></bpt>ведёт<ept i='1'>&lt;/b></ept>?", "Куда ведёт?"),
        ("до<bpt i='1'>&lt;i></bpt>ро<ept i='1'>&lt;/i></ept>га", "дорога"),
        ("первая<ph>&lt;br/></ph>вторая", "первая вторая"),
        ("первая<it pos='begin'>{</it>вторая", "первая вторая"),
        ("первая <ph/><ph/>вторая", "первая вторая"),
        ("первая<ph/><bpt i='1'/><ph/>\u00a0вторая", "первая\u00a0вторая"),
        ("<ph>%s</ph>дорога<ph/>", "дорога"),
        ("эта <hi type='term'>дорога</hi>.", "эта дорога."),
        ("дорога<ph>сноска: <sub>куда?</sub></ph>.", "дорога ."),
        ("дорога<ut>{\\b}</ut>.", "дорога."),
        ("эта <b>дорога</b><br/>здесь", "эта дорога здесь"),
        ("  две \n строки ", "  две \n строки "),
        ("&lt;b> &amp;amp; <![CDATA[<i>]]>", "<b> &amp; <i>"),
    ],
)
def test_text_is_what_a_person_reads(inside, text):
    assert seg(inside)[0] == text


def test_a_segment_without_tags_has_no_markup():
    assert seg("Эта дорога &amp; та") == ("Эта дорога & та", None)


def test_markup_is_canonical():
    inside = """a <bpt x='2'  i = "1"><![CDATA[<b class="q">]]></bpt>b&#13;<!-- no -->"""
    assert seg(inside + "<ept i='1'></ept>")[1] == (
        'a <bpt x="2" i="1">&lt;b class="q"&gt;</bpt>b&#13;<ept i="1"/>'
    )
    prefixed = '<ph xmlns:o="urn:o" o:type="w" xml:lang="ru"/>'
    assert seg(prefixed)[1] == '<ph type="w" xml:lang="ru"/>'


def test_elements_that_tmx_does_not_know_are_native_code():
    assert seg('<b>one</b> <hi>t<bpt i="1"/></hi> <br class="&lt;"/>')[1] == (
        '<bpt i="2">&lt;b&gt;</bpt>one<ept i="2">&lt;/b&gt;</ept> '
        '<hi>t<bpt i="1"/></hi> <ph>&lt;br class="&amp;lt;"/&gt;</ph>'
    )
    assert seg("<ph><b>x</b></ph>")[1] == "<ph>&lt;b&gt;x&lt;/b&gt;</ph>"


def test_text_inside_code_stays_markup():
    markup = 'a<ph>note <sub>see <bpt i="1">{</bpt>this<ept i="1">}</ept></sub></ph>'
    assert seg(markup) == ("a", markup)
    (tag,) = [run for run in runs(markup) if isinstance(run, Tag)]
    assert tag.code == "note see this"


def test_tags_are_compared_without_their_numbers():
    one = 'a <bpt i="1" x="1" type="bold">&lt;b&gt;</bpt>b<ept i="1">&lt;/b&gt;</ept>'
    two = '<bpt i="7" type="bold">&lt;b&gt;</bpt>c<ept i="7">&lt;/b&gt;</ept> d'
    assert tags(one) == tags(two) == (
        '<bpt type="bold">&lt;b&gt;</bpt>', "<ept>&lt;/b&gt;</ept>",
    )  # fmt: skip
    assert tags('<hi type="x">a</hi>') == ('<hi type="x">', "</hi>")
    assert tags("a<ph>%s</ph>") != tags("a<ph>%d</ph>")
    assert tags(None) == tags("no tag") == ()


@pytest.mark.parametrize("markup", ["<ph>", "a</seg><seg>b", "&nbsp;", "<o:ph/>", "\x01"])
def test_markup_that_is_not_xml_is_an_error(markup):
    with pytest.raises(MalformedError, match="not well-formed"):
        runs(markup)
