"""Translation memories in TMX: what is kept of them, whoever wrote them."""

from __future__ import annotations

import codecs
from io import BytesIO

import pytest

from searchkbd.corpus.inline import tags
from searchkbd.corpus.tmx import _SeenIds


def tmx(*units: str, header: str = '<header srclang="ru"/>', version: str = "1.4") -> str:
    body = "\n".join(units)
    return (
        f'<?xml version="1.0"?>\n<tmx version="{version}">{header}<body>\n{body}\n</body></tmx>\n'
    )


def tu(*texts: str, said: str = "", about: str = "") -> str:
    """A unit; *texts* are ``lang:text``."""
    pairs = (text.split(":", 1) for text in texts)
    tuvs = (f'<tuv xml:lang="{lang}"><seg>{text}</seg></tuv>' for lang, text in pairs)
    return f"<tu{said}>{about}{''.join(tuvs)}</tu>"


def test_a_unit_gives_a_group_of_sentences(read):
    content = tmx(
        tu("KBD-RU:Гъуэгу махуэ!", "ru_RU:Счастливого пути!", "EN-us:Have a good journey!"),
        tu("kbd:Сэ си цӏэр Муратщ.", "ru:Меня зовут Мурат."),
    )
    sentences, rejects = read(content, "память.tmx", origin="дом")
    assert rejects == []
    assert [(s.id, s.lang, s.text, s.origin, s.source.line) for s in sentences] == [
        ("память.tmx:3:kbd", "kbd", "Гъуэгу махуэ!", "дом", 3),
        ("память.tmx:3:ru", "ru", "Счастливого пути!", "дом", 3),
        ("память.tmx:3:en", "en", "Have a good journey!", "дом", 3),
        ("память.tmx:4:kbd", "kbd", "Сэ си цӏэр Муратщ.", "дом", 4),
        ("память.tmx:4:ru", "ru", "Меня зовут Мурат.", "дом", 4),
    ]
    groups = [s.group for s in sentences]
    assert groups[0] == groups[1] == groups[2] != groups[3] == groups[4]
    assert not any(s.own_id for s in sentences)
    assert [s.meta for s in sentences[:2]] == [
        {"tmx": {"lang": "KBD-RU"}},
        {"tmx": {"lang": "ru_RU"}},
    ]
    assert sentences[3].meta is None
    assert sentences[0].unit == {"tmx": {}}


def test_a_file_of_one_line(read):
    units = [tu(f"ru:Раз {n}", f"en:One {n}") for n in range(3)]
    sentences, rejects = read(tmx(*units).replace("\n", ""), "in.tmx")
    assert rejects == []
    groups = [s.group for s in sentences]
    assert groups[::2] == groups[1::2]
    assert len(set(groups)) == 3


def test_what_a_unit_says_is_kept_in_order(read):
    content = tmx(
        '<tu tuid="7" srclang="ru" usagecount="3" datatype="xml" creationid="А &amp; Б">'
        '<note xml:lang="en" o-encoding="x">first\nline</note><prop type="x-domain">law</prop>'
        '<prop type="x-domain" xml:lang="ru">право</prop><note>last</note>'
        '<tuv xml:lang="ru" changeid="me"><prop type="x-q">1</prop><note>of ru</note>'
        '<seg>Да</seg></tuv><tuv xml:lang="tr"><seg>Evet</seg></tuv></tu>'
    )
    (ru, tr), rejects = read(content, "in.tmx")
    assert rejects == []
    assert ru.unit == tr.unit == {
        "tmx": {
            "attributes": {
                "tuid": "7", "srclang": "ru", "usagecount": "3", "datatype": "xml",
                "creationid": "А & Б",
            },
            "about": [
                ["note", {"xml:lang": "en", "o-encoding": "x"}, "first\nline"],
                ["prop", {"type": "x-domain"}, "law"],
                ["prop", {"type": "x-domain", "xml:lang": "ru"}, "право"],
                ["note", {}, "last"],
            ],
        }
    }  # fmt: skip
    assert ru.meta == {
        "tmx": {
            "attributes": {"changeid": "me"},
            "about": [["prop", {"type": "x-q"}, "1"], ["note", {}, "of ru"]],
        }
    }
    assert tr.meta is None


def test_tags_are_kept_beside_the_text(read):
    bold = '<bpt i="1" type="bold">&lt;b></bpt>{}<ept i="1">&lt;/b></ept>'
    content = tmx(tu(f"ru:Куда {bold.format('ведёт')}<ph x='1'/>дорога?", "en:Where &lt;b>?"))
    (ru, en), _ = read(content, "in.tmx")
    assert (ru.text, en.text) == ("Куда ведёт дорога?", "Where <b>?")
    assert ru.markup == (
        'Куда <bpt i="1" type="bold">&lt;b&gt;</bpt>ведёт<ept i="1">&lt;/b&gt;</ept>'
        '<ph x="1"/>дорога?'
    )
    assert len(tags(ru.markup)) == 3
    assert en.markup is None


EARLY, LATE = "20200102T030405Z", "20210102T030405Z"


@pytest.mark.parametrize(
    "of_unit, of_text, date",
    [
        (f'creationdate="{EARLY}"', "", "2020-01-02T03:04:05Z"),
        (f'creationdate="{EARLY}" changedate="{LATE}"', "", "2021-01-02T03:04:05Z"),
        (f'changedate="{LATE}"', f'creationdate="{EARLY}"', "2020-01-02T03:04:05Z"),
        ('changedate="2021-01-02T03:04:05Z"', "", "2021-01-02T03:04:05Z"),
        (f'changedate="20211302T030405Z" creationdate="{EARLY}"', "", "2020-01-02T03:04:05Z"),
        ('changedate="yesterday"', "", None),
    ],
)
def test_dates(read, of_unit, of_text, date):
    unit = f'<tu {of_unit}><tuv xml:lang="ru" {of_text}><seg>Да</seg></tuv></tu>'
    sentences, rejects = read(tmx(unit), "in.tmx")
    assert ([s.date for s in sentences], rejects) == ([date], [])


def test_our_own_property_is_the_origin(read):
    content = tmx(
        '<tu><prop type="x-searchkbd:origin">mt</prop><prop type="a">b</prop>'
        '<tuv xml:lang="ru"><seg>Да</seg></tuv><tuv xml:lang="en">'
        '<prop type="x-searchkbd:origin">human</prop><seg>Yes</seg></tuv></tu>'
    )
    sentences, _ = read(content, "in.tmx", origin="file")
    assert [(s.lang, s.origin, s.meta) for s in sentences] == [
        ("ru", "mt", None), ("en", "human", None),
    ]  # fmt: skip
    assert sentences[0].unit == {"tmx": {"about": [["prop", {"type": "a"}, "b"]]}}


def test_context_and_neighbours_that_other_programs_write(read):
    omegat = '<prop type="id">menu.7</prop><prop type="prev">Нет</prop><prop type="next"></prop>'
    pre = '<prop type="x-context-pre">&lt;seg>Не &lt;ph/>знаю&lt;/seg></prop>'
    content = tmx(
        tu("en:Yes", "RU-RU:Да", about=omegat),
        f'<tu srclang="en"><tuv xml:lang="en">{pre}<seg>Yes</seg></tuv>'
        '<tuv xml:lang="ru"><seg>Да</seg></tuv></tu>',
        tu("en:Yes", "fr:Oui", about='<prop type="X-Context">a &lt; b</prop>'),
        tu("en:Yes", "fr:Oui", about='<prop type="x-context-post">&lt;seg>broken</prop>'),
    )
    sentences, _ = read(content, "in.tmx")
    assert [(s.lang, s.context, s.previous, s.next) for s in sentences] == [
        ("en", "menu.7", None, None), ("ru", "menu.7", "Нет", ""),
        ("en", None, "Не знаю", None), ("ru", None, None, None),
        ("en", "a < b", None, None), ("fr", "a < b", None, None),
        ("en", None, None, "<seg>broken"), ("fr", None, None, None),
    ]  # fmt: skip


def test_old_tmx_tags_its_languages_otherwise(read):
    unit = (
        '<tu><tuv lang="RU"><seg>Да<ut>{\\b}</ut></seg></tuv>'
        '<tuv lang="TR"><seg>Evet</seg></tuv></tu>'
    )
    sentences, rejects = read(tmx(unit, version="1.1"), "in.tmx")
    assert [(s.lang, s.text, s.markup) for s in sentences] == [
        ("ru", "Да", "Да<ut>{\\b}</ut>"), ("tr", "Evet", None),
    ]  # fmt: skip
    assert rejects == []


def test_texts_that_cannot_be_used_do_not_cost_the_others(read):
    content = tmx(
        '<tu><tuv><seg>Без языка</seg></tuv><tuv xml:lang="ru"><seg>Да</seg></tuv>'
        '<tuv xml:lang="qq-nonsense"><seg>?</seg></tuv><tuv xml:lang="en"></tuv>'
        '<tuv xml:lang="tr"><seg>Evet</seg></tuv><tuv xml:lang="fr"><seg> </seg></tuv></tu>',
        "<tu></tu>",
        tu("ru:Один"),
        tu("ru:Дорога", "ru:Путь"),
    )
    sentences, rejects = read(content, "in.tmx")
    assert [s.text for s in sentences] == ["Да", "Evet", "Один", "Дорога", "Путь"]
    assert sentences[0].group == sentences[1].group
    assert sentences[3].group == sentences[4].group
    assert len({s.id for s in sentences}) == 5
    assert [(r.place.line, r.kind) for r in rejects] == [
        (3, "no language"), (3, "unknown language"), (3, "no text"), (3, "no text"), (4, "no text"),
    ]  # fmt: skip


def test_a_language_can_be_said_or_detected(read):
    unit = "<tu><tuv><seg>Куда ведёт эта дорога?</seg></tuv></tu>"
    for lang in ("ru", "auto"):
        sentences, rejects = read(tmx(unit), "in.tmx", lang=lang)
        assert ([s.lang for s in sentences], rejects) == (["ru"], [])


def test_a_repeated_tuid_is_told_and_both_units_stay(read):
    content = tmx(*(tu(f"ru:Да {n}", said=f' tuid="{n % 2}"') for n in range(3)))
    sentences, rejects = read(content, "in.tmx")
    assert len(sentences) == 3
    assert [(r.place.line, r.reason) for r in rejects] == [
        (5, "duplicate tuid: '0'; both units are kept")
    ]


def test_the_memory_of_tuids_makes_none_up():
    seen = _SeenIds()
    assert not any(seen.before(str(number)) for number in range(30_000))
    assert sum(seen.before(str(number)) for number in range(30_000)) > 29_000


def test_mojibake_is_repaired_in_text_and_markup(read):
    damaged = "Гъуэгу махуэ".encode().decode("cp1251")
    first, second = damaged.split(" ")
    (s,), _ = read(tmx(tu(f"kbd:{first} <ph>&lt;br></ph>{second}")), "in.tmx")
    assert (s.text, s.repaired) == ("Гъуэгу махуэ", True)
    assert s.markup == "Гъуэгу <ph>&lt;br&gt;</ph>махуэ"


ENCODINGS = [
    ("utf-8", b"", '<?xml version="1.0" encoding="UTF-8"?>'),
    ("utf-8", codecs.BOM_UTF8, ""),
    ("utf-16-le", codecs.BOM_UTF16_LE, '<?xml version="1.0" encoding="utf-16"?>'),
    ("utf-16-be", codecs.BOM_UTF16_BE, '<?xml version="1.0" encoding="UTF-8"?>'),  # it is not
    ("utf-16-le", b"", '<?xml version="1.0" encoding="utf-16"?>'),
    ("utf-32-be", codecs.BOM_UTF32_BE, ""),
    ("cp1251", b"", "<?xml version='1.0' encoding='windows-1251' standalone='yes'?>"),
    ("iso-8859-9", b"", '<?xml version="1.0" encoding="ISO-8859-9"?>'),
    ("utf-8", b"", '<?xml version="1.0" encoding="utf-16"?>'),  # it is not
]


@pytest.mark.parametrize("codec, mark, declaration", ENCODINGS)
def test_encodings(read, codec, mark, declaration):
    text = "Ailen nasıl?" if codec == "iso-8859-9" else "Куда ведёт эта дорога?"
    body = f'<tmx version="1.4"><header/>\r\n<body>\r\n{tu(f"ru:{text}")}\r\n</body></tmx>'
    sentences, rejects = read(mark + (declaration + body).encode(codec), "in.tmx")
    assert rejects == []
    assert [(s.text, s.source.line) for s in sentences] == [(text, 3)]


def test_an_encoding_that_is_named_wins_over_the_declaration(read):
    content = '<?xml version="1.0" encoding="utf-8"?><tmx><body>' + tu("ru:Да") + "</body></tmx>"
    sentences, _ = read(content.encode("cp1251"), "in.tmx", encoding="cp1251")
    assert [s.text for s in sentences] == ["Да"]


def test_translate_toolkit_writes_what_we_read(read, tmp_path):
    from translate.convert import po2tmx
    from translate.storage.tmx import tmxfile

    memory = tmxfile(sourcelanguage="ru")
    memory.addtranslation("Да <b>1</b> & 2", "ru", "Evet", "tr", "не\nспеша", "menu")
    memory.addtranslation("Нет", "ru", "Hayır", "tr")
    sentences, rejects = read(bytes(memory), "in.tmx")
    assert rejects == []
    assert [(s.lang, s.text, s.context) for s in sentences] == [
        ("ru", "Да <b>1</b> & 2", "menu"), ("tr", "Evet", "menu"),
        ("ru", "Нет", None), ("tr", "Hayır", None),
    ]  # fmt: skip
    assert ["note", {}, "не\nспеша"] in sentences[0].unit["tmx"]["about"]

    po = b'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    po += 'msgctxt "key"\nmsgid "Good day!"\nmsgstr "Уи махуэ фӏыуэ!"\n'.encode()
    out = BytesIO()
    out.tmxfile = tmxfile(sourcelanguage="en")
    po2tmx.convertpo(BytesIO(po), out, None, sourcelanguage="en", targetlanguage="kbd")
    sentences, rejects = read(bytes(out.tmxfile), "po.tmx")
    assert [(s.lang, s.text, s.context) for s in sentences] == [
        ("en", "Good day!", "key"), ("kbd", "Уи махуэ фӏыуэ!", "key"),
    ]  # fmt: skip
    assert rejects == []
