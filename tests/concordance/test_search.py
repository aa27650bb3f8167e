"""Concordances of an index."""

from __future__ import annotations

import shutil

import pytest

from searchkbd.api import open_index
from searchkbd.concordance import search
from searchkbd.concordance.pattern import PatternError
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexDamagedError
from searchkbd.index.writer import build_index
from searchkbd.text.forms import stored_form
from tests.index.helpers import execute, reseal_sentences

GROUPS = {
    "forget": {
        "ru": "Он хотел, но забыл!", "kbd": "Щ1алэр къалэм кӏуащ.",
        "en": "He wanted to, but forgot.",
    },
    "remember": {"ru": "Она очень хотела тебя забыть", "tr": "Unutmak istedi"},
    "boy": {"kbd": "Мы щӏалэр цӏыкIущ, щIалэр ф!ыщ", "ru": "Этот мальчик мал"},
    "alone": {"kbd": "Щалэр къалэм щыӏэщ"},
    "soft": {"ru": "хо\u00adтел моя\u0301 земля\u0301  есть", "en": "I wanted, HE wanted"},
}  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory, trigrams):
    items = [
        Sentence(f"{group}-{lang}", lang, stored_form(text), group, group[0], None, Place("t", 1))
        for group, texts in GROUPS.items()
        for lang, text in texts.items()
    ]
    path = tmp_path_factory.mktemp("concordance") / "index"
    build_index(path, items, trigrams)
    return path


@pytest.fixture
def index(directory):
    with open_index(directory, map_vectors=False) as opened:
        yield opened


def shown(found, **where):
    return [(line.id, line.match) for line in found.lines(**where)]


@pytest.mark.parametrize(
    ("pattern", "options", "expected"),
    [
        ("хотел* * забы*", {}, [
            ("forget-ru", "хотел, но забыл"), ("remember-ru", "хотела тебя забыть"),
        ]),
        ("хотел", {}, [("forget-ru", "хотел"), ("soft-ru", "хо\u00adтел")]),
        ("моя земля", {}, [("soft-ru", "моя\u0301 земля\u0301")]),
        ("щIалэр", {}, [("forget-kbd", "Щ1алэр"), ("boy-kbd", "щӏалэр"), ("boy-kbd", "щIалэр")]),
        ("фӏы*", {}, [("boy-kbd", "ф!ыщ")]),
        ("щ|алэр ?", {}, [("forget-kbd", "Щ1алэр къалэм"), ("boy-kbd", "щӏалэр цӏыкIущ"),
                          ("boy-kbd", "щIалэр ф!ыщ")]),
        ("wanted", {"langs": ["en"]}, [
            ("forget-en", "wanted"), ("soft-en", "wanted"), ("soft-en", "wanted"),
        ]),
        ("wanted", {"langs": ["ru", "kbd"]}, []),
        # As it is written.
        ("щ1алэр", {"exact": True}, []),
        ("Щ1алэр", {"exact": True}, [("forget-kbd", "Щ1алэр")]),
        ("щIал*", {"exact": True}, [("boy-kbd", "щIалэр")]),
        ("he wanted", {"exact": True}, []),
        ("? HE wanted", {"exact": True}, [("soft-en", "wanted, HE wanted")]),
        ("I * wanted", {"exact": True}, [("soft-en", "I wanted")]),
        # A missing palochka.
        ("щалэр", {}, [("alone-kbd", "Щалэр")]),
        ("щалэр", {"loose": True}, [
            ("forget-kbd", "Щ1алэр"), ("boy-kbd", "щӏалэр"), ("boy-kbd", "щIалэр"),
            ("alone-kbd", "Щалэр"),
        ]),
        ("щIалэр къалэм", {"loose": True}, [
            ("forget-kbd", "Щ1алэр къалэм"), ("alone-kbd", "Щалэр къалэм"),
        ]),
        # What only the database knows.
        ("къалэм", {"only_translated": True}, [("forget-kbd", "къалэм")]),
        ("къалэм", {"only_translated": True, "to": ["tr"]}, []),
        ("хотел*", {"only_translated": True, "to": ["tr", "kbd"]}, [
            ("forget-ru", "хотел"), ("remember-ru", "хотела"),
        ]),
        ("хотел*", {"origins": ["s", "r"]}, [
            ("remember-ru", "хотела"), ("soft-ru", "хо\u00adтел"),
        ]),
        ("хотел*", {"origins": ["nothing"]}, []),
        ("хотел", {"origins": ["f"], "exact": True, "only_translated": True, "to": ["en"]},
         [("forget-ru", "хотел")]),
    ],
)  # fmt: skip
def test_what_is_found(index, pattern, options, expected):
    found = index.concordance(pattern, **options)
    assert sorted(shown(found)) == sorted(expected)
    assert found.occurrences == len(expected)
    assert found.sentences == len({id for id, _ in expected})


def test_a_line_shows_where_it_is_from(index):
    (line,) = index.concordance("хотел", langs=["ru"], origins=["f"]).lines()
    assert (line.left, line.match, line.right) == ("Он ", "хотел", ", но забыл!")
    assert (line.lang, line.group, line.origin) == ("ru", "forget", "f")
    assert line.text[line.start : line.end] == line.match
    assert [(t.id, t.lang, t.text) for t in line.translations] == [
        ("forget-kbd", "kbd", "Щ1алэр къалэм кӏуащ."),
        ("forget-en", "en", "He wanted to, but forgot."),
    ]


def test_translations_are_those_asked_for_in_that_order(index):
    (line,) = index.concordance("забыл", to=["en", "kbd"]).lines()
    assert [t.lang for t in line.translations] == ["en", "kbd"]
    (line,) = index.concordance("забыл", to=["fr"]).lines()
    assert line.translations == ()


def test_counts_of_languages(index):
    found = index.concordance("he|хотел|щIалэр")
    assert found.languages == {"en": 2, "kbd": 2, "ru": 2}
    assert (found.occurrences, found.sentences) == (7, 6)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        # Before it, the nearest word first: "he", "he wanted i" and "i".
        ("left", ["He ", "I wanted, HE ", "I "]),
        # After it: nothing, "he wanted" and "to but forgot".
        ("right", ["I wanted, HE ", "I ", "He "]),
    ],
)
def test_orders(index, order, expected):
    lines = index.concordance("wanted", order=order).lines()
    assert [line.left for line in lines] == expected


def test_the_order_of_matches(index):
    found = index.concordance("хотел*|забы*", order="match")
    assert [line.match for line in found.lines()] == [
        "забыл", "забыть", "хо\u00adтел", "хотел", "хотела",
    ]  # fmt: skip
    assert not found.partly_sorted


def test_only_the_first_are_sorted(index, monkeypatch):
    monkeypatch.setattr(search, "MAX_SORTED", 2)
    found = index.concordance("*ть|*л", langs=["ru"], order="match")
    assert found.partly_sorted
    assert sorted(shown(found)) == sorted(shown(index.concordance("*ть|*л", langs=["ru"])))


def test_pages(index):
    found = index.concordance("*а*|*е*|*э*")
    everything = shown(found, limit=None)
    assert len(everything) == found.occurrences > 10
    assert shown(found, limit=4) + shown(found, limit=None, offset=4) == everything
    assert shown(found, limit=3, offset=2) == everything[2:5]
    assert shown(found, limit=3, offset=1000) == shown(found, limit=0) == []


@pytest.mark.parametrize(
    ("pattern", "options", "error"),
    [
        ("*", {}, PatternError),
        ("слово", {"exact": True, "loose": True}, ValueError),
        ("слово", {"gap": 101}, ValueError),
        ("слово", {"order": "up"}, ValueError),
        ("слово", {"langs": ["not a language"]}, ValueError),
    ],
)
def test_what_cannot_be_asked_for(index, pattern, options, error):
    with pytest.raises(error):
        index.concordance(pattern, **options)


def test_progress_is_told_of_what_is_examined(index):
    told = []
    index.concordance("wanted|хотел", exact=True, progress=lambda *at: told.append(at))
    assert told[-1] == (5, 5)


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"only_translated": True}])
def test_progress_can_end_a_search_before_anything_is_examined(index, options):
    class Enough(Exception):
        pass

    def progress(done, total):
        if total or not options:
            raise Enough

    with pytest.raises(Enough):
        index.concordance("wanted|хотел", progress=progress, **options)


def test_texts_that_are_not_those_of_the_text_files_are_damage(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "damaged")
    execute(tmp_path / "damaged", "UPDATE sentences SET text = 'x'")
    reseal_sentences(tmp_path / "damaged")
    with (
        open_index(tmp_path / "damaged", map_vectors=False) as index,
        pytest.raises(IndexDamagedError, match="searchkbd verify"),
    ):
        list(index.concordance("забыл").lines())
