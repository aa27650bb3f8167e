"""Reading a file of any format: which it is, what options mean, and the real corpora."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.forms import stored_form

COMPRESS = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
COLUMNS = ("id", "lang", "text", "group", "origin")
# Text of one line without tabs, as every format can hold it.
TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=30
).map("Ӏ{}щ".format)
ROW = st.tuples(st.sampled_from(["kbd", "ru", "en", "fr", "tr", "ady"]), TEXT)


def written(rows: list[dict[str, str]], kind: str) -> bytes:
    if kind == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    out = io.StringIO()
    if kind == "csv":
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    else:
        for row in [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]:
            out.write("\t".join(row[name] for name in COLUMNS) + "\n")
    return out.getvalue().encode()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, min_size=1, max_size=10),
    st.sampled_from(["tsv", "csv", "jsonl"]),
    st.sampled_from(sorted(COMPRESS)),
)
def test_what_is_written_comes_back(tmp_path, rows, kind, compression):
    dicts = [
        dict(zip(COLUMNS, (f"s{n}", lang, text, f"g{n // 2}", "own"), strict=True))
        for n, (lang, text) in enumerate(rows)
    ]
    path = tmp_path / f"in.{kind}{compression}"
    path.write_bytes(COMPRESS[compression](written(dicts, kind)))
    items = list(read_corpus(path, ReadOptions(repair=False)))
    assert [(s.id, s.lang, s.text, s.group, s.origin, s.meta) for s in items] == [
        (d["id"], d["lang"], stored_form(d["text"]), d["group"], "own", None) for d in dicts
    ]


PIECES = [
    b"id\tlang\ttext\n", b"lang,text\n", b"\t", b",", b"\n", b"\r", b'"', b"ru", b"kbd", b"#", b"{",
    b'{"ru":"', b'"}', b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"BZh9", b"\xd0",
    "щӏэ".encode(), "Да".encode("cp1251"), "нет\n".encode("utf-16-le"),
    gzip.compress(b"lang\ttext"),
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=20).map(b"".join),
    st.sampled_from(["tsv", "csv", "jsonl", "txt", "dat", "tsv.gz"]),
    st.fixed_dictionaries(
        {
            "lang": st.sampled_from([None, "ru", "auto"]),
            "langs": st.sampled_from([None, ("kbd", "ru")]),
            "header": st.sampled_from([None, True, False]),
            "encoding": st.sampled_from([None, "cp1251", "utf-16", "utf-7"]),
            "columns": st.sampled_from([{}, {"text": "1"}, {"text": "text"}]),
        }
    ),
)
def test_any_bytes_give_sentences_and_rejects_or_one_clear_error(tmp_path, content, kind, options):
    path = tmp_path / f"in.{kind}"
    path.write_bytes(content)
    try:
        items = list(read_corpus(path, ReadOptions(**options)))
    except CorpusError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(item, Sentence | Reject) for item in items)
        for sentence in (item for item in items if isinstance(item, Sentence)):
            assert sentence.text.encode() and sentence.lang and sentence.id and sentence.group


def from_stdin(monkeypatch, content: str, **options: object) -> list[Sentence | Reject]:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
    return list(read_corpus("-", ReadOptions(**options)))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("id\tlang\ttext\n1\tru\tСнег\n", {}),
        ("# note\nid;lang;text\n1;ru;Снег\n", {}),
        ('\n{"lang": "ru", "text": "Снег"}\n', {}),
        ("Снег\n", {"lang": "ru"}),
        ("7\tСнег\n", {"lang": "ru", "columns": {"text": "2"}}),
        ("Снег, да\n", {"lang": "ru", "format": "text"}),
    ],
)
def test_the_format_of_standard_input_is_told_by_its_first_line(monkeypatch, content, options):
    (sentence,) = from_stdin(monkeypatch, content, **options)
    assert (sentence.lang, sentence.text[:4]) == ("ru", "Снег")
    assert sentence.source.file == "<stdin>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Снег\n", "cannot tell the format of <stdin>: say --format"),
        ('[{"lang": "ru"}]', "<stdin> is a JSON array"),
        ("", "<stdin> is empty"),
    ],
)
def test_standard_input_that_cannot_be_told(monkeypatch, content, message):
    with pytest.raises(CorpusError, match=message):
        from_stdin(monkeypatch, content)


def test_a_file_without_a_known_extension_is_told_by_its_first_line(read):
    assert len(read("lang\ttext\nru\tМост\n", name="data")[0]) == 1
    assert len(read("Мост\nДом\n", name="data.dat", lang="ru")[0]) == 2


def test_a_table_called_txt(read):
    sentences, _ = read("Go.\tGit.\tby me\n", name="tur.txt", langs=("en", "tr"))
    assert [(s.lang, s.text) for s in sentences] == [("en", "Go."), ("tr", "Git.")]


def test_plain_text_says_how_to_give_its_language(read):
    with pytest.raises(CorpusError, match="in.txt is plain text.*--lang"):
        read("Да\n", name="in.txt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "docx"}, "unknown format 'docx': one of tsv"),
        ({"delimiter": ",,"}, "a delimiter is one character"),
        ({"delimiter": '"'}, "a delimiter is one character"),
        ({"lang": "klingonese"}, "unknown language"),
        ({"langs": ("kbd", "??")}, "unknown language"),
    ],
)
def test_options_that_make_no_sense_are_told_before_anything_is_read(options, message):
    with pytest.raises(CorpusError, match=message):
        read_corpus("nowhere.tsv", ReadOptions(**options))


def test_a_reader_that_is_left_early_closes_its_file(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text("lang\ttext\n" + "ru\tДа\n" * 100, encoding="utf-8")
    items = read_corpus(path)
    next(items)
    del items  # an open file would be a ResourceWarning, which is an error here


def test_reading_imports_nothing_slow():
    code = (
        "import sys; from searchkbd.corpus.read import read_corpus; "
        "slow = {'torch', 'pyarrow', 'rich', 'ftfy', 'sqlite_utils', 'zstandard', 'langcodes'}; "
        "print(*slow & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == ""


@pytest.mark.parametrize(
    ("name", "rows"),
    [("demo", 4888), ("large", 200_000), ("messy_macroman", 592), ("messy_palochka", 1670)],
)
def test_the_real_corpora_have_no_reject(shared_data, name, rows):
    count: Counter[type] = Counter()
    repaired = 0
    for item in read_corpus(shared_data / "corpus" / f"{name}.tsv"):
        count[type(item)] += 1
        repaired += item.repaired
    assert count == {Sentence: rows}
    assert repaired == (398 if name == "messy_macroman" else 0)


def test_the_real_pairs_have_no_reject_but_what_is_no_text(shared_data):
    for path in sorted((shared_data / "dev").glob("*.tsv")):
        with open(path, encoding="utf-8", newline="") as file:
            pairs = [line.split("\t") for line in file.read().split("\n")[1:] if line]
        sentences = list(read_corpus(path))
        assert [s.text for s in sentences] == [text for pair in pairs for text in pair[2:4]]
        assert [s.lang for s in sentences] == [lang for pair in pairs for lang in pair[:2]]
        assert len({s.id for s in sentences}) == 2 * len(pairs)
        halves = zip(sentences[::2], sentences[1::2], strict=True)
        assert all(one.group == other.group for one, other in halves)
