"""PO and POT files."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from translate.storage import pypo

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.forms import stored_form

HEADER = 'msgid ""\nmsgstr ""\n"Language: kbd\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def entry(source: str, target: str, before: str = "") -> str:
    return f'{before}msgid "{source}"\nmsgstr "{target}"\n\n'


def texts(items) -> list[tuple[str, str]]:
    return [(item.lang, item.text) for item in items]


def test_an_entry_is_a_pair_with_all_that_is_said_of_it(read):
    comments = (
        "# Of the weather.\n#. extracted\n#: src/a.c:12 src/b.c:3\n#, c-format\n"
        'msgctxt "news"\n'
    )
    content = HEADER + entry("It is raining.", "Уэшх къошх.", comments)
    (source, target), rejects = read(content, name="ui.po")
    assert not rejects
    assert texts([source, target]) == [("en", "It is raining."), ("kbd", "Уэшх къошх.")]
    assert source.group == target.group and source.origin == target.origin == "ui.po"
    assert (source.id, target.id, source.source.line) == ("ui.po:6:en", "ui.po:6:kbd", 6)
    assert source.context == target.context == "news"
    assert source.unit == target.unit == {
        "po": {
            "comments": "Of the weather.", "extracted": "extracted",
            "references": ["src/a.c:12", "src/b.c:3"], "flags": ["c-format"],
        }
    }  # fmt: skip


def test_neighbours_are_in_the_order_of_the_file(read):
    content = HEADER + entry("House", "Унэ") + entry("Water", "Псы") + entry("Snow", "")
    sentences, _ = read(content, name="ui.po")
    assert [(s.text, s.previous, s.next) for s in sentences] == [
        ("House", "", "Water"), ("Унэ", "", "Псы"),
        ("Water", "House", "Snow"), ("Псы", "Унэ", None), ("Snow", "Water", ""),
    ]  # fmt: skip


def test_a_fuzzy_translation_is_marked_and_has_an_origin_of_its_own(read):
    content = HEADER + entry("House", "Унэ", "#, fuzzy, no-wrap\n")
    (source, target), _ = read(content, name="ui.po", origin="app")
    assert (source.origin, target.origin) == ("app", "app:fuzzy")
    assert (source.meta, target.meta) == (None, {"po": {"fuzzy": True}})
    assert source.unit == {"po": {"flags": ["no-wrap"]}}


@pytest.mark.parametrize(
    ("forms", "pairs"),
    [
        (["махуэ"], [("day", "махуэ"), ("%d days", "махуэ")]),
        (["зы махуэ", "махуэ"], [("day", "зы махуэ"), ("%d days", "махуэ")]),
        (["день", "дня", "дней"], [("day", "день"), ("%d days", "дня"), ("%d days", "дней")]),
        (["", ""], [("day", None), ("%d days", None)]),
    ],
)
def test_plural_forms_are_units_of_their_own(read, forms, pairs):
    lines = "".join(f'msgstr[{number}] "{form}"\n' for number, form in enumerate(forms))
    content = f'{HEADER}msgid "day"\nmsgid_plural "%d days"\n{lines}'
    sentences, rejects = read(content, name="ui.po")
    assert not rejects
    groups: dict[str, list[str]] = {}
    for sentence in sentences:
        groups.setdefault(sentence.group, []).append(sentence.text)
    assert list(groups.values()) == [[text for text in pair if text] for pair in pairs]


def test_templates_obsolete_entries_and_comments(read):
    content = HEADER + entry("House", "") + '#~ msgid "old"\n#~ msgstr "жьы"\n\n# the end\n'
    sentences, rejects = read(content, name="ui.pot")
    assert texts(sentences) == [("en", "House")] and not rejects


@pytest.mark.parametrize(
    ("header", "options", "langs"),
    [
        ("", {"langs": ("tr", "kbd")}, {"tr", "kbd"}),
        ("", {"lang": "kbd"}, {"en", "kbd"}),
        ('"Language: ru_RU\\n"\n', {}, {"en", "ru"}),
        ('"Language: ru\\n"\n"X-Source-Language: tr\\n"\n', {}, {"tr", "ru"}),
        ('"Language: ru\\n"\n', {"langs": ("en", "kbd")}, {"en", "kbd"}),
    ],
)
def test_the_languages(read, header, options, langs):
    content = f'msgid ""\nmsgstr ""\n{header}\n' + entry("Ev", "Унэ")
    sentences, _ = read(content, name="ui.po", **options)
    assert {sentence.lang for sentence in sentences} == langs


def test_a_translation_in_no_language_says_how_to_give_it(read):
    with pytest.raises(CorpusError, match=r"ui.po does not say which language .*--langs en,kbd"):
        read(entry("House", "Унэ"), name="ui.po")


def test_the_encoding_of_the_header_is_taken(read):
    header = HEADER.replace("UTF-8", "koi8-r").replace("kbd", "ru")
    sentences, _ = read((header + entry("House", "Дом")).encode("koi8-r"), name="ui.po")
    assert texts(sentences) == [("en", "House"), ("ru", "Дом")]


@pytest.mark.parametrize(
    ("bad", "line", "said"),
    [
        ('msgid "Snow\nmsgstr "Уэс"\n', 9, "end-of-line within string"),
        ('msgid "Snow"\n', 9, "incomplete entry"),
        ('# note\nmsgctxt "c"\nmsgid "Snow"\n', 9, "incomplete entry"),
        ("what is this\n", 9, ""),
        ('msgid "Snow"\nmsgid_plural "s"\nmsgstr[x] "Уэс"\n', 9, ""),
        ('#| junk\nmsgid "Snow"\nmsgstr "Уэс"\n', 9, ""),
    ],
)
def test_a_bad_entry_is_rejected_and_the_others_are_read(read, bad, line, said):
    content = HEADER + entry("House", "Унэ") + bad + "\n" + entry("Water", "Псы")
    sentences, (reject,) = read(content, name="ui.po")
    assert [s.text for s in sentences] == ["House", "Унэ", "Water", "Псы"]
    assert (reject.kind, reject.place.line) == ("bad PO", line)
    assert said in reject.reason and bad.split("\n")[0] in reject.raw


def test_bytes_of_another_encoding_cost_their_entry_only(read):
    content = HEADER + entry("House", "Унэ") + "MARK" + entry("Water", "Псы")
    data = content.encode().replace(b"MARK", b'msgid "Snow"\nmsgstr "\xd0\xff"\n\n')
    sentences, rejects = read(data, name="ui.po")
    assert [s.text for s in sentences] == ["House", "Унэ", "Water", "Псы"]
    assert any(reject.kind == "not UTF-8" for reject in rejects)


def test_blank_lines_within_an_entry_and_none_between_entries(read):
    content = HEADER + 'msgid "House"\n\n\nmsgstr "Ун"\n\n"э"\nmsgid "Water"\nmsgstr "Псы"\n'
    sentences, rejects = read(content, name="ui.po")
    assert [s.text for s in sentences] == ["House", "Унэ", "Water", "Псы"] and not rejects
    assert sentences[2].source.line == 12


WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"),
    min_size=1, max_size=40,
).map("щӏ{}".format)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(WORDS, WORDS, st.booleans()), min_size=1, max_size=6))
def test_what_translate_toolkit_writes_comes_back(tmp_path, rows):
    store = pypo.pofile()
    store.updateheader(add=True, Language="kbd")
    for source, target, fuzzy in rows:
        unit = store.addsourceunit(source + " — a text that is long enough to be wrapped " * 3)
        unit.target = target
        unit.markfuzzy(fuzzy)
    path = tmp_path / "in.po"
    path.write_bytes(bytes(store))
    items = list(read_corpus(path, ReadOptions(repair=False)))
    assert [item.text for item in items[1::2]] == [stored_form(target) for _, target, _ in rows]
    assert [item.meta is not None for item in items[1::2]] == [fuzzy for _, _, fuzzy in rows]


PIECES = ['msgid "', 'msgstr "', 'msgid_plural "', "msgstr[0] ", '"', "\\", "\n", "\n\n", "#", "#,",
          "#~ ", "#| ", "fuzzy", 'msgctxt "', "Унэ", "%d", "charset=x"]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_gives_sentences_and_rejects_or_one_clear_error(tmp_path, content):
    path = tmp_path / "in.po"
    path.write_text(HEADER + content, "utf-8")
    items = list(read_corpus(path))
    assert all(isinstance(item, Sentence | Reject) for item in items)


def test_without_translate_toolkit_it_is_said_what_to_install(tmp_path):
    path = tmp_path / "in.po"
    path.write_text(HEADER, "utf-8")
    code = (
        "import sys; sys.modules['translate'] = None\n"
        "from searchkbd.corpus.read import read_corpus\n"
        f"try: list(read_corpus({str(path)!r}))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("CorpusError") and "searchkbd[formats]" in out.stdout
