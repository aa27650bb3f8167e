"""searchkbd models: what is listed, described and fetched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, environment, model_files

from searchkbd.encoders.transformer.files import find_model


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of huggingface_hub."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub"


@pytest.fixture
def put(cache, tiny_labse):
    """Put a copy of the tiny model into the cache, and return its directory."""

    def put(repo: str, revision: str = "main") -> Path:
        folder = cache / f"models--{repo.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / revision).write_text(COMMIT)
        return shutil.copytree(tiny_labse, folder / "snapshots" / COMMIT)

    return put


def listed(run) -> dict[str, dict]:
    done = run("models", "--json")
    assert (done.code, done.err) == (0, "")
    return {model["name"]: model for model in json.loads(done.out)["models"]}


def test_without_any_model(run, cache, embedded):
    models = listed(run)
    assert list(models) == ["embedded", "labse-kbd", "labse"]
    assert models["embedded"]["state"] == "ready"
    assert models["embedded"]["fingerprint"] == embedded.fingerprint
    assert models["embedded"]["dimensions"] == 512 and models["embedded"]["bytes"] > 10**7
    assert models["labse-kbd"]["state"] == "absent"
    assert "searchkbd models fetch labse-kbd" in models["labse-kbd"]["reason"]
    out = run("models").out
    assert "not here (1.9 GB): searchkbd models fetch labse-kbd" in out
    assert str(cache) in out


def test_every_model_in_the_cache(run, put, cache):
    put("panagoa/LaBSE-kbd-v0.2")
    put("someone/tuned")
    put("someone/tagged", "v2")
    (put("someone/part") / "model.safetensors").unlink()
    pickled = put("someone/pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    damaged = put("someone/damaged")
    (damaged / "tokenizer.json").write_text("{")
    other = put("someone/language-model")
    (other / "modules.json").unlink()
    (cache / "datasets--someone--data").mkdir()
    (cache / "version.txt").write_text("1")

    models = listed(run)
    assert list(models)[3:] == [
        "someone/damaged", "someone/part", "someone/pickled", "someone/tagged@v2", "someone/tuned",
    ]  # fmt: skip
    states = {name: model["state"] for name, model in models.items()}
    assert states["labse-kbd"] == states["someone/tuned"] == states["someone/tagged@v2"] == "ready"
    assert (states["someone/part"], states["labse"]) == ("incomplete", "absent")
    assert states["someone/pickled"] == states["someone/damaged"] == "unusable"
    assert models["someone/pickled"]["reason"].startswith("pytorch_model.bin: weights as a pickle")
    ours, tuned = models["labse-kbd"], models["someone/tuned"]
    assert (ours["palochka"], tuned["palochka"]) == ("I", None)
    assert ours["fingerprint"] == find_model("labse-kbd").fingerprint != tuned["fingerprint"]
    assert (ours["dimensions"], ours["max_tokens"], ours["revision"]) == (64, 256, COMMIT)
    assert ours["bytes"] == find_model("labse-kbd").bytes


@pytest.mark.parametrize("columns", [80, 140])
def test_the_list_fits_the_terminal(run, put, monkeypatch, columns):
    put(f"a-rather-long-owner/{'very-' * 10}long")
    pickled = put("someone/pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    monkeypatch.setenv("COLUMNS", str(columns))
    *lines, empty, place = run("models").out.splitlines()
    assert max(map(len, lines)) < columns and empty == "" and place
    rows = [line for line in lines if line.startswith("  embedded") or "256" in line]
    assert len({len(row) for row in rows}) == 1  # the columns are in line


def test_one_model_described(run, tiny_labse, tmp_path):
    model = shutil.copytree(tiny_labse, tmp_path / "model")
    (model / "README.md").write_text(
        "---\nlanguage:\n- kbd\nlicense: 'apache-2.0'\nbase_model:\n- owner/base\n---\n# A model\n"
    )
    (model / "searchkbd.json").write_text(
        '{"format": 1, "palochka": "I", "languages": ["kbd", "ru"]}'
    )
    shape = json.loads(run("models", "show", model, "--json").out)
    assert (shape["license"], shape["base_model"]) == ("apache-2.0", "owner/base")
    assert (shape["palochka"], shape["languages"]) == ("I", ["kbd", "ru"])
    assert [module["kind"] for module in shape["modules"]] == [
        "Transformer", "Pooling", "Dense", "Normalize",
    ]  # fmt: skip
    assert [file["file"] for file in shape["files"]] == [
        "model.safetensors", "2_Dense/model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert shape["bytes"] == sum(file["bytes"] for file in shape["files"])
    out = run("models", "show", model).out
    assert "Transformer → Pooling (cls) → Dense (64→64, Tanh) → Normalize" in out
    assert "owner/base" in out and shape["fingerprint"] in out
    # A transformer alone: it is said what is assumed of it.
    (model / "modules.json").unlink()
    assert "mean pooling is assumed" in run("models", "show", model).out


def test_what_cannot_be_described(run, cache, tmp_path):
    done = run("models", "show", "labse")
    assert done.code == 2 and "searchkbd models fetch labse" in done.err
    done = run("models", "show", tmp_path)
    assert done.code == 2 and "no model of sentence-transformers" in done.err


def test_json_goes_after_the_command(run, tiny_labse):
    done = run("models", "--json", "show", tiny_labse)
    assert done.code == 2 and "--json after" in done.err


def test_a_model_is_fetched(process, tiny_labse, tmp_path):
    pytest.importorskip("huggingface_hub")
    with Hub(models={"panagoa/LaBSE-kbd-v0.2": model_files(tiny_labse)}) as hub:
        surroundings = environment(tmp_path / "home", hub.address)
        done = process("models", "fetch", "labse-kbd", "--json", env=surroundings)
        assert done.code == 0, done.err
        assert "panagoa/LaBSE-kbd-v0.2: 12 files, 1.4 MB, into " in done.err
        shape = json.loads(done.out)
        assert shape["downloaded"] == sum(
            path.stat().st_size for path in tiny_labse.rglob("*") if path.is_file()
        )
        assert (shape["name"], shape["palochka"], shape["state"]) == ("labse-kbd", "I", "ready")
        done = process("models", "fetch", "labse-kbd", env=surroundings)
        assert (done.code, done.err) == (0, "labse-kbd was here already, as the hub has it\n")
        done = process("models", "fetch", "someone/else", env=surroundings)
        assert done.code == 2 and "there is no model someone/else" in done.err
