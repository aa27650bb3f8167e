"""Searches, look-ups, concordances, sentences, counts: as the command line gives them."""

from __future__ import annotations

import io
import json
import shlex
import sys

import httpx
import pytest

from searchkbd.cli.main import run as run_command
from searchkbd.server.api import answers
from searchkbd.server.api.routes import _chunks


@pytest.fixture
def ask(demo_server):
    """Ask the server; the answer must be good."""

    def ask(path: str, **parameters: object) -> dict:
        answer = httpx.get(f"{demo_server.url}{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def send(demo_server):
    """Send a body to the server; the answer must be good."""

    def send(path: str, body: dict) -> dict:
        answer = httpx.post(f"{demo_server.url}{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


@pytest.fixture
def command(capsys, monkeypatch, phrasebook_index):
    """What a command prints of the same index with ``--json``, line by line or as one object."""

    def command(*arguments: str, lines: str | None = None):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((lines or "").encode())))
        capsys.readouterr()
        assert run_command([*arguments, "--index", str(phrasebook_index), "--json"]) == 0
        out = capsys.readouterr().out
        return (
            json.loads(out)
            if lines is None
            else [json.loads(line) for line in out.split("\n")[:-1]]
        )

    return command


SEARCHES = [
    ({"q": "Уи махуэ фӏыуэ!"}, ""),
    ({"q": "where do you live", "lang": ["kbd", "tr"], "k": 3}, "--lang kbd --lang tr -k 3"),
    ({"q": "Налшык", "from": "kbd", "mode": "lexical"}, "--from kbd --mode lexical"),
    ({"q": "ev", "mode": "semantic", "recall": "exact"}, "--mode semantic --recall exact"),
    ({"q": "  щIалэ / %2F?&=#+  "}, ""),
]


@pytest.mark.parametrize(("parameters", "options"), SEARCHES)
def test_a_search_is_answered_as_by_the_command(ask, command, parameters, options):
    found = ask("/api/search", **parameters)
    assert found == command("search", parameters["q"], *options.split())
    assert found["hits"]
    assert answers.SearchAnswer.model_validate(found).model_dump(mode="json") == found


LOOK_UPS = [
    ({}, ""),
    (
        {"k": 9, "min_quality": 20, "min_similarity": 0.2},
        "-k 9 --min-quality 20 --min-similarity 0.2",
    ),
    ({"penalty": ["phrasebook:*=7"], "semantic": False}, "--penalty phrasebook:*=7 --no-semantic"),
    ({"pivot": ["en", "fr"], "recall": "fast"}, "--pivot en,fr --recall fast"),
    (
        {"no_pivot": True, "previous": "", "next": "Я!", "key": "x"},
        "--no-pivot --previous '' --next Я! --key x",
    ),
]


@pytest.mark.parametrize(("parameters", "options"), LOOK_UPS)
def test_a_look_up_is_answered_as_by_the_command(ask, command, parameters, options):
    segment = "Где живёт твой друг?"
    found = ask("/api/tm", q=segment, **{"from": "ru", "to": "kbd"}, **parameters)
    options = ["--from", "ru", "--to", "kbd", *shlex.split(options)]
    assert found == command("tm", "lookup", segment, *options)
    assert found["matches"]
    model = answers.MemoryAnswer.model_validate(found)
    assert model.model_dump(mode="json", by_alias=True) == found


CONCORDANCES = [
    ({"q": "сэ *"}, ""),
    (
        {"q": "сэ|уэ", "lang": "kbd", "to": ["ru", "en"], "n": 3, "offset": 2, "sort": "right"},
        "--lang kbd --to ru --to en -n 3 --offset 2 --sort right",
    ),
    (
        {"q": "where * live", "gap": 3, "only_translated": True, "origin": "phrasebook:greetings"},
        "--gap 3 --only-translated --origin phrasebook:greetings",
    ),
    ({"q": "Сэ", "exact": True}, "--exact"),
    ({"q": "цыху*", "loose": True, "n": 0}, "--loose -n 0"),
]


@pytest.mark.parametrize(("parameters", "options"), CONCORDANCES)
def test_a_concordance_is_answered_as_by_the_command(ask, command, parameters, options):
    found = ask("/api/concordance", **parameters)
    assert found == command("concordance", parameters["q"], *options.split())
    assert found["occurrences"]
    assert answers.ConcordanceAnswer.model_validate(found).model_dump(mode="json") == found


def test_counts_are_those_of_the_command_without_the_place(ask, command, phrasebook_index):
    counts, printed = ask("/api/stats"), command("info")
    assert printed.pop("directory") == str(phrasebook_index)
    assert counts.pop("directory") == phrasebook_index.name
    assert counts == printed


def test_a_batch_of_searches_is_answered_as_lines_are(send, command):
    queries = ["Где живёт твой брат?", "…", "", "Сэ Налшык сыщопсэу.", "Where do you live?"]
    found = send("/api/search", {"queries": queries, "lang": ["kbd"], "k": 2})["results"]
    lines = "".join(f"{query}\n" for query in queries)
    assert found == command("search", "--lang", "kbd", "-k", "2", lines=lines)
    assert [len(each["hits"]) for each in found] == [2, 0, 0, 2, 2]


def test_a_batch_of_look_ups_is_answered_as_lines_are(send, command):
    segments = ["Где живёт твой брат?", "!", "Я живу в Москве."]
    found = send("/api/tm", {"segments": segments, "from": "ru", "to": "kbd"})["results"]
    lines = "".join(f"{segment}\n" for segment in segments)
    assert found == command("tm", "lookup", "--from", "ru", "--to", "kbd", lines=lines)
    assert [bool(each["matches"]) for each in found] == [True, False, True]


def test_each_segment_of_a_batch_has_its_own_context(send, ask):
    segment = {"text": "Я живу в Нальчике.", "previous": "", "next": "Спасибо!", "key": "k"}
    body = {"segments": ["Спасибо!", segment], "from": "ru", "to": "kbd", "k": 1}
    _, found = send("/api/tm", body)["results"]
    asked = {"q": segment["text"], "previous": "", "next": "Спасибо!", "key": "k"}
    assert found == ask("/api/tm", **asked, **{"from": "ru", "to": "kbd", "k": 1})


def test_many_texts_are_answered_in_order(send):
    numbers = [f"{at} дней" if at % 3 else "?" for at in range(100)]
    found = send("/api/search", {"queries": numbers, "k": 1, "mode": "lexical"})["results"]
    assert [each["query"] for each in found] == numbers


def test_texts_are_asked_a_few_at_a_time():
    texts = ["x" * 3000, "y" * 3000, *["z"] * 40, "w" * 5000, "v"]
    chunks = _chunks([at for at in range(len(texts)) if at != 5], texts)
    assert chunks == [[0], [1, *range(2, 5), *range(6, 34)], [*range(34, 42)], [42], [43]]


def test_a_sentence_is_shown_with_its_group(ask):
    found = ask("/api/sentences/p0013-ru")
    assert (found["lang"], found["text"]) == ("ru", "Я живу в Нальчике.")
    assert "Сэ Налшык сыщопсэу." in [each["text"] for each in found["translations"]]
    assert answers.SentenceAnswer.model_validate(found).model_dump(mode="json") == found


def test_the_state_of_the_index_is_told(ask):
    assert ask("/health") == {"status": "ok", "generation": 1, "problem": None}
