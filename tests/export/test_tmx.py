"""TMX: a file that went through an index says the same; a second export is the same file."""

from __future__ import annotations

import io
import json
import unicodedata
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from translate.storage import tmx as toolkit

from searchkbd.corpus.tmx import ORIGIN

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# As other programs write it: attributes, notes and properties of units and of texts, inline tags of
# every kind, a language in the form of a region, one twice, and characters that must be escaped.
RICH = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header creationtool="other" creationtoolversion="9" segtype="sentence"
 o-tmf="x" adminlang="en" srclang="ru" datatype="xml"/><body>
<tu tuid="a&quot;&lt;1" usagecount="3" creationdate="20200102T030405Z">
 <note xml:lang="en">seen</note><prop type="x-domain">home &amp; garden</prop>
 <note>again</note><prop type="x-empty"/>
 <tuv xml:lang="ru-RU" changedate="20240102T030405Z" changeid="me">
  <prop type="x-reviewed">yes</prop><seg>Вода <bpt i="1" type="bold">&lt;b&gt;</bpt>холодная<ept
  i="1">&lt;/b&gt;</ept>.</seg></tuv>
 <tuv xml:lang="KBD"><seg>Псыр <hi type="x">щIыIэщ</hi>.<ph x="1">{0}</ph></seg></tuv>
 <tuv xml:lang="kbd"><note>spelt otherwise</note><seg>Псыр щӏыӏэщ.</seg></tuv>
</tu>
<tu><prop type="x-context">menu</prop><prop type="x-searchkbd:origin">home</prop>
 <tuv xml:lang="en"><seg>R&amp;D ]]&gt; 1 &lt; 2<it pos="begin" x="2">&lt;i&gt;</it></seg></tuv>
</tu>
<tu><tuv xml:lang="en"><prop type="x-searchkbd:origin">mt</prop><seg>Two
lines</seg></tuv><tuv xml:lang="fr"><seg>Deux lignes</seg></tuv></tu>
</body></tmx>
"""


def reading(document: bytes) -> Counter:
    """Return the units of a TMX document, each as nested tuples, by another parser's eyes.

    Without the properties that say the origin, which are ours.
    """
    return Counter(
        (said(tu), tuple((said(tuv), inside(tuv.find("seg"))) for tuv in tu.iter("tuv")))
        for tu in etree.fromstring(document).iter("tu")
    )


def said(element) -> str:
    about = [
        (child.tag, sorted(child.items()), child.text or "")
        for child in element
        if child.tag in ("note", "prop") and child.get("type") != ORIGIN
    ]
    return repr((sorted(element.items()), about))


def inside(seg) -> str:
    text = etree.tostring(seg, method="c14n").decode().removeprefix("<seg>").removesuffix("</seg>")
    return text if len(seg) else text.strip()


def origins(document: bytes) -> list[str]:
    props = etree.fromstring(document).iter("prop")
    return [prop.text for prop in props if prop.get("type") == ORIGIN]


def test_everything_that_a_file_says_is_written_again(workshop):
    index = workshop.build(workshop.write("rich.tmx", RICH))
    assert workshop.rejects == []
    out, summary = workshop.export(index, "out.tmx")
    assert (summary.units, summary.sentences, summary.altered) == (3, 6, 0)
    written = out.read_bytes()
    assert reading(written) == reading(RICH.encode())
    # What differs within a unit is said of each text.
    assert origins(written) == ["rich.tmx", "home", "mt", "rich.tmx"]
    second, _ = workshop.export(workshop.build(out), "out.tmx")
    assert second.read_bytes() == written


def test_the_order_of_elements_is_that_of_the_standard(workshop, table_index):
    for index in (table_index, workshop.build(workshop.write("rich.tmx", RICH))):
        root = etree.fromstring(workshop.export(index, "out.tmx")[0].read_bytes())
        assert (root.tag, root.get("version")) == ("tmx", "1.4")
        assert [child.tag for child in root] == ["header", "body"]
        assert set(root[0].keys()) == {
            "creationtool", "creationtoolversion", "segtype", "o-tmf", "adminlang", "srclang",
            "datatype",
        }  # fmt: skip
        for tu in root[1]:
            tags = [child.tag for child in tu]
            about = len([tag for tag in tags if tag in ("note", "prop")])
            assert tu.tag == "tu" and tags[about:] == ["tuv"] * (len(tags) - about) != []
            for tuv in tu.iter("tuv"):
                assert tuv.get(XML_LANG)
                *before, last = (child.tag for child in tuv)
                assert last == "seg" and set(before) <= {"note", "prop"}
            assert all(prop.get("type") for prop in tu.iter("prop"))


def test_translate_toolkit_reads_it(workshop, table_index):
    out, _ = workshop.export(table_index, "out.tmx", source="ru")
    assert etree.fromstring(out.read_bytes())[0].get("srclang") == "ru"
    memory = toolkit.tmxfile(io.BytesIO(out.read_bytes()))
    assert memory.translate("Вода холодная.", "ru", "kbd") == "Псыр щIыIэщ."
    assert memory.translate("Поезд опоздал.", "ru", "en") == "The train was late."
    assert [unit.getid() for unit in memory.units] == ["water", "bread", "train"]


def test_units_of_tables_are_named_by_their_group_and_said_to_be_from_their_origin(
    workshop, table_index
):
    written = workshop.export(table_index, "out.tmx")[0].read_bytes()
    assert [tu.get("tuid") for tu in etree.fromstring(written).iter("tu")] == [
        "water", "bread", "train",
    ]  # fmt: skip
    assert origins(written) == [
        "home:kitchen", "home:kitchen", "mt:model", "mt:model", "home:table", "road",
    ]  # fmt: skip
    lines = workshop.build(workshop.write("lines.txt", "One.\nTwo.\n"), lang="en")
    assert b"tuid" not in workshop.export(lines, "out.tmx")[0].read_bytes()
    again = workshop.stored(workshop.build(workshop.export(table_index, "out.tmx")[0]))
    assert [s.origin for s in again] == [s.origin for s in workshop.stored(table_index)]


def test_the_context_of_other_formats_becomes_a_property(workshop):
    entry = {
        "source_language": "en", "target_language": "ru", "source": "Open", "target": "Открыть",
        "origin": "ui", "category": 1, "context": "button",
    }  # fmt: skip
    path = workshop.write("memory.json", json.dumps([entry]))
    index = workshop.build(path, format="weblate")
    out, _ = workshop.export(index, "out.tmx")
    (unit,) = toolkit.tmxfile(io.BytesIO(out.read_bytes())).units
    assert unit.getcontext() == "button"
    again = workshop.build(out)
    assert [s.context for s in workshop.stored(again)] == ["button", "button"]
    assert workshop.export(again, "out.tmx")[0].read_bytes() == out.read_bytes()


def test_the_phrasebook_is_the_same_file_the_second_time(workshop, phrasebook_index):
    out, summary = workshop.export(phrasebook_index, "out.tmx")
    assert (summary.units, summary.sentences) == (245, 1225)
    again = workshop.build(out)
    assert workshop.rejects == []
    second, _ = workshop.export(again, "out.tmx")
    assert second.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("char", ["\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_counted(workshop, char):
    table = f"id\tlang\ttext\tgroup\n1\ten\tOne{char} two.\tg{char}\n2\tfr\tUn.\tg{char}\n"
    index = workshop.build(workshop.write("t.tsv", table))
    for name in ("out.tmx", "out.xlf"):
        out, summary = workshop.export(index, name, source="en", target="fr")
        assert summary.altered == 1
        assert "One\ufffd two." in "".join(etree.fromstring(out.read_bytes()).itertext())


CHARS = st.one_of(
    st.sampled_from("абIӏ1 <>&\"'\t\n\r]\u00a0\u0085\u2028\U0001f600"),
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
)
TEXT = st.text(CHARS, max_size=12).map(lambda text: unicodedata.normalize("NFC", text))
NAMES = {
    "tu": ["usagecount", "creationid", "changedate", "segtype", "srclang", "o-encoding"],
    "tuv": ["creationdate", "changeid", "o-tmf", "lastusagedate"],
}
LANGS = ["ru", "kbd", "KBD-RU", "EN-US", "en", "fr", "tr", "de-AT"]


@st.composite
def abouts(draw, element, names):
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        element.set(name, draw(TEXT))
    for tag in draw(st.lists(st.sampled_from(["note", "prop"]), max_size=3)):
        child = etree.SubElement(element, tag)
        if tag == "prop":
            child.set("type", draw(st.sampled_from(["x-context", "id", "x-a", "prev"])))
        if draw(st.booleans()):
            child.set(XML_LANG, "en")
        child.text = draw(TEXT)


@st.composite
def segments(draw, element):
    """Give *element* text and inline tags, properly paired or not."""
    element.text = "w" + draw(TEXT)
    for tag in draw(st.lists(st.sampled_from(["bpt", "ept", "ph", "it", "hi", "ut"]), max_size=3)):
        child = etree.SubElement(element, tag)
        child.text = draw(TEXT)
        if tag in ("bpt", "ept"):
            child.set("i", draw(st.sampled_from("12")))
        if tag == "ph" and draw(st.booleans()):
            etree.SubElement(child, "sub").text = draw(TEXT)
        if tag == "hi" and draw(st.booleans()):
            etree.SubElement(child, "ph", {"type": "x-" + draw(TEXT)}).tail = draw(TEXT)
        child.tail = draw(TEXT)


@st.composite
def documents(draw) -> bytes:
    root = etree.Element("tmx", {"version": "1.4"})
    etree.SubElement(root, "header", {"srclang": draw(st.sampled_from(["ru", "*all*"]))})
    body = etree.SubElement(root, "body")
    for number in range(draw(st.integers(1, 3))):
        tu = etree.SubElement(body, "tu", {"tuid": f"{number}{draw(TEXT)}"})
        draw(abouts(tu, NAMES["tu"]))
        for lang in draw(st.lists(st.sampled_from(LANGS), min_size=1, max_size=4)):
            tuv = etree.SubElement(tu, "tuv", {XML_LANG: lang})
            draw(abouts(tuv, NAMES["tuv"]))
            draw(segments(etree.SubElement(tuv, "seg")))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_round_trips(shared_workshop, document):
    index = shared_workshop.build(shared_workshop.write("in.tmx", document.decode()))
    assert shared_workshop.rejects == []
    out, _ = shared_workshop.export(index, "out.tmx")
    assert reading(out.read_bytes()) == reading(document)
    second, _ = shared_workshop.export(shared_workshop.build(out), "out.tmx")
    assert second.read_bytes() == out.read_bytes()
