"""Models on disk: what is read of them, what is refused, and what their identity depends on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from searchkbd.encoders import EncoderError
from searchkbd.encoders.directory import file_digest
from searchkbd.encoders.transformer import fingerprint as fingerprints
from searchkbd.encoders.transformer.files import MissingModelError, find_model, holds_model
from searchkbd.encoders.transformer.hub_cache import hub_cache

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def model(tiny_labse, tmp_path) -> Path:
    """A copy of the tiny model, to be changed."""
    return shutil.copytree(tiny_labse, tmp_path / "model")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of huggingface_hub."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub"


@pytest.fixture
def cached(cache, tiny_labse) -> Callable[..., Path]:
    """Put the tiny model into the cache as huggingface_hub does: links to files named by hash."""

    def put(repo: str, ref: str = "main") -> Path:
        folder = cache / f"models--{repo.replace('/', '--')}"
        snapshot = folder / "snapshots" / COMMIT
        (folder / "blobs").mkdir(parents=True)
        for file in filter(Path.is_file, tiny_labse.rglob("*")):
            blob = folder / "blobs" / file_digest(file)
            shutil.copy(file, blob)
            link = snapshot / file.relative_to(tiny_labse)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
        (folder / "refs").mkdir()
        (folder / "refs" / ref).write_text(COMMIT)
        return snapshot

    return put


def edit(path: Path, *drop: str, **values: object) -> None:
    """Change a JSON object in a file."""
    shape = json.loads(path.read_text()) if path.exists() else {}
    for key in drop:
        del shape[key]
    path.write_text(json.dumps(shape | values))


def make_old(model: Path, *, folder: str = "") -> None:
    """Save *model* as versions 2 to 5 of sentence-transformers did."""
    types = ("Transformer", "Pooling", "Dense", "Normalize")
    paths = (folder, "1_Pooling", "2_Dense", "3_Normalize")
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(zip(types, paths, strict=True))
    ]
    (model / "modules.json").write_text(json.dumps(modules))
    (model / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 256, "do_lower_case": False})
    )
    (model / "1_Pooling" / "config.json").write_text(json.dumps({
        "word_embedding_dimension": 64, "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }))  # fmt: skip
    (model / "2_Dense" / "config.json").write_text(json.dumps({
        "in_features": 64, "out_features": 64, "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }))  # fmt: skip
    shutil.rmtree(model / "3_Normalize")
    edit(
        model / "config.json", "dtype", torch_dtype="float32", transformers_version="4.2.0",
        _name_or_path="/somewhere", gradient_checkpointing=False,
        position_embedding_type="absolute", directionality="bidi",
    )  # fmt: skip
    if folder:
        (model / folder).mkdir()
        for file in filter(Path.is_file, list(model.iterdir())):
            if file.name not in ("modules.json", "README.md", "config_sentence_transformers.json"):
                file.rename(model / folder / file.name)


def test_a_model_of_today(tiny_labse):
    found = find_model(tiny_labse)
    assert [module.kind for module in found.modules] == [
        "Transformer", "Pooling", "Dense", "Normalize",
    ]  # fmt: skip
    assert found.modules[1].config["pooling_mode"] == ["cls"]
    assert (found.name, found.directory) == (str(tiny_labse), tiny_labse)
    assert (found.dim, found.max_tokens, found.lower_case) == (64, 256, False)
    assert (found.palochka, found.repo, found.revision) == (None, None, None)
    assert [path.name for path in found.weights] == ["model.safetensors"] * 2
    assert found.bytes > sum(path.stat().st_size for path in found.weights)
    assert not found.assumed


@pytest.mark.parametrize("folder", ["", "0_Transformer"])
def test_a_model_of_old_is_the_same_model(model, tiny_labse, folder):
    make_old(model, folder=folder)
    old, new = find_model(model), find_model(tiny_labse)
    assert [(m.kind, m.config) for m in old.modules[1:]] == [
        (m.kind, m.config) for m in new.modules[1:]
    ]
    assert (old.dim, old.max_tokens) == (64, 256)
    assert old.fingerprint == new.fingerprint


def test_a_model_saved_again_is_the_same_model(tiny_labse, tmp_path):
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(tiny_labse), device="cpu", local_files_only=True)
    loaded.save(str(tmp_path / "again"))
    again = find_model(tmp_path / "again")
    assert again.fingerprint == find_model(tiny_labse).fingerprint
    # and what is said of it is what the library does
    assert again.dim == loaded.get_embedding_dimension()
    assert again.max_tokens == loaded.max_seq_length


def test_a_transformer_alone_has_mean_pooling(model):
    (model / "modules.json").unlink()
    found = find_model(model)
    assert found.assumed and (found.dim, found.palochka) == (64, None)
    assert [module.kind for module in found.modules] == ["Transformer", "Pooling"]
    assert found.modules[1].config["pooling_mode"] == ["mean"]
    assert len(found.weights) == 1


@pytest.mark.parametrize(
    ("sentence", "tokenizer", "config", "tokens"),
    [
        ({"max_seq_length": 128}, {"model_max_length": 512}, {}, 128),
        ({}, {"model_max_length": 256}, {}, 256),
        ({}, {"model_max_length": 10**30}, {}, 512),
        ({"max_seq_length": 600}, {}, {}, 512),  # more than it has positions
        ({}, {"model_max_length": 10**30}, {
            "model_type": "xlm-roberta", "max_position_embeddings": 514}, 512),
        ({}, {"model_max_length": 10**30}, {"max_position_embeddings": -1}, 512),
    ],
)  # fmt: skip
def test_how_much_of_a_text_is_read(model, sentence, tokenizer, config, tokens):
    edit(model / "sentence_bert_config.json", **sentence)
    edit(model / "tokenizer_config.json", "model_max_length", **tokenizer)
    edit(model / "config.json", **config)
    assert find_model(model).max_tokens == tokens


def test_weights_in_several_files(model):
    (model / "model.safetensors").rename(model / "model-00001-of-00002.safetensors")
    shutil.copy(model / "2_Dense/model.safetensors", model / "model-00002-of-00002.safetensors")
    names = [f"model-0000{n}-of-00002.safetensors" for n in (2, 1, 2)]
    index = {"weight_map": {f"tensor{at}": name for at, name in enumerate(names)}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert [path.name for path in find_model(model).weights][:2] == sorted(set(names))
    (model / names[0]).unlink()
    with pytest.raises(EncoderError, match="00002-of-00002.safetensors is missing"):
        find_model(model)


def test_palochka(model, cached):
    cached("panagoa/LaBSE-kbd-v0.2")
    assert find_model("labse-kbd").palochka == "I"
    assert find_model("labse-kbd", "keep").palochka is None
    assert find_model("labse-kbd", "ӏ").palochka == "ӏ"
    edit(model / "searchkbd.json", format=1, palochka="1", languages=["kbd", "ru"])
    assert (find_model(model).palochka, find_model(model).languages) == ("1", ("kbd", "ru"))
    assert find_model(model, "Ӏ").palochka == "Ӏ"
    for wrong in ("", "x", "II", "\n"):
        with pytest.raises(EncoderError, match="no spelling of the palochka"):
            find_model(model, wrong)


# What is refused


def pickle_only(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def pickle_of_dense(model: Path) -> None:
    (model / "2_Dense/model.safetensors").rename(model / "2_Dense/pytorch_model.bin")


def own_code(model: Path) -> None:
    edit(model / "config.json", auto_map={"AutoModel": "own.Model"})
    (model / "own.py").write_text("raise SystemExit('it was run')")


def own_tokenizer(model: Path) -> None:
    edit(model / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.T", None]})


def modules(model: Path, at: int, **values: object) -> None:
    shape = json.loads((model / "modules.json").read_text())
    shape[at] |= values
    (model / "modules.json").write_text(json.dumps(shape))


def own_module(model: Path) -> None:
    modules(model, 1, type="os.path.Pooling")


def path_up(model: Path) -> None:
    shutil.copytree(model / "1_Pooling", model.parent / "1_Pooling")
    modules(model, 1, path="../1_Pooling")


def path_absolute(model: Path) -> None:
    modules(model, 1, path=str(model / "1_Pooling"))


def linked_folder(model: Path) -> None:
    (model / "1_Pooling").rename(model.parent / "elsewhere")
    (model / "1_Pooling").symlink_to(model.parent / "elsewhere")


def linked_weights(model: Path) -> None:
    (model / "model.safetensors").rename(model.parent / "weights")
    (model / "model.safetensors").symlink_to(model.parent / "weights")


def shard_outside(model: Path) -> None:
    (model / "model.safetensors").unlink()
    index = {"weight_map": {"a": "../other.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def own_activation(model: Path) -> None:
    edit(model / "2_Dense/config.json", activation_function="own.activation.Run")


def not_json(model: Path) -> None:
    (model / "1_Pooling/config.json").write_text("{")


def deep_json(model: Path) -> None:
    (model / "config.json").write_text("[" * 200_000)


def huge_json(model: Path) -> None:
    (model / "config.json").write_bytes(b" " * (5 << 20))


def no_pooling(model: Path) -> None:
    shape = json.loads((model / "modules.json").read_text())
    (model / "modules.json").write_text(json.dumps(shape[:1]))


def no_transformer(model: Path) -> None:
    modules(model, 0, type="sentence_transformers.models.StaticEmbedding")


def no_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").unlink()


def no_width(model: Path) -> None:
    edit(model / "config.json", hidden_size="64")


def other_width(model: Path) -> None:
    edit(model / "config.json", hidden_size=32)


def adapter(model: Path) -> None:
    edit(model / "adapter_config.json", peft_type="LORA")


def prompt(model: Path) -> None:
    edit(
        model / "config_sentence_transformers.json",
        prompts={"query": "query: "}, default_prompt_name="query",
    )  # fmt: skip


def cut(model: Path) -> None:
    edit(model / "config_sentence_transformers.json", truncate_dim=32)


def other_format(model: Path) -> None:
    edit(model / "searchkbd.json", format=2, palochka="I")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pickle_only, "pytorch_model.bin: weights as a pickle"),
        (pickle_of_dense, "2_Dense/pytorch_model.bin: weights as a pickle"),
        (own_code, "code of its own (auto_map), which is never run"),
        (own_tokenizer, "code of its own (auto_map)"),
        (own_module, "its module os.path.Pooling is code of its own"),
        (path_up, "'../1_Pooling' leads out of the model"),
        (path_absolute, "leads out of the model"),
        (linked_folder, "'1_Pooling' leads out of the model"),
        (linked_weights, "model.safetensors: a link that leads out of the model"),
        (shard_outside, "'../other.safetensors' is not the name of a safetensors file"),
        (own_activation, "the activation 'own.activation.Run' is code of its own"),
        (not_json, "1_Pooling/config.json: damaged, not JSON"),
        (deep_json, "config.json: damaged, not JSON"),
        (huge_json, "config.json: larger than 4,194,304 bytes"),
        (no_pooling, "has no Pooling"),
        (no_transformer, "begins with a StaticEmbedding"),
        (no_tokenizer, "tokenizer.json is missing"),
        (no_width, "hidden_size is missing or no whole number"),
        (other_width, "made for 64 dimensions, it is given 32"),
        (adapter, "an adapter, not a whole model"),
        (prompt, "puts 'query: ' before each text"),
        (cut, "cuts its vectors (truncate_dim)"),
        (other_format, "searchkbd.json: format 2, searchkbd reads 1"),
    ],
)
def test_what_is_refused(model, change, said):
    change(model)
    with pytest.raises(EncoderError) as caught:
        find_model(model)
    assert said in str(caught.value) and str(model.parent) in str(caught.value)


def test_a_directory_without_a_model(tmp_path):
    (tmp_path / "file").write_text("")
    assert not holds_model(tmp_path)
    with pytest.raises(EncoderError, match="no model of sentence-transformers"):
        find_model(tmp_path)
    with pytest.raises(EncoderError, match="a file, not the directory"):
        find_model(tmp_path / "file")
    with pytest.raises(MissingModelError, match="no directory"):
        find_model(tmp_path / "nothing")


# The cache of huggingface_hub


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"HF_HUB_CACHE": "{}/a", "HF_HOME": "{}/b"}, "a"),
        ({"HF_HOME": "{}/b", "XDG_CACHE_HOME": "{}/c"}, "b/hub"),
        ({"XDG_CACHE_HOME": "{}/c"}, "c/huggingface/hub"),
        ({"HOME": "{}"}, ".cache/huggingface/hub"),
        ({"HF_HOME": "$OF_MINE/b", "OF_MINE": "{}"}, "b/hub"),
    ],
)
def test_where_the_cache_is_said_to_be(cache, tmp_path, monkeypatch, environment, place):
    pytest.importorskip("huggingface_hub")
    monkeypatch.delenv("HF_HOME")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert hub_cache() == tmp_path / place
    ask = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(hub_cache())


def test_a_model_in_the_cache(cached, tiny_labse, tmp_path, monkeypatch):
    snapshot = cached("sentence-transformers/LaBSE")
    found = find_model("labse")
    assert (found.name, found.repo, found.revision) == (
        "labse", "sentence-transformers/LaBSE", COMMIT,
    )  # fmt: skip
    assert found.directory == snapshot
    for other in ("LaBSE", "sentence-transformers/LaBSE", f"labse@{COMMIT}"):
        same = find_model(other)
        assert (same.name, same.fingerprint) == (other, found.fingerprint)
    # The directory of a snapshot can be given too; it is the same model but for the palochka.
    assert find_model(snapshot, "I").fingerprint == found.fingerprint
    assert find_model(tiny_labse, "I").fingerprint == found.fingerprint
    # A directory of the name of a model is not taken for it.
    (tmp_path / "labse").mkdir()
    (tmp_path / "sentence-transformers" / "LaBSE").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_model("labse").directory == find_model(
        "sentence-transformers/LaBSE").directory == snapshot  # fmt: skip
    with pytest.raises(EncoderError, match="no model of sentence-transformers"):
        find_model("./labse")


def test_a_directory_that_looks_like_a_name(cache, model, monkeypatch):
    owner = model.parent / "owner"
    owner.mkdir()
    model.rename(owner / "name")
    monkeypatch.chdir(model.parent)
    assert find_model("owner/name").name == str(owner / "name")


def test_a_model_that_is_not_here(cache):
    for name in ("labse-kbd", "someone/else", "embeded"):
        with pytest.raises(MissingModelError) as caught:
            find_model(name)
        said = str(caught.value)
        for part in (f"searchkbd models fetch {name}\n", str(cache), "--encoder DIR", "embedded"):
            assert part in said
        assert max(len(line) for line in f"searchkbd: {said}".splitlines()) <= 88 + len(str(cache))
    with pytest.raises(MissingModelError, match="panagoa/LaBSE-kbd-v0.2, about 1.9 GB"):
        find_model("labse-kbd")


@pytest.mark.parametrize(
    "gone", ["model.safetensors", "2_Dense/model.safetensors", "tokenizer.json", "config.json"]
)
def test_a_model_that_is_here_in_part(cached, gone):
    snapshot = cached("a/b")
    (snapshot / gone).unlink()
    with pytest.raises(MissingModelError) as caught:
        find_model("a/b")
    assert f"its {gone} is missing" in str(caught.value)
    assert "searchkbd models fetch a/b" in str(caught.value)


def test_settings_that_have_not_come_yet(cached):
    # Without them the model would be read, but otherwise. huggingface_hub notes what there is.
    snapshot = cached("a/b")
    listing = snapshot.parents[1] / "trees" / f"{COMMIT}.json"
    listing.parent.mkdir()
    names = ["modules.json", "sentence_bert_config.json", "onnx/config.json", "pytorch_model.bin"]
    listing.write_text(json.dumps({"format_version": 1, "files": dict.fromkeys(names, {})}))
    assert find_model("a/b").dim == 64
    (snapshot / "modules.json").unlink()
    with pytest.raises(MissingModelError, match=r"its modules.json is missing"):
        find_model("a/b")


# The fingerprint


def one_weight(model: Path) -> None:
    with (model / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))


def one_weight_of_dense(model: Path) -> None:
    data = bytearray((model / "2_Dense/model.safetensors").read_bytes())
    data[-1] ^= 1
    (model / "2_Dense/model.safetensors").write_bytes(data)


def one_piece(model: Path) -> None:
    shape = json.loads((model / "tokenizer.json").read_text())
    vocabulary = shape["model"]["vocab"]
    first, second = list(vocabulary)[10:12]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    (model / "tokenizer.json").write_text(json.dumps(shape))


CHANGES = {
    "weight": one_weight,
    "weight of dense": one_weight_of_dense,
    "tokenizer": one_piece,
    "tokens": lambda model: edit(model / "sentence_bert_config.json", max_seq_length=128),
    "case": lambda model: edit(model / "sentence_bert_config.json", do_lower_case=True),
    "pooling": lambda model: edit(model / "1_Pooling/config.json", pooling_mode="mean"),
    "activation": lambda model: edit(
        model / "2_Dense/config.json", activation_function="torch.nn.modules.linear.Identity"
    ),
    "norm": lambda model: edit(model / "config.json", layer_norm_eps=1e-5),
    "heads": lambda model: edit(model / "config.json", num_attention_heads=8),
    "palochka": lambda model: edit(model / "searchkbd.json", format=1, palochka="I"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_the_fingerprint_depends_on(model, tiny_labse, change):
    change(model)
    assert find_model(model).fingerprint != find_model(tiny_labse).fingerprint


def test_what_the_fingerprint_does_not_depend_on(model, tiny_labse):
    shape = json.loads((model / "tokenizer.json").read_text())
    shape["padding"], shape["truncation"] = {"strategy": "BatchLongest"}, {"max_length": 12}
    (model / "tokenizer.json").write_text(json.dumps(shape, indent=7))
    edit(model / "config.json", transformers_version="9", _name_or_path="x", dtype="bfloat16")
    (model / "README.md").write_text("# Another text\n")
    (model / "searchkbd.json").write_text(
        json.dumps({"format": 1, "palochka": None, "languages": ["kbd"]})
    )
    os.utime(model / "model.safetensors")
    before = find_model(tiny_labse).fingerprint
    assert len(before) == 16 and int(before, 16) >= 0
    assert find_model(model).fingerprint == before


@pytest.fixture
def notes(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / fingerprints.NOTES


def reads(monkeypatch) -> list[Path]:
    """Return a list to which the files are added that are read whole from here on."""
    seen = []
    real = fingerprints._file_digest

    def _file_digest(path: Path) -> str:
        seen.append(path)
        return real(path)

    monkeypatch.setattr(fingerprints, "_file_digest", _file_digest)
    return seen


def test_large_files_are_read_once(model, notes, monkeypatch):
    weights = model / "model.safetensors"
    first = find_model(model).fingerprint
    assert str(weights) in json.loads(notes.read_text())
    seen = reads(monkeypatch)
    assert find_model(model).fingerprint == first
    assert weights not in seen
    # but when they have changed
    one_weight(model)
    assert find_model(model).fingerprint != first
    assert weights in seen


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"a": 1', b"\xff", b"[" * 100_000])
def test_notes_that_are_damaged_do_no_harm(model, notes, damage):
    first = find_model(model).fingerprint
    notes.write_bytes(damage)
    assert find_model(model).fingerprint == first
    assert str(model / "model.safetensors") in json.loads(notes.read_text())


def test_notes_that_cannot_be_written_do_no_harm(model, notes):
    notes.parent.write_text("a file in the place of the directory")
    assert len(find_model(model).fingerprint) == 16


def test_in_the_cache_the_name_of_a_large_file_is_its_hash(cached, notes, monkeypatch):
    cached("a/b")
    seen = reads(monkeypatch)
    assert len(find_model("a/b").fingerprint) == 16
    assert seen == [] and not notes.exists()


def test_a_damaged_tokenizer(model):
    (model / "tokenizer.json").write_text("[]")
    with pytest.raises(EncoderError, match=r"tokenizer.json: damaged"):
        _ = find_model(model).fingerprint


def test_finding_a_model_imports_nothing_heavy(tiny_labse):
    ask = (
        "import sys; from searchkbd.encoders.transformer.files import find_model;"
        "print(find_model(sys.argv[1]).fingerprint);"
        "sys.exit(bool({'torch', 'transformers', 'tokenizers', 'huggingface_hub', 'socket'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(tiny_labse)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == find_model(tiny_labse).fingerprint
