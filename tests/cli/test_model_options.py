"""Models of sentence-transformers in every command: --encoder, --precision and --palochka."""

from __future__ import annotations

import json

import pytest

import searchkbd
from searchkbd.encoders import EncoderSpec
from searchkbd.encoders.transformer.export import exported
from searchkbd.encoders.transformer.files import find_model
from searchkbd.errors import EncoderMismatchError

pytest.importorskip("sentence_transformers")

QUERY = ("search", "Псыр щ1ы1эщ", "--from", "kbd", "--json")


@pytest.fixture(scope="module")
def index(tiny_labse, tmp_path_factory):
    """An index whose model is given the palochka as a Cyrillic letter."""
    from searchkbd.cli.main import run as run_command

    folder = tmp_path_factory.mktemp("model")
    file = folder / "kbd.txt"
    file.write_text("Псыр щIыIэщ.\nЩакхъуэр хуабэщ.\nУэшх къошх.\n", encoding="utf-8")
    code = run_command([
        "build", str(file), "--lang", "kbd", "--index", str(folder / "index"),
        "--encoder", str(tiny_labse), "--palochka", "ӏ",
    ])  # fmt: skip
    assert code == 0
    return folder / "index"


def first(result) -> dict:
    assert result.code == 0, result.err
    return json.loads(result.out)["hits"][0]


def test_an_index_keeps_the_model_and_its_palochka(run, index, tiny_labse):
    info = json.loads(run("info", "--index", index, "--json").out)
    assert info["encoder"] == str(tiny_labse) and info["encoder_settings"]["palochka"] == "ӏ"
    assert "palochka ӏ, " in run("info", "--index", index).out
    hit = first(run(*QUERY, "--index", index))
    assert hit["text"] == "Псыр щIыIэщ." and hit["similarity"] > 0.9


def test_any_precision_may_ask_an_index(run, index, tiny_labse):
    for how in (("--precision", "int8"), ("--precision", "fp32", "--encoder", tiny_labse,
                                          "--palochka", "ӏ")):  # fmt: skip
        assert first(run(*QUERY, *how, "--index", index))["text"] == "Псыр щIыIэщ."
    with searchkbd.open_index(index, EncoderSpec(precision="int8")) as opened:
        assert opened.encoder.precision == "int8"
        assert opened.search("Псыр щIыIэщ", query_lang="kbd")[0].text == "Псыр щIыIэщ."


def test_another_palochka_is_another_encoder(run, index, tiny_labse):
    for how in (("--palochka", "I"), ("--encoder", tiny_labse)):
        code, _, err = run(*QUERY, *how, "--index", index)
        assert code == 2 and "cannot be compared" in err
    with pytest.raises(EncoderMismatchError):
        searchkbd.open_index(index, tiny_labse)


def test_what_is_added_is_read_as_the_rest(run, index, tiny_labse, tmp_path):
    file = tmp_path / "more.txt"
    file.write_text("Ди унэм щыӏэщ.\n", encoding="utf-8")
    add = ("add", file, "--lang", "kbd", "--index", index)
    assert run(*add, "--palochka", "I").code == 2
    assert run(*add).code == 0
    hit = first(run("search", "Ди унэм щыIэщ", "--from", "kbd", "--index", index, "--json"))
    assert hit["text"] == "Ди унэм щыӏэщ." and hit["similarity"] > 0.99
    assert run("verify", "--index", index, "--encoder", tiny_labse, "--palochka", "ӏ").code == 0
    code, out, _ = run("verify", "--index", index, "--encoder", tiny_labse)
    assert code == 1 and "cannot be compared" in out


def test_the_embedding_cache_tells_precisions_apart(run, tiny_labse, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("Дождь идёт с самого утра.\n", encoding="utf-8")

    def build(precision: str) -> dict:
        index = tmp_path / precision
        return json.loads(run(
            "build", file, "--lang", "ru", "--index", index, "--replace", "--json",
            "--encoder", tiny_labse, "--precision", precision,
        ).out)  # fmt: skip

    assert [build(one)["cached"] for one in ("fp32", "int8", "fp32")] == [0, 0, 1]


@pytest.mark.parametrize("how", [("--precision", "int8"), ("--palochka", "I")])
def test_the_embedded_encoder_has_no_settings(run, sentences_file, tmp_path, how):
    code, _, err = run("build", sentences_file, "--index", tmp_path / "i", *how)
    assert code == 2 and "embedded" in err and "cannot be chosen" in err


def test_a_model_that_is_not_here_says_what_to_do(run, sentences_file, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    code, out, err = run(
        "build", sentences_file, "--index", tmp_path / "i", "--encoder", "labse-kbd"
    )
    assert code == 2 and out == "" and not (tmp_path / "i").exists()
    for told in ("panagoa/LaBSE-kbd-v0.2", "1.9 GB", "searchkbd models fetch labse-kbd",
                 "--encoder DIR", "--encoder embedded"):  # fmt: skip
        assert told in err
    assert max(map(len, err.splitlines())) <= 88


def test_an_index_whose_model_has_gone_says_so(run, index, tiny_labse, tmp_path):
    import shutil

    gone = tmp_path / "model"
    shutil.copytree(tiny_labse, gone)
    file = tmp_path / "a.txt"
    file.write_text("Уэшх къошх.\n", encoding="utf-8")
    made = tmp_path / "index"
    assert run("build", file, "--lang", "kbd", "--index", made, "--encoder", gone).code == 0
    gone.rename(tmp_path / "moved")
    code, _, err = run("search", "Уэшх", "--index", made)
    assert code == 2 and str(gone) in err and "--encoder DIR" in err
    assert run("search", "Уэшх", "--index", made, "--encoder", tmp_path / "moved").code == 0


def test_a_model_is_measured(run, tiny_labse):
    result = run("eval", "--encoder", tiny_labse, "--palochka", "I", "--json")
    shape = json.loads(result.out)
    assert result.code == 0 and shape["dim"] == 64 and len(shape["evaluations"]) > 20


def test_exported_models_are_shown_and_cleared(run, tiny_labse, tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path))
    assert "exported model" not in run("cache").out
    files = find_model(tiny_labse, "!")
    exported(files, "fp32")
    shape = json.loads(run("cache", "--json").out)
    assert shape["models"]["files"] == 2 and shape["models"]["bytes"] > 100_000
    assert "1 exported model" in run("cache").out
    assert run("cache", "--clear", "--encoder", files.fingerprint).code == 0
    assert json.loads(run("cache", "--json").out)["models"]["files"] == 0


def test_a_student_of_a_model(run, tiny_labse, tmp_path):
    """The teacher's Russian and the student's Kabardian are searched in one index."""
    pytest.importorskip("torch")
    pairs = tmp_path / "pairs.tsv"
    groups = phrasebook_pairs()
    pairs.write_text("kbd\tru\n" + "".join(f"{a}\t{b}\n" for a, b in groups), encoding="utf-8")
    student = tmp_path / "student"
    code, _, err = run(
        "train", "student", "--pairs", pairs, "--langs", "kbd,ru", "--teacher", tiny_labse,
        "--out", student, "--steps", "60",
    )  # fmt: skip
    assert code == 0, err
    base = json.loads((student / "encoder.json").read_text("utf-8"))["base"]
    assert base["name"] == str(tiny_labse) and base["palochka"] == "keep"
    encoder = searchkbd.load_encoder(student)
    teacher = searchkbd.load_encoder(tiny_labse)
    assert encoder.dim == 64
    russian = [b for _, b in groups][:20]
    taught = teacher.encode(russian, ["ru"] * 20)
    assert abs(encoder.encode(russian, ["ru"] * 20) - taught).max() < 1e-6
    learnt = encoder.encode([a for a, _ in groups][:20], ["kbd"] * 20)
    # Random weights put all texts of the teacher near each other; that, a student can learn.
    assert (learnt * taught).sum(axis=1).mean() > 0.85


def phrasebook_pairs() -> list[tuple[str, str]]:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.read import read_corpus
    from searchkbd.resources import PHRASEBOOK

    groups: dict[str, dict[str, str]] = {}
    for item in read_corpus(PHRASEBOOK, ReadOptions()):
        groups.setdefault(item.group, {})[item.lang] = item.text
    return [(group["kbd"], group["ru"]) for group in groups.values()]


def test_the_choices_are_those_of_the_encoders():
    """They stand in the command line too, which must not import numpy to list them."""
    from searchkbd.cli import encoder_options
    from searchkbd.encoders.transformer import files, precision

    assert encoder_options.PRECISIONS == precision.PRECISIONS
    assert (*files.PALOCHKAS, files.KEEP) == encoder_options.PALOCHKAS
