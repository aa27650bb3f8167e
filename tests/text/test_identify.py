from __future__ import annotations

import csv
import io
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.text import identify as module
from searchkbd.text.forms import fold_palochka
from searchkbd.text.identify import (
    CLASSES,
    MAX_CHARS,
    Identification,
    Table,
    default_table,
    features,
    identify,
    identify_batch,
    load_table,
    probabilities,
    read,
)
from searchkbd.text.languages import LANGUAGES

KABARDIAN = [
    "Нобэ уэшх къешхащ.",
    "Сэ тхылъ щӏэ къэсщэхуащ.",
    "Уи анэр дэнэ щыӏэ?",
    "Щӏалэ цӏыкӏум и ныбжьэгъум тхыгъэ хуитхащ.",
    "Абы псалъэ гуапэ къыджиӏащ, итӏанэ дэкӏыжащ.",
    "Пхъэщхьэмыщхьэ жыгым уэс телъщ.",
]
SENTENCES = {
    "kbd": KABARDIAN,
    "ru": ["Вчера весь день шёл дождь.", "Я купила новую книгу.", "Где живёт твоя мама?",
           "Мальчик написал письмо своему другу."],
    "en": ["It rained all day yesterday.", "She bought a new book.", "Where does your mother live?",
           "The boy wrote his friend a letter."],
    "fr": ["Il a plu toute la journée hier.", "Elle a acheté un nouveau livre.",
           "Où habite ta mère ?", "Le garçon a écrit une lettre à son ami."],
    "tr": ["Dün bütün gün yağmur yağdı.", "Yeni bir kitap aldım.", "Annen nerede oturuyor?",
           "Çocuk arkadaşına mektup yazdı."],
    "ady": ["Непэ ощхы къещхыгъ.", "Шъузым ышыпхъу къэкӏожьыгъ.",
            "Кӏэлэцӏыкӏум иныбджэгъу тхыгъэ фитхыгъ."],
    "other": ["Gestern hat es den ganzen Tag geregnet.", "Учора цілий день ішов дощ.",
              "Ayer llovió durante todo el día.", "Χθες έβρεχε όλη μέρα.", "昨日は一日中雨でした。",
              "أمس أمطرت طوال اليوم", "Wczoraj cały dzień padał deszcz."],
}  # fmt: skip

TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["кӏэщ", "къы", "хуэ", "рэ", "the", "le", "bir", "ve", "и", "на", "1", "I", "!", "\n",
         "\u0301", "\ue000", "ı", "İ", "12", "Ä", " ", "'"]
    ),  # fmt: skip
    max_size=12,
).map("".join)


@pytest.mark.parametrize("lang", CLASSES)
def test_sentences_are_told_right(lang: str) -> None:
    for text in SENTENCES[lang]:
        found = identify(text)
        assert found.lang == lang, text
        assert 0.5 < found.confidence <= 1.0


@pytest.mark.parametrize("spelling", list("ӀӏІіIil1|!"))
def test_the_spelling_of_the_palochka_does_not_matter(spelling: str) -> None:
    for text in KABARDIAN:
        spelt = fold_palochka(text, spelling)
        assert identify(spelt) == identify(text), spelt


@pytest.mark.parametrize("lang", LANGUAGES)
def test_capitals_and_missing_punctuation_do_not_change_the_answer(lang: str) -> None:
    for text in SENTENCES[lang]:
        assert identify(text.upper()).lang == lang
        assert identify(text.strip(".?! ")) == identify(text)


def test_kabardian_without_palochka_is_kabardian() -> None:
    for text in KABARDIAN:
        assert identify(text.replace("ӏ", "")).lang == "kbd", text


def test_turkish_and_french_typed_without_accents() -> None:
    assert identify("Dun butun gun yagmur yagdi").lang == "tr"
    assert identify("Elle a achete un nouveau livre").lang == "fr"


@pytest.mark.parametrize("text", ["", " ", "\n", "1941", "?!", "—", "3,5 %", "\u200b", "😀"])
def test_a_text_without_letters_is_other_with_no_confidence(text: str) -> None:
    assert identify(text) == Identification("other", 0.0)


@given(st.lists(TEXTS, max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_batch_gives_what_each_text_gives_alone(texts: list[str]) -> None:
    batch = identify_batch(texts)
    assert len(batch) == len(texts)
    for text, found in zip(texts, batch, strict=True):
        alone = identify(text)
        assert alone.lang == found.lang in CLASSES
        assert abs(alone.confidence - found.confidence) < 1e-9
        assert 0.0 <= found.confidence <= 1.0


def test_batches_longer_than_a_chunk_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for part in SENTENCES.values() for text in part] + ["", "12"]
    whole = identify_batch(texts)
    monkeypatch.setattr(module, "_TEXTS_AT_ONCE", 3)
    assert identify_batch(texts) == whole
    assert identify_batch([]) == []


@pytest.mark.parametrize(
    "text", ["\ud800", "\udfffкъ", "a\0b", "\u0301" * 40, "к" * 100_000, "ſßŉǰ", "İıİı", "\x85\x1c"]
)
def test_odd_strings_are_answered(text: str) -> None:
    assert identify(text).lang in CLASSES


def test_a_long_text_is_told_by_its_beginning() -> None:
    start = "Вчера весь день шёл дождь. " * 100
    assert len(start) > MAX_CHARS
    assert identify(start) == identify(start + " The rest of it is English." * 100)


def test_probabilities_are_a_distribution_over_the_classes() -> None:
    probs = probabilities(["Нобэ махуэшхуэщ", "a", "7"], default_table())
    assert probs.shape == (3, len(CLASSES)) and probs.dtype == np.float64
    np.testing.assert_allclose(probs.sum(axis=1), [1, 1, 0])


@given(st.lists(TEXTS.map(read), max_size=5))
@settings(max_examples=100, deadline=None)
def test_features_of_a_text_do_not_depend_on_its_neighbours(readings: list[str]) -> None:
    together = [sorted(zip(o.tolist(), i.tolist(), strict=True)) for o, i in features(readings, 64)]
    for kind, found in enumerate(together):
        apart = []
        for number, reading in enumerate(readings):
            _, ids = list(features([reading], 64))[kind]
            apart += [(number, bucket) for bucket in ids.tolist()]
        assert found == sorted(apart)


def test_features_are_the_n_grams_with_edges_and_the_words() -> None:
    # " ab c ": two words; n-grams may begin or end with an edge but not cross one.
    counts = [len(ids) for _, ids in features([read("ab, c!")], 1 << 16)]
    assert counts == [3, 5, 3, 1, 0, 2]


def test_dotless_i_tells_turkish_but_is_a_palochka_beside_cyrillic() -> None:
    assert read("Kızı İyi") != read("Kizi Iyi")
    assert read("щıалэ") == read("щӏалэ")


def _saved(**arrays: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return file


def _row() -> np.ndarray:
    return np.zeros(len(CLASSES), np.float32)


def test_tables_of_a_wrong_shape_are_refused() -> None:
    weights = np.zeros((64, len(CLASSES)), np.int8)
    assert load_table(
        _saved(weights=weights, scale=_row(), bias=_row(), prior=_row())
    ).weights.shape == (64, len(CLASSES))
    with pytest.raises(ValueError, match="not a language identification table"):
        load_table(_saved(weights=weights))
    with pytest.raises(ValueError, match="int8"):
        Table(weights.astype(np.int16), _row(), _row(), _row())
    with pytest.raises(ValueError, match="int8"):
        Table(weights[:, 1:], _row(), _row(), _row())
    with pytest.raises(ValueError, match="power of two"):
        Table(weights[:60], _row(), _row(), _row())
    with pytest.raises(ValueError, match="float32"):
        Table(weights, _row()[1:], _row(), _row())


def test_a_table_with_pickled_objects_is_refused() -> None:
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError):
        load_table(_saved(weights=objects, scale=_row(), bias=_row(), prior=_row()))


def test_the_shipped_table_is_small_and_loads_fast() -> None:
    path = Path(module.__file__).parents[1] / "resources" / "lid.npz"
    assert path.stat().st_size <= 1_000_000
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        with path.open("rb") as file:
            load_table(file)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.02


def test_importing_needs_numpy_only_and_reads_no_table() -> None:
    code = (
        "import sys; import searchkbd.text.identify as m\n"
        "heavy = {'torch', 'rich', 'langcodes', 'sqlite_utils', 'ftfy', 'scipy'}\n"
        "assert not heavy & set(sys.modules) and m.default_table.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _column(path: Path, side: str) -> tuple[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return rows[0][f"lang_{side}"], [row[f"text_{side}"] for row in rows]


@pytest.mark.parametrize(
    "name",
    ["sentences_kbd_ru", "sentences_kbd_en", "tatoeba_ru_en", "tatoeba_fr_en", "tatoeba_tr_en",
     "ntrex_en_ru", "ntrex_en_fr", "ntrex_en_tr", "udhr_kbd_ru", "udhr_kbd_tr", "udhr_kbd_fr"],
)  # fmt: skip
def test_99_of_100_unseen_sentences_of_four_words_are_told_right(
    shared_data: Path, name: str
) -> None:
    for side in "ab":
        lang, texts = _column(shared_data / "dev" / f"{name}.tsv", side)
        longer = [text for text in texts if len(text.split()) >= 4]
        right = sum(found.lang == lang for found in identify_batch(longer))
        assert len(longer) >= 20
        assert right >= 0.99 * len(longer)


def test_every_longer_sentence_of_the_phrasebook_is_told_right() -> None:
    path = Path(module.__file__).parents[1] / "resources" / "phrasebook.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(
        (line for line in lines if not line.startswith("#")),
        delimiter="\t",
        quoting=csv.QUOTE_NONE,
    )
    longer = [(row["text"], row["lang"]) for row in rows if len(row["text"].split()) >= 4]
    assert {lang for _, lang in longer} == set(LANGUAGES)
    found = identify_batch([text for text, _ in longer])
    wrong = [text for (text, lang), one in zip(longer, found, strict=True) if one.lang != lang]
    assert len(wrong) <= 0.01 * len(longer), wrong
