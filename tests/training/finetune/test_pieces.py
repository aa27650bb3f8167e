"""Pieces with a palochka: in the vocabulary, in the table, and nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.encoders.base import EncoderError
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import model_input

pytest.importorskip("sentence_transformers")
from sentence_transformers import SentenceTransformer  # noqa: E402
from tiny_labse import make_tiny_labse  # noqa: E402

from searchkbd.training.finetune.pieces import LETTERS, add_palochka_pieces  # noqa: E402

KABARDIAN = [
    model_input(item.text, "I")
    for item in read_corpus(PHRASEBOOK, ReadOptions())
    if item.lang == "kbd"
]
OTHERS = [item.text for item in read_corpus(PHRASEBOOK, ReadOptions()) if item.lang != "kbd"]
ALPHABET = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
"""Single letters, so that Kabardian is cut into letters at the worst and never unknown."""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> Path:
    """A model whose vocabulary never saw Kabardian, as LaBSE's did next to none."""
    # Once each: no more than letters is learned from these.
    letters = [f"{a}{a} {a.upper()}{a.upper()}" for a in ALPHABET + "i-"]
    return make_tiny_labse(tmp_path_factory.mktemp("foreign"), OTHERS + letters, vocabulary=1500)


@pytest.fixture(scope="module")
def base(foreign) -> SentenceTransformer:
    return load(foreign)


@pytest.fixture(scope="module")
def wider(foreign) -> SentenceTransformer:
    model = load(foreign)
    add_palochka_pieces(model, KABARDIAN, "I", subwords=50)
    return model


def load(directory: Path) -> SentenceTransformer:
    return SentenceTransformer(str(directory), device="cpu", local_files_only=True)


def ids(model: SentenceTransformer, text: str) -> list[int]:
    return model.tokenizer(text)["input_ids"]


def test_letters_are_single_pieces_at_the_start_and_inside_a_word(foreign):
    model = load(foreign)
    assert model.tokenizer.tokenize("щIэ") == ["щ", "##I", "##э"]

    added = add_palochka_pieces(model, KABARDIAN, "I")

    assert {"щI", "##щI", "ЩI", "кIу", "КIу", "КIУ", "##Iу"} <= set(added.pieces)
    assert model.tokenizer.tokenize("щIэ кIуэ КIУЭ Iуэ") == (
        ["щI", "##э", "кIу", "##э", "КIУ", "##Э", "Iу", "##э"]
    )
    # ЦӀ and the like: three cases of a letter of two signs are two spellings.
    expected = sum(3 if letter == "кӏу" else 2 for letter in LETTERS if letter != "ӏ")
    assert len(added.pieces) == 2 * expected


def test_fewer_pieces_a_word(foreign):
    letters = add_palochka_pieces(load(foreign), KABARDIAN, "I")
    learned = add_palochka_pieces(load(foreign), KABARDIAN, "I", subwords=50)

    words = [w for text in KABARDIAN for w in text.replace("-", " ").split() if "I" in w]
    assert letters.words == learned.words == pytest.approx(len(words), rel=0.02)
    before, after = letters.per_word
    assert before == learned.per_word[0]
    # A palochka letter alone saves nearly one piece a word; what is learned saves more.
    assert after < before - 0.8
    assert learned.per_word[1] < after - 0.3
    assert len(learned.pieces) == len(letters.pieces) + 50


def test_the_figures_are_those_of_the_tokenizer(foreign):
    base, model = load(foreign), load(foreign)
    added = add_palochka_pieces(model, KABARDIAN, "I", subwords=20)

    def count(one: SentenceTransformer) -> int:
        backend = one.tokenizer.backend_tokenizer
        words = (w for text in KABARDIAN for w, _ in backend.pre_tokenizer.pre_tokenize_str(text))
        return sum(len(one.tokenizer.tokenize(word)) for word in words if "I" in word)

    assert (added.before, added.after) == (count(base), count(model))


def test_rows_are_the_means_of_the_pieces_that_they_replace(base, wider):
    old = base.transformers_model.get_input_embeddings().weight.detach().numpy()
    new = wider.transformers_model.get_input_embeddings().weight.detach().numpy()

    assert np.array_equal(new[: len(old)], old)
    assert len(new) == len(wider.tokenizer) == wider.transformers_model.config.vocab_size
    inverse = {number: piece for piece, number in wider.tokenizer.get_vocab().items()}
    pieces = [inverse[number] for number in range(len(old), len(new))]
    assert "##кIу" in pieces
    for row, piece in zip(new[len(old) :], pieces, strict=True):
        if piece.startswith("##"):
            parts = base.tokenizer.convert_tokens_to_ids(base.tokenizer.tokenize("а" + piece[2:]))
            if base.tokenizer.tokenize("а" + piece[2:])[0] != "а":
                continue  # joined with the letter before it
            parts = parts[1:]
        else:
            parts = base.tokenizer.convert_tokens_to_ids(base.tokenizer.tokenize(piece))
        assert row == pytest.approx(old[parts].mean(axis=0), abs=1e-6)


def test_saved_and_read_back_it_gives_the_same_vectors(wider, tmp_path):
    texts = KABARDIAN[:40] + OTHERS[:40]
    before = wider.encode(texts)

    wider.save_pretrained(str(tmp_path), create_model_card=False)
    again = load(tmp_path)

    assert [ids(again, text) for text in texts] == [ids(wider, text) for text in texts]
    assert np.array_equal(again.encode(texts), before)
    state = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert "##щI" in state["model"]["vocab"]
    assert not any("щI" in token["content"] for token in state["added_tokens"])


def test_kabardian_vectors_move_and_others_do_not(base, wider):
    moved = np.abs(wider.encode(KABARDIAN[:20]) - base.encode(KABARDIAN[:20])).max()
    assert moved > 1e-3
    assert np.array_equal(wider.encode(OTHERS[:20]), base.encode(OTHERS[:20]))


ANY = st.one_of(st.sampled_from(ALPHABET + "ЩКI -'1."), st.characters(codec="utf-8"))


@settings(max_examples=300)
@given(st.text(ANY, max_size=30))
def test_what_has_no_palochka_is_cut_as_before(base, wider, text):
    # An I that touches a Cyrillic letter is a palochka; everything else is in the strategy.
    kept = text.replace("I", " I ")
    assert ids(wider, kept) == ids(base, kept)


@settings(max_examples=200)
@given(st.text(st.sampled_from("щкIуэ пыД-"), max_size=20))
def test_no_letter_is_lost(base, wider, text):
    def letters(model: SentenceTransformer) -> str:
        return "".join(piece.removeprefix("##") for piece in model.tokenizer.tokenize(text))

    assert letters(wider) == letters(base) == text.replace(" ", "")


def test_corpora_without_palochka_are_cut_as_before(base, wider, shared_data):
    with (shared_data / "dev" / "tatoeba_ru_en.tsv").open(encoding="utf-8") as file:
        lines = [line for line in file][:500]
    with (shared_data / "dev" / "tatoeba_tr_en.tsv").open(encoding="utf-8") as file:
        lines += [line for line in file][:500]
    assert base.tokenizer(lines)["input_ids"] == wider.tokenizer(lines)["input_ids"]


def test_what_is_there_is_not_added_twice(foreign):
    model = load(foreign)
    assert add_palochka_pieces(model, KABARDIAN, "I").pieces
    size = len(model.tokenizer)

    again = add_palochka_pieces(model, KABARDIAN, "I")

    assert again.pieces == ()
    assert again.before == again.after
    assert len(model.tokenizer) == size


def test_the_same_texts_give_the_same_pieces(foreign):
    first = add_palochka_pieces(load(foreign), KABARDIAN, "I", subwords=30)
    # In another order, and other texts among them.
    second = add_palochka_pieces(load(foreign), [*OTHERS, *KABARDIAN[::-1]], "I", subwords=30)
    assert first == second


def test_a_palochka_of_its_own_is_a_letter(foreign):
    model = load(foreign)
    added = add_palochka_pieces(model, [model_input(t, "ӏ") for t in KABARDIAN], "ӏ")
    assert {"ӏ", "##ӏ", "щӏ", "КӏУ"} <= set(added.pieces)


@pytest.mark.parametrize(
    ("palochka", "words"), [(None, "one spelling"), ("!", "parts words at '!'")]
)
def test_a_palochka_that_no_piece_can_hold_is_refused(base, palochka, words):
    with pytest.raises(EncoderError, match=words):
        add_palochka_pieces(base, KABARDIAN, palochka)


def test_another_kind_of_tokenizer_is_refused(foreign):
    from tokenizers import Tokenizer, models

    model = load(foreign)
    model.tokenizer._tokenizer = Tokenizer(models.BPE())
    with pytest.raises(EncoderError, match="WordPiece"):
        add_palochka_pieces(model, KABARDIAN, "I")


def test_no_texts_no_figures(foreign):
    added = add_palochka_pieces(load(foreign), [], "I", subwords=10)
    assert added.pieces and added.words == 0
    assert np.isnan(added.per_word).all()
