"""Repair of mojibake: what is damaged comes back, what is clean stays."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from searchkbd.text.repair import repair

CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯӀӏІі"
ALPHABETS = {
    "cyrillic": CYRILLIC,
    "kabardian": "абгдежзиклмнпрстуфхцчшщъыьэяӏӀI1il|!",
    "english": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "turkish": "abcçdefgğhıijklmnoöprsştuüvyzâîûÇĞİÖŞÜ",
}
SENTENCES = [
    "Сэ нобэ псыхъуэм сыкӏуащ.",
    "«Ӏэщыр дэнэ щыӏэ?» – еупщӏащ лӏыжьыр.",
    "Щӏымахуэм жьыбгъэ щӏыӏэ къепщащ…",
    "Шёл снег, и дорогу совсем замело — пришлось ждать.",
    "и я",
]


def misread(text: str, encoding: str) -> str:
    """Read the UTF-8 bytes of *text* in *encoding*; bytes that it lacks become C1 controls."""
    return "".join(
        bytes([byte]).decode(encoding, "replace").replace("\ufffd", chr(byte))
        for byte in text.encode()
    )


def words_of(alphabet: str) -> st.SearchStrategy[str]:
    return st.lists(st.text(alphabet, min_size=1, max_size=12), min_size=1, max_size=8).map(
        " ".join
    )


@pytest.mark.parametrize("encoding", ["mac_roman", "cp1251", "cp866", "mac_cyrillic", "cp437"])
@pytest.mark.parametrize("text", SENTENCES)
def test_cyrillic_comes_back(text, encoding):
    assert repair(misread(text, encoding)) == text


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac_roman", "cp437"])
@pytest.mark.parametrize(
    "text", [*SENTENCES[:4], "Çocuklar bahçede gülüşüyor, ağaçlar yeşil.", "L’été où j’étais né…"]
)
def test_every_language_comes_back_from_the_western_encodings(text, encoding):
    assert repair(misread(text, encoding)) == text


@given(words_of(CYRILLIC), st.sampled_from(["mac_roman", "cp1251", "cp866", "mac_cyrillic"]))
def test_any_cyrillic_words_come_back(text, encoding):
    assume(any(len(word) > 1 for word in text.split()))  # a letter alone is no evidence
    assert repair(misread(text, encoding)) == text


@given(words_of(ALPHABETS["kabardian"]))
def test_palochka_spellings_come_back(text):
    assume(any(a in CYRILLIC and b in CYRILLIC for a, b in zip(text, text[1:], strict=False)))
    assert repair(misread(text, "mac_roman")) == text


@pytest.mark.parametrize("text", SENTENCES[:4])
def test_damage_done_twice_is_undone_twice(text):
    assert repair(misread(misread(text, "mac_roman"), "mac_roman")) == text


def test_a_damaged_text_that_was_cut_off_is_repaired_up_to_the_cut():
    assert repair(misread("Гъэмахуэ", "mac_roman")[:-1]) == "Гъэмаху—"


def test_a_damaged_word_in_a_clean_text_is_repaired():
    damaged = misread("Жизнь", "mac_roman")
    assert repair(f"«Жизнь» ({damaged})") == "«Жизнь» (Жизнь)"


def test_a_control_character_of_windows_1252_becomes_its_sign():
    assert repair("don\x92t") == "don’t"


# Letters with marks stand between others: ``ÂŒ`` is no French, and is œ read as Latin-1.
FRENCH = st.from_regex(
    r"([ÀÂÇÉÈÊÎÔŒÙ]?([bdflmnrst]{1,2}[aeiouàâæèéêëîïôœùûü]|ço|ça)+[sx]?[ ,.]){1,6}",
    fullmatch=True,
)


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(ALPHABETS)).flatmap(lambda name: words_of(ALPHABETS[name])) | FRENCH
)
def test_clean_words_stay(text):
    assert repair(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "Il pleut—Élise reste—Éric sort.",
        "Paris–Évry, Évry–Orly",
        "le chef d’État, l’été, « à l’œuvre »",
        "“Äpfel” und ‚Öl‘",
        "—Âge ? —Âgé. —À demain !",
        "2√π r ≈ 7, a√2 ≤ b√∞, ƒ(x) = ∂y/∂x",
        "« hâlâ\u00a0», «hâlâ»…, Inch’Allâ\u202f», Ô\u00a0!",
        "“Çok güzel” –Ünlü –Ömer —Şimdi",
        "Её рёбра – Рёмер, Сёма",
        "ТІ КІ ЩІ: 5 № «В» СССР",
        "–É –é —ç —à",
        "50 °C ± 2 µm ¬ ∞",
        "un\u00a0: deux\u202f! trois\u00ad",
    ],
)
def test_clean_text_that_looks_a_little_like_damage_stays(text):
    assert repair(text) == text


@given(st.text(max_size=40))
def test_any_text_is_taken_and_what_is_repaired_stays(text):
    repaired = repair(text)
    assert isinstance(repaired, str)
    if repaired == text:
        assert repaired is text


def test_the_ohm_sign_of_old_mac_tables():
    assert unicodedata.normalize("NFC", "\u2126") == "\u03a9"
    damaged = misread("нэху", "mac_roman").replace("\u03a9", "\u2126")
    assert repair(damaged) == "нэху"


def rows_of(shared_data: Path) -> Iterator[list[str]]:
    for path in sorted(shared_data.glob("*/*.t??")):
        with open(path, encoding="utf-8", newline="") as file:
            for line in file:
                yield line.rstrip("\n").split("\t")


def test_no_clean_text_of_the_real_corpora_is_touched(shared_data):
    texts = {cell for row in rows_of(shared_data) if ":macroman" not in row[-1] for cell in row}
    assert len(texts) > 800_000
    assert [text for text in texts if repair(text) is not text] == []


def test_the_real_damaged_rows_come_back(shared_data):
    damaged, clean = {}, {}
    with open(shared_data / "corpus" / "messy_macroman.tsv", encoding="utf-8", newline="") as file:
        for _, lang, text, group, origin in (line.rstrip("\n").split("\t") for line in file):
            (damaged if origin.endswith(":macroman") else clean)[group, lang] = text
    assert len(damaged) == 398
    for key, text in damaged.items():
        assert repair(text) == text.encode("mac_roman").decode()
        assert repair(text) == clean.get(key, repair(text))
    assert len(damaged.keys() & clean.keys()) == 134


def test_clean_text_does_not_import_ftfy():
    code = (
        "import sys; from searchkbd.text.repair import repair; "
        "repair('Сэ «нобэ» – псыхъуэм'); repair('L’été'); print('ftfy' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert out.stdout.strip() == "False"
