"""searchkbd models trim: what it writes, says and refuses."""

from __future__ import annotations

import json
import shutil

import pytest

from searchkbd.resources import PHRASEBOOK

pytest.importorskip("tokenizers", reason="models of sentence-transformers need an extra")


@pytest.fixture
def trim(run, tiny_labse, sentences_file, tmp_path):
    """Trim the tiny model: trim("--min-count", 2, keep=(file,), model=directory)."""

    def trim(*arguments: object, keep=(sentences_file,), model=tiny_labse):
        out = tmp_path / "out"
        return run("models", "trim", model, "--out", out, "--keep", *keep, *arguments)

    return trim


def test_a_model_is_written_that_encodes(trim, tmp_path):
    code, out, err = trim()
    assert (code, err) == (0, "")
    assert "unseen" not in out, "of so few sentences none is held out"
    assert "of 3,000 pieces" in out and "% less" in out and "100.00% of the running pieces" in out
    assert f"--encoder {tmp_path / 'out'}" in out
    assert all(len(line) <= 80 + len(str(tmp_path)) for line in out.splitlines())
    from searchkbd.encoders import load_encoder

    vectors = load_encoder(str(tmp_path / "out")).encode(["Вода холодная.", "Псыр щӏыӏэщ."])
    assert vectors.shape == (2, 64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_the_report_as_json(trim, tmp_path, tiny_labse):
    files = (PHRASEBOOK, PHRASEBOOK)
    code, out, _ = trim("--json", "--min-count", 2, "--palochka", "keep", keep=files)
    assert code == 0
    shape = json.loads(out)
    assert shape["out"] == str(tmp_path / "out") and shape["model"] == str(tiny_labse)
    assert shape["pieces"]["before"] == 3000 > shape["pieces"]["after"]
    assert shape["bytes"]["before"] > shape["bytes"]["after"]
    assert shape["sentences"] > 500 and shape["min_count"] == 2
    assert {*shape["languages"]} == {"kbd", "ru", "en", "fr", "tr"}
    assert shape["tokens"]["kept"] == shape["tokens"]["all"] > 100, "each occurs twice"
    held = sum(one["sentences"] for one in shape["unseen"])
    assert 0.05 < held / shape["sentences"] < 0.2
    assert all(one["unchanged"] <= one["sentences"] for one in shape["unseen"])
    assert (shape["left_out"], shape["rejected"], shape["rejects"]) == ([], 0, None)
    assert json.loads((tmp_path / "out" / "searchkbd.json").read_text())["palochka"] is None


def test_the_report_as_a_table(trim):
    code, out, _ = trim(keep=(PHRASEBOOK,))
    assert code == 0 and "split as before" in out
    assert {line.split()[0] for line in out.splitlines() if line.endswith("%")} == {
        "kbd", "ru", "en", "fr", "tr"
    }  # fmt: skip


def test_a_bad_row_is_listed_and_the_model_is_written(trim, write, tmp_path):
    file = write("bad.tsv", "lang\ttext\nru\tВода холодная.\nxx-yy-zz\tЧто?\nru\t\n")
    code, out, err = trim(keep=(file,))
    assert code == 1
    assert "2 rows rejected" in err and (tmp_path / "out" / "model.safetensors").exists()
    assert (tmp_path / "out.rejects.tsv").read_text("utf-8").count("\n") == 3


def test_other_formats_are_read(trim, write):
    code, out, _ = trim("--lang", "ru", "--json", keep=(write("a.txt", "Вода холодная.\nХлеб.\n"),))
    assert code == 0 and json.loads(out)["languages"] == ["ru"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("lang\ttext\nru\t\n", "no sentences in"), (b"\0\1\2\xff" * 50, "a.tsv")],
)
def test_nothing_is_written_when_there_is_nothing_to_keep(trim, write, tmp_path, content, message):
    code, out, err = trim(keep=(write("a.tsv", content),))
    assert (code, out) == (2, "") and message in err
    assert not (tmp_path / "out").exists()


def test_what_is_refused(trim, run, tmp_path, write, sentences_file, tiny_labse):
    code, _, err = trim(keep=(tmp_path / "nowhere.tsv",))
    assert code == 2 and "nowhere.tsv" in err
    code, _, err = trim(model=tmp_path / "nowhere")
    assert code == 2 and "nowhere" in err
    code, _, err = trim("--rejects", sentences_file)
    assert code == 2 and "is an input file" in err
    code, _, err = trim("--min-count", 0)
    assert code == 2 and "--min-count" in err
    code, _, err = run("models", "trim", tiny_labse, "--out", tmp_path / "out")
    assert code == 2 and "--keep" in err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    code, _, err = trim()
    assert code == 2 and "not empty" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_damaged_model_is_told(trim, tiny_labse, tmp_path):
    copy = shutil.copytree(tiny_labse, tmp_path / "copy")
    (copy / "tokenizer.json").write_text("{")
    code, _, err = trim(model=copy)
    assert code == 2 and "tokenizer.json: damaged" in err
