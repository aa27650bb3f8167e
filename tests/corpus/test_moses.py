"""Two files whose lines are translations."""

from __future__ import annotations

import bz2
import gzip

import pytest

from searchkbd.corpus.files import corpora
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

KBD = "Псыр щӏыӏэщ.\nУэшх къошх.\nМы щӏакхъуэр хуабэщ.\n"
RU = "Вода холодная.\nИдёт дождь.\nХлеб тёплый.\n"


@pytest.fixture
def pair(tmp_path):
    """Write two files and read them: pair("a.kbd", KBD, "a.ru", RU)."""

    def pair(one, content, other, other_content, **options):
        for name, data in ((one, content), (other, other_content)):
            (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        named = corpora([str(tmp_path / one), str(tmp_path / other)], ReadOptions(**options))
        assert len(named) == 1
        items = list(read_corpus(*named[0]))
        return (
            [item for item in items if isinstance(item, Sentence)],
            [item for item in items if isinstance(item, Reject)],
        )

    return pair


@pytest.mark.parametrize(
    ("one", "other", "options"),
    [
        ("corpus.kbd", "corpus.ru", {}),
        ("corpus.kbd", "corpus.ru", {"format": "moses"}),
        ("corpus.kbd-ru.kbd", "corpus.kbd-ru.ru", {}),
        ("corpus.kbd.txt", "corpus.rus.txt", {"format": "moses", "langs": ("kbd", "ru")}),
    ],
)
def test_lines_are_pairs(pair, one, other, options):
    sentences, rejects = pair(one, KBD, other, RU, **options)
    assert not rejects
    assert [(s.lang, s.text) for s in sentences[2:4]] == [
        ("kbd", "Уэшх къошх."), ("ru", "Идёт дождь."),
    ]  # fmt: skip
    assert len({s.group for s in sentences}) == 3 and len({s.id for s in sentences}) == 6
    assert sentences[2].group == sentences[3].group
    assert (sentences[3].previous, sentences[3].next) == ("Вода холодная.", "Хлеб тёплый.")
    assert (sentences[0].previous, sentences[4].next) == ("", "")


def test_ids_and_origin_are_of_the_common_name(pair):
    (source, target, *_), _ = pair("corpus.kbd", KBD, "corpus.ru", RU)
    assert (source.id, target.id, target.origin) == ("corpus:1:kbd", "corpus:1:ru", "corpus")
    (source, *_), _ = pair("corpus.kbd", KBD, "corpus.ru", RU, origin="mine")
    assert source.origin == "mine"


def test_either_may_be_compressed(pair):
    sentences, rejects = pair(
        "c.kbd.gz", gzip.compress(KBD.encode()), "c.ru.bz2", bz2.compress(RU.encode())
    )
    assert len(sentences) == 6 and not rejects


@pytest.mark.parametrize("longer", ["kbd", "ru"])
def test_what_one_file_has_more_is_rejected(pair, tmp_path, longer):
    more = "Унэ.\n\nУэс.\n"
    kbd, ru = (KBD + more, RU) if longer == "kbd" else (KBD, RU + more)
    sentences, rejects = pair("c.kbd", kbd, "c.ru", ru)
    assert len(sentences) == 6
    other = tmp_path / ("c.ru" if longer == "kbd" else "c.kbd")
    assert [(r.place.file, r.place.line, r.reason) for r in rejects] == [
        (str(tmp_path / f"c.{longer}"), line, f"no other half: {other} has 3 lines")
        for line in (4, 6)
    ]


def test_blank_lines(pair, tmp_path):
    sentences, rejects = pair("c.kbd", "Унэ.\n\n\nПсы.\n", "c.ru", "Дом.\n \n\nВода.\n")
    assert len(sentences) == 4 and not rejects
    sentences, (reject,) = pair("c.kbd", "Унэ.\n\nПсы.\n", "c.ru", "Дом.\nСнег.\nВода.\n")
    assert [s.text for s in sentences] == ["Унэ.", "Дом.", "Снег.", "Псы.", "Вода."]
    assert (reject.place.file, reject.place.line) == (str(tmp_path / "c.kbd"), 2)
    assert reject.reason == "no text"
    assert len({s.group for s in sentences}) == 3


def test_a_bad_line_costs_its_half_only(pair):
    ru = RU.encode().replace("Идёт дождь.".encode(), b"\xff\xfe")
    sentences, (reject,) = pair("c.kbd", KBD, "c.ru", ru)
    assert len(sentences) == 5 and reject.kind == "not UTF-8" and reject.place.line == 2


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["a.kbd"], {"format": "moses"}, "a.kbd has no other half; give Moses files two by two"),
        (["a.txt", "b.txt"], {"format": "moses"}, "do not end in languages.*--langs kbd,ru"),
        (["a.ru", "b.ru"], {"format": "moses"}, "are both in ru"),
        (["a.kbd", "-"], {"format": "moses"}, "needs its other half"),
    ],
)
def test_what_is_no_pair(tmp_path, names, options, said):
    paths = [name if name == "-" else str(tmp_path / name) for name in names]
    with pytest.raises(CorpusError, match=said):
        for file, reading in corpora(paths, ReadOptions(**options)):
            list(read_corpus(file, reading))


def test_one_half_alone_cannot_be_read(tmp_path):
    with pytest.raises(CorpusError, match="needs its other half"):
        list(read_corpus(tmp_path / "a.kbd", ReadOptions(format="moses")))


@pytest.mark.parametrize(
    "names",
    [
        ["a.tsv", "a.csv"], ["a.kbd", "b.ru"], ["a.ru", "a.rus"], ["a.po", "a.ru"], ["a.ru"],
        ["a.dat", "a.ru"],
    ],
)  # fmt: skip
def test_other_files_are_read_one_by_one(names):
    assert [file for file, _ in corpora(names, ReadOptions())] == names


def test_pairs_among_other_files():
    options = ReadOptions()
    named = corpora(["x.tsv", "a.kbd", "a.ru", "b.tr", "b.en", "y.csv"], options)
    assert [(file, reading.beside) for file, reading in named] == [
        ("x.tsv", ()), ("a.kbd", ("a.ru",)), ("b.tr", ("b.en",)), ("y.csv", ()),
    ]  # fmt: skip
