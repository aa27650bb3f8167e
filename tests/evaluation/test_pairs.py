"""Pairs of a file, whatever its format."""

from __future__ import annotations

import gzip

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.evaluation.pairs import PairSet, Side, read_pairs
from searchkbd.resources import PHRASEBOOK

LONG = (
    "id\tlang\ttext\tgroup\n"
    "1\tru\tИдёт дождь.\tg1\n2\tkbd\tУэшх къошх.\tg1\n3\ten\tIt is raining.\tg1\n"
    "4\tru\tСнег.\tg2\n5\tru\tСнежок.\tg2\n6\ten\tSnow.\tg2\n7\ten\tAlone.\tg3\n"
)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def sides(one: PairSet) -> list[tuple[str, tuple[str, ...]]]:
    return [(side.lang, side.texts) for side in one.sides]


def test_groups_of_several_languages_give_a_set_for_each_pair(write):
    read = read_pairs(write("a.tsv", LONG))
    assert [one.langs for one in read.sets] == [("kbd", "ru"), ("kbd", "en"), ("ru", "en")]
    assert sides(read.sets[0]) == [("kbd", ("Уэшх къошх.",)), ("ru", ("Идёт дождь.",))]
    assert sides(read.sets[2]) == [
        ("ru", ("Идёт дождь.", "Снег.", "Снежок.")), ("en", ("It is raining.", "Snow.")),
    ]  # fmt: skip
    assert (read.sentences, read.unpaired) == (7, 1)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.tsv", "lang_a\tlang_b\ttext_a\ttext_b\nru\tkbd\tИдёт дождь.\tУэшх къошх.\n", {}),
        ("a.csv", "text_a,text_b\nУэшх къошх.,Идёт дождь.\n", {"langs": ("kbd", "ru")}),
        ("a.jsonl", '{"kbd": "Уэшх къошх.", "ru": "Идёт дождь."}\n', {}),
        (
            "a.tsv.gz",
            gzip.compress("lang\ttext\tgroup\nrus\tИдёт дождь.\t1\nkbd\tУэшх къошх.\t1\n".encode()),
            {},
        ),
    ],
)
def test_every_format_that_can_be_built_from(write, name, content, options):
    read = read_pairs(write(name, content), ReadOptions(**options))
    assert [sides(one) for one in read.sets] == [
        [("kbd", ("Уэшх къошх.",)), ("ru", ("Идёт дождь.",))]
    ]
    assert read.unpaired == 0


def test_rejects_are_handed_on_and_their_other_half_counted(write):
    head = "lang_a\tlang_b\ttext_a\ttext_b\n"
    path = write("a.tsv", head + "kbd\tru\tУэшх.\tДождь.\nkbd\tru\tПсы.\t…\n")
    rejects, lines = [], []
    read = read_pairs(path, on_reject=rejects.append, progress=lines.append)
    assert [(reject.place.line, reject.reason) for reject in rejects] == [(3, "no text")]
    assert read.unpaired == 1 and lines[-1] == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "a.tsv is empty"),
        ("id\tlang\ttext\n", "a.tsv: no sentences"),
        ("id\tlang\ttext\tgroup\n1\tru\tСнег.\tg\n2\tru\tЛёд.\tg\n", r"one language \(ru 2\)"),
        ("id\tlang\ttext\n1\tru\tСнег.\n2\ten\tSnow.\n", r"no group .*\(ru 1, en 1\)"),
    ],
)
def test_files_without_a_pair(write, content, said):
    with pytest.raises(CorpusError, match=said):
        read_pairs(write("a.tsv", content))


def test_an_unknown_language_is_no_pair(write):
    path = write("a.tsv", "id\tlang\ttext\tgroup\n1\tru\tСнег.\tg\n2\tund\tHyyhyh.\tg\n")
    with pytest.raises(CorpusError, match="two known languages"):
        read_pairs(path)


def test_the_phrasebook_has_all_pairs():
    read = read_pairs(PHRASEBOOK, name="phrasebook")
    assert len(read.sets) == 10 and read.unpaired == 0
    assert {len(side.texts) for one in read.sets for side in one.sides} == {245}
    assert {one.name for one in read.sets} == {"phrasebook"}


def test_sets_made_by_hand():
    one = PairSet.from_texts("x", ("ru", "en"), ["а", "б"], ["a", "b"])
    assert one.langs == ("ru", "en") and one.sides[0].groups == one.sides[1].groups
    with pytest.raises(ValueError, match="2 texts to the left but 1"):
        PairSet.from_texts("x", ("ru", "en"), ["а", "б"], ["a"])
    with pytest.raises(ValueError, match="1 texts but 0 groups"):
        Side("ru", ("а",), ())
