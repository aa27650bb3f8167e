"""The shipped phrasebook: its form, and that its Kabardian is attested in real text."""

from __future__ import annotations

import importlib.util
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHRASEBOOK = ROOT / "searchkbd" / "resources" / "phrasebook.tsv"


def load_check() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "check_phrasebook", ROOT / "scripts" / "check_phrasebook.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


check = load_check()
ROWS = check.read_phrasebook(PHRASEBOOK)
KBD = [row for row in ROWS if row.lang == "kbd"]


def kabardian(*texts: str) -> list:
    return [check.Row(f"p{n}-kbd", "kbd", text, f"p{n}", "x") for n, text in enumerate(texts)]


def test_the_header_says_what_this_is() -> None:
    lines = PHRASEBOOK.read_text("utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert lines[: len(comments)] == comments, "comments come first"
    assert all(line.startswith("# ") for line in comments)
    text = " ".join(comments)
    assert "not yet been reviewed by native speakers" in text
    assert "demonstration" in text and "Apache-2.0" in text
    assert lines[len(comments)] == "id\tlang\ttext\tgroup\torigin"


def test_groups_are_complete_and_balanced() -> None:
    assert list(check.structure_problems(ROWS)) == []
    counts = check.balance(ROWS)
    assert counts["groups"] == len(KBD) >= 150
    assert counts["questions"] >= 30
    assert min(counts[kind] for kind in ("negations", "past", "future")) >= 20
    themes = Counter(row.origin for row in KBD)
    assert all(theme.startswith("phrasebook:") for theme in themes)
    assert len(themes) >= 10 and min(themes.values()) >= 8


def test_text_is_clean() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.text == unicodedata.normalize("NFC", " ".join(row.text.split())), row.id
        assert row.text[0].isupper() and row.text[-1] in ".?!", row.id


def test_kabardian_has_only_cyrillic_and_the_right_palochka() -> None:
    for row in KBD:
        assert re.fullmatch(r"[А-яЁё\u04c0\u04cf ,.?!-]+", row.text), row.id
        # The capital palochka stands only where a capital stands: at the start of a word.
        assert not re.search(r"\w\u04c0", row.text), row.id


def test_other_languages_are_in_their_own_letters() -> None:
    for row in ROWS:
        if row.lang == "ru":
            assert re.fullmatch(r"[А-яЁё ,.?!—-]+", row.text), row.id
        elif row.lang != "kbd":
            assert re.fullmatch(r"[A-Za-zÀ-ÿœŒğĞıİşŞ ,.?!'-]+", row.text), row.id


INVENTED = check.Row("z-kbd", "kbd", "Сэ псы сыхуейщыщыкъым.", "z", "x")


@pytest.fixture(scope="module")
def evidence(shared_data: Path) -> object:
    """One pass over the data, for the phrasebook and for a word that does not exist."""
    return check.gather([*ROWS, INVENTED], check.kabardian_texts(shared_data))


def test_every_word_is_attested_and_no_sentence_is_copied(evidence) -> None:
    assert check.problems(ROWS, evidence) == []


def test_an_invented_word_is_found(evidence) -> None:
    assert [line for line in check.problems([INVENTED], evidence) if "attested" in line] == [
        "z-kbd: сыхуейщыщыкъым is not attested (Сэ псы сыхуейщыщыкъым.)"
    ]


@pytest.mark.parametrize(
    ("texts", "sound"),
    [
        ([("псы щ1ы1э", "amjad")], True),
        ([("псы щIыIэ", "uasp")], False),
        ([("псы щIыIэ", "uasp"), ("Псы щӏыӏэ!", "kbdru2008")], False),
        ([("псы щIыIэ", "uasp"), ("псы щ1ы1э", "jonty")], True),
        ([("псы щIыIэ", "uasp"), ("щIыIэ псы", "uasp")], True),
        ([("псыр щIыIэщ", "jonty")], False),
    ],
)
def test_scanned_text_must_say_it_twice(texts: list[tuple[str, str]], sound: bool) -> None:
    evidence = check.gather(kabardian("Псы щӏыӏэ."), texts)
    assert [hit.sound for hit in evidence.words.values()] == [sound, sound]


def test_a_copied_sentence_is_found_whatever_its_spelling() -> None:
    rows = kabardian("Хьэр унэм щӏэмыхьэу къэнащ.", "Хьэр къэнащ.")
    texts = [("хьэр  унэм щ1эмыхьэу, къэнащ", "x"), ("Хьэр къэнащ", "x")]
    found = check.problems(rows, check.gather(rows, texts))
    assert [line for line in found if "stands in the data" in line] == [
        "p0-kbd: the sentence stands in the data (Хьэр унэм щӏэмыхьэу къэнащ.)"
    ]


def test_broken_structure_is_named() -> None:
    rows = [*ROWS[:5], *ROWS[5:9]]
    assert any(rows[5].group in line for line in check.structure_problems(rows))
    double = [*ROWS[:5], *(check.Row(f"x-{r.lang}", r.lang, r.text, "x", "t") for r in ROWS[:5])]
    assert sum("times the same" in line for line in check.structure_problems(double)) == 5


@pytest.mark.parametrize(
    "text", ["", "id\tlang\n", "# note\nid\tlang\ttext\tgroup\torigin\na\tb\n"]
)
def test_a_file_that_is_no_phrasebook_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.tsv"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="book.tsv"):
        check.read_phrasebook(path)
    data = tmp_path / "data"
    data.mkdir()
    assert check.main(["--phrasebook", str(path), "--data", str(data)]) == 1
