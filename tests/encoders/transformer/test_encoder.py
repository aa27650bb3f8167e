"""Models of sentence-transformers as encoders, against what that library itself gives."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from searchkbd.encoders import EncoderError, EncoderSpec, load_encoder
from searchkbd.encoders.base import Encoder, settings_of
from searchkbd.encoders.transformer import export
from searchkbd.encoders.transformer.files import find_model
from searchkbd.encoders.transformer.precision import PrecisionError
from searchkbd.encoders.transformer.wordpiece import load_library
from searchkbd.encoders.workers import WorkerPool

pytest.importorskip("sentence_transformers")

TEXTS = [
    "Где школа?",
    "Куда ведёт эта дорога, по которой мы идём с самого утра, и далеко ли ещё до города?",
    "Where does this road lead?",
    "Annem evde.",
    "Où mène cette route ?",
    "",
]
LANGS = ["ru", "ru", "en", "tr", "fr", "en"]


@pytest.fixture(scope="module")
def reference(tiny_labse) -> np.ndarray:
    """What sentence-transformers gives."""
    from sentence_transformers import SentenceTransformer

    from searchkbd.encoders.transformer.torch_body import quiet

    with quiet():
        model = SentenceTransformer(str(tiny_labse), device="cpu")
        return model.encode(TEXTS, normalize_embeddings=True)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=1)


@pytest.mark.parametrize(
    ("precision", "least"), [("fp32", 0.999999), ("bf16", 0.999), ("int8", 0.99)]
)
def test_the_vectors_are_those_of_sentence_transformers(tiny_labse, reference, precision, least):
    encoder = load_encoder(tiny_labse, precision=precision)
    assert isinstance(encoder, Encoder) and encoder.precision == precision
    vectors = encoder.encode(TEXTS, LANGS)
    assert vectors.dtype == np.float32 and vectors.shape == (len(TEXTS), encoder.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert cosines(vectors, reference).min() > least


def test_many_texts_are_encoded_as_few_are(tiny_labse):
    encoder = load_encoder(tiny_labse, precision="fp32")
    few, many = encoder.encode(TEXTS, LANGS), encoder.encode(TEXTS * 60, LANGS * 60)
    assert np.abs(np.tile(few, (60, 1)) - many).max() < 1e-5


def test_no_texts_are_no_vectors(tiny_labse):
    encoder = load_encoder(tiny_labse)
    assert encoder.encode([]).shape == (0, encoder.dim)
    with pytest.raises(TypeError):
        encoder.encode("Где школа?")


def test_no_case_folding_reaches_the_palochka(tiny_labse):
    encoder = load_encoder(tiny_labse, palochka="I", precision="fp32")
    ids = {}
    for text in ("Ди анэр унэм щыӏэщ", "Ди анэр унэм щыIэщ", "Ди анэр унэм щы1эщ"):
        ids[text] = given(encoder, text)
    assert len({tuple(one) for one in ids.values()}) == 1
    library = load_library(tiny_labse)
    pieces = [library.id_to_token(one) for one in ids.popitem()[1]]
    assert any("I" in piece for piece in pieces)
    # A lower-case i is another letter: were anything folded, the two would be the same pieces.
    small = load_encoder(tiny_labse, palochka="i", precision="fp32")
    assert given(small, "Ди анэр унэм щыӏэщ") != given(encoder, "Ди анэр унэм щыӏэщ")


def given(encoder, text: str) -> list[int]:
    """Return the ids that the model is given for a Kabardian text."""
    seen: list[list[int]] = []
    body = encoder._body
    encoder.__dict__["_body"] = type("Spy", (), {
        "vectors": staticmethod(lambda ids: (seen.extend(ids), body.vectors(ids))[1])
    })  # fmt: skip
    encoder.encode([text], ["kbd"])
    encoder.__dict__["_body"] = body
    return seen[0]


def test_all_spellings_of_the_palochka_give_one_vector(tiny_labse):
    encoder = load_encoder(tiny_labse, palochka="I", precision="fp32")
    first, *others = encoder.encode(
        [f"Ди анэр унэм щы{spelling}эщ" for spelling in "ӏӀI1l|"], ["kbd"] * 6
    )
    assert all(np.array_equal(first, other) for other in others)


def test_texts_are_given_as_they_are_when_no_palochka_is_set(tiny_labse):
    kept = load_encoder(tiny_labse, palochka="keep", precision="fp32")
    a, b = kept.encode(["унэм щыӏэщ", "унэм щыIэщ"], ["kbd", "kbd"])
    assert not np.array_equal(a, b)
    assert kept.fingerprint != load_encoder(tiny_labse, palochka="I").fingerprint


def test_it_is_loaded_again_by_its_name_and_settings(tiny_labse):
    encoder = load_encoder(tiny_labse, palochka="ӏ", precision="int8")
    assert settings_of(encoder) == {"palochka": "ӏ", "precision": "int8"}
    again = load_encoder(EncoderSpec.of(encoder))
    assert (again.name, again.fingerprint) == (encoder.name, encoder.fingerprint)
    assert again.precision == "int8"


def test_worker_processes_compute_as_they_are_told(tiny_labse):
    encoder = load_encoder(tiny_labse, palochka="I", precision="int8")
    with WorkerPool(EncoderSpec.of(encoder), workers=1) as pool:
        assert settings_of(pool) == settings_of(encoder)
        assert np.allclose(pool.encode(TEXTS, LANGS), encoder.encode(TEXTS, LANGS), atol=1e-5)


def test_the_precision_does_not_change_the_fingerprint(tiny_labse):
    precisions = ("fp32", "bf16", "int8")
    assert len({load_encoder(tiny_labse, precision=one).fingerprint for one in precisions}) == 1


def test_settings_are_checked(tiny_labse):
    with pytest.raises(PrecisionError, match="auto, fp32, bf16, int8"):
        load_encoder(tiny_labse, precision="fp8")
    with pytest.raises(EncoderError, match="spelling of the palochka"):
        load_encoder(tiny_labse, palochka="x")
    for settings in ({"precision": "int8"}, {"palochka": "I"}):
        with pytest.raises(EncoderError, match="embedded: its .* cannot be chosen"):
            load_encoder("embedded", **settings)


def test_exports_are_made_once(tiny_labse, monkeypatch):
    load_encoder(tiny_labse, precision="bf16").encode(TEXTS, LANGS)
    monkeypatch.setattr(export, "_graph", lambda files: pytest.fail("exported again"))
    load_encoder(tiny_labse, precision="bf16").encode(TEXTS, LANGS)
    assert not list(export.exports_directory().glob(".*"))


def test_an_export_that_is_not_the_model_is_not_believed(tiny_labse, reference, monkeypatch):
    def wrong(model):
        from openvino import opset13 as ops

        for node in export_products(model):
            turned = ops.multiply(node.output(0), ops.constant(np.float32(-1)))
            for target in node.output(0).get_target_inputs():
                if target.get_node() is not turned:
                    target.replace_source_output(turned.output(0))

    def export_products(model):
        return [n for n in model.get_ordered_ops() if n.get_type_name() == "Tanh"]

    files = find_model(tiny_labse, "1")  # one that was not exported yet
    monkeypatch.setattr(export, "narrow_products", wrong)
    with pytest.raises(export.UnsupportedModelError, match="not torch's"):
        export.exported(files, "bf16")
    # The encoder falls back on torch.
    encoder = load_encoder(tiny_labse, palochka="1", precision="bf16")
    assert cosines(encoder.encode(TEXTS, LANGS), reference).min() > 0.999


def test_a_model_that_cannot_be_exported_runs_with_torch(tiny_labse, reference, monkeypatch):
    monkeypatch.setattr(export, "_ARCHITECTURES", ())
    encoder = load_encoder(tiny_labse, precision="fp32")
    assert cosines(encoder.encode(TEXTS, LANGS), reference).min() > 0.999999
    with pytest.raises(PrecisionError, match="OpenVINO"):
        load_encoder(tiny_labse, precision="int8").encode(TEXTS)


def test_a_damaged_export_is_named(tiny_labse):
    files = find_model(tiny_labse, "|")
    path = export.exported(files, "fp32")
    path.write_text("<net")
    with pytest.raises(EncoderError, match="delete it"):
        load_encoder(tiny_labse, palochka="|", precision="fp32").encode(["Где школа?"])
    path.unlink()
    load_encoder(tiny_labse, palochka="|", precision="fp32").encode(["Где школа?"])


def test_nothing_is_sent_and_nothing_fetched(tiny_labse, monkeypatch):
    def connect(*_):
        pytest.fail("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    load_encoder(tiny_labse, palochka="l", precision="fp32").encode(TEXTS)  # exports it too


def test_a_query_needs_no_torch_once_the_model_is_exported(tiny_labse):
    load_encoder(tiny_labse, palochka="I").encode(["Где школа?"], ["ru"])
    code = (
        "import sys; from searchkbd.encoders import load_encoder\n"
        f"load_encoder({str(tiny_labse)!r}, palochka='I').encode(['Где школа?'], ['ru'])\n"
        "heavy = ('torch', 'transformers', 'huggingface_hub.hf_api')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_other_architectures_and_poolings(tmp_path, tiny_labse):
    """XLM-R with mean pooling, as multilingual-e5 is."""
    model, texts = made_xlmr(tmp_path), [text for text in TEXTS if text]
    encoder = load_encoder(model, precision="fp32")
    from sentence_transformers import SentenceTransformer

    from searchkbd.encoders.transformer.torch_body import quiet

    with quiet():
        theirs = SentenceTransformer(str(model), device="cpu").encode(
            texts, normalize_embeddings=True
        )
    assert cosines(encoder.encode(texts), theirs).min() > 0.99999
    assert export.exported(encoder.files, "fp32").exists()


def made_xlmr(folder: Path) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    from searchkbd.encoders.transformer.torch_body import quiet

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(TEXTS, trainers.UnigramTrainer(
        vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False,
    ))  # fmt: skip
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    with quiet():
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", cls_token="<s>",
            sep_token="</s>", pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
            model_max_length=64,
        ).save_pretrained(folder / "xlmr")  # fmt: skip
        torch.manual_seed(0)
        XLMRobertaModel(XLMRobertaConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=66, pad_token_id=1,
        )).save_pretrained(folder / "xlmr")  # fmt: skip
        model = SentenceTransformer(
            modules=[
                modules.Transformer(str(folder / "xlmr"), max_seq_length=64),
                modules.Pooling(32, pooling_mode="mean"),
            ],
            device="cpu",
        )
        model.save(str(folder / "model"))
    return folder / "model"


def test_a_copy_elsewhere_is_the_same_encoder(tiny_labse, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_labse, copy)
    assert load_encoder(copy).fingerprint == load_encoder(tiny_labse).fingerprint
    (copy / "searchkbd.json").write_text(json.dumps({"format": 1, "palochka": "I"}))
    assert load_encoder(copy).settings["palochka"] == "I"
    assert load_encoder(copy).fingerprint == load_encoder(tiny_labse, palochka="I").fingerprint


def test_missing_packages_are_named(tiny_labse, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec",
        lambda name: None if name == "sentence_transformers" else find(name),
    )  # fmt: skip
    for missing in ("fp32", "bf16"):
        with pytest.raises(EncoderError, match=r"pip install 'searchkbd\[transformers\]'"):
            load_encoder(tiny_labse, palochka="Ӏ", precision=missing).encode(["Где школа?"])
