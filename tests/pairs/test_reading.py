"""The pairs of files and indexes: which are made, in which order, and what is rejected."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError
from searchkbd.index.writer import build_index
from searchkbd.pairs.options import PrepareOptions
from searchkbd.pairs.reading import PairReader

LONG = ("id", "lang", "text", "group", "origin")
WATER = [
    ("1", "ru", "Вода холодная.", "g", "x"), ("2", "en", "The water is cold.", "g", "x"),
    ("3", "kbd", "Псыр щIыIэщ.", "g", "mt:nllb"), ("4", "en", "Water is cold.", "g", "x"),
]  # fmt: skip


@pytest.fixture
def read(tmp_path, write_table):
    """read(rows, head, **options): pairs, rejects and the reader."""

    def read(rows, head=LONG, sources=None, reading=None, **options):
        sources = sources or [str(write_table(tmp_path / "in.tsv", rows, head))]
        rejects = []
        reader = PairReader(
            reading or ReadOptions(), PrepareOptions(**options), on_reject=rejects.append
        )
        return list(reader.read(sources)), rejects, reader

    return read


def test_every_two_sentences_of_a_group_in_two_languages(read):
    pairs, rejects, _ = read(WATER)
    assert [(p.langs, p.text_a, p.text_b, p.group, p.origin, p.machine) for p in pairs] == [
        (("kbd", "ru"), "Псыр щIыIэщ.", "Вода холодная.", "g", "mt:nllb", True),
        (("kbd", "en"), "Псыр щIыIэщ.", "The water is cold.", "g", "mt:nllb", True),
        (("kbd", "en"), "Псыр щIыIэщ.", "Water is cold.", "g", "mt:nllb", True),
        (("ru", "en"), "Вода холодная.", "The water is cold.", "g", "x", False),
        (("ru", "en"), "Вода холодная.", "Water is cold.", "g", "x", False),
    ]
    assert not rejects and pairs[0].place.line == 4


def test_what_is_not_asked_for_is_counted(read):
    pairs, _, reader = read(WATER, only=(("kbd", "en"), ("ru", "en")), machine=False, per_group=1)
    assert [(p.langs, p.text_b) for p in pairs] == [(("ru", "en"), "The water is cold.")]
    assert reader.skipped == {"languages": 1, "machine": 2, "group": 1}


@pytest.mark.parametrize(("ones", "others"), [(3, 3), (2, 5), (5, 2)])
def test_a_large_group_gives_as_many_different_texts_first_as_it_can(read, ones, others):
    rows = [(f"r{n}", "ru", f"слово {n}", "g", "x") for n in range(ones)]
    rows += [(f"e{n}", "en", f"word {n}", "g", "x") for n in range(others)]
    pairs, _, _ = read(rows, per_group=100)
    made = [(p.text_a, p.text_b) for p in pairs]
    assert set(made) == set(product(*({p[n] for p in made} for n in (0, 1))))
    assert len(made) == ones * others
    first = made[: max(ones, others)]
    assert len({a for a, _ in first}) == ones and len({b for _, b in first}) == others


def test_sentences_without_a_translation_are_rejected(read):
    rows = [*WATER[:2], ("5", "ru", "Идёт дождь.", "h", "x"), ("6", "en", "...", "g", "x")]
    pairs, rejects, _ = read(rows)
    assert len(pairs) == 1
    assert {(r.place.line, r.kind) for r in rejects} == {(4, "no translation"), (5, "no text")}


def test_a_text_in_no_known_language_is_rejected(read):
    texts = (
        "Сегодня поезд опоздал на целый час.", "Today the train was a whole hour late.",
        "Το τρένο άργησε σήμερα μία ολόκληρη ώρα.",
    )  # fmt: skip
    rows = [(text, "g") for text in texts]
    pairs, rejects, _ = read(rows, ("text", "group"), reading=ReadOptions(lang="auto"))
    assert [(p.text_a, p.text_b) for p in pairs] == [texts[:2]]
    assert [(r.place.line, r.reason, r.raw) for r in rejects] == [(4, "language unknown", texts[2])]


def test_files_are_one_collection_and_named_with_their_hash(read, tmp_path, write_table):
    one = write_table(tmp_path / "one.tsv", WATER[:1], LONG)
    two = write_table(tmp_path / "two.tsv", WATER[1:2], LONG)
    pairs, _, reader = read((), sources=[str(one), str(two)])
    assert [(p.text_a, p.text_b) for p in pairs] == [("Вода холодная.", "The water is cold.")]
    assert [(s.name, s.kind, s.sha256) for s in reader.sources] == [
        (path.name, "file", hashlib.sha256(path.read_bytes()).hexdigest()) for path in (one, two)
    ]


def test_an_index_gives_what_its_file_gives(read, tmp_path, write_table, trigrams):
    file = write_table(tmp_path / "in.tsv", WATER, LONG)
    index = tmp_path / "index"
    build_index(index, read_corpus(file), trigrams)
    of_file, _, _ = read((), sources=[str(file)])
    of_index, rejects, reader = read((), sources=[str(index)])

    def said(pairs):
        return [(p.langs, p.text_a, p.text_b, p.group, p.origin, p.machine) for p in pairs]

    assert said(of_index) == said(of_file) and not rejects
    (source,) = reader.sources
    assert (source.name, source.kind, len(source.sha256)) == ("index", "index", 64)
    assert read((), sources=[str(index)])[2].sources == [source]
    with pytest.raises(CorpusError, match="is an index; --min-similarity"):
        read((), sources=[str(index)], reading=ReadOptions(min_similarity=0.5))


def test_groups_made_of_the_row_are_not_kept(read):
    rows = [("kbd", "ru", "Уэшх къошх.", "Идёт дождь.")]
    pairs, _, _ = read(rows, ("lang_a", "lang_b", "text_a", "text_b"))
    assert pairs[0].group == ""


def test_what_is_not_there(read, tmp_path):
    with pytest.raises(CorpusError, match="no such file, nor an index"):
        read((), sources=[str(tmp_path / "no.tsv")])


def test_a_data_set_of_machine_translations(read, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    columns = {
        "source_tatoeba_id": [1, 2], "source_lang": ["rus", "rus"],
        "source_text": ["Вода холодная.", "Идёт дождь."],
        "target_text": ["Псыр щIыIэщ.", "Уэшх къошх."], "similarity_score": [0.9, 0.5],
        "nllb_model_version": ["v1", "v1"],
    }  # fmt: skip
    file = tmp_path / "rus.parquet"
    pq.write_table(pa.table(columns), file)
    pairs, _, _ = read((), sources=[str(file)], reading=ReadOptions(min_similarity=0.8))
    (pair,) = pairs
    assert (pair.langs, pair.text_a, pair.text_b) == (
        ("kbd", "ru"), "Псыр щIыIэщ.", "Вода холодная.",
    )  # fmt: skip
    assert pair.machine and pair.origin == "mt:v1"
