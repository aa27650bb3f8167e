"""Inline tags of XLIFF, to our form and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.inline import escaped, markup_text, seg_markup, start_tag, tags
from searchkbd.corpus.inline_xliff import to_xliff, xliff_markup
from searchkbd.corpus.xml_parse import parse_element

V1 = (
    'Куда <g id="1" ctype="bold">ведёт <x id="2" equiv-text="%s"/></g> эта дорога?',
    'a <bpt id="1" rid="5">&lt;b class="q"&gt;</bpt>b<ept id="2" rid="5">&lt;/b&gt;</ept> c',
    '<bx id="1" rid="9"/>a<mrk mtype="term" comment="&lt;!>">b</mrk><ex id="2" rid="9"/>',
    'see<ph id="3" ctype="x-fn">{<sub>a <g id="4">note</g></sub>}</ph><it id="5" pos="open">[</it>',
    '<g id="1"><g id="2"><g id="3"/></g></g>'.replace("/>", "></g>"),
)
V2 = (
    'x <pc id="1" dataRefStart="d1" dataRefEnd="d2">y<ph id="2" dataRef="d3"/></pc>.',
    'a<sc id="3"/>b<ec startRef="3"/> <mrk id="m1" type="term">c</mrk><cp hex="001A"/>',
    'a<sm id="m2" type="comment" value="&quot;"/>b<em startRef="m2"/>',
)


def markup_of(inside: str) -> tuple[str, str | None]:
    return xliff_markup(parse_element(f"<source>{inside}</source>"))


@pytest.mark.parametrize("version, inside", [("1.2", x) for x in V1] + [("2.0", x) for x in V2])
def test_tags_of_a_version_come_back_as_they_were(version, inside):
    text, markup = markup_of(inside)
    assert to_xliff(markup, version) == inside
    assert seg_markup(parse_element(f"<seg>{markup}</seg>")) == (text, markup)


def test_text_and_form():
    text, markup = markup_of('Куда<x id="2"/><g id="1" ctype="bold">ведёт</g>?')
    assert text == "Куда ведёт?"
    assert markup == (
        'Куда<ph>&lt;x id="2"/&gt;</ph><bpt i="1" type="bold">&lt;g id="1" ctype="bold"&gt;</bpt>'
        'ведёт<ept i="1">&lt;/g&gt;</ept>?'
    )
    assert markup_of("Куда &lt;") == ("Куда <", None)


@pytest.mark.parametrize(
    "inside",
    [
        '<bpt id="1" rid="a">[</bpt>x<ept id="2" rid="a">]</ept><bpt id="3" rid="b">{</bpt>',
        '<bx id="1"/>x<ex id="1"/><bx id="2"/>',
        '<sc id="1"/>x<ec startRef="1"/><sc id="2" isolated="yes"/>',
    ],
)
def test_the_halves_of_a_pair_have_one_number(inside):
    _, markup = markup_of(inside)
    first, second, third = parse_element(f"<seg>{markup}</seg>")
    assert first.get("i") == second.get("i") != third.get("i")


def test_tags_from_elsewhere_become_tags_of_the_version():
    markup = (
        'a <bpt i="4" type="bold">&lt;b&gt;</bpt>b<ept i="4">&lt;/b&gt;</ept><ph>%s</ph>'
        '<hi type="name">Мурат</hi><it pos="end">}</it>'
    )
    assert to_xliff(markup, "1.2") == (
        'a <bpt id="1" rid="1" ctype="bold">&lt;b&gt;</bpt>b<ept id="2" rid="1">&lt;/b&gt;</ept>'
        '<ph id="3">%s</ph><mrk mtype="x-name">Мурат</mrk><it id="4" pos="close">}</it>'
    )
    assert to_xliff(markup, "2.0") == (
        'a <sc id="1" disp="&lt;b>"/>b<ec startRef="1" disp="&lt;/b>"/><ph id="3" disp="%s"/>'
        '<mrk id="m4" type="x:hi" value="name">Мурат</mrk>'
        '<ec id="5" isolated="yes" disp="}"/>'
    )


def test_numbers_of_tags_that_are_there_are_not_given_again():
    _, markup = markup_of('<x id="1"/>')
    assert to_xliff(f"{markup}<ph>%s</ph>") == '<x id="1"/><ph id="2">%s</ph>'


def test_tags_of_the_other_version_are_code():
    _, markup = markup_of('<g id="1">a</g><ph id="2" ctype="lb"/>')
    assert "disp" in to_xliff(markup, "2.0") and "<g" not in to_xliff(markup, "2.0")
    _, markup = markup_of('<mrk id="m" type="term">a</mrk>')
    assert to_xliff(markup, "1.2").startswith('<bpt id="1"')


def test_attributes_of_other_namespaces_are_kept_in_the_code_and_not_written():
    source = '<source xmlns:o="urn:o"><x id="1" o:note="q"/></source>'
    _, markup = xliff_markup(parse_element(source))
    assert 'o:note="q"' in markup
    assert to_xliff(markup) == '<x id="1"/>'


CODE = st.sampled_from(
    ['<g id="1">', "</g>", '<g id="1"/>', '<g id="2"><evil/>', '<x id="1"/>', '<x id="1">', "</pc>",
     '<pc id="1">', '<mrk mtype="term">', "</mrk>", '<ph id="1">&lol;</ph>', "<b>", "&", "",
     '<x id="1" a:b="c"/>', '<x id="1" id="1"/>', '<g id="1" xmlns="urn:x">', "<!-- ", "<?x"]
)  # fmt: skip
TAGS = st.builds(
    lambda name, code: f'<{name} i="1">{escaped(code)}</{name}>',
    st.sampled_from(["bpt", "ept", "ph", "it", "ut"]),
    CODE,
)
MARKUP = st.recursive(
    TAGS | st.sampled_from(["слово", "&amp;", " "]),
    lambda inner: (
        st.lists(inner, max_size=4).map("".join)
        | inner.map(lambda inside: f"{start_tag('hi', {'type': 'a b'})}{inside}</hi>")
    ),
    max_leaves=12,
)


@given(MARKUP, st.sampled_from(["1.2", "2.0"]))
def test_whatever_the_native_code_claims_the_result_is_well_formed(markup, version):
    element = parse_element(f"<target>{to_xliff(markup, version)}</target>")
    assert {child.tag for child in element.iter()} <= {
        "target", "g", "mrk", "x", "bx", "ex", "bpt", "ept", "it", "ph", "pc", "sc", "ec",
    }  # fmt: skip
    assert "".join(xliff_markup(element)[0].split()) == "".join(
        seg_markup(parse_element(f"<seg>{markup}</seg>"))[0].split()
    )


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_isolated_tags_come_back_with_the_same_text(version):
    markup = 'слово<it pos="begin">&lt;b&gt;</it>0 и<it pos="end">&lt;/b&gt;</it>ещё'
    element = parse_element(f"<source>{to_xliff(markup, version)}</source>")
    text, again = xliff_markup(element)
    assert text == markup_text(markup) == "слово 0 и ещё"
    assert [tag for tag in tags(again) if not tag.startswith("<it")] == []
