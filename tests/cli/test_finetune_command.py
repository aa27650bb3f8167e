"""``searchkbd train finetune``, with a tiny model."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.encoders import load_encoder
from searchkbd.encoders.directory import WORK
from searchkbd.resources import PHRASEBOOK

pytest.importorskip("sentence_transformers", reason="fine-tuning needs the extra finetune")

STEPS = ("--batch", 8, "--max-steps", 9, "--eval-steps", 4, "--save-steps", 2, "--lr", 1e-3)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Rows of pairs to train on, and others to measure by."""
    groups: dict[str, dict[str, str]] = {}
    for item in read_corpus(PHRASEBOOK, ReadOptions()):
        groups.setdefault(item.group, {})[item.lang] = item.text
    folder = tmp_path_factory.mktemp("pairs")
    rows = [
        f"{a}\t{b}\t{texts[a]}\t{texts[b]}"
        for texts in groups.values() for a, b in (("kbd", "ru"), ("ru", "en"))
    ]  # fmt: skip
    paths = []
    for name, part in (("train.tsv", rows[:120]), ("dev.tsv", rows[200:240])):
        paths.append(folder / name)
        paths[-1].write_text("\n".join(["lang_a\tlang_b\ttext_a\ttext_b", *part]) + "\n", "utf-8")
    return paths


@pytest.fixture
def finetune(run, files, tiny_labse, tmp_path):
    def finetune(*arguments: object, out="out", pairs=(files[0],), dev=(files[1],),
                 base=tiny_labse, steps=STEPS):  # fmt: skip
        chosen = ("--dev", *dev) if dev else ()
        return run("train", "finetune", "--pairs", *pairs, *chosen, "--base", base,
                   "--out", tmp_path / out, *steps, *arguments)  # fmt: skip

    return finetune


def model_bytes(folder) -> dict[str, bytes]:
    names = ("model.safetensors", "2_Dense/model.safetensors", "tokenizer.json", "config.json",
             "searchkbd.json", "README.md")  # fmt: skip
    return {name: (folder / name).read_bytes() for name in names}


def test_the_directory_is_a_model_and_an_encoder(finetune, run, write, tmp_path):
    code, out, err = finetune("--gate", "off", "--license", "cc-by-4.0", out="mine")
    folder = tmp_path / "mine"
    assert code == 0, err
    assert "fine-tuned on 120 pairs" in out and "kbd→ru" in out and "of 9" in out
    assert "step 4 of 9: loss" in err and "step 9 of 9: loss" in err
    assert {path.name for path in folder.iterdir()} == {
        "1_Pooling", "2_Dense", "3_Normalize", "README.md", "config.json", "log.csv", "log.png",
        "config_sentence_transformers.json", "model.safetensors", "modules.json", "searchkbd.json",
        "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    own = json.loads((folder / "searchkbd.json").read_text("utf-8"))
    assert own == {"format": 1, "palochka": "I", "languages": ["kbd", "ru", "en"]}
    card = (folder / "README.md").read_text("utf-8")
    assert "license: cc-by-4.0" in card and "train finetune --pairs train.tsv --base model" in card
    assert str(tmp_path) not in card and "Спасибо" not in card.partition("## Training data")[2]
    assert (folder / "log.png").read_bytes().startswith(b"\x89PNG")
    # Whatever the palochka is written as: the model was trained on one of them.
    encoder = load_encoder(str(folder))
    one, other = encoder.encode(["Фӏыщӏэ ин", "ФIыщIэ ин"], ["kbd", "kbd"])
    assert one == pytest.approx(other, abs=1e-6)
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(folder), device="cpu").encode(["ФIыщIэ ин"])
    assert theirs[0] == pytest.approx(other, abs=2e-2)  # of another runtime and precision
    code, _, err = finetune(out="mine")
    assert code == 2 and "already holds a model" in err and "--restart" in err


def test_json(finetune, tmp_path):
    hold = tmp_path / "hold.tsv"
    hold.write_text("lang\ttext\ntr\tAnnem evde.\nkbd\tДи анэр унэм щыӏэщ.\n", "utf-8")
    code, out, _ = finetune(
        "--json", "--gate", "100", "--recipe", "better", "--hold", hold, dev=()
    )
    shape = json.loads(out)
    assert code == 0
    assert [one["name"] for one in shape["files"]] == ["train.tsv", "hold.tsv"]
    assert "--hold hold.tsv" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert set(shape) == {
        "out", "base", "config", "device", "files", "dev_files", "pairs", "merged", "left_out",
        "without_negatives", "dev_pairs", "held_built_in", "pieces", "steps", "resumed_from",
        "evaluations", "best_step", "gate", "before", "after", "rejected", "rejects", "seconds",
    }  # fmt: skip
    config = shape["config"]
    assert (config["loss"], config["sampler"], config["distill"]) == (
        "symmetric", "no-duplicates", 1.0,
    )  # fmt: skip
    assert (config["lr"], config["precision"], config["batch"]) == (1e-3, "fp32", 8)
    assert [one["step"] for one in shape["evaluations"]] == [4, 8, 9]
    assert shape["dev_files"] == [] and shape["dev_pairs"] == 6
    assert sum(shape["pairs"].values()) + shape["left_out"] + shape["dev_pairs"] == 120
    assert shape["gate"]["passed"] and not shape["gate"]["falls"]
    directions = [(one["source"], one["target"]) for one in shape["after"]]
    assert ("kbd", "ru") in directions and ("en", "ru") in directions


def test_when_no_model_passes_the_gate_it_is_said(finetune, tmp_path):
    # A learning rate that makes all vectors one.
    code, out, err = finetune("--lr", 0.3, "--gate", 0)
    assert code == 1 and "gate failed" in out and "no model passed the gate" in err
    assert "gate failed: " in err and "points lost (best)" in err
    assert (tmp_path / "out" / "modules.json").exists()


def test_killed_it_goes_on_to_the_same_bytes(finetune, start, files, tiny_labse, tmp_path):
    assert finetune("--gate", "off", out="whole/model").code == 0
    # Slowed down, so that the kill meets it after its first checkpoint and before its end.
    slow = (
        "import time\nfrom searchkbd.training.finetune.watch import Watch\n"
        "end = Watch.on_step_end\n"
        "def slower(self, *a, **k):\n time.sleep(0.5)\n return end(self, *a, **k)\n"
        "Watch.on_step_end = slower"
    )
    out = tmp_path / "parts" / "model"
    process = start("train", "finetune", "--pairs", files[0], "--dev", files[1], "--base",
                    tiny_labse, "--out", out, *STEPS, "--gate", "off", before=slow)  # fmt: skip
    for _ in range(600):
        if list((out / WORK).glob("checkpoint-*/whole.json")) or process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read().decode()
    assert [path.name for path in out.iterdir()] == [WORK]
    code, _, err = finetune("--gate", "off", "--scale", 19, out="parts/model")
    assert code == 2 and "other scale" in err and "--restart" in err
    code, _, err = finetune("--gate", "off", out="parts/model")
    assert code == 0 and re.search(r"resuming after step [2468] of 9", err)
    assert model_bytes(out) == model_bytes(tmp_path / "whole" / "model")


def test_restart_replaces_a_model_and_gives_up_a_training(finetune, tmp_path):
    short = ("--batch", 8, "--max-steps", 2)
    assert finetune("--gate", "off", steps=short).code == 0
    first = model_bytes(tmp_path / "out")
    assert finetune("--gate", "off", "--seed", 1, "--restart", steps=short).code == 0
    assert model_bytes(tmp_path / "out") != first
    (tmp_path / "out" / WORK / "checkpoint-1").mkdir(parents=True)
    assert finetune("--gate", "off", "--restart", steps=short).code == 0
    assert model_bytes(tmp_path / "out") == first


def test_interrupted_it_says_how_to_go_on(finetune, monkeypatch, tmp_path):
    from searchkbd.training.finetune.watch import Watch

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "on_save", interrupted)
    code, out, err = finetune()
    assert (code, out) == (2, "") and "interrupted" in err and "same command again" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [WORK]


def test_rows_that_are_no_pairs_are_reported(finetune, write, files, tmp_path):
    more = write("more.tsv", "lang_a\tlang_b\ttext_a\ttext_b\nkbd\tkbd\tПсы\tУнэ\n")
    code, _, err = finetune("--gate", "off", pairs=(files[0], more))
    assert code == 1 and "no translation into another language" in err
    assert "more.tsv\t2\t" in (tmp_path / "out.rejects.tsv").read_text("utf-8")


@pytest.mark.parametrize(("arguments", "said"), [
    (["--base", "nobody/nothing"], "nobody/nothing is not here.*searchkbd models fetch"),
    (["--base", "missing/dir/here"], "no directory 'missing/dir/here'"),
    (["--dev", "missing.tsv"], "missing.tsv: no such file"),
    (["--gate", "few"], "'few' is not a number of points, and not off"),
    (["--warmup", "1"], "--warmup"),
    (["--loss", "best"], "--loss"),
    (["--precision", "fp16"], "--fp16 needs a GPU|needs a GPU"),
    (["--max-tokens", "600"], "--max-tokens 512 or less"),
])  # fmt: skip
def test_what_cannot_be_done(finetune, tmp_path, arguments, said):
    code, out, err = finetune(*arguments)
    assert (code, out) == (2, "") and re.search(said, err, re.S), err
    assert not (tmp_path / "out" / "modules.json").exists()


def test_the_output_is_a_directory_of_its_own(finetune, write, tiny_labse, tmp_path):
    write("out", "a file")
    code, _, err = finetune()
    assert code == 2 and "a file, not a directory" in err
    os.unlink(tmp_path / "out")
    (tmp_path / "out").mkdir()
    write("out/notes.txt", "mine")
    code, _, err = finetune("--restart")
    assert code == 2 and "holds other things (notes.txt)" in err
    shutil.copytree(tiny_labse, tmp_path / "base")
    (tmp_path / "base" / "searchkbd.json").write_text('{"format": 1, "palochka": "I"}')
    code, _, err = finetune("--restart", base=tmp_path / "base", out="base")
    assert code == 2 and "is the directory of --base" in err


def test_pairs_that_are_none(finetune, write, files, tmp_path):
    code, _, err = finetune(pairs=[write("one.tsv", "lang\ttext\nkbd\tПсы\n")])
    assert code == 2 and "no pairs in" in err and "1 row rejected" in err
    code, _, err = finetune(pairs=[write("x.docx", "PK")])
    assert code == 2 and "x.docx" in err
    code, _, err = finetune("--pairs", files[1])
    assert code == 2 and "given as --pairs and as --dev" in err


def test_without_its_packages_it_says_what_to_install(finetune, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    code, _, err = finetune()
    assert code == 2 and 'pip install "searchkbd[finetune]"' in err


def test_help_needs_no_torch(process):
    code, out, err = process("train", "finetune", "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert code == 0 and "--recipe" in out
    assert "searchkbd.cli.finetune" in err and "torch" not in err and "numpy" not in err
