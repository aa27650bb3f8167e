"""``compare``: the tables, the JSON, and what it says of bad input."""

from __future__ import annotations

import json
import re

import pytest

from searchkbd import encoders
from searchkbd.corpus.read import read_corpus
from searchkbd.index.writer import build_index
from searchkbd.resources import PHRASEBOOK


@pytest.fixture
def with_letters(monkeypatch, trigrams):
    """The encoder of letters, found by its name as others are."""
    load = encoders.load_encoder

    def find(spec="embedded", **settings):
        name = str(getattr(spec, "name", spec))
        return trigrams if name == "trigrams" else load(spec, **settings)

    monkeypatch.setattr(encoders, "load_encoder", find)


@pytest.fixture(scope="module")
def letters_index(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("indexes") / "letters"
    build_index(directory, read_corpus(PHRASEBOOK), trigrams)
    return directory


@pytest.fixture
def compared(run, with_letters, phrasebook_index, letters_index):
    """Compare the index of meaning, A, with that of letters, B."""
    return lambda *more, **stdin: run("compare", phrasebook_index, letters_index, *more, **stdin)


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_the_phrasebook_by_two_encoders(compared, monkeypatch, phrasebook_index):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = compared(PHRASEBOOK, "--limit", 150)
    assert (code, err) == (0, "note: 150 of 1,225 queries drawn (--limit)\n")
    assert out.startswith(f"A  {phrasebook_index}\n   embedded (") and "B  " in out
    assert re.search(r"^accuracy@1 +0\.9\d\d +0\.\d{3}  -0\.\d{3} \[-0\.\d{3},-0\.\d{3}\]$",
                     out, re.M)  # fmt: skip
    assert re.search(r"^first hit right, of 150: both \d+, only A \d+, only B \d+, neither \d+;",
                     out, re.M)  # fmt: skip
    assert "p <0.001" in out and len(re.findall(r"^\w+ → \w+ ", out, re.M)) == 20
    assert re.search(r"^same first hit +\d+ of 150 queries$", out, re.M)
    assert re.search(r"^overlap@10 +0\.\d{3}   rank-biased 0\.\d{3}$", out, re.M)
    assert re.search(r"^A is right, B is wrong, (10|[5-9]) of \d+$", out, re.M)
    assert re.search(r"^    A ≈0\.\d\d \w+ ", out, re.M)
    assert "(right: none of 10)" in out and widest(out) <= 80


def test_json(compared, letters_index, write):
    rows = PHRASEBOOK.read_text("utf-8").splitlines(keepends=True)
    file = write("q.tsv", "".join(rows[:254]))  # comments, the header and 50 groups
    code, out, err = compared(
        file, "--json", "--to", "ru", "--to", "de", "-k", 3, "--show", 4
    )  # fmt: skip
    shape = json.loads(out)
    assert (code, err) == (0, "note: not in both indexes, and not searched: de\n")
    assert {key: shape["b"][key] for key in ("index", "encoder", "fingerprint", "dim")} == {
        "index": str(letters_index), "encoder": "trigrams", "fingerprint": "trigrams-64-v1",
        "dim": 64,
    }  # fmt: skip
    assert shape["a"]["encode_ms"] > 0 and shape["a"]["search_ms"] > 0
    assert shape["a"]["sentences"] == 1225
    in_both = {shape[side]["found"] - shape[side]["only"] for side in "ab"}
    assert len(in_both) == 1 and 0 < in_both.pop() <= 245
    assert (shape["k"], shape["queries"], shape["drawn_from"]) == (3, 250, 250)
    assert (shape["repeated"], shape["rejected"], shape["left_out"]) == (0, 0, 0)
    assert shape["with_answers"] == 200  # Russian queries are searched in Russian
    assert shape["contents"]["share"] == 1 and shape["contents"]["exact"] is True
    assert shape["contents"]["languages"]["kbd"] == [245, 245]
    assert 0 < shape["agreement"]["rbo"] < 1
    rows = shape["accuracy"]
    assert [(row["from"], row["to"]) for row in rows] == [
        (None, None), *((lang, "ru") for lang in ("kbd", "en", "fr", "tr")),
    ]  # fmt: skip
    assert rows[0]["queries"] == 200 == sum(row["queries"] for row in rows[1:])
    assert rows[0]["p"] < 1e-9 and rows[0]["mrr_at_10"]["difference"]["high"] < 0
    assert len(shape["differing"]) == 4
    for each in shape["differing"]:
        assert each["right"] in "ab" and each[each["right"]]["rank"] == 1
        assert each["a"]["hit"]["lang"] == "ru"


def test_lines_from_standard_input_against_the_translations_of_the_indexes(compared):
    lines = "Этот автобус идёт в центр города.\nГде тут аптека для кошек?\n"
    code, out, err = compared("-", "--json", stdin=lines)
    shape = json.loads(out)
    assert (code, err) == (0, "")
    assert (shape["queries"], shape["with_answers"], shape["left_out"]) == (2, 1, 0)
    assert shape["accuracy"][0]["accuracy_at_1"]["a"] == 1
    assert {row["from"] for row in shape["accuracy"][1:]} == {"ru"}


def test_queries_that_nobody_knows_the_answer_to(compared):
    code, out, err = compared("-", "--lang", "ru", stdin="Где тут аптека для кошек?\n")
    assert code == 0 and "no right answers are known" in err
    assert "Least agreed on\n    »       ru " in out
    assert "accuracy" not in out and "(right" not in out


def test_an_index_and_itself(run, phrasebook_index):
    code, out, _ = run("compare", phrasebook_index, phrasebook_index, PHRASEBOOK, "--limit", 100)
    assert code == 0 and "p = 1.000" in out and "only A 0, only B 0" in out
    assert "100 of 100 queries" in out and "overlap@10       1.000   rank-biased 1.000" in out
    assert "right, " not in out.partition("time a query")[2]


def test_indexes_of_other_sentences(run, small_index, phrasebook_index, sentences_file):
    code, out, err = run("compare", small_index, phrasebook_index, sentences_file)
    assert code == 0 and "do not hold the same sentences" in err and " % are in both" in err
    assert "kbd 3 and 245, ru 4 and 245" in err
    assert re.search(r"note: the answers to \d+ queries are not in both indexes", err)


def test_rejected_rows_are_named_and_the_exit_code_is_1(compared, write, tmp_path):
    file = write("q.txt", "Где школа?\n…\n")
    code, out, err = compared(file, "--lang", "ru")
    assert code == 1 and "same first hit" in out and f"{file}:2: no text" in err
    code, _, err = compared(file, "--lang", "ru", "--rejects", tmp_path / "r.tsv")
    assert code == 1 and "1 row rejected, listed in" in err
    assert len((tmp_path / "r.tsv").read_text("utf-8").splitlines()) == 2
    code, _, err = compared(file, "--lang", "ru", "--rejects", file)
    assert code == 2 and "is an input file" in err and "Где" in file.read_text("utf-8")


def test_what_cannot_be_compared(run, compared, phrasebook_index, letters_index, write, tmp_path):
    code, out, err = compared(write("empty.txt", "…\n"), "--lang", "ru")
    assert (code, out) == (2, "") and "no queries" in err
    code, out, err = compared(write("q.txt", "Где школа?\n"), "--to", "de")
    assert (code, out) == (2, "") and "no language that was asked for is in both indexes" in err
    code, _, err = run("compare", phrasebook_index, tmp_path / "none", PHRASEBOOK)
    assert code == 2 and "no such index" in err
    code, _, err = compared(tmp_path / "none.tsv")
    assert code == 2 and "none.tsv" in err
    code, _, err = compared(PHRASEBOOK, "--encoder-b", "embedded")
    assert code == 2 and f"{letters_index} was built with encoder trigrams" in err
    code, _, err = compared(PHRASEBOOK, "-k", 0)
    assert code == 2 and "-k" in err


def test_an_encoder_that_has_moved(run, compared, monkeypatch, trigrams, phrasebook_index,
                                   letters_index, write, edit_meta, tmp_path):  # fmt: skip
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(letters_index, moved)
    edit_meta(moved, encoder="elsewhere")
    queries = write("q.txt", "Где школа?\n")
    code, _, err = run("compare", phrasebook_index, moved, queries)
    assert code == 2 and "was built with the encoder elsewhere" in err
    code, out, _ = run("compare", phrasebook_index, moved, queries, "--encoder-b", "trigrams")
    assert code == 0 and "trigrams" in out


def test_the_number_shown_is_shared_between_both_ways(run, with_letters, phrasebook_index,
                                                      letters_index):  # fmt: skip
    of = ("compare", letters_index, phrasebook_index, PHRASEBOOK, "--limit", 100, "--json")
    rights = [each["right"] for each in json.loads(run(*of, "--show", 6).out)["differing"]]
    assert len(rights) == 6 and rights.count("b") >= 3
    assert json.loads(run(*of, "--show", 0).out)["differing"] == []
