"""Two real indexes of the phrasebook asked the same questions."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.api import open_index
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.evaluation.agreement import sign_test
from searchkbd.evaluation.asking import ask
from searchkbd.evaluation.comparison import compare
from searchkbd.evaluation.contents import compare_contents
from searchkbd.evaluation.queries import Query, questions, read_queries
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import search_key


@pytest.fixture(scope="module")
def letters_index(tmp_path_factory, trigrams):
    """The phrasebook by an encoder that knows letters only."""
    directory = tmp_path_factory.mktemp("indexes") / "letters"
    build_index(directory, read_corpus(PHRASEBOOK), trigrams)
    return directory


@pytest.fixture(scope="module")
def readers(phrasebook_index, letters_index):
    with IndexReader(phrasebook_index) as a, IndexReader(letters_index) as b:
        yield a, b


@pytest.fixture(scope="module")
def some():
    """Every fourth group of the phrasebook, as queries."""
    file = read_queries(PHRASEBOOK, ReadOptions(), on_reject=pytest.fail)
    groups = sorted({query.groups for query in file.queries}, key=lambda g: sorted(g[0]))[::4]
    return tuple(query for query in file.queries if query.groups in groups)


@pytest.fixture(scope="module")
def asked(readers, some, embedded, trigrams):
    """The questions, and what both indexes say to them."""
    found = questions(some, readers).asked
    return found, ask(readers[0], embedded, found, 0), ask(readers[1], trigrams, found, 1)


def test_the_first_hit_and_its_rank_are_those_of_a_search(asked, phrasebook_index):
    found, said, _ = asked
    with open_index(phrasebook_index) as index:
        for question, outcome in list(zip(found, said.outcomes, strict=True))[:40]:
            query = question.query
            hits = index.search(
                query.text, langs=question.langs, query_lang=query.lang, mode="semantic"
            )
            keys = [(hit.lang, search_key(hit.text)) for hit in hits]
            # Rounding may swap equals.
            assert len(set(keys) & set(outcome.keys)) >= 9 and len(outcome.keys) == 10
            assert keys[0] == outcome.keys[0] == outcome.first.same
            assert outcome.first.similarity == pytest.approx(hits[0].similarity, abs=1e-4)
            right = {*question.answers[0]["kbd" if query.lang != "kbd" else "ru"]}
            lang = next(iter(right))[0]
            hits = index.search(query.text, langs=[lang], query_lang=query.lang, mode="semantic")
            ranks = [hit.rank for hit in hits if (hit.lang, search_key(hit.text)) in right]
            assert outcome.ranks[lang] == (ranks[0] if ranks else 0)


def test_what_knows_meaning_finds_more_than_what_knows_letters(asked):
    found, a, b = asked
    comparison = compare(found, a, b)
    together, *directions = comparison.accuracy
    assert [(row.source, row.target) for row in directions[:3]] == [
        ("kbd", "ru"), ("kbd", "en"), ("kbd", "fr"),
    ]  # fmt: skip
    assert len(directions) == 20 and together.queries == len(found) == 310
    for row in comparison.accuracy:
        assert row.both + row.only_a + row.only_b + row.neither == row.queries
        assert row.at_1.a == pytest.approx((row.both + row.only_a) / row.queries)
        assert row.at_1.b == pytest.approx((row.both + row.only_b) / row.queries)
        assert row.p == sign_test(row.only_a, row.only_b)
        for figure in (row.at_1, row.at_5, row.at_10, row.mrr_at_10):
            assert figure.difference.value == pytest.approx(figure.b - figure.a)
            low, high = figure.difference.low, figure.difference.high
            assert low <= figure.difference.value <= high
        assert row.at_1.a <= row.mrr_at_10.a <= row.at_10.a
    assert together.at_1.a > 0.95 and together.at_1.b < 0.3
    assert together.at_1.difference.high < -0.6 and together.p < 1e-50
    kbd_ru = directions[0]
    ranks = [outcome.ranks["ru"] for question, outcome in zip(found, a.outcomes, strict=True)
             if question.query.lang == "kbd"]  # fmt: skip
    assert kbd_ru.at_5.a == pytest.approx(np.mean([1 <= rank <= 5 for rank in ranks]))
    assert kbd_ru.mrr_at_10.a == pytest.approx(np.mean([rank and 1 / rank for rank in ranks]))


def test_how_far_they_agree_and_what_either_finds(asked):
    found, a, b = asked
    comparison = compare(found, a, b, k=5)
    tops = [
        [outcome.keys[:5] for outcome in said.outcomes] for said in (a, b)
    ]  # fmt: skip
    common = [len({*left} & {*right}) / 5 for left, right in zip(*tops, strict=True)]
    assert comparison.agreement.overlap_at_k == pytest.approx(np.mean(common))
    same = sum(left[0] == right[0] for left, right in zip(*tops, strict=True))
    assert comparison.agreement.same_first == same
    assert comparison.agreement.overlap_at_1 == pytest.approx(same / len(found))
    assert 0 < comparison.agreement.rbo < 0.5
    left, right = ({key for keys in top for key in keys} for top in tops)
    assert comparison.found == (len(left), len(right))
    assert comparison.only == (len(left - right), len(right - left))


def test_the_farthest_from_right_is_the_most_telling(asked):
    found, a, b = asked
    comparison = compare(found, a, b)
    row = comparison.accuracy[0]
    kinds = [each.right for each in comparison.differing]
    assert kinds == ["a"] * row.only_a + ["b"] * row.only_b
    ranks = [each.b.rank or 99 for each in comparison.differing if each.right == "a"]
    assert ranks == sorted(ranks, reverse=True) and ranks[0] == 99
    first = comparison.differing[0]
    assert first.a.rank == 1 and first.a.first.same in first.query.translations()
    assert first.b.first.same not in first.query.translations()
    shape = first.to_dict()
    assert shape["a"]["rank"] == 1 and shape["b"]["rank"] is None and shape["right"] == "a"
    assert shape["a"]["hit"]["text"] == first.a.first.text


def test_an_index_and_itself(readers, some, trigrams):
    found = questions(some, (readers[1], readers[1])).asked
    a, b = (ask(readers[1], trigrams, found, side) for side in (0, 1))
    comparison = compare(found, a, b)
    agreement = comparison.agreement
    assert agreement.same_first == len(found) and comparison.only == (0, 0)
    assert agreement.overlap_at_1 == agreement.overlap_at_k == 1
    assert agreement.rbo == pytest.approx(1)
    assert comparison.differing == () and len(comparison.accuracy) == 21
    for row in comparison.accuracy:
        assert row.p == 1 and row.only_a == row.only_b == 0
        difference = row.mrr_at_10.difference
        assert difference.value == difference.low == difference.high == 0
    assert compare_contents(readers[1], readers[1]).alike


def test_the_order_of_the_sentences_does_not_matter(tmp_path, embedded, readers, some):
    part = [item for item in read_corpus(PHRASEBOOK) if item.group < "p0020"]
    for name, items in (("a", part), ("b", part[::-1])):
        build_index(tmp_path / name, items, embedded)
    with IndexReader(tmp_path / "a") as a, IndexReader(tmp_path / "b") as b:
        found = questions(some[:30], (a, b)).asked
        comparison = compare(found, ask(a, embedded, found, 0), ask(b, embedded, found, 1))
        assert comparison.agreement.overlap_at_k == 1 and comparison.only == (0, 0)
        assert compare_contents(a, b).alike


def sentence(number: int, lang: str, text: str) -> Sentence:
    return Sentence(str(number), lang, text, f"g{number}", "test", None, Place("x", number + 1))


def test_repeated_sentences_and_the_query_itself_take_no_place(tmp_path, trigrams):
    texts = ["Идёт дождь."] * 40 + ["Дождь идёт."] * 40 + [f"Идёт дождь {n}." for n in range(8)]
    items = [sentence(number, "ru", text) for number, text in enumerate(texts)]
    build_index(tmp_path / "a", items, trigrams)
    query = Query("идёт дождь.", ("ru", "идёт дождь."), ())
    with IndexReader(tmp_path / "a") as reader:
        found = questions([query], (reader, reader)).asked
        (outcome,) = ask(reader, trigrams, found, 0, depth=9).outcomes
    assert len(outcome.keys) == 9 and query.same not in outcome.keys
    assert set(outcome.keys) == {("ru", search_key(text)) for text in texts[40:]}
    assert outcome.ranks == {} and outcome.rank == 0


def test_without_known_answers_those_that_agree_least_differ_most(readers, embedded, trigrams):
    texts = ["Я не знаю этого человека", "Где остановка?", "Мы приедем в пятницу вечером"]
    queries = [Query(text, ("ru", search_key(text)), ()) for text in texts]
    found = questions(queries, readers).asked
    assert all(question.langs == ("kbd", "ru", "en", "fr", "tr") for question in found)
    a, b = ask(readers[0], embedded, found, 0), ask(readers[1], trigrams, found, 1)
    comparison = compare(found, a, b)
    assert comparison.accuracy == () and {each.right for each in comparison.differing} == {None}
    nearness = [each.rbo for each in comparison.differing]
    assert nearness == sorted(nearness) and len(nearness) == 3
    assert comparison.differing[0].to_dict()["a"]["rank"] is None


def test_time_and_progress_are_told(readers, some, trigrams):
    found = questions(some[:70], readers).asked
    heard = []
    said = ask(readers[1], trigrams, found, 1, progress=lambda *n: heard.append(n))
    assert heard == [(64, 70), (70, 70)]
    assert said.encode_seconds > 0 and said.search_seconds > 0


def test_contents_are_compared_by_what_is_said(tmp_path, trigrams, readers):
    rows = [sentence(n, "ru", f"Дом {n}.") for n in range(400)]
    build_index(tmp_path / "a", rows[:300], trigrams)
    others = [sentence(n, "ru", f"ДОМ {n}.") for n in range(100, 400)]
    build_index(tmp_path / "b", [*others, sentence(999, "en", "A house.")], trigrams)
    with IndexReader(tmp_path / "a") as a, IndexReader(tmp_path / "b") as b:
        contents = compare_contents(a, b)
        assert contents.languages == {"ru": (300, 300), "en": (0, 1)}
        assert contents.share == 200 / 401 and contents.exact and not contents.alike
        sampled = compare_contents(a, b, sample=150)
    assert not sampled.exact and sampled.share == pytest.approx(0.5, abs=0.12)
    assert compare_contents(*readers).alike
