"""Searching: exactness, filters that never starve, fusion, and what a hit carries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index import codes, segments, writer
from searchkbd.index.codes import Recall
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.search.engine import search
from searchkbd.search.hit import SearchMode
from searchkbd.search.semantic import nearest

WORDS = [
    "вода", "снег", "лес", "дом", "хлеб", "гора", "река", "мост", "друг", "брат", "утро", "вечер",
    "книга", "школа", "дорога",
]  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory, trigrams):
    """300 Russian sentences, 30 with a Kabardian and one with a French translation."""
    rng = np.random.default_rng(5)
    items = []
    for n in range(300):
        text = " ".join(rng.choice(WORDS, 4)) + f" {n}"
        items.append(Sentence(f"r{n}", "ru", text, f"g{n}", "t", None, Place("t", n)))
        if n % 10 == 0:
            kbd = f"щӏалэ {n} къэкӏуащ"
            items.append(Sentence(f"k{n}", "kbd", kbd, f"g{n}", "t", None, Place("t", n)))
        if n == 50:
            items.append(Sentence("f", "fr", "l'eau", f"g{n}", "t", None, Place("t", n)))
    directory = tmp_path_factory.mktemp("search") / "i"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT_ROWS", 70)  # several of them a language
        patch.setattr(codes, "CODES_ROWS", 100)  # Russian has codes, the others have not
        patch.setattr(writer, "ENCODE_BATCH", 40)
        build_index(directory, items, trigrams)
    with IndexReader(directory) as reader:
        assert [(p.lang, p.codes is not None) for p in reader.partitions] == [
            ("ru", True), ("kbd", False), ("fr", False),
        ]  # fmt: skip
        yield reader


def run(reader, trigrams, query, lang="ru", **options):
    return search(reader, trigrams, [query], [lang], **options)[0]


def test_nearest_is_exact_over_all_segments(reader, trigrams):
    queries = trigrams.encode(["снег лес вода", "щӏалэ къэкӏуащ", "мост"])
    everything = reader.connection.execute("SELECT row, lang FROM sentences").fetchall()
    rows = np.array([row for row, _ in everything])
    scores = queries @ reader.vectors(rows).T
    exact = nearest(reader, queries, 25, recall=Recall.EXACT)
    for found, own in zip(exact, scores, strict=True):
        assert np.allclose([r.score for r in found], np.sort(own)[::-1][:25], atol=1e-6)
        own_by_row = dict(zip(rows.tolist(), own.tolist(), strict=True))
        assert all(abs(own_by_row[r.row] - r.score) < 1e-6 for r in found)


@settings(max_examples=20)
@given(
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    mode=st.sampled_from([SearchMode.FUSED, SearchMode.SEMANTIC]),
    langs=st.lists(st.sampled_from(["ru", "kbd", "fr"]), max_size=3, unique=True),
    k=st.integers(1, 40),
    recall=st.sampled_from(Recall),
)
def test_a_filter_never_shortens_the_list(reader, trigrams, query, mode, langs, k, recall):
    hits = run(reader, trigrams, query, mode=mode, langs=langs, k=k, recall=recall).hits
    available = {"ru": 300, "kbd": 30, "fr": 1}
    assert len(hits) == min(k, sum(available[lang] for lang in langs or available))
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len({hit.id for hit in hits}) == len(hits)
    assert all(hit.lang in langs for hit in hits if langs)
    assert all(a.score >= b.score for a, b in zip(hits, hits[1:], strict=False))
    assert all(0 <= hit.score <= 1 and -1 <= hit.similarity <= 1 for hit in hits)


def test_a_hit_carries_its_group(reader, trigrams):
    hit = run(reader, trigrams, "щӏалэ 50 къэкӏуащ", "kbd", k=1).hits[0]
    assert (hit.id, hit.lang, hit.group, hit.origin) == ("k50", "kbd", "g50", "t")
    assert [(t.id, t.lang) for t in hit.translations] == [("r50", "ru"), ("f", "fr")]
    assert hit.score == pytest.approx(1) and hit.similarity == pytest.approx(1, abs=1e-3)


def test_a_literal_hit_comes_first_whatever_its_vector(reader, trigrams):
    class Misreading(type(trigrams)):
        def encode(self, texts, langs=None):
            return super().encode(["щӏалэ 50 къэкӏуащ"] * len(texts))

    (text,) = reader.connection.execute("SELECT text FROM sentences WHERE id='r7'").fetchone()
    assert run(reader, Misreading(), text, k=1).hits[0].id == "r7"


def test_what_is_near_by_chance_only_fills_the_list_up(reader, trigrams):
    hits = run(reader, trigrams, "qqq www", "en", k=5).hits
    assert len(hits) == 5
    assert all(hit.score <= 0.01 for hit in hits if hit.similarity < 0.35)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_translations_of_near_sentences_are_found_across_languages(reader, trigrams):
    """The trigram encoder knows no meaning, so only the human translation can lead there."""
    (text,) = reader.connection.execute("SELECT text FROM sentences WHERE id='r120'").fetchone()
    hits = run(reader, trigrams, text, langs=["kbd"], k=3).hits
    assert hits[0].id == "k120"
    semantic = run(reader, trigrams, text, langs=["kbd"], k=3, mode=SearchMode.SEMANTIC).hits
    assert semantic[0].similarity == max(h.similarity for h in semantic)


def test_lexical_mode_needs_no_encoder(reader):
    result = search(reader, None, ["школа 7"], ["ru"], mode=SearchMode.LEXICAL, k=5)[0]
    assert result.hits and all(hit.similarity is None for hit in result.hits)
    with pytest.raises(ValueError, match="encoder"):
        search(reader, None, ["школа"], ["ru"], mode=SearchMode.FUSED)


def test_a_batch_answers_like_single_queries(reader, trigrams):
    queries = ["снег", "лес и дом", "щӏалэ"]
    batch = search(reader, trigrams, queries, ["ru", "ru", "kbd"], k=7)
    for query, lang, result in zip(queries, ["ru", "ru", "kbd"], batch, strict=True):
        single = run(reader, trigrams, query, lang, k=7)
        assert [h.id for h in single.hits] == [h.id for h in result.hits]
    assert search(reader, trigrams, [], []) == []


def test_every_level_of_recall_finds_what_is_there_literally(reader, trigrams):
    rows = reader.connection.execute("SELECT text, id FROM sentences WHERE lang = 'ru'").fetchall()
    for text, id_ in rows[::30]:
        for mode in (SearchMode.FUSED, SearchMode.SEMANTIC):
            for recall in Recall:
                hits = run(reader, trigrams, text, mode=mode, recall=recall, k=3).hits
                assert hits[0].id == id_, (mode, recall)


def test_json_shape(reader, trigrams):
    shape = run(reader, trigrams, "снег", k=2).to_dict()
    assert list(shape) == ["query", "lang", "mode", "hits"]
    assert list(shape["hits"][0]) == [
        "rank", "id", "lang", "text", "score", "similarity", "origin", "group", "translations",
    ]  # fmt: skip
    assert shape["mode"] == "fused"
