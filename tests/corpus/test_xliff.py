"""XLIFF 1.2 and 2.x: units, their languages, what they say, and their order."""

from __future__ import annotations

import pytest

ROOT1 = '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:o="urn:other">'
ROOT2 = (
    '<xliff version="2.1" srcLang="ru" trgLang="{}" xmlns="urn:oasis:names:tc:xliff:document:2.0">'
)


def v1(*units: str, target: str = ' target-language="kbd-RU"') -> str:
    body = "\n".join(units)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{ROOT1}<file original="меню.html" '
        f'source-language="ru"{target} datatype="html"><header/><body>\n{body}\n'
        "</body></file></xliff>"
    )


def v2(*units: str, target: str = "en") -> str:
    body = "\n".join(units)
    return f'{ROOT2.format(target)}\n<file id="f1" original="a.txt">\n{body}\n</file></xliff>'


def unit1(
    number: int, source: str, target: str | None = None, said: str = "", rest: str = ""
) -> str:
    written = "" if target is None else f"<target>{target}</target>"
    return f'<trans-unit id="{number}"{said}><source>{source}</source>{written}{rest}</trans-unit>'


def test_sources_and_targets_are_sentences_of_one_group(read):
    content = v1(
        unit1(1, "Счастливого пути!", "Гъуэгу махуэ!"), unit1(2, "Меня зовут Мурат.", " \n ")
    )
    sentences, rejects = read(content, "x.xlf")
    assert rejects == []
    assert [(s.id, s.lang, s.text, s.context, s.source.line) for s in sentences] == [
        ("x.xlf:3:ru", "ru", "Счастливого пути!", "1", 3),
        ("x.xlf:3:kbd", "kbd", "Гъуэгу махуэ!", "1", 3),
        ("x.xlf:4:ru", "ru", "Меня зовут Мурат.", "2", 4),
    ]
    assert sentences[0].group == sentences[1].group != sentences[2].group
    assert sentences[1].meta == {"xliff": {"lang": "kbd-RU"}}


def test_what_a_unit_says_is_kept(read):
    content = v1(
        '<group id="g"><trans-unit id="a" resname="btn.ok" approved="yes" o:x="1">'
        '<source>Да</source><seg-source><mrk mtype="seg" mid="1">Да</mrk></seg-source>'
        '<target state="final" state-qualifier="exact-match" xml:lang="tr">Evet</target>'
        '<note from="me" priority="1">кнопка</note>'
        '<alt-trans><source>Нет</source><target xml:lang="tr">Hayır</target></alt-trans>'
        "</trans-unit></group>"
    )
    (ru, tr), rejects = read(content, "in.xliff")
    assert rejects == []
    assert (tr.lang, tr.text, ru.context) == ("tr", "Evet", "btn.ok")
    assert ru.unit == tr.unit == {
        "xliff": {
            "version": "1.2",
            "original": "меню.html",
            "attributes": {"id": "a", "resname": "btn.ok", "approved": "yes", "o:x": "1"},
            "about": [["note", {"from": "me", "priority": "1"}, "кнопка"]],
        }
    }  # fmt: skip
    assert ru.meta is None
    assert tr.meta == {
        "xliff": {"attributes": {"state": "final", "state-qualifier": "exact-match"}}
    }


def test_tags(read):
    content = v1(unit1(1, 'Куда <g id="1">ведёт</g><x id="2"/>дорога?', "<o:b>Дэнэ</o:b> <o:i/>"))
    (ru, kbd), _ = read(content, "in.xlf")
    assert ru.text == "Куда ведёт дорога?"
    assert ru.markup == (
        'Куда <bpt i="1">&lt;g id="1"&gt;</bpt>ведёт<ept i="1">&lt;/g&gt;</ept>'
        '<ph>&lt;x id="2"/&gt;</ph>дорога?'
    )
    assert kbd.text == "Дэнэ"
    assert kbd.markup.startswith('<bpt i="1">&lt;b&gt;</bpt>')


def test_segments_of_2_x_are_units(read):
    content = v2(
        '<unit id="u1" name="welcome"><notes><note id="n" category="c">привет</note></notes>'
        '<originalData><data id="d1">&lt;b></data></originalData>'
        '<segment id="s1" state="translated"><source>Да <ph id="1" dataRef="d1"/></source>'
        '<target>Yes <ph id="1" dataRef="d1"/></target></segment>'
        "<ignorable><source> </source></ignorable>"
        "<segment><source>Нет</source><target>No</target></segment></unit>",
        '<unit id="u2"><segment><source>Может быть</source></segment></unit>',
        '<unit id="u3"><ignorable><source> </source></ignorable></unit>',
    )
    sentences, rejects = read(content, "in.xlf")
    assert [(s.lang, s.text, s.context, s.previous, s.next) for s in sentences] == [
        ("ru", "Да", "welcome#s1", "", "Нет"), ("en", "Yes", "welcome#s1", "", "No"),
        ("ru", "Нет", "welcome#2", "Да", "Может быть"), ("en", "No", "welcome#2", "Yes", None),
        ("ru", "Может быть", "u2", "Нет", None),
    ]  # fmt: skip
    groups = [s.group for s in sentences]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert sentences[0].unit == {
        "xliff": {
            "version": "2.1",
            "original": "a.txt",
            "attributes": {"id": "u1", "name": "welcome"},
            "segment": {"id": "s1", "state": "translated"},
            "about": [["note", {"id": "n", "category": "c"}, "привет"]],
            "data": [[{"id": "d1"}, "<b>"]],
        }
    }
    assert [r.reason for r in rejects] == ["no text: a unit without <segment>"]


def test_a_unit_of_very_many_segments_is_told(read):
    segments = "<segment><source>Да</source></segment>" * 2000
    sentences, rejects = read(v2(f'<unit id="u">{segments}</unit>'), "in.xlf")
    assert ([r.kind for r in rejects], sentences) == (["too many texts"], [])


def test_neighbours_are_those_of_the_same_file(read):
    files = [v1(unit1(1, f"раз {name}", f"зы {name}"), unit1(2, f"два {name}")) for name in "аб"]
    inside = [file[file.index("<file") : file.index("</xliff>")] for file in files]
    sentences, _ = read(ROOT1 + "".join(inside) + "</xliff>", "in.xlf")
    assert [(s.text, s.previous, s.next) for s in sentences] == [
        ("раз а", "", "два а"), ("зы а", "", None), ("два а", "раз а", ""),
        ("раз б", "", "два б"), ("зы б", "", None), ("два б", "раз б", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x", "sdl"])
def test_elements_may_have_a_prefix(read, name):
    content = v1(unit1(1, "Да", "Evet"), target=' target-language="tr"')
    for element in ("xliff", "file", "header", "body", "trans-unit", "source", "target"):
        content = content.replace(f"<{element}", f"<{name}:{element}")
        content = content.replace(f"</{element}", f"</{name}:{element}")
    content = content.replace("xmlns=", f"xmlns:{name}=")
    sentences, rejects = read(content, "in.xlf")
    assert [(s.lang, s.text) for s in sentences] == [("ru", "Да"), ("tr", "Evet")]
    assert rejects == []


def test_bad_units_are_told_and_the_others_kept(read):
    content = v1(
        unit1(1, "Да", "Evet"),
        "<trans-unit id='2'><source>Нет</trans-unit>",
        unit1(3, "Три", "<q:b>Üç</q:b>"),  # a prefix that is nobody's
        '<trans-unit id="4"><target>Dört</target></trans-unit>',
        unit1(5, '<x id="1"/>'),
        unit1(6, "Шесть", "Altı"),
        unit1(7, "Семь</source><source>Нет", "Yedi"),
        target="",
    )
    sentences, rejects = read(content, "in.xlf")
    assert [s.text for s in sentences] == ["Да", "Шесть"]
    assert [(r.place.line, r.kind) for r in rejects] == [
        (3, "no language"), (4, "not well-formed"), (5, "not well-formed"), (6, "no text"),
        (7, "no text"), (8, "no language"), (9, "more than one <source> in a unit"),
    ]  # fmt: skip
    sentences, _ = read(content, "in.xlf", lang="tr")
    assert [s.text for s in sentences] == ["Да", "Evet", "Шесть", "Altı"]


def test_translate_toolkit_writes_what_we_read(read):
    from translate.storage.xliff import xlifffile

    store = xlifffile(sourcelanguage="ru", targetlanguage="kbd")
    unit = store.addsourceunit("Счастливого пути!")
    unit.target = "Гъуэгу махуэ!"
    unit.addnote("в дорогу", origin="developer")
    store.addsourceunit("Да & <нет>")
    sentences, rejects = read(bytes(store), "in.xlf")
    assert rejects == []
    assert [(s.lang, s.text, s.next) for s in sentences] == [
        ("ru", "Счастливого пути!", "Да & <нет>"), ("kbd", "Гъуэгу махуэ!", None),
        ("ru", "Да & <нет>", ""),
    ]  # fmt: skip
    assert sentences[0].unit["xliff"]["about"] == [["note", {"from": "developer"}, "в дорогу"]]
