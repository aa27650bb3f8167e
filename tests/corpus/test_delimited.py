"""TSV and CSV: quoting, headers, comments, and rows that are broken."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.delimited import csv_delimiter
from searchkbd.corpus.sentence import CorpusError

HEADER = "id\tlang\ttext\tgroup\torigin\n"
SAME_FOLDER = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# A cell as CSV may have it: with delimiters, quotation marks and line ends inside.
CELL = st.text(alphabet="щӏэ, ;\"'\t\nx1", max_size=12).map(lambda text: f"а{text}я")


def test_the_long_format(read):
    sentences, rejects = read(HEADER + "s1\tkbd\tУафэр къащхъуэщ.\tg1\tнотэ\ns2\tru\tНебо.\tg1\t\n")
    assert rejects == []
    first, second = sentences
    assert (first.id, first.lang, first.text) == ("s1", "kbd", "Уафэр къащхъуэщ.")
    assert (first.group, first.origin, first.meta) == ("g1", "нотэ", None)
    assert (second.origin, second.source.line, second.repaired) == ("in.tsv", 3, False)


def test_the_pair_format(read):
    sentences, rejects = read(
        "lang_a\tlang_b\ttext_a\ttext_b\torigin\nkbd\trus\tПсы\tВода\tx\nru\tru\tДом\tИзба\tx\n"
    )
    assert rejects == []
    assert [(s.id, s.lang, s.text) for s in sentences] == [
        ("in.tsv:2:kbd", "kbd", "Псы"),
        ("in.tsv:2:ru", "ru", "Вода"),
        ("in.tsv:3:a", "ru", "Дом"),
        ("in.tsv:3:b", "ru", "Изба"),
    ]
    first, second, third, fourth = (s.group for s in sentences)
    assert first == second != third == fourth
    assert {s.origin for s in sentences} == {"x"}


def test_the_ids_and_the_group_of_a_pair(read):
    header = "id\tid_a\tid_b\tgroup\tlang_a\tlang_b\ttext_a\ttext_b\n"
    sentences, _ = read(
        header + "p1\ta1\tb1\tg\tkbd\ttr\tМазэ\tAy\n" + "p2\t\tb2\t\tkbd\ttr\tВагъуэ\tYıldız\n"
    )
    assert [s.id for s in sentences] == ["a1", "b1", "p2:kbd", "b2"]
    first, second, third, fourth = (s.group for s in sentences)
    assert first == second == "g" != third == fourth


def test_two_columns_with_languages_need_no_known_names(read):
    for header, options in [("source\ttarget", {}), ("src\ttrg", {"header": True})]:
        sentences, rejects = read(f"{header}\nПсы\tВода\n", langs=("kbd", "ru"), **options)
        assert rejects == []
        assert [(s.lang, s.text) for s in sentences] == [("kbd", "Псы"), ("ru", "Вода")]


def test_two_columns_without_a_header(read):
    sentences, rejects = read("Щыр\tЛошадь\nЩӏыр\tЗемля\n", langs=("kbd", "ru"))
    assert rejects == []
    assert [(s.lang, s.text) for s in sentences] == [
        ("kbd", "Щыр"), ("ru", "Лошадь"), ("kbd", "Щӏыр"), ("ru", "Земля"),
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"langs": ("ru", "kbd")}])
def test_columns_named_by_language(read, options):
    sentences, _ = read("KBD\trus\tnote\nМэз\tЛес\tж\n", **options)
    assert [(s.lang, s.text, s.meta) for s in sentences] == [
        ("kbd", "Мэз", {"note": "ж"}),
        ("ru", "Лес", {"note": "ж"}),
    ]


def test_an_untranslated_cell_among_three_languages_is_no_reject(read):
    sentences, rejects = read("kbd\tru\ttr\nГуащэ\t\tHanım\n")
    assert rejects == []
    assert [s.lang for s in sentences] == ["kbd", "tr"]


def test_half_a_pair_is_kept_and_the_other_half_told(read):
    sentences, rejects = read("kbd\tru\nГуащэ\t \n—\tда\n")
    assert [(s.lang, s.text) for s in sentences] == [("kbd", "Гуащэ"), ("ru", "да")]
    assert [(r.place.line, r.reason) for r in rejects] == [(2, "no text"), (3, "no text")]


def test_columns_are_mapped_by_name_and_by_number(read):
    content = "Kod\tCümle\tDil\n7\tEvet\ttr\n"
    for columns in ({"text": "cümle", "lang": "DIL", "id": "1"}, {"text": "2", "lang": "3"}):
        sentences, _ = read(content, columns=columns, header=True)
        assert [(s.lang, s.text) for s in sentences] == [("tr", "Evet")]
    assert sentences[0].meta == {"Kod": "7"}
    numbered, _ = read("7\tHayır\n8\tBelki\n", columns={"text": "2"}, lang="tr")
    assert [(s.text, s.meta) for s in numbered] == [
        ("Hayır", {"column 1": "7"}), ("Belki", {"column 1": "8"}),
    ]  # fmt: skip


def test_a_column_that_is_mapped_is_not_taken_for_another(read):
    sentences, _ = read(
        "source\ttarget\nOui\tEvet\n",
        columns={"text_a": "source", "text_b": "target"}, langs=("fr", "tr"),
    )  # fmt: skip
    assert [(s.lang, s.text, s.origin) for s in sentences] == [
        ("fr", "Oui", "in.tsv"), ("tr", "Evet", "in.tsv"),
    ]  # fmt: skip


def test_header_names_are_found_in_any_case_and_the_rest_is_meta(read):
    sentences, _ = read(
        "\ufeffISO\t Sentence \tCorpus\tTranslation_Group\tPage\t\nru\tНет.\tкнига\t5\t12\tж\n"
    )
    (one,) = sentences
    assert (one.lang, one.text, one.origin, one.group) == ("ru", "Нет.", "книга", "5")
    assert one.meta == {"Page": "12", "column 6": "ж"}
    assert one.id == "in.tsv:2"


def test_only_a_header_gives_nothing(read):
    assert read(HEADER) == ([], [])


def test_comments_before_the_header_only(read):
    content = "# About this file.\n#\n\n" + HEADER + "#1\tru\t# тоже текст\tg\to\n"
    sentences, rejects = read(content)
    assert ([s.text for s in sentences], rejects) == (["# тоже текст"], [])
    commented, _ = read('# a, "b\n' + "lang,text\nru,раз\n", name="in.csv")
    assert [s.text for s in commented] == ["раз"]


def test_a_first_row_of_a_headerless_file_is_no_comment(read):
    sentences, _ = read("#тег\t#etiket\n", langs=("ru", "tr"))
    assert [s.text for s in sentences] == ["#тег", "#etiket"]


def test_a_wrong_column_count_is_told_and_stops_nothing(read):
    rows = "1\tru\tа\tg\to\n2\tru\tб\n3\tru\tв\tg\to\tlost\n\n \n4\tru\tг\t\t\n"
    sentences, rejects = read(HEADER + rows)
    assert [s.id for s in sentences] == ["1", "4"]
    assert [(r.place.line, r.reason, r.raw) for r in rejects] == [
        (3, "wrong column count: 3 instead of 5", "2\tru\tб"),
        (4, "wrong column count: 6 instead of 5", "3\tru\tв\tg\to\tlost"),
    ]
    assert {r.kind for r in rejects} == {"wrong column count"}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a\tb\nx\ty\n", {}, r"in.tsv:1: missing column: no text.*there|a, b.*--column text=NAME"),
        ("text\nДа\n", {}, "no language.*--lang"),
        ("text_a\ttext_b\nДа\tOui\n", {}, "no language.*--langs"),
        ("text_a\tlang\nДа\tru\n", {}, "no text_b"),
        ("text\tlang\tTEXT\n", {}, "duplicate column: .*'text' twice"),
        ("text\tlang\n", {"columns": {"text": "word"}}, "none is called 'word'; there are: text"),
        ("text\tlang\n", {"columns": {"text": "3"}}, "none is called '3'"),
        ("text\tlang\n", {"columns": {"txet": "1"}}, "unknown column 'txet'"),
        ("одна\n", {"langs": ("ru", "en")}, "two texts are expected"),
        ("1\tru\tДа\n", {"header": False}, "no text"),
        ("te\x1bxt\tlang\ttext\n", {}, "control character"),
        (b"\xff\xff\tlang\n1\t2\n3\t4\n", {}, "in.tsv:1: not UTF-8.*must name the columns"),
    ],
)
def test_a_header_that_does_not_suffice(read, content, options, message):
    with pytest.raises(CorpusError, match=message):
        read(content, **options)


def test_quotation_marks_are_characters_in_tsv(read):
    texts = ['"Хъарзынэщ"', '"недописано', 'a "b" c', '""']
    rows = "".join(f"{n}\ten\t{text}\t\t\n" for n, text in enumerate(texts))
    sentences, rejects = read(HEADER + rows)
    assert [s.text for s in sentences] == texts[:3]
    assert [r.reason for r in rejects] == ["no text"]


@SAME_FOLDER
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_csv_comes_back_as_the_csv_module_writes_it(read, rows, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([("ru", "tr"), *rows])
    sentences, rejects = read(out.getvalue(), name="in.csv", delimiter=delimiter)
    assert rejects == []
    assert [s.text for s in sentences] == [cell for row in rows for cell in row]


@SAME_FOLDER
@given(st.text(alphabet='а,"\n', max_size=60))
def test_no_line_of_any_csv_is_lost(read, body):
    """Each row becomes a sentence or a reject, however its quotation marks stand."""
    lines = [f"{n}{line}" for n, line in enumerate(body.split("\n"))]
    sentences, rejects = read("lang,text\n" + "\n".join(lines), name="in.csv")
    shown = " ".join([s.text for s in sentences] + [s.lang for s in sentences])
    shown += " ".join(r.raw for r in rejects)
    assert all(str(number) in shown for number in range(len(lines)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_csv_is_found_by_its_header(read, delimiter):
    header = delimiter.join(["id", '"lang"', "text", "note; or, so"[:4]])
    assert csv_delimiter(header) == delimiter
    row = delimiter.join(["1", "fr", '"Un, deux; trois\t!"', "x"])
    sentences, _ = read(f"{header}\n{row}\n", name="in.csv")
    assert sentences[0].text == "Un, deux; trois\t!"


def test_a_quotation_mark_that_is_not_closed_takes_one_line_only(read):
    rows = "".join(f"{n},ru,номер {n}\n" for n in range(2, 400))
    sentences, rejects = read('id,lang,text\n1,ru,"первый\n' + rows, name="in.csv")
    assert [s.id for s in sentences] == [str(n) for n in range(2, 400)]
    assert [(r.place.line, r.reason) for r in rejects] == [
        (2, "bad quoting: the quotation mark is not closed")
    ]


def test_a_quotation_mark_closed_by_a_later_row_takes_one_line_only(read):
    content = 'id,lang,text\n1,ru,"первый\n2,ru,"второй, да"\n3,ru,третий\n'
    sentences, rejects = read(content, name="in.csv")
    assert [s.id for s in sentences] == ["2", "3"]
    assert [r.place.line for r in rejects] == [2]
    assert rejects[0].kind == "bad quoting"


def test_a_bad_line_inside_a_quoted_cell_is_told_on_its_own(read):
    content = 'lang,text\nru,"раз\n'.encode() + b"\xff\n" + 'два"\nru,три\n'.encode()
    sentences, rejects = read(content, name="in.csv")
    assert [s.text for s in sentences] == ["три"]
    assert [(r.place.line, r.kind) for r in rejects] == [
        (2, "bad quoting"), (3, "not UTF-8"), (4, "wrong column count"),
    ]  # fmt: skip


def test_a_long_cell_of_csv_is_told_or_taken_by_its_length(read):
    content = f'lang,text\nru,"{"щ" * 2_000_000}"\nru,да\n'
    sentences, rejects = read(content, name="in.csv")
    assert [s.text for s in sentences] == ["да"]
    assert [r.reason for r in rejects] == ["text too long: 2000000 characters"]
    assert len(rejects[0].raw) == 500
    sentences, _ = read(content, name="in.csv", max_chars=3_000_000)
    assert len(sentences[0].text) == 2_000_000
