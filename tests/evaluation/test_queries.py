"""What two indexes are asked, and what counts as right."""

from __future__ import annotations

import pytest

from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError
from searchkbd.evaluation import queries as module
from searchkbd.evaluation.queries import questions, read_queries
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index

HEAD = "lang\ttext\tgroup\n"
CORPUS = HEAD + (
    "kbd\tПсыр щIыIэщ.\twater\nru\tВода холодная.\twater\nen\tThe water is cold.\twater\n"
    "kbd\tУэшх къошх.\train\nru\tИдёт дождь.\train\nru\tДождь идёт.\train\n"
    "ru\tСнег.\tsnow\n"
)


@pytest.fixture
def opened(tmp_path, trigrams):
    """Build indexes of tables and open them: opened(table, ...)."""
    readers = []

    def opened(*tables: str) -> tuple[IndexReader, ...]:
        for number, text in enumerate(tables):
            file = tmp_path / f"{number}.tsv"
            file.write_text(text, "utf-8")
            build_index(tmp_path / str(number), read_corpus(file), trigrams)
            readers.append(IndexReader(tmp_path / str(number)))
        return tuple(readers)

    yield opened
    for reader in readers:
        reader.close()


@pytest.fixture
def read(tmp_path):
    def read(text: str, name="q.tsv", rejects=None, **options):
        (tmp_path / name).write_text(text, "utf-8")
        rejects = [] if rejects is None else rejects
        return read_queries(tmp_path / name, ReadOptions(**options), on_reject=rejects.append)

    return read


def asked(found) -> dict[str, tuple]:
    """Query → languages searched, right answers in A and in B, without their languages."""
    return {
        one.query.text: (
            one.langs,
            *({lang: {key for _, key in some} for lang, some in of.items()} for of in one.answers),
        )
        for one in found.asked
    }


def test_lines_are_queries_whose_language_is_detected(read):
    rejects = []
    file = read("Куда ведёт эта дорога?\nWhere is the school?\n…\nкуда ведёт эта  дорога?\n",
                "q.txt", rejects, lang=AUTO)  # fmt: skip
    assert [(query.text, query.lang) for query in file.queries] == [
        ("Куда ведёт эта дорога?", "ru"), ("Where is the school?", "en"),
    ]  # fmt: skip
    assert file.repeated == 1 and not any(query.translations() for query in file.queries)
    assert [reject.place.line for reject in rejects] == [3]


def test_a_query_in_several_groups_has_the_translations_of_all(read):
    rows = "ru\tДом.\t1\nen\tA house.\t1\nru\tдом.\t2\ntr\tEv.\t2\nru\tЗдание.\t2\n"
    file = read(HEAD + rows)
    assert file.queries[0].translations() == {("en", "a house."), ("tr", "ev.")}
    assert [query.text for query in file.queries] == ["Дом.", "A house.", "Ev.", "Здание."]


def test_queries_are_drawn_in_their_order(read):
    file = read("".join(f"Дом {number}.\n" for number in range(50)), "q.txt", lang="ru")
    drawn = file.drawn(9, 1)
    assert list(drawn) == sorted(drawn, key=file.queries.index) and len(set(drawn)) == 9
    assert drawn == file.drawn(9, 1) != file.drawn(9, 2)
    assert file.drawn(50, 1) == file.queries


def test_a_file_without_queries_is_an_error(read):
    with pytest.raises(CorpusError, match=r"q\.txt: no queries"):
        read("…\n", "q.txt", lang="ru")


def test_groups_that_cannot_be_translations_are_an_error(read, monkeypatch):
    monkeypatch.setattr(module, "MAX_RELEVANT", 20)
    with pytest.raises(CorpusError, match="too large to be translations"):
        read(HEAD + "".join(f"ru\tДом {number}.\t1\n" for number in range(5)))


def test_translations_of_the_file_are_right_where_they_are_in_the_indexes(read, opened):
    readers = opened(CORPUS, CORPUS.replace("en\tThe water is cold.\twater\n", ""))
    file = read(HEAD + "tr\tSu soğuk.\t1\nru\tвода ХОЛОДНАЯ.\t1\nen\tThe water is cold.\t1\n")
    heard = []
    found = questions(file.queries, readers, progress=lambda *done: heard.append(done))
    assert heard == [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    assert asked(found)["Su soğuk."] == (
        ("ru",), {"ru": {"вода холодная."}}, {"ru": {"вода холодная."}},
    )  # fmt: skip
    # The file says what is right, so that the index's own translation is not asked for; English
    # and Turkish are not in both.
    assert asked(found)["вода ХОЛОДНАЯ."] == (("kbd", "ru"), {}, {})
    assert (found.with_answers, found.left_out) == (2, 1)


def test_a_query_without_translations_has_those_that_the_indexes_have(read, opened):
    (reader,) = opened(CORPUS)
    file = read("Уэшх къошх.\nПоезд опоздал.\nидёт дождь.\nСнег.\n", "q.txt", lang="ru")
    kbd = read("уэшх къошх.\n", "k.txt", lang="kbd")
    rain = {"идёт дождь.", "дождь идёт."}
    assert asked(questions(kbd.queries, (reader, reader))) == {
        "уэшх къошх.": (("ru",), {"ru": rain}, {"ru": rain}),
    }  # fmt: skip
    found = questions(file.queries, (reader, reader))
    everything = ("kbd", "ru", "en")
    assert asked(found) == {
        "Уэшх къошх.": (everything, {}, {}),  # said to be Russian, and not in the index as that
        "Поезд опоздал.": (everything, {}, {}),
        "идёт дождь.": (("kbd",), {"kbd": {"уэшх къошх."}}, {"kbd": {"уэшх къошх."}}),
        "Снег.": (everything, {}, {}),
    }
    assert (found.with_answers, found.left_out) == (1, 0)


def test_languages_that_are_asked_for_are_searched_and_count(read, opened):
    (reader,) = opened(CORPUS)
    file = read(HEAD + "ru\tВода холодная.\t1\nen\tThe water is cold.\t1\nkbd\tПсыр щӏыӏэщ.\t1\n")
    found = questions(file.queries, (reader, reader), ["kbd", "tr"])
    assert {langs for langs, *_ in asked(found).values()} == {("kbd",)}
    assert (found.with_answers, found.left_out) == (2, 0)


def test_indexes_without_a_common_language(read, opened):
    readers = opened(HEAD + "ru\tСнег.\t1\n", HEAD + "en\tSnow.\t1\n")
    queries = read("Снег.\n", "q.txt", lang="ru").queries
    with pytest.raises(CorpusError, match=r"no language is in both indexes \(.*0 has ru; .*has en"):
        questions(queries, readers)
    with pytest.raises(CorpusError, match="no language that was asked for"):
        questions(queries, (readers[0], readers[0]), ["tr"])
