"""Parquet files: the known data sets, tables of any columns, cuts, damage."""

from __future__ import annotations

import datetime
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from searchkbd.corpus.events import LeftOut
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

FILTERED = {
    "source_tatoeba_id": [11, 12, 13],
    "source_lang": ["rus", "rus", "rus"],
    "source_text": ["Вода холодная.", "Идёт дождь.", "Хлеб тёплый."],
    "target_text": ["Псыр щӏыӏэщ.", "Уэшх къошх.", "Мы щӏакхъуэр хуабэщ."],
    "similarity_score": pa.array([0.9, 0.6, 0.75], pa.float32()),
    "nllb_model_version": ["nllb-1", "nllb-1", None],
}
RAW = {
    "tatoeba_id": [11],
    "source_lang": ["rus_Cyrl"],
    "target_lang": ["kbd_Cyrl"],
    "source": ["Вода холодная."],
    "target": ["Псыр щӏыӏэщ."],
    "similarity": [0.9],
    "model": ["nllb-2"],
}


@pytest.fixture
def read(tmp_path):
    """Write columns and read them: read(columns, row_group_size=1, percentile=75)."""

    def read(table, *, row_group_size=None, edit=None, **options):
        path = tmp_path / "in.parquet"
        pq.write_table(pa.table(table), path, row_group_size=row_group_size)
        if edit:
            path.write_bytes(edit(path.read_bytes()))
        read.events = []
        items = list(read_corpus(path, ReadOptions(on_event=read.events.append, **options)))
        return (
            [item for item in items if isinstance(item, Sentence)],
            [item for item in items if isinstance(item, Reject)],
        )

    return read


def texts(sentences) -> list[tuple[str, str]]:
    return [(sentence.lang, sentence.text) for sentence in sentences]


def test_the_filtered_set_is_read_without_options(read):
    sentences, rejects = read(FILTERED)
    assert not rejects and texts(sentences[:2]) == [
        ("ru", "Вода холодная."), ("kbd", "Псыр щӏыӏэщ."),
    ]  # fmt: skip
    assert [s.origin for s in sentences] == [
        "tatoeba", "mt:nllb-1", "tatoeba", "mt:nllb-1", "tatoeba", "mt",
    ]  # fmt: skip
    source, target = sentences[:2]
    assert (source.id, target.id) == ("tatoeba:11", "tatoeba:11:kbd")
    assert source.group == target.group and len({s.group for s in sentences}) == 3
    assert source.unit == target.unit == {"similarity": 0.9}
    assert not source.own_id  # the same sentence may be in several sets
    assert [s.source.line for s in sentences] == [1, 1, 2, 2, 3, 3]


def test_a_raw_set_is_read_without_options(read):
    sentences, _ = read(RAW)
    assert texts(sentences) == [("ru", "Вода холодная."), ("kbd", "Псыр щӏыӏэщ.")]
    assert sentences[1].origin == "mt:nllb-2" and sentences[1].unit == {"similarity": 0.9}


def test_halves_and_blank_rows(read):
    columns = {
        **RAW, "tatoeba_id": [1, 2, 3], "source_lang": ["rus"] * 3, "target_lang": ["kbd"] * 3,
        "source": ["Вода", None, None], "target": [None, "Псы", ""], "similarity": [0.5, None, 1.0],
        "model": ["m"] * 3,
    }  # fmt: skip
    sentences, rejects = read(columns)
    assert texts(sentences) == [("ru", "Вода"), ("kbd", "Псы")]
    assert [(r.reason, r.place.line) for r in rejects] == [("no text", 1), ("no text", 2)]
    assert sentences[1].unit is None


@pytest.mark.parametrize(
    ("options", "kept", "left_out"),
    [
        ({"min_similarity": 0.75}, [11, 13], 1),
        ({"min_similarity": 0.9}, [11], 2),  # which single precision cannot hold
        ({"percentile": 50}, [11, 13], 1),
        ({"percentile": 75}, [11], 2),
        ({"percentile": 0}, [11, 12, 13], 0),
        ({"min_similarity": 0.95}, [], 3),
    ],
)
@pytest.mark.parametrize("row_group_size", [None, 1])
def test_the_set_is_cut_by_similarity(read, options, kept, left_out, row_group_size):
    sentences, rejects = read(FILTERED, row_group_size=row_group_size, **options)
    assert not rejects
    assert [s.id for s in sentences[::2]] == [f"tatoeba:{number}" for number in kept]
    assert [s.source.line for s in sentences[::2]] == [number - 10 for number in kept]
    (event,) = [event for event in read.events if isinstance(event, LeftOut)]
    assert event.rows == left_out


def test_the_percentile_is_that_of_numpy_over_all_batches(read):
    values = np.random.default_rng(1).random(10_000)
    columns = {
        "kbd": [f"Унэ {n}" for n in range(10_000)], "ru": ["Дом"] * 10_000, "Similarity": values,
    }  # fmt: skip
    sentences, _ = read(columns, row_group_size=3000, percentile=99, repair=False)
    kept = np.flatnonzero(values >= np.percentile(values, 99))
    assert [s.text for s in sentences[::2]] == [f"Унэ {n}" for n in kept]
    assert read.events == [LeftOut(read.events[0].file, 10_000 - len(kept), read.events[0].below)]


def test_a_row_without_similarity_is_rejected_where_it_is_cut(read):
    columns = {"lang": ["ru"] * 4, "text": ["Дом", "Лес", "Мост", "Снег"],
               "similarity": ["0.9", None, "x", "0.1"]}  # fmt: skip
    sentences, rejects = read(columns, min_similarity=0.5)
    assert texts(sentences) == [("ru", "Дом")]
    assert [(r.reason, r.place.line, r.raw) for r in rejects] == [
        ("no similarity", 2, "ru\tЛес\t"), ("no similarity", 3, "ru\tМост\tx"),
    ]  # fmt: skip
    with pytest.raises(CorpusError, match="has no column similarity"):
        read({"lang": ["ru"], "text": ["Дом"]}, min_similarity=0.5)


def test_other_files_have_the_columns_of_tables(read):
    columns = {
        "sentence": ["Дом", None], "lang": ["ru", None], "n": [1, None],
        "when": [datetime.date(2020, 1, 2), None], "tags": [["a", "щӏ"], None],
        "d": pa.array(["x", None]).dictionary_encode(),
    }  # fmt: skip
    (sentence,), rejects = read(columns, columns={"text": "sentence"})
    assert not rejects and (sentence.lang, sentence.text) == ("ru", "Дом")
    assert sentence.meta == {"n": "1", "when": '"2020-01-02"', "tags": '["a", "щӏ"]', "d": "x"}
    sentences, _ = read({"a": ["Унэ"], "b": ["Дом"]}, langs=("kbd", "ru"))
    assert texts(sentences) == [("kbd", "Унэ"), ("ru", "Дом")]
    (sentence,), _ = read(FILTERED | {"text": ["a", "b", "c"]}, lang="ru",
                          columns={"text": "source_text"}, percentile=100)  # fmt: skip
    assert sentence.text == "Вода холодная."
    with pytest.raises(CorpusError, match="in.parquet: missing column: no text"):
        read({"x": ["Дом"]})


def test_text_that_is_not_utf_8_is_rejected(read):
    bad = pa.array([b"\xd0\xff", "Дом".encode(), None], pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(bad), bad.buffers())
    sentences, rejects = read({"lang": ["ru"] * 3, "text": text})
    assert texts(sentences) == [("ru", "Дом")]
    assert [(r.kind, r.place.line) for r in rejects] == [("control character", 1), ("no text", 3)]


def test_a_damaged_group_of_rows_costs_its_rows_only(read):
    rows = {"lang": ["ru"] * 300, "text": [f"Дом {n} " + "x" * n for n in range(300)]}

    def edit(data: bytes) -> bytes:
        column = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(1).column(1)
        at = column.data_page_offset + 40
        return data[:at] + b"\xff" * 200 + data[at + 200 :]

    sentences, (reject,) = read(rows, row_group_size=100, edit=edit)
    assert reject.reason.startswith("unreadable: rows 101 to 200: ") and reject.place.line == 101
    assert [s.source.line for s in sentences] == [*range(1, 101), *range(201, 301)]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no Parquet file"), (b"lang\ttext\n", "no Parquet file"),
     (b"PAR1" + b"\0" * 100 + b"PAR1", "no Parquet file")],
)  # fmt: skip
def test_what_is_no_parquet(tmp_path, content, said):
    path = tmp_path / "in.parquet"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=f"in.parquet is damaged, or {said}"):
        list(read_corpus(path))
    with pytest.raises(CorpusError, match="none.parquet does not exist"):
        list(read_corpus(tmp_path / "none.parquet"))
    with pytest.raises(CorpusError, match="give the file by its name"):
        list(read_corpus("-", ReadOptions(format="parquet")))


def test_a_parquet_file_that_is_called_otherwise_says_how_it_is_read(tmp_path):
    path = tmp_path / "data.tsv"
    pq.write_table(pa.table(RAW), path)
    with pytest.raises(CorpusError, match="is a Parquet file; say --format parquet"):
        list(read_corpus(path))
    assert len(list(read_corpus(path, ReadOptions(format="parquet")))) == 2


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "in.parquet"
    text = pa.array([f"Дом {n} " + "щӏ" * 1500 for n in range(3000)] * 2)
    assert text.nbytes > 35_000_000
    pq.write_table(pa.table({"lang": ["ru"] * 6000, "text": text}), path, use_dictionary=False)
    before, most = pa.total_allocated_bytes(), 0
    for _ in read_corpus(path, ReadOptions(repair=False, max_chars=100)):
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 20_000_000


@pytest.mark.parametrize("module", ["pyarrow", "huggingface_hub"])
def test_what_is_missing_is_said(tmp_path, module):
    name, extra = ("x.parquet", "parquet") if module == "pyarrow" else ("hf:a/b", "hub")
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from searchkbd.corpus.read import read_corpus\n"
        f"try: list(read_corpus({name!r}))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("CorpusError") and f"searchkbd[{extra}]" in out.stdout
