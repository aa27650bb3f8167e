"""``delete`` and ``edit``."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def copied_index(small_index, tmp_path):
    return shutil.copytree(small_index, tmp_path / "copy")


def ids(run, index):
    found = run("search", "вода", "--index", index, "-k", "100", "--json")
    return {hit["id"] for hit in json.loads(found.out)["hits"]}


def test_a_dry_run_deletes_nothing(run, copied_index):
    code, out, err = run("delete", "--group", "water", "--index", copied_index, "--dry-run")
    assert (code, err) == (0, "")
    assert "Вода холодная." in out and "water-tr" in out
    assert out.splitlines()[-1] == f"{copied_index}: 5 sentences would be deleted"
    assert len(ids(run, copied_index)) == 17
    shape = json.loads(
        run("delete", "--origin", "small*", "--lang", "fr", "--index", copied_index,
            "--dry-run", "--json").out
    )  # fmt: skip
    assert shape["dry_run"] is True and shape["sentences"] == 3
    assert set(shape["ids"]) == {"water-fr", "bread-fr", "rain-fr"}


@pytest.mark.parametrize(
    "choice, gone",
    [
        (["--id", "water-ru"], {"water-ru"}),
        (["--group", "train"], {"train-ru", "train-en"}),
        (["--query", "the water"], {"water-en"}),
        (["--origin", "small.tsv", "--lang", "tr"], {"water-tr", "bread-tr", "rain-tr"}),
    ],
)
def test_what_is_chosen_is_gone(run, copied_index, choice, gone):
    before = ids(run, copied_index)
    code, out, err = run("delete", *choice, "--index", copied_index)
    assert (code, err) == (0, "") and "deleted" in out
    assert ids(run, copied_index) == before - gone
    assert run("verify", "--index", copied_index).code == 0


def test_what_is_deleted_takes_up_space_until_it_is_much(run, copied_index):
    """Marked at first, and forgotten when a language has lost a quarter."""
    run("delete", "--id", "water-ru", "--index", copied_index)
    shape = json.loads(run("info", "--index", copied_index, "--json").out)
    assert (shape["sentences"], shape["deleted"]) == (16, 0)  # one of four
    for n in range(7):
        text = f"Слово {n}."
        run("add", "-", "--lang", "ru", "--index", copied_index, stdin=text)
    run("delete", "--id", "bread-ru", "--index", copied_index)
    shape = json.loads(run("info", "--index", copied_index, "--json").out)
    assert (shape["sentences"], shape["deleted"]) == (22, 1)
    assert run("verify", "--index", copied_index).code == 0


def test_an_id_that_is_not_there_is_told(run, copied_index):
    code, out, err = run("delete", "--id", "nobody", "--id", "rain-ru", "--index", copied_index)
    assert code == 1 and "1 sentence deleted" in out and "'nobody'" in err


@pytest.mark.parametrize("arguments", [[], ["--lang", "ru"], ["--query", "…"]])
def test_what_is_to_be_deleted_must_be_said(run, copied_index, arguments):
    code, out, err = run("delete", *arguments, "--index", copied_index)
    assert (code, out) == (2, "") and err
    assert len(ids(run, copied_index)) == 17


def test_an_edited_sentence_is_found_by_its_new_words(run, copied_index):
    code, out, err = run("edit", "water-ru", "Река широкая.", "--index", copied_index)
    assert (code, err) == (0, "") and out == "water-ru  ru  Река широкая.\n"
    found = run("search", "река", "--index", copied_index, "-k", "1", "--mode", "lexical")
    assert "Река широкая." in found.out
    looked_up = run(
        "tm", "lookup", "Река широкая.", "--from", "ru", "--to", "en", "--index", copied_index,
        "--json",
    )  # fmt: skip
    assert json.loads(looked_up.out)["matches"][0]["kind"] == "exact"
    assert run("verify", "--index", copied_index).code == 0
    shape = json.loads(
        run("edit", "water-ru", "--origin", "mine", "--index", copied_index, "--json").out
    )
    assert (shape["origin"], shape["text"]) == ("mine", "Река широкая.")


def test_edits_that_cannot_be(run, copied_index):
    for arguments, reason in (
        (["nobody", "Река."], "nobody"),
        (["water-ru"], "--origin"),
        (["water-ru", "…"], "letter"),
    ):
        code, out, err = run("edit", *arguments, "--index", copied_index)
        assert (code, out) == (2, "") and reason in err
