"""The columns of a pair as translation tools name them."""

from __future__ import annotations

import pytest

from searchkbd.corpus.sentence import CorpusError

PAIR = [("kbd", "Мы щӏакхъуэр хуабэщ."), ("ru", "Хлеб тёплый.")]
CELLS = [text for _, text in PAIR]


def pairs(sentences) -> list[tuple[str, str]]:
    return [(sentence.lang, sentence.text) for sentence in sentences]


@pytest.mark.parametrize("header", ["source,target", "Target,Source", "source_text,target_text"])
def test_source_and_target_are_the_texts(read, header):
    langs = ("ru", "kbd") if header.startswith("Target") else ("kbd", "ru")
    sentences, rejects = read(f"{header}\n{','.join(CELLS)}\n", name="in.csv", langs=langs)
    assert not rejects and sorted(pairs(sentences)) == PAIR
    assert sentences[0].group == sentences[1].group
    assert {sentence.origin for sentence in sentences} == {"in.csv"}


def test_their_languages_may_stand_beside_them(read):
    header = "source_lang,target_lang,source,target,note"
    sentences, _ = read(f"{header}\nkbd,rus,{','.join(CELLS)},n\n", name="in.csv")
    assert pairs(sentences) == PAIR
    assert sentences[0].meta == {"note": "n"}


def test_source_alone_is_an_origin(read):
    (sentence,), _ = read("lang\ttext\tsource\ttarget\nru\tДом\tmy book\tx\n")
    assert (sentence.text, sentence.origin, sentence.meta) == ("Дом", "my book", {"target": "x"})
    sentences, _ = read("kbd\tru\tsource\nУнэ\tДом\tmy book\n")
    assert {sentence.origin for sentence in sentences} == {"my book"}


def test_columns_that_are_mapped_are_taken_as_mapped(read):
    (sentence,), _ = read(
        "source\ttarget\tlang\nmy book\tДом\tru\n", columns={"text": "target", "origin": "source"}
    )
    assert (sentence.text, sentence.origin) == ("Дом", "my book")
    sentences, _ = read(
        "source\ttarget\tnote\nУнэ\tДом\tbook\n", columns={"origin": "note"}, langs=("kbd", "ru")
    )
    assert [(s.text, s.origin) for s in sentences] == [("Унэ", "book"), ("Дом", "book")]


def test_a_pair_without_languages_says_how_to_give_them(read):
    with pytest.raises(CorpusError, match="--langs CODE,CODE"):
        read("source,target\nУнэ,Дом\n", name="in.csv")
