"""Pairs to fine-tune on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import loose_key
from searchkbd.training.finetune import data
from searchkbd.training.finetune.data import (
    TextPair,
    columns,
    digest,
    hold_out,
    in_directions,
    read_and_choose,
    read_text_pairs,
    without,
)


def pair(kabardian: str, russian: str) -> TextPair:
    return TextPair("kbd", "ru", kabardian, russian)


def read(tmp_path, text: str, *, name: str = "pairs.tsv") -> tuple[list[TextPair], list[Reject]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    rejects: list[Reject] = []
    return read_text_pairs([str(path)], ReadOptions(), rejects.append), rejects


HEADER = "lang_a\tlang_b\ttext_a\ttext_b\tgroup\n"


def test_a_row_of_two_texts_is_a_pair_in_its_order(tmp_path):
    rows = "ru\tkbd\tСпасибо\tФӏыщӏэ\tg\nkbd\ten\tПсы\tWater\tg\n"
    pairs, rejects = read(tmp_path, HEADER + rows)
    # Of one group, and still nothing but the rows: what was kept apart there stays apart.
    assert pairs == [
        TextPair("ru", "kbd", "Спасибо", "Фӏыщӏэ"), TextPair("kbd", "en", "Псы", "Water")
    ]  # fmt: skip
    assert rejects == []


def test_single_texts_are_paired_with_those_of_their_group(tmp_path):
    pairs, _ = read(
        tmp_path,
        "lang\ttext\tgroup\nkbd\tПсы\ta\nru\tДом\tb\nru\tВода\ta\nru\tВодичка\ta\nen\tWater\ta\n"
        "en\tHouse\tb\n",
    )
    assert [(one.langs, one.text_a, one.text_b) for one in pairs] == [
        ("kbd-ru", "Псы", "Вода"), ("kbd-ru", "Псы", "Водичка"), ("kbd-en", "Псы", "Water"),
        ("ru-en", "Вода", "Water"), ("ru-en", "Водичка", "Water"), ("ru-en", "Дом", "House"),
    ]  # fmt: skip


def test_what_is_no_pair_is_rejected_with_its_place(tmp_path):
    pairs, rejects = read(
        tmp_path, HEADER + "kbd\tkbd\tПсы\tУнэ\t\nkbd\tru\tПсы\t\t\nkbd\tru\tУнэ\tДом\t\n"
    )
    assert [one.text_b for one in pairs] == ["Дом"]
    assert {(one.place.line, one.kind) for one in rejects} == {
        (2, "no translation into another language"), (3, "no text"),
        (3, "no translation into another language"),
    }  # fmt: skip


def test_repeated_pairs_are_merged_in_whatever_spelling_and_order(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(
        HEADER + "kbd\tru\tФӏыщӏэ\tСпасибо\t\nru\tkbd\tспасибо\tФIыщIэ\t\nkbd\tru\tПсы\tВода\t\n",
        encoding="utf-8",
    )
    dev = tmp_path / "dev.tsv"
    dev.write_text(HEADER + "kbd\tru\tУнэ\tДом\t\n", encoding="utf-8")
    found = read_and_choose([str(path)], [str(dev)], ReadOptions(), 0, print)
    assert (len(found.train), found.merged, found.left_out) == (2, 1, 0)


def test_nothing_to_train_on_says_what_is_needed(tmp_path):
    path = tmp_path / "one.tsv"
    path.write_text("lang\ttext\nkbd\tПсы\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no pairs in .*one.tsv.*--langs kbd,ru"):
        read_and_choose([str(path)], [], ReadOptions(), 0, lambda reject: None)


def test_all_of_it_measured_leaves_nothing(tmp_path):
    path, dev = tmp_path / "a.tsv", tmp_path / "b.tsv"
    for one in (path, dev):
        one.write_text(HEADER + "kbd\tru\tПсы\tВода\t\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="share a text with those of --dev"):
        read_and_choose([str(path)], [str(dev)], ReadOptions(), 0, print)


def test_a_huge_group_is_refused(tmp_path):
    rows = "".join(f"kbd\tПсы {n}\tg\nru\tВода {n}\tg\n" for n in range(120))
    with pytest.raises(CorpusError, match="'g' makes more than 10,000 pairs"):
        read(tmp_path, "lang\ttext\tgroup\n" + rows)


def test_too_many_pairs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MAX_PAIRS", 1)
    with pytest.raises(CorpusError, match="pairs.tsv:3: more than 1 pairs"):
        read(tmp_path, HEADER + "kbd\tru\tПсы\tВода\t\nkbd\tru\tУнэ\tДом\t\n")


TEXTS = st.sampled_from(["щӏалэ", "ЩIалэ", "щ1алэ", "щалэ", "псы", "Псы", "унэ", "вода", "дом"])
PAIRS = st.lists(st.builds(pair, TEXTS, TEXTS), max_size=12)


@given(PAIRS, PAIRS)
def test_no_text_is_in_both_in_any_spelling(pairs, dev):
    left = without(pairs, dev)
    measured = {(lang, loose_key(text)) for one in dev
                for lang, text in (("kbd", one.text_a), ("ru", one.text_b))}  # fmt: skip
    for one in left:
        assert ("kbd", loose_key(one.text_a)) not in measured
        assert ("ru", loose_key(one.text_b)) not in measured
    # And nothing else is left out.
    for one in pairs:
        keys = {("kbd", loose_key(one.text_a)), ("ru", loose_key(one.text_b))}
        assert (one in left) or keys & measured


def test_some_of_every_language_pair_are_held_out():
    pairs = read_text_pairs([str(PHRASEBOOK)], ReadOptions(), print)
    train, dev = hold_out(pairs, 3)
    assert {one.langs for one in dev} == {one.langs for one in pairs}
    assert 100 < len(dev) < len(pairs) // 10
    assert without(train, dev) == train
    assert hold_out(pairs, 3) == (train, dev)
    assert hold_out(pairs, 4)[1] != dev


def test_too_few_or_too_much_alike_ask_for_development_pairs():
    with pytest.raises(CorpusError, match="39 pairs are too few.*--dev FILE"):
        hold_out([pair(f"псы {n}", f"вода {n}") for n in range(39)], 0)
    with pytest.raises(CorpusError, match="nearly all pairs share texts.*--dev FILE"):
        hold_out([pair(f"псы {n}", "вода") for n in range(99)], 0)


def test_directions():
    pairs = [pair("псы", "вода"), TextPair("en", "kbd", "house", "унэ")]
    as_is = in_directions(pairs, "as-is")
    assert as_is == {"en-kbd": [pairs[1]], "kbd-ru": [pairs[0]]}
    both = in_directions(pairs, "both")
    assert list(both) == ["en-kbd", "kbd-en", "kbd-ru", "ru-kbd"]
    assert both["ru-kbd"] == [TextPair("ru", "kbd", "вода", "псы")]


def test_columns_are_what_the_model_reads_with_case_kept():
    rows = [(pair("Щӏалэ цӏыкӏу", "Illinois I"), ("ӏ и ӏ", "Ӏ"))]
    assert columns(rows, "I") == {
        "anchor": ["ЩIалэ цIыкIу"], "positive": ["Illinois I"],
        "negative_1": ["ӏ и ӏ"], "negative_2": ["Ӏ"],
    }  # fmt: skip
    assert columns([(pair("Щӏалэ", "I"), ())], None) == {"anchor": ["Щӏалэ"], "positive": ["I"]}


def test_a_digest_tells_pairs_apart():
    one, other = pair("псы", "вода"), pair("унэ", "дом")
    digests = {digest(some) for some in ([], [one], [one, other], [other, one], [one.turned()])}
    assert len(digests) == 5
