from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from searchkbd.text.forms import PALOCHKA, loose_key, search_key
from searchkbd.text.identify import CLASSES, load_table, probabilities
from searchkbd.training import lid, lid_data
from searchkbd.training.lid_data import Labelled

# Made-up words that look like each language, enough to fit a small table to.
STEMS = {
    "kbd": ["къэкӏуащ", "щӏыхьэхукъым", "пхъэхэр", "уэзыгъэщ"],
    "ru": ["говорили", "большого", "тихонько", "письмами"],
    "en": ["wishing", "thought", "knows", "the"],
    "fr": ["laquelle", "voulait", "d'eau", "cœurs"],
    "tr": ["gözlük", "yapıyor", "değildir", "kızım"],
    "ady": ["къэкӏуагъ", "шъуиӏофышӏэ", "чъыгыжъхэр", "ылъэгъугъэх"],
    "other": ["größer", "señalado", "їжаки", "świeżość"],
}
SMALL = lid.Options(buckets=1 << 12, epochs=3, draws=300, batch=64)


def _texts(seed: int, count: int = 60) -> list[Labelled]:
    rng = random.Random(seed)
    return [
        Labelled(" ".join(rng.choices(stems, k=4)) + f" {number}", lang, "sentences", "made up")
        for lang, stems in STEMS.items()
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def texts() -> list[Labelled]:
    return _texts(1)


def test_a_small_table_learns_and_is_the_same_every_time(
    texts: list[Labelled], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    lines: list[str] = []
    table = lid.fit(texts, SMALL, lines.append)
    assert len(lines) == SMALL.epochs
    unseen = _texts(2, 10)
    guessed = lid.guesses(unseen, table)
    assert sum(g == item.lang for g, item in zip(guessed, unseen, strict=True)) == len(unseen)

    lid.save_table(table, tmp_path / "one" / "lid.npz")
    lid.save_table(lid.fit(texts, SMALL), tmp_path / "two.npz")
    assert (tmp_path / "one" / "lid.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with (tmp_path / "two.npz").open("rb") as file:
        loaded = load_table(file)
    sample = [item.text for item in unseen]
    np.testing.assert_array_equal(probabilities(sample, loaded), probabilities(sample, table))


def test_every_class_must_have_texts(texts: list[Labelled]) -> None:
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="ady, tr"):
        lid.fit([item for item in texts if item.lang not in ("tr", "ady")], SMALL)


def test_quantizing_keeps_the_order_of_the_weights() -> None:
    weights = np.random.default_rng(3).normal(size=(256, len(CLASSES))).astype(np.float32)
    table = lid.quantize(weights, np.zeros(len(CLASSES), np.float32))
    restored = table.weights * table.scale
    centred = weights - weights.mean(axis=1, keepdims=True)
    assert np.abs(restored - centred).max() <= np.abs(centred).max() / 127
    zero = lid.quantize(np.zeros_like(weights), np.zeros(len(CLASSES), np.float32))
    assert not zero.weights.any() and np.isfinite(zero.scale).all()


def test_the_prior_moves_towards_the_five_only_where_it_helps() -> None:
    empty = lid.quantize(
        np.zeros((64, len(CLASSES)), np.float32),
        np.array([0, 0, 0, 0, 0, 0, 0.35], np.float32),
    )
    short = [Labelled(stem, lang, "words", "") for lang in STEMS for stem in STEMS[lang]]
    tuned = lid.prefer_five(empty, short)
    assert tuned.prior[-1] == pytest.approx(-0.4)
    assert not tuned.prior[:5].any()
    assert lid.prefer_five(empty, []) is empty


def test_scores_and_confusions_count_every_text() -> None:
    items = [Labelled("а", "kbd", "words", ""), Labelled("б", "kbd", "words", ""),
             Labelled("c", "en", "words", "")]  # fmt: skip
    guessed = ["kbd", "ru", "en"]
    scores = lid.score(items, guessed, lambda item: item.lang)
    assert scores == {"en": lid.Score(1, 1), "kbd": lid.Score(1, 2)}
    assert scores["kbd"].accuracy == 0.5
    assert np.isnan(lid.Score(0, 0).accuracy)
    counts = lid.confusion(items, guessed)
    assert counts.sum() == 3 and counts[0, 1] == counts[0, 0] == counts[2, 2] == 1


def test_draws_are_balanced_over_the_classes() -> None:
    items = _texts(1) + _texts(2, 300)[: 300 * 2]
    drawn = lid.draw(lid_data.group(items), 90, random.Random(0))
    counts = {lang: sum(item.lang == lang for item in drawn) for lang in CLASSES}
    assert counts == {lang: 180 if lang == "other" else 90 for lang in CLASSES}


def test_no_text_is_in_two_parts_however_it_is_spelt() -> None:
    items = _texts(1, 200)
    items += [Labelled(i.text.upper(), "ru", "words", "shouted") for i in items if i.lang == "kbd"]
    items += [Labelled("123 !", "en", "words", ""), Labelled("", "en", "words", "")]
    excluded = {loose_key(items[0].text)}
    parts = lid_data.split(items, excluded)
    keys = [lid_data.loose_keys(part) for part in (parts.train, parts.tune, parts.test)]
    assert all(keys) and not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert not set.union(*keys) & (excluded | {"", "123 !"})
    assert parts == lid_data.split(items, excluded)
    assert parts != lid_data.split(items, excluded, seed=1)
    everything = [*parts.train, *parts.tune, *parts.test]
    assert len({(item.lang, loose_key(item.text)) for item in everything}) == len(everything)


def test_respelling_keeps_the_label_and_mostly_the_key() -> None:
    rng = random.Random(0)
    item = Labelled("щӏалэ къэкӏуащ", "kbd", "phrases", "")
    seen = {lid_data.respell(item, rng) for _ in range(300)}
    assert {(one.lang, one.kind) for one in seen} == {("kbd", "phrases")}
    assert {loose_key(one.text) for one in seen} == {loose_key(item.text)}
    assert {search_key(one.text) for one in seen} >= {"щӏалэ къэкӏуащ", "щалэ къэкуащ"}
    assert any("1" in one.text for one in seen)
    turkish = {lid_data.respell(Labelled("kız işi", "tr", "words", ""), rng).text
               for _ in range(300)}  # fmt: skip
    assert {"kiz isi", "kız işi", "KIZ İŞİ"} <= turkish


def test_truncating_gives_one_to_three_words_in_a_row() -> None:
    rng = random.Random(0)
    item = Labelled("alpha beta gamma delta 12", "en", "sentences", "")
    pieces = {lid_data.truncate(item, rng).text for _ in range(300)}
    assert {"alpha", "beta gamma delta", "delta 12"} <= pieces
    assert all(piece in item.text for piece in pieces)
    assert "12" not in pieces


def test_words_are_counted_by_letters() -> None:
    assert lid_data.word_count("") == lid_data.word_count("1941 ?") == 0
    assert lid_data.word_count("щ1алэ ц1ык1у, 12") == 2
    assert [lid.length_group("a " * count) for count in (1, 2, 3, 4, 7, 8)] == [
        "1", "2-3", "2-3", "4-7", "4-7", "8+"]  # fmt: skip


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(lid_data.read_training(tmp_path))


def test_the_real_corpora_give_every_class(shared_data: Path) -> None:
    counts: dict[str, int] = {}
    for item in lid_data.read_training(shared_data):
        assert item.lang in CLASSES and item.kind in lid_data.KINDS
        counts[item.lang] = counts.get(item.lang, 0) + 1
    assert min(counts.values()) > 9_000 and set(counts) == set(CLASSES)
    dev = list(lid_data.read_dev(shared_data))
    assert {item.lang for item in dev} == {"kbd", "ru", "en", "fr", "tr"}
    assert PALOCHKA in "".join(item.text for item in dev if item.lang == "kbd")
