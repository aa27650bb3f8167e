"""No text of one split is in another one, however it is written, nor is a copy of it."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from searchkbd.corpus.sentence import CorpusError
from searchkbd.pairs.options import SPLITS, Amount, PrepareOptions
from searchkbd.pairs.run import prepare
from searchkbd.text.forms import loose_key, words

WORDS = {
    "щӏэныгъэ": "наука", "лэжьыгъэ": "работа", "гъатхэ": "весна", "щакхъуэ": "хлеб",
    "къуажэ": "деревня", "щӏыӏэ": "холод", "хуабэ": "тепло", "дыгъэ": "солнце", "унэ": "дом",
    "псы": "вода",
}  # fmt: skip
KBD, RU = list(WORDS), list(WORDS.values())
SPELLINGS = ["Ӏ", "I", "i", "l", "1", "І", "і", ""]
ALL = {"dev": Amount(20, True), "test": Amount(20, True)}


@st.composite
def copies(draw):
    """Pairs of some sentences, each written in several ways."""
    count = draw(st.integers(2, 8))
    bases = [
        draw(st.lists(st.integers(0, len(KBD) - 1), min_size=2, max_size=5, unique=True))
        for _ in range(count)
    ]
    rows = []
    for _ in range(draw(st.integers(count, 30))):
        base = bases[draw(st.integers(0, count - 1))]
        sides = [" ".join(pool[at] for at in base) for pool in (KBD, RU)]
        rows.append(("kbd", "ru", *(draw(writings(text)) for text in sides), "", "x"))
    return rows


def writings(text: str):
    """Strategy: *text* with its palochkas, its case, its marks or one letter otherwise."""

    def written(spelling, case, end, typo):
        out = text.replace("ӏ", spelling)
        if typo is not None:
            at = typo % len(out)
            out = out[:at] + "ж" + out[at + 1 :] if out[at] != " " else out
        return (out.capitalize() if case else out) + end

    return st.builds(
        written, st.sampled_from(SPELLINGS), st.booleans(), st.sampled_from(["", ".", "…", " -"]),
        st.none() | st.integers(0, 99),
    )  # fmt: skip


def leaks(splits: dict[str, list[tuple]]) -> list[tuple]:
    """Return texts of different splits that are copies of each other, found by comparing all."""
    sided = [
        sorted({" ".join(words(loose_key(text))) for row in rows for text in row[2:4]})
        for rows in splits.values()
    ]
    found = []
    for one, other in combinations(sided, 2):
        if one and other:
            alike = cdist(one, other, scorer=Levenshtein.normalized_similarity, score_cutoff=0.85)
            found += [(one[a], other[b]) for a, b in np.argwhere(alike >= 0.85)]
    return found


@settings(max_examples=40)
@given(copies(), st.integers(0, 3))
def test_no_copy_of_a_held_out_text_is_in_another_split(rows, seed):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.tsv"
        head = "lang_a\tlang_b\ttext_a\ttext_b\tgroup\torigin\n"
        source.write_text(head + "".join("\t".join(row) + "\n" for row in rows), "utf-8")
        out = Path(folder) / "out"
        options = PrepareOptions(drop=frozenset(), seed=seed, **ALL)
        try:
            said = prepare([str(source)], out, None, options, on_reject=pytest.fail).statistics
        except CorpusError as error:
            assert "no pair is left" in str(error)
            return
        splits = {
            name: [
                tuple(line.split("\t"))
                for line in (out / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
            ]
            for name in SPLITS
        }
    assert not leaks(splits)
    assert {name: len(found) for name, found in splits.items()} == said["splits"]
    kept = {row[2:4] for found in splits.values() for row in found}
    assert kept <= {row[2:4] for row in rows}
    assert len(kept) + said["left_out"].get("duplicate", 0) == len(rows)


def test_the_comparison_finds_leaks_where_nothing_prevents_them(preparing):
    rows = [("kbd", "ru", f"щ{p}эныгъэ {w}", f"наука {w}", "", "x")
            for w in RU for p in ("ӏ", "")]  # fmt: skip
    together = preparing(rows, **ALL)
    assert together["splits"]["dev"] and not leaks({s: together.rows(s) for s in SPLITS})
    by_hand = {"train": [row for row in rows if "ӏ" in row[2]], "dev": rows[1::2]}
    assert leaks(by_hand)


def test_a_real_corpus(shared_data, tmp_path):
    names = ["train/sentences_kbd_ru_kbd_grammar.tsv", "train/sentences_kbd_en_jonty2.tsv",
             "train/sentences_kbd_ru_jonty2.tsv", "train/sentences_en_ru_jonty2.tsv"]  # fmt: skip
    exclude = shared_data / "dev" / "sentences_kbd_ru.tsv"
    out, rejects = tmp_path / "out", []
    options = PrepareOptions(dev=Amount(100), test=Amount(100), seed=1)
    said = prepare(
        [str(shared_data / name) for name in names], out, None, options, exclude=[str(exclude)],
        on_reject=rejects.append,
    ).statistics  # fmt: skip
    assert said["splits"]["dev"] >= 95 and said["splits"]["test"] >= 95
    assert said["splits"]["train"] > 2500

    def rows(path):
        return [tuple(line.split("\t")) for line in path.read_text("utf-8").splitlines()[1:]]

    splits = {split: rows(out / f"{split}.tsv") for split in SPLITS}
    assert not leaks(splits)
    measured = [("", "", *row[2:4]) for row in rows(exclude)]
    assert not leaks({"excluded": measured, "all": [row for own in splits.values() for row in own]})
