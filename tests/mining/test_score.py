"""Scoring files of pairs."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining import score, vectors
from searchkbd.mining.cuts import Cuts
from searchkbd.mining.score import score_pairs

HEAD = ("lang_a", "lang_b", "text_a", "text_b")
WORDS = ["псы", "вода", "хлеб", "water", "bread", "щIыIэ", "поезд", "train", "rain", "ветер"]


@pytest.fixture
def scored(trigrams, tmp_path, rejects, read_table):
    """Score files: returns the summary and the rows written."""

    def scored(*files, encoder=trigrams, name="out.tsv", langs=None, **options):
        out = tmp_path / name
        summary = score_pairs(
            files, str(out), encoder, ReadOptions(langs=langs), options.pop("cuts", None),
            on_reject=rejects.append, **options,
        )  # fmt: skip
        return summary, read_table(out)

    return scored


def test_the_rows_and_the_summary(scored, pairs_file, rejects):
    told = []
    summary, rows = scored(pairs_file, on_searched=lambda *n: told.append(n))
    assert list(rows[0]) == [*HEAD, "origin", "similarity", "margin", "flags"]
    assert [row["text_a"] for row in rows][:2] == ["Псыр щIыIэщ.", "Щакхъуэр хуабэщ."]
    assert rows[3]["flags"] == "duplicate" and summary.flags["duplicate"] == 1
    assert (summary.pairs, summary.kept, summary.respaced, rejects) == (5, 5, 0, [])
    counts = {one.langs: one.pairs for one in summary.sets}
    assert counts == {("kbd", "ru"): 4, ("ru", "en"): 1}
    assert told[-1][0] == told[-1][1] and told[-1][1] == 4 + 4 + 2


def naive(encoder, rows, k, scoring):
    """Similarity and margin of each row, from all different texts of the other side."""
    def means(of, other):
        cosines = encoder.encode(of) @ encoder.encode(other).T
        return dict(zip(of, np.sort(cosines, axis=1)[:, -k:].mean(axis=1), strict=True))

    left, right = (list(dict.fromkeys(row[at] for row in rows)) for at in (2, 3))
    mean_left, mean_right = means(left, right), means(right, left)
    for _, _, a, b in rows:
        cosine = float(encoder.encode([a])[0] @ encoder.encode([b])[0])
        mean = (mean_left[a] + mean_right[b]) / 2
        by = {"ratio": cosine / max(mean, 1e-6), "distance": cosine - mean, "absolute": cosine}
        yield cosine, by[scoring]


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
pair_rows = st.lists(st.tuples(st.just("kbd"), st.just("ru"), texts, texts), min_size=1, max_size=9)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=pair_rows, k=st.integers(1, 5), scoring=st.sampled_from(["ratio", "distance", "absolute"])
)
def test_it_agrees_with_the_definition(scored, table, trigrams, rows, k, scoring):
    _, found = scored(table("x.tsv", rows), neighbours=k, scoring=scoring)
    for row, (cosine, margin) in zip(found, naive(trigrams, rows, k, scoring), strict=True):
        assert float(row["similarity"]) == pytest.approx(cosine, abs=1e-5)
        assert float(row["margin"]) == pytest.approx(margin, rel=1e-4, abs=1e-5)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=pair_rows, seed=st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(scored, table, rows, seed):
    def values(rows):
        found = scored(table("x.tsv", rows))[1]
        found.sort(key=lambda row: (row["text_a"], row["text_b"], row["flags"]))
        texts = [(row["text_a"], row["text_b"], row["flags"]) for row in found]
        return texts, [[float(row["similarity"]), float(row["margin"])] for row in found]

    one, other = values(rows), values(random.Random(seed).sample(rows, len(rows)))
    assert one[0] == other[0]
    assert np.array(one[1]) == pytest.approx(np.array(other[1]), rel=1e-4, abs=1e-5)


def test_vectors_on_disk_give_the_same(scored, pairs_file, monkeypatch):
    _, wanted = scored(pairs_file)
    monkeypatch.setattr(score, "VectorStore", lambda dim: vectors.VectorStore(dim, 0))
    _, found = scored(pairs_file)
    for one, other in zip(wanted, found, strict=True):
        assert float(one["margin"]) == pytest.approx(float(other["margin"]), abs=5e-3)


def test_flags(scored, table):
    rows = [
        ("kbd", "ru", "Интернет", "интернет"),
        ("kbd", "ru", "Мы гъуэгур дэнэ кIуэрэ?", "Where does this road lead?"),
        ("kbd", "ru", "сыхьэтыр 10", "10 часов"),
        ("kbd", "ru", "сыхьэтыр 10", "12 часов"),
        ("kbd", "ru", "к1уэрэ щ1ыIэщ", "холодно"),
        ("kbd", "ru", "Псыр щIыIэщ.", "Вода сегодня холодная, а вчера была тёплая, сказал он."),
        ("ru", "kbd", "12 часов", "сыхьэтыр 10"),
    ]
    summary, found = scored(table("x.tsv", rows))
    assert [row["flags"] for row in found] == [
        "copied", "language", "", "numbers", "", "length", "numbers,duplicate",
    ]  # fmt: skip
    assert summary.flags == {
        "copied": 1, "language": 1, "length": 1, "numbers": 2, "duplicate": 1,
    }  # fmt: skip
    kept = scored(table("x.tsv", rows), cuts=Cuts(drop=frozenset({"copied", "numbers"})))[1]
    assert [row["flags"] for row in kept] == ["language", "", "", "length"]


def test_cuts(scored, pairs_file):
    _, rows = scored(pairs_file)
    for field, name in (("similarity", "min_similarity"), ("margin", "min_margin")):
        least = sorted(float(row[field]) for row in rows)[2]
        summary, kept = scored(pairs_file, cuts=Cuts(**{name: least - 1e-6}))
        assert kept == [row for row in rows if float(row[field]) >= least]
        assert summary.kept == len(kept) and summary.pairs == 5
    _, kept = scored(pairs_file, cuts=Cuts(best_per_source=True))
    assert [row["text_b"] for row in kept] == [row["text_b"] for row in rows if not row["flags"]]


def test_given_similarities_need_no_encoder(scored, table, rejects):
    head = (*HEAD, "Similarity_Score", "year")
    rows = [("kbd", "ru", f"псы {n}", f"вода {n}", value, 1999)
            for n, value in enumerate([0.25, 0.5, 0.75, 1.0, "", "high", "nan"])]  # fmt: skip
    summary, found = scored(table("x.tsv", rows, head), encoder=None, cuts=Cuts(percentile=75))
    assert summary.pairs == 4 and summary.sets[0].percentile == 0.8125
    assert [(row["text_b"], row["similarity"], row["year"]) for row in found] == [
        ("вода 3", "1.0", "1999")
    ]
    assert "margin" not in found[0] and found[0]["Similarity_Score"] == "1.0"
    assert [(r.place.line, r.kind) for r in rejects] == [(n, "no similarity") for n in (6, 7, 8)]


def test_what_was_written_can_be_cut_again(scored, pairs_file, tmp_path):
    first, rows = scored(pairs_file)
    again, kept = scored(tmp_path / "out.tsv", encoder=None, name="again.tsv",
                         cuts=Cuts(percentile=50))  # fmt: skip
    direct = scored(pairs_file, cuts=Cuts(percentile=50))[1]
    assert [row["text_a"] for row in kept] == [row["text_a"] for row in direct]
    assert list(kept[0]) == [*HEAD, "origin", "similarity", "flags"]


def test_metadata_are_kept_and_old_scores_are_not(scored, table):
    head = ("id", *HEAD, "margin", "note")
    rows = [("7", "kbd", "ru", "Псыр щIыIэщ.", "Вода холодная.", "9", "n")]
    _, found = scored(table("x.tsv", rows, head))
    assert (found[0]["id_a"], found[0]["id_b"], found[0]["note"]) == ("7:kbd", "7:ru", "n")
    assert float(found[0]["margin"]) == pytest.approx(1)


def test_json_lines_keep_line_breaks(trigrams, write, tmp_path, rejects):
    row = {"kbd": "Псыр\nщIыIэщ.", "ru": "Вода холодная.", "n": "x\ty"}
    file, out = write("x.jsonl", json.dumps(row) + "\n"), tmp_path / "out.jsonl"
    summary = score_pairs([file], str(out), trigrams, on_reject=rejects.append)
    (found,) = map(json.loads, out.read_text("utf-8").splitlines())
    assert (found["text_a"], found["n"], summary.respaced) == ("Псыр\nщIыIэщ.", "x\ty", 0)
    summary = score_pairs([file], str(tmp_path / "o.tsv"), trigrams, on_reject=rejects.append)
    assert summary.respaced == 2


@pytest.mark.parametrize(
    ("rows", "encoded", "said"),
    [
        ([("ru", "ru", "Вода.", "Водичка.")], True, "no pairs; translations must"),
        ([("ru", "en", "Вода.", "Water.")], False, "similarity_score; score them without"),
    ],
)
def test_nothing_to_score(scored, table, trigrams, rejects, rows, encoded, said):
    with pytest.raises(CorpusError, match=said):
        scored(table("x.tsv", rows), encoder=trigrams if encoded else None)
    assert rejects


def test_a_missing_language_and_an_unknown_one(scored, table, rejects):
    with pytest.raises(CorpusError, match="--langs"):
        scored(table("x.tsv", [("Вода.", "Water.")], ("text_a", "text_b")))
    with pytest.raises(CorpusError, match="no pairs"):
        scored(table("x.tsv", [("xx-bad", "en", "Вода.", "Water.")]))
    assert rejects[0].kind == "unknown language"


def test_a_least_margin_needs_an_encoder(scored, pairs_file):
    with pytest.raises(ValueError, match="encoder"):
        scored(pairs_file, encoder=None, cuts=Cuts(min_margin=1))


def test_the_data_set_of_tatoeba_is_cut_as_it_was(scored, tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "tatoeba_id": list(range(8)), "source_lang": ["rus"] * 8, "target_lang": ["kbd"] * 8,
        "source": [f"Вода {n // 2}" for n in range(8)], "target": [f"Псы {n}" for n in range(8)],
        "similarity": [n / 10 for n in range(8)], "model": ["m"] * 8,
    }  # fmt: skip
    file = tmp_path / "raw.parquet"
    parquet.write_table(pa.table(columns), file)
    cuts = Cuts(percentile=75, best_per_source=True)
    summary, rows = scored(file, encoder=None, cuts=cuts)
    assert summary.sets[0].percentile == pytest.approx(0.525)
    assert [(row["text_b"], row["similarity"], row["origin"]) for row in rows] == [
        ("Псы 7", "0.7", "mt:m")
    ]
