"""searchkbd train student: what it writes, says, refuses, and how it goes on."""

from __future__ import annotations

import json
import signal
import sys

import pytest

from searchkbd.cli import train as module
from searchkbd.encoders import load_encoder
from searchkbd.encoders.directory import WORK
from searchkbd.resources import PHRASEBOOK

pytest.importorskip("torch", reason="training needs the extra train")

FILES = {"README.md", "encoder.json", "student.safetensors"}


@pytest.fixture(scope="session")
def rows() -> list[list[str]]:
    """The phrasebook's Kabardian and Russian of 40 groups: id, lang, text, group, origin."""
    lines = PHRASEBOOK.read_text("utf-8").splitlines()
    cells = [line.split("\t") for line in lines if not line.startswith(("#", "id\t"))]
    return [row for row in cells if row[1] in ("kbd", "ru") and row[3] <= "p0040"]


@pytest.fixture(scope="session")
def pairs(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("\n".join(["id\tlang\ttext\tgroup\torigin", *map("\t".join, rows), ""]))
    return path


@pytest.fixture
def student(run, pairs, tmp_path):
    """Train: student("--steps", 8, out="name")."""

    def student(*arguments: object, out: str = "out", files=(pairs,)):
        more = () if "--steps" in arguments else ("--steps", 8)
        return run(
            "train", "student", "--pairs", *files, "--out", tmp_path / out, *more, *arguments
        )

    return student


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_encoder_is_written_that_loads(student, tmp_path):
    code, out, err = student()
    assert code == 0, err
    assert set(contents(tmp_path / "out")) == FILES
    assert "best after step" in out and "kbd→ru" in out and "--encoder" in out
    assert "step 8: loss" in err and "dev accuracy@1" in err
    assert load_encoder(tmp_path / "out").languages == ("kbd", "ady")
    assert not list(tmp_path.glob("*.rejects.tsv"))


def test_the_card_tells_what_it_is_without_places(student, tmp_path, pairs, embedded):
    import hashlib

    student("--seed", 3)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    digest = hashlib.sha256(pairs.read_bytes()).hexdigest()
    assert f"| pairs.tsv | training | 80 | `{digest}` |" in card
    assert "`searchkbd train student --pairs pairs.tsv --out out --steps 8 --seed 3`" in card
    for part in (embedded.fingerprint, "| kbd→ru |", "Kabardian", "steps 8", "seed 3"):
        assert part in card
    assert str(tmp_path) not in card and str(pairs.parent) not in card


def test_json(student, tmp_path):
    code, out, _ = student("--json")
    shape = json.loads(out)
    assert code == 0
    assert shape["out"] == str(tmp_path / "out") and shape["languages"] == ["kbd", "ady"]
    assert shape["pairs"] == 32 and shape["dev_pairs"] == {"ru": 8}
    assert [one["step"] for one in shape["evaluations"]] == list(range(1, 9))
    assert shape["config"]["steps"] == 8 and shape["files"][0]["sentences"] == 80
    assert [one["direction"] for one in shape["dev"]] == ["kbd→ru", "ru→kbd"]
    assert (shape["rejected"], shape["rejects"], shape["resumed_from"]) == (0, None, 0)


def test_interrupted_it_goes_on_and_ends_alike(student, tmp_path, monkeypatch):
    from searchkbd.training.model import StudentModel

    student(out="whole/enc")
    whole = contents(tmp_path / "whole" / "enc")
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0)
    step = StudentModel.step

    def interrupted(self, batch, number):
        if number == 5:
            raise KeyboardInterrupt
        return step(self, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(StudentModel, "step", interrupted)
        code, out, err = student(out="parts/enc")
    assert (code, out) == (2, "") and "interrupted" in err and "same command again" in err
    assert set(contents_of_names(tmp_path / "parts" / "enc")) == {WORK}
    code, _, err = student("--seed", 1, out="parts/enc")
    assert code == 2 and "seed" in err and "--restart" in err
    code, _, err = student(out="parts/enc")
    assert code == 0 and "resuming after step 4 of 8" in err
    assert "step 4:" not in err and "step 5:" in err
    assert contents(tmp_path / "parts" / "enc") == whole


def contents_of_names(folder) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_ctrl_c_at_a_real_process(start, pairs, tmp_path):
    process = start("train", "student", "--pairs", pairs, "--out", tmp_path / "out",
                    "--steps", 5000)  # fmt: skip
    for line in process.stderr:
        if b"features" in line:  # from here on it takes steps
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2 and out == b""
    assert b"searchkbd: interrupted" in err and b"Traceback" not in err
    assert contents_of_names(tmp_path / "out") == [WORK]


def test_what_is_there_is_kept_unless_restarted(student, tmp_path):
    student()
    before = contents(tmp_path / "out")
    code, _, err = student()
    assert code == 2 and "already holds an encoder" in err and "--restart" in err
    assert contents(tmp_path / "out") == before
    assert student("--restart", "--seed", 1).code == 0
    assert set(contents(tmp_path / "out")) == FILES
    assert contents(tmp_path / "out")["student.safetensors"] != before["student.safetensors"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.odt").write_text("")
    code, _, err = student("--restart", out="full")
    assert code == 2 and "thesis.odt" in err and "empty directory" in err
    assert contents_of_names(tmp_path / "full") == ["thesis.odt"]
    (tmp_path / "file").write_text("")
    code, _, err = student(out="file")
    assert code == 2 and "not a directory" in err


def test_rows_that_are_no_pairs_are_reported(student, write, rows, tmp_path):
    bad = [["x1", "kbd", "Псы", "alone", "o"], ["x2", "ru", "Вода", "other", "o"],
           ["x3", "ru", "...", "p0001", "o"], ["x4", "ru", "too few"]]  # fmt: skip
    lines = ["id\tlang\ttext\tgroup\torigin", *map("\t".join, rows + bad), ""]
    code, out, err = student(files=[write("bad.tsv", "\n".join(lines))])
    assert code == 1 and "4 rows rejected" in err
    report = (tmp_path / "out.rejects.tsv").read_text("utf-8").splitlines()
    assert sorted(line.split("\t")[1] for line in report[1:]) == ["82", "83", "84", "85"]
    assert "no translation" in "".join(report) and "no sentence in the language" in "".join(report)


def test_several_files_and_development_files(student, write, rows, tmp_path):
    head = "id\tlang\ttext\tgroup\torigin"
    parts = [
        write(f"{n}.tsv", "\n".join([head, *map("\t".join, part), ""]))
        for n, part in enumerate([rows[:30], rows[30:60], rows[50:70], rows[70:]])
    ]
    code, out, err = student("--dev", *parts[2:], "--json", files=parts[:2])
    shape = json.loads(out)
    assert code == 0, err
    assert [(one["name"], one["use"]) for one in shape["files"]] == [
        ("0.tsv", "training"), ("1.tsv", "training"),
        ("2.tsv", "development"), ("3.tsv", "development"),
    ]  # fmt: skip
    assert (shape["pairs"], shape["left_out"], shape["dev_pairs"]) == (25, 5, {"ru": 15})
    assert "5 pairs not trained on" in err


def test_another_language_two_columns_and_a_teacher_in_a_directory(
    student, run, write, rows, tmp_path
):
    assert student().code == 0
    texts = {lang: [row[2] for row in rows if row[1] == lang] for lang in ("kbd", "ru")}
    lines = [f"{a}\t{b}\n" for a, b in zip(texts["kbd"], texts["ru"], strict=True)]
    file = write("two.tsv", "".join(lines))
    code, out, err = student(
        "--langs", "ab,ru", "--lang", "ab", "--teacher", tmp_path / "out", out="two", files=[file]
    )
    assert code == 0, err
    encoder = load_encoder(tmp_path / "two")
    assert encoder.languages == ("ab", "kbd", "ady")
    teacher = load_encoder(tmp_path / "out")
    same = encoder.encode(["Псы"], ["kbd"]) @ teacher.encode(["Псы"], ["kbd"]).T
    assert same[0, 0] > 0.9999
    card = (tmp_path / "two" / "README.md").read_text("utf-8")
    assert "--from ab" in card and "student-kbd-ady.safetensors" in card
    code, _, err = student("--teacher", tmp_path / "out", "--restart")
    assert code == 2 and "directory of the teacher" in err


@pytest.mark.parametrize(("arguments", "said"), [
    (["--teacher", "labse"], "the model labse is not here.*embedded"),
    (["--lang", "ab"], "no pairs in .*sentences in ab"),
    (["--dev", "missing.tsv"], "missing.tsv: no such file"),
    (["--lang", "xx-nothing"], "language"),
    (["--steps", "0"], "--steps"),
    (["--max-features", "1000000000"], "--max-features"),
    (["--seed", "-1"], "--seed"),
])  # fmt: skip
def test_what_cannot_be_done(student, tmp_path, arguments, said):
    import re

    code, out, err = student(*arguments)
    assert (code, out) == (2, "") and re.search(said, err, re.S), err
    assert not (tmp_path / "out").exists()


def test_a_pairs_file_is_a_file_and_no_development_file(student, pairs, tmp_path):
    for file in ("-", tmp_path):
        code, _, err = student(files=[file])
        assert code == 2 and str(file) in err
    code, _, err = student("--dev", pairs)
    assert code == 2 and "--dev" in err
    code, _, err = student("--rejects", pairs)
    assert code == 2 and "input file" in err


def test_too_few_pairs_ask_for_development_pairs(student, write, rows, tmp_path):
    few = write("few.tsv", "\n".join(["id\tlang\ttext\tgroup\torigin", *map("\t".join, rows[:8])]))
    code, _, err = student(files=[few])
    assert code == 2 and "4 groups" in err and "--dev FILE" in err


def test_without_torch_it_says_what_to_install(student, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, err = student()
    assert code == 2 and 'pip install "searchkbd[train]"' in err
