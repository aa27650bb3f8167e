"""XLIFF: states, alternatives and tags as translate-toolkit reads them, and that the rest stays."""

from __future__ import annotations

import pytest
from lxml import etree

from searchkbd.corpus.sentence import CorpusError

xliff = pytest.importorskip("translate.storage.xliff")

WATER, RAIN = "Псыр щӏыӏэщ.", "Уэшх къошх."
RED = "Press the <g id=\"7\" ctype=\"bold\">red</g> key now."


def file_1(units: str, about: str = "", tail: str = "") -> str:
    return f"""\
<?xml version='1.0' encoding="UTF-8"?>
<!-- exported  by hand -->
<xliff version="1.2" xmlns='urn:oasis:names:tc:xliff:document:1.2'
       xmlns:my="urn:example:my" my:level = '1'>
  <file original="a.html" source-language="en" datatype="html"{about}>
    <body>
{units}    </body>
  </file>{tail}
</xliff>
"""


def unit_1(id_: str, source: str, rest: str = "", named: str = "") -> str:
    return f"""\
      <trans-unit id='{id_}'{named}>
        <source>{source}</source>{rest}
      </trans-unit>
"""


def file_2(units: str, about: str = "") -> str:
    return f"""\
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.1" srcLang="en"{about}>
  <file id="f1">
{units}  </file>
</xliff>
"""


def test_states_and_alternatives(fill):
    done = fill(
        file_1(unit_1("1", "The water is cold.") + unit_1("2", "The water is very cold.")
               + unit_1("3", "The bread is warm.") + unit_1("4", "Nothing like it")),
        "a.xlf", min_quality=70,
    )  # fmt: skip
    store = xliff.xlifffile.parsestring(done.data)
    exact, fuzzy, machine, none = store.units
    assert exact.target == WATER and not exact.getalttrans() and not exact.isapproved()
    assert exact.get_state_n() == exact.S_TRANSLATED
    named = exact.xmlelement.find("{*}target").attrib
    assert (named["state"], named["state-qualifier"]) == ("translated", "exact-match")
    assert fuzzy.target == WATER and fuzzy.get_state_n() == fuzzy.S_NEEDS_REVIEW
    named = fuzzy.xmlelement.find("{*}target").attrib
    assert named["state-qualifier"] == "fuzzy-match"
    (alternative,) = fuzzy.getalttrans()
    assert (alternative.source, alternative.target) == ("The water is cold.", WATER)
    named = alternative.xmlelement.attrib
    assert (named["match-quality"], named["origin"]) == ("77%", "human")
    named = machine.xmlelement.find("{*}target").attrib
    assert named["state"] == "needs-review-translation"
    assert named["state-qualifier"] == "mt-suggestion"
    assert none.xmlelement.find("{*}target") is None
    assert store.gettargetlanguage() == "kbd"


def test_all_else_stays_byte_for_byte(fill):
    there = (
        unit_1("8", "A &#x41; &amp; &lt; <![CDATA[<b>]]>", "\n<target  state = 'final' >т</target>")
        + "<!-- <trans-unit id='1'><source>The water is cold.</source></trans-unit> -->\n"
        + unit_1("9", "Kept", "<target>x</target><note>n</note>", " approved='yes'  my:x='&quot;'")
    )  # fmt: skip
    more = (
        "\n        <target/>\n        <note  from='me'>a</note>"
        "<alt-trans><target>b</target></alt-trans>"
    )
    xml = file_1(there + unit_1("1", "The water is cold.", more) + there)
    done = fill(xml, "a.xlf")
    assert done.text == xml.replace(
        "<target/>", f'<target state="translated" state-qualifier="exact-match">{WATER}</target>'
    ).replace('datatype="html"', 'datatype="html" target-language="kbd"')
    assert done.summary.kept == 4


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "windows-1251"])
def test_encodings_and_line_ends_stay(fill, codec):
    there = unit_1("9", "Kept", "<target>Было</target>")
    xml = file_1(there + unit_1("1", "The water is cold.")).replace("\n", "\r\n")
    xml = xml.replace("UTF-8", codec if codec.startswith("w") else codec[:6].rstrip("-s"))
    done = fill(xml.encode(codec), "a.xlf")
    units = xliff.xlifffile.parsestring(done.data).units
    assert [unit.target for unit in units] == ["Было", WATER]
    back = done.data.decode(codec)
    assert back.count("\n") == back.count("\r\n") == xml.count("\n") + 1
    assert there.replace("\n", "\r\n") in back


def test_tags_go_where_the_memory_has_them(fill):
    done = fill(file_1(unit_1("1", RED)), "a.xlf", target="ru")
    assert 'Сейчас нажмите <g id="7" ctype="bold">красную</g> клавишу.' in done.text
    assert (done.summary.translated, done.summary.review) == (0, 1)  # other tags: quality 98
    assert done.row("95-99") == 1 and done.summary.tags_lost == 0
    same = RED.replace('<g id="7" ctype="bold">', '<bpt id="1" rid="1">&lt;b&gt;</bpt>')
    same = same.replace("</g>", '<ept id="2" rid="1">&lt;/b&gt;</ept>')
    paired = fill(file_1(unit_1("1", same)), "a.xlf", target="ru")
    target = etree.fromstring(paired.data).find(".//{*}target")
    assert [child.get("rid") for child in target] == ["1", "1"]


def test_tags_that_cannot_be_placed_are_left_out_and_said(fill):
    done = fill(file_1(unit_1("1", "The <x id='1'/>water is <g id='2'>cold</g>.")), "a.xlf")
    target = etree.fromstring(done.data).find(".//{*}target")
    assert (target.text, len(target)) == (WATER, 0)
    assert target.get("state") == "needs-review-translation"
    assert done.summary.tags_lost == 1


def test_context_by_key_and_by_neighbours(fill):
    lid = unit_1("1", "Lid", "<target>Крышка</target>")
    done = fill(
        file_1(unit_1("1", "Open", named=' resname="door"') + lid + unit_1("2", "Open")), "a.xlf",
        target="ru",
    )  # fmt: skip
    targets = etree.fromstring(done.data).findall(".//{*}target")
    assert [t.text for t in targets] == ["Открыть", "Крышка", "Раскрыть"]
    assert [t.get("state-qualifier") for t in targets] == ["id-match", None, "exact-match"]
    assert done.row("101") == 2
    # Where another <file> begins, the neighbour is the edge of the document.
    split = lid + unit_1("2", "Open") + "</body></file><file original='b' source-language='en'>"
    two = fill(file_1(split + "<body>" + unit_1("3", "Lid")), "a.xlf", target="ru")
    assert two.row("101") == 1


def test_what_is_not_to_be_translated(fill):
    done = fill(file_1(unit_1("1", "The water is cold.", named=' translate="no"')), "a.xlf")
    assert "<target" not in done.text and done.summary.others == 1


def test_version_2(fill):
    unit = """\
    <unit id="u1">
      <segment id="s1" canResegment="no">
        <source>The water is cold.</source>
      </segment>
      <segment id="s2" state="initial"><source>The water is very cold.</source><target/></segment>
      <segment id="s3" state="final"><source>Old</source><target>Жьы</target></segment>
    </unit>
"""
    done = fill(file_2(unit), "a.xlf", min_quality=70)
    root = etree.fromstring(done.data)
    assert root.get("trgLang") == "kbd"
    states = [
        (s.get("state"), s.get("subState"), s.findtext("{*}target"))
        for s in root.iter("{*}segment")
    ]
    assert states == [
        ("translated", None, WATER),
        ("initial", "searchkbd:fuzzy-match", WATER),
        ("final", None, "Жьы"),
    ]
    (match,) = root.iter("{urn:oasis:names:tc:xliff:matches:2.0}match")
    assert (match.get("ref"), match.get("similarity")) == ("#s2", "77.0")
    assert match.findtext("{*}source") == "The water is cold."
    assert root.find(".//{*}unit")[0].tag.endswith("matches")
    again = fill(done.data, "b.xlf", min_quality=70)
    assert again.data == done.data and again.summary.kept == 3
    xliff2 = pytest.importorskip("translate.storage.xliff2")
    units = xliff2.Xliff2File.parsestring(done.data).units
    assert [(u.target, u.istranslated(), u.isfuzzy()) for u in units] == [
        (WATER, True, False), (WATER, False, True), ("Жьы", True, False),
    ]  # fmt: skip


def test_tags_of_version_2(fill):
    source = 'Press the <pc id="1">red</pc> key now.'
    done = fill(
        file_2(f'<unit id="u"><segment><source>{source}</source></segment></unit>'), "a.xlf",
        target="ru",
    )  # fmt: skip
    assert '<target>Сейчас нажмите <pc id="1">красную</pc> клавишу.</target>' in done.text


def test_a_prefix_is_kept(fill):
    xml = (
        '<x:xliff xmlns:x="urn:oasis:names:tc:xliff:document:1.2" version="1.2"><x:file '
        'source-language="en" original="a" datatype="x" target-language="kbd-RU"><x:body>'
        '<x:trans-unit id="1"><x:source>The water is cold.</x:source></x:trans-unit>'
        "</x:body></x:file></x:xliff>"
    )
    done = fill(xml, "a.xlf")
    assert xliff.xlifffile.parsestring(done.data).units[0].target == WATER
    assert f">{WATER}</x:target></x:trans-unit>" in done.text


def test_a_file_made_by_po2xliff(fill, tmp_path):
    po2xliff = pytest.importorskip("translate.convert.po2xliff")
    po = tmp_path / "a.po"
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "The water is cold."\nmsgstr ""\n\nmsgid "Old"\nmsgstr "Жьы"\n', "utf-8",
    )  # fmt: skip
    made = tmp_path / "made.xlf"
    with po.open("rb") as source, made.open("wb") as target:
        po2xliff.convertpo(source, target, None)
    done = fill(made.read_bytes(), "a.xlf")
    before = {str(u.source): u for u in xliff.xlifffile.parsefile(str(made)).units}
    after = {str(u.source): u for u in xliff.xlifffile.parsestring(done.data).units}
    assert after.keys() == before.keys()
    assert after.pop("The water is cold.").target == WATER
    for source, unit in after.items():
        assert etree.tostring(unit.xmlelement) == etree.tostring(before[source].xmlelement)


def test_overwrite_keeps_the_attributes_of_the_target(fill):
    xml = file_1(unit_1("1", "The water is cold.", '<target xml:lang="kbd" state="new">x</target>'))
    done = fill(xml, "a.xlf", overwrite=True)
    assert (
        f'<target xml:lang="kbd" state="translated" state-qualifier="exact-match">{WATER}</target>'
        in done.text
    )


def test_languages_that_do_not_fit(fill):
    with pytest.raises(CorpusError, match="translated into ru, not kbd"):
        fill(file_1("", ' target-language="ru"'), "a.xlf")
    with pytest.raises(CorpusError, match="--from LANG"):
        fill(file_1("").replace('source-language="en" ', ""), "a.xlf")
    with pytest.raises(CorpusError, match="both kbd"):
        fill(file_1(""), "a.xlf", source="kbd")
    other = '<file source-language="fr" original="b"><body/></file>'
    with pytest.raises(CorpusError, match="in en and in fr"):
        fill(file_1("", tail=other), "a.xlf")


def test_damage_costs_one_unit(fill):
    bad = "      <trans-unit id='0'><source>The water</trans-unit>\n"
    twice = bad + unit_1("1", "The water is cold.") + unit_1("2", "&mine; water")
    done = fill(file_1(twice), "a.xlf")
    assert bad in done.text and "&mine; water</source>\n" in done.text and WATER in done.text
    assert [reject.place.line for reject in done.rejects] == [7, 11]
    assert "entities" in done.rejects[1].reason and done.summary.rejected == 2


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE xliff [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE xliff SYSTEM "http://example.org/x.dtd" [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        "<!-- x --><!DOCTYPE xliff\n[\n]>",
    ],
)
def test_a_file_that_declares_entities_is_refused(fill, tmp_path, doctype):
    xml = file_1(unit_1("1", "&b;")).replace("<!-- exported", f"{doctype}<!-- exported")
    with pytest.raises(CorpusError, match="declares entities"):
        fill(xml, "a.xlf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlf"]


def test_a_doctype_without_declarations_stays(fill):
    doctype = '<!DOCTYPE xliff PUBLIC "-//XLIFF//DTD XLIFF//EN" "a[b].dtd" >'
    xml = file_1(unit_1("1", "The water is cold."))
    xml = xml.replace("<!-- exported", f"<!-- <!DOCTYPE a [ ]> -->{doctype}<!-- exported")
    assert doctype in fill(xml, "a.xlf").text


def test_hostile_units_cost_one_unit_each(fill):
    deep = unit_1("d", "<g id='1'>" * 5000 + "x" + "</g>" * 5000)
    long = unit_1("l", "water " * 300_000)
    done = fill(file_1(deep + unit_1("1", "The water is cold.") + long), "a.xlf")
    assert deep in done.text and long in done.text and f">{WATER}</target>" in done.text
    assert [reject.kind for reject in done.rejects] == ["not well-formed", "text too long"]
