"""Adding and deleting sentences over HTTP."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import httpx
import pytest
from live_server import live_server

from searchkbd.index.schema import database_path
from searchkbd.server.api import answers


@pytest.fixture
def client(writable_server, token):
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=writable_server.url, headers=headers, timeout=30) as client:
        yield client


def _add(client: httpx.Client, *sentences: dict) -> dict:
    answer = client.post("/api/sentences", json={"sentences": sentences})
    assert answer.status_code == 200, answer.text
    added = answer.json()
    assert answers.Added.model_validate(added).model_dump(mode="json") == added
    assert added["read"] == added["added"] + added["merged"] + added["rejected"] == len(sentences)
    return added


WRITES = [
    ("POST", "/api/sentences", {"sentences": [{"text": "Сэлам", "lang": "kbd"}]}),
    ("POST", "/api/deletions", {"ids": ["p0013-ru"]}),
    ("DELETE", "/api/sentences/p0013-ru", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_nobody_writes_unless_that_is_allowed(demo_server, token, method, path, body):
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.request(method, demo_server.url + path, json=body, headers=headers)
    assert answer.status_code == 403
    assert "--allow-writes" in answer.json()["error"]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_nobody_writes_without_the_token(writable_server, token, method, path, body):
    with httpx.Client(base_url=writable_server.url) as client:
        for given in (
            None, "", "Bearer", f"Bearer {token}x", f"Bearer {token[:-1]}", token,
            f"Basic {token}", f"Bearer {token} {token}", b"Bearer \xff\xfe", f"Bearer\u00a0{token}",
        ):  # fmt: skip
            headers = {} if given is None else {b"Authorization": _bytes(given)}
            answer = client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 401, given
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert token not in answer.text
        assert client.get("/api/sentences/p0013-ru").status_code == 200
        assert client.get("/health").json()["generation"] == 1


def _bytes(header: str | bytes) -> bytes:
    return header if isinstance(header, bytes) else header.encode("utf-8")


def test_what_is_added_is_found_at_once(client):
    text = {"kbd": "Шхэгъуэ хъуащ, нэху щащ!", "ru": "Пора кушать, уже светло!"}
    added = _add(
        client,
        {"text": text["kbd"], "lang": "kbd", "group": "g1", "context": "said in the morning"},
        {"text": text["ru"], "lang": "ru", "group": "g1", "id": "mine/1", "origin": "me"},
    )
    assert (added["added"], added["rejects"]) == (2, [])
    made, own = added["ids"]
    assert own == "mine/1" and made.startswith("api-")
    hit = client.get("/api/search", params={"q": text["ru"], "k": 1}).json()["hits"][0]
    assert (hit["id"], hit["origin"]) == ("mine/1", "me")
    assert [each["text"] for each in hit["translations"]] == [text["kbd"]]
    match = client.get("/api/tm", params={"q": text["ru"], "from": "ru", "to": "kbd"}).json()
    assert match["matches"][0]["quality"] == 100
    shown = client.get(f"/api/sentences/{made}").json()
    assert (shown["context"], shown["origin"]) == ("said in the morning", "api")
    assert client.get("/api/sentences/mine%2F1").json()["text"] == text["ru"]


def test_every_sentence_is_accounted_for(client):
    added = _add(
        client,
        {"text": "Поезд опоздал на час.", "lang": "ru", "id": "late"},
        {"text": "ПОЕЗД опоздал на час.", "lang": "ru"},
        {"text": "Я живу в Нальчике.", "lang": "ru", "group": "p0013"},
        {"text": "Поезд не опоздал.", "lang": "ru", "id": "late"},
        {"text": "a\u0001b", "lang": "en"},
        {"text": "?!", "lang": "en"},
        {"text": "word", "lang": "klingonese"},
        {"text": "word", "lang": ""},
        {"text": "х" * 20_001, "lang": "ru"},
        {"text": "word", "lang": "en", "id": "i" * 1001},
    )
    assert (added["added"], added["merged"]) == (1, 2)
    assert added["ids"] == ["late", "late", "p0013-ru"] + [None] * 7
    reasons = {each["number"]: each["reason"].partition(":")[0] for each in added["rejects"]}
    assert reasons == {
        4: "duplicate id", 5: "control character", 6: "no text", 7: "unknown language",
        8: "no language", 9: "text too long", 10: "field too long",
    }  # fmt: skip


def test_made_ids_are_never_those_of_others(client):
    first = _add(client, {"text": "Вода холодная.", "lang": "ru"})["ids"]
    second = _add(client, {"text": "Хлеб тёплый.", "lang": "ru"})["ids"]
    assert first != second
    assert client.delete(f"/api/sentences/{first[0]}").json()["sentences"] == 1
    assert client.get(f"/api/sentences/{second[0]}").json()["text"] == "Хлеб тёплый."


def test_nothing_accepted_is_no_error(client):
    before = client.get("/api/stats").json()["sentences"]
    added = _add(client, {"text": "", "lang": "ru"})
    assert (added["added"], added["total"]) == (0, before)


def test_one_is_deleted(client):
    done = client.delete("/api/sentences/p0013-ru")
    assert done.json() == {"sentences": 1, "languages": {"ru": 1}, "groups": 0, "absent": []}
    assert client.get("/api/sentences/p0013-ru").status_code == 404
    assert client.delete("/api/sentences/p0013-ru").status_code == 404
    hits = client.get("/api/search", params={"q": "Я живу в Нальчике.", "k": 200}).json()["hits"]
    assert "p0013-ru" not in [hit["id"] for hit in hits]


def test_many_are_deleted(client):
    ids = [f"p0013-{lang}" for lang in ("kbd", "ru", "en", "fr", "tr")]
    done = client.post("/api/deletions", json={"ids": [*ids, "nothing", ids[0]]}).json()
    assert answers.Deleted.model_validate(done).model_dump(mode="json") == done
    assert (done["sentences"], done["groups"], done["absent"]) == (5, 1, ["nothing"])


def test_too_many_at_once_are_refused(client):
    sentences = [{"text": f"{number}", "lang": "en"} for number in range(257)]
    for path, body in (
        ("/api/sentences", {"sentences": sentences}),
        ("/api/deletions", {"ids": ["x"] * 257}),
        ("/api/sentences", {"sentences": [{"text": "x", "lang": "en", "language": "en"}]}),
        ("/api/sentences?x=1", {"sentences": [{"text": "x", "lang": "en"}]}),
    ):
        assert client.post(path, json=body).status_code == 422
    assert client.get("/health").json()["generation"] == 1


def test_while_another_process_writes_one_is_told_to_wait(client, demo_copy):
    with closing(sqlite3.connect(database_path(demo_copy), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for method, path, body in WRITES:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert str(demo_copy) not in answer.text
        assert client.get("/api/search?q=Налшык").status_code == 200
        other.execute("ROLLBACK")
    assert client.delete("/api/sentences/p0013-ru").status_code == 200


def test_a_server_without_a_token_takes_no_writes(demo_copy):
    with live_server(demo_copy, allow_writes=True) as server:
        answer = httpx.delete(
            f"{server.url}/api/sentences/p0013-ru", headers={"Authorization": "Bearer None"}
        )
        assert answer.status_code == 403
