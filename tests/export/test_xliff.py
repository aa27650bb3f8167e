"""XLIFF 1.2 and 2.0: what other programs read in it, and what comes back."""

from __future__ import annotations

import io

import pytest
from lxml import etree
from translate.storage.xliff import Xliff1File
from translate.storage.xliff2 import Xliff2File

from searchkbd.export.options import ExportError

TMX = """\
<tmx version="1.4"><header srclang="ru"/><body>
<tu tuid="1"><note>said of water</note><prop type="x-domain">home</prop>
<tuv xml:lang="ru"><seg>Вода <bpt i="1" type="bold">&lt;b&gt;</bpt>холодная<ept i="1">&lt;/b&gt;</ept> &amp; <ph>{0}</ph></seg></tuv>
<tuv xml:lang="kbd"><seg>Псыр <hi type="x">щIыIэщ</hi>.</seg></tuv>
<tuv xml:lang="en"><seg>The water is cold.</seg></tuv></tu>
</body></tmx>
"""  # noqa: E501

READERS = {"1.2": Xliff1File, "2.0": Xliff2File}


@pytest.mark.parametrize("version", READERS)
def test_translate_toolkit_reads_it(workshop, table_index, version):
    out, summary = workshop.export(
        table_index, "out.xlf", source="ru", target="kbd", xliff_version=version
    )
    assert (summary.units, summary.sentences, summary.altered) == (2, 4, 0)
    store = READERS[version](io.BytesIO(out.read_bytes()))
    assert [(unit.source, unit.target) for unit in store.units] == [
        ("Вода холодная.", "Псыр щIыIэщ."), ("Хлеб тёплый.", "Щакхъуэр хуабэщ."),
    ]  # fmt: skip
    # Translated; approved is what nobody here can say.
    root = etree.fromstring(out.read_bytes())
    assert [e.get("state") for e in root.iter() if e.get("state")] == ["translated"] * 2
    assert not any(e.get("approved") for e in root.iter())
    assert (store.sourcelanguage, store.targetlanguage) == ("ru", "kbd")


@pytest.mark.parametrize("version", READERS)
def test_texts_tags_and_groups_come_back(workshop, version):
    index = workshop.build(workshop.write("in.tmx", TMX))
    out, _ = workshop.export(index, "out.xlf", source="ru", target="kbd", xliff_version=version)
    again = workshop.stored(workshop.build(out))
    assert workshop.rejects == []
    assert [(s.lang, s.text) for s in again] == [
        (s.lang, s.text) for s in workshop.stored(index) if s.lang != "en"
    ]
    assert len({s.group for s in again}) == 1
    assert all(s.markup for s in again)
    # The native code of other formats' tags is not lost.
    assert "&lt;b&gt;" in again[0].markup.replace("&amp;", "&")
    unit = etree.fromstring(out.read_bytes()).find(".//{*}note")
    assert unit.text == "said of water"


V2 = """\
<xliff version="2.0" srcLang="ru" trgLang="kbd" xmlns="urn:oasis:names:tc:xliff:document:2.0">
<file id="f"><unit id="u"><originalData><data id="d1">&lt;br/&gt;</data></originalData><segment>
<source>Вода<ph id="1" dataRef="d1"/> холодная.</source>
<target>Псыр<ph id="1" dataRef="d1"/> щIыIэщ.</target></segment></unit></file></xliff>
"""


def test_what_tags_of_2_0_refer_to_is_there(workshop):
    index = workshop.build(workshop.write("in.xlf", V2))
    out, _ = workshop.export(index, "out.xlf", source="ru", target="kbd", xliff_version="2.0")
    root = etree.fromstring(out.read_bytes())
    data = {data.get("id"): data.text for data in root.iter("{*}data")}
    assert [data[ph.get("dataRef")] for ph in root.iter("{*}ph")] == ["<br/>", "<br/>"]
    again = workshop.stored(workshop.build(out))
    assert [s.markup for s in again] == [s.markup for s in workshop.stored(index)]
    assert again[0].unit["xliff"]["data"] == [[{"id": "d1"}, "<br/>"]]


def test_ids_are_unique_and_names_are_contexts_or_groups(workshop):
    rows = "a\tru\tДа.\tg\nb\tru\tАга.\tg\nc\ten\tYes.\tg\nd\ten\tYeah.\tg\n"
    index = workshop.build(workshop.write("t.tsv", f"id\tlang\ttext\tgroup\n{rows}"))
    for version, names in (("1.2", "resname"), ("2.0", "name")):
        out, _ = workshop.export(index, "o.xlf", source="ru", target="en", xliff_version=version)
        root = etree.fromstring(out.read_bytes())
        units = [e for e in root.iter("{*}trans-unit", "{*}unit")]
        assert len({unit.get("id") for unit in units}) == 4
        assert {unit.get(names) for unit in units} == {"g"}


def test_a_pair_of_languages_is_needed(workshop, table_index):
    for langs in ({}, {"source": "ru"}, {"target": "ru"}):
        with pytest.raises(ExportError, match="--from LANG --to LANG"):
            workshop.export(table_index, "out.xlf", **langs)
