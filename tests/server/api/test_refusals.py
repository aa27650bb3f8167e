"""What is not answered, and what is said instead."""

from __future__ import annotations

import shutil

import httpx
import pytest
from live_server import live_server

from searchkbd.api import MAX_QUERY_CHARS
from searchkbd.server.settings import Limits
from searchkbd.service import deadline as deadline_module
from searchkbd.service.deadline import TooSlowError, deadline


@pytest.fixture
def client(demo_server):
    with httpx.Client(base_url=demo_server.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/search", "query.q: Field required"),
        ("/api/search?q=", "query.q"),
        ("/api/search?q=…!", "no letter or digit"),
        ("/api/search?q=x&langs=kbd", "query.langs"),
        ("/api/search?q=x&k=0", "query.k"),
        ("/api/search?q=x&k=201", "k: 201 is too many; 200 are the most"),
        ("/api/search?q=x&lang=nolanguage", "query.lang.0: not a language code: 'nolanguage'"),
        ("/api/search?q=x&mode=magic", "query.mode"),
        (f"/api/search?q={'x' * 2001}", "query.q"),
        ("/api/tm?q=x&from=ru", "query.to"),
        ("/api/tm?q=x&from=ru&to=ru_RU", "both ru"),
        ("/api/tm?q=x&from=ru&to=kbd&penalty=mt", "query.penalty.0"),
        ("/api/tm?q=x&from=ru&to=kbd&pivot=en&no_pivot=1", "pivot and no_pivot"),
        ("/api/tm?q=x&from=ru&to=kbd&min_similarity=nan", "query.min_similarity"),
        ("/api/concordance?q=*", "no word to look for"),
        ("/api/concordance?q=x&exact=1&loose=1", "exact and loose"),
        ("/api/concordance?q=x&gap=101", "query.gap"),
        ("/api/concordance?q=x&n=201", "n: 201"),
        ("/api/concordance?q=x&pattern=y", "query.pattern"),
        ("/api/stats?verbose=1", "'verbose'"),
        ("/api/sentences/p0013-ru?x=1", "'x'"),
        ("/v1/models?limit=1", "'limit'"),
    ],
)
def test_what_cannot_be_asked_is_named(client, path, said):
    answer = client.get(path)
    assert answer.status_code == (400 if path.startswith("/v1") else 422)
    error = answer.json()["error"]
    assert said in (error["message"] if path.startswith("/v1") else error)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/search", {"queries": []}, "body.queries"),
        ("/api/search", {"queries": ["x"] * 257}, "queries: 257 is too many; 256"),
        ("/api/search", {"queries": ["x"] * 200, "k": 100}, "queries times k: 20000"),
        ("/api/search", {"queries": ["x"], "q": "x"}, "body.q"),
        ("/api/search", {"queries": ["x"], "k": "5"}, "body.k"),
        ("/api/search", {"queries": ["x", "y" * (MAX_QUERY_CHARS + 1)]}, "body.queries.1"),
        ("/api/search", ["x"], "body"),
        ("/api/tm", {"segments": ["x"], "from": "ru"}, "body.to"),
        ("/api/tm", {"segments": [{"text": "x", "b": ""}], "from": "ru", "to": "en"}, "b: Extra"),
        ("/api/search?k=3", {"queries": ["x"]}, "'k'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_in_a_body_is_named(client, path, body, said):
    answer = client.post(path, json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b'{"queries": ["\xff"]}', 400),
        (b'{"queries": ["\\ud800"]}', 422),
        (b'{"\\ud800": 1}', 422),
        (b"[" * 100_000, 400),
        (b'{"queries": ["x"], "k": ' + b"1" * 5000 + b"}", 400),
        (b'{"queries": ["x"], "k": 1e999}', 422),
    ],
)
def test_bodies_that_are_no_text_are_refused(client, content, status):
    answer = client.post(
        "/api/search", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_body_must_say_that_it_is_json(client):
    # Other kinds can be sent by any page in a browser, without asking.
    body = b'{"queries": ["x"]}'
    plain = client.post("/api/search", content=body, headers={"Content-Type": "text/plain"})
    assert plain.status_code == 422
    assert client.post("/api/search", content=body).status_code == 422


def test_absent_sentences(client):
    for path in ("/api/sentences/nothing", "/api/sentences/..%2f..%2fetc", "/api/sentences/a//b"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "no sentence has this id"})
    assert client.get("/api/sentences/").status_code == 422
    assert client.get("/api/nothing").status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/search", "GET, HEAD, POST"),
        ("/api/concordance", "GET, HEAD"),
        ("/api/sentences/p0013-ru", "GET, HEAD, DELETE"),
        ("/api/sentences", "POST"),
        ("/v1/embeddings", "POST"),
    ],
)
def test_methods_that_are_not_there(client, path, allowed):
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}:
        if method not in allowed:
            answer = client.request(method, path)
            assert answer.status_code == 405
            assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/api/search?q=сэ", "/api/tm?q=x&from=ru&to=kbd", "/api/stats", "/health"]
)
def test_head_has_the_headers_of_get(client, path):
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


def test_other_origins_are_told_nothing(client):
    origin = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    for answer in (
        client.get("/api/search?q=сэ", headers=origin),
        client.options("/api/search", headers=origin),
        client.post("/api/search", json={"queries": ["сэ"]}, headers=origin),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/concordance?q=*а*&exact=1", None),
        ("POST", "/api/search", {"queries": ["сэ"] * 40}),
        ("POST", "/api/tm", {"segments": ["сэ"] * 40, "from": "kbd", "to": "ru"}),
    ],
)
def test_what_takes_too_long_is_given_up(phrasebook_index, method, path, body):
    with live_server(phrasebook_index, limits=Limits(seconds=0)) as server:
        answer = httpx.request(method, server.url + path, json=body)
        assert answer.status_code == 503
        assert "ask for less" in answer.json()["error"]
        assert "Retry-After" not in answer.headers
        assert httpx.get(f"{server.url}/api/search?q=сэ").status_code == 200


def test_a_deadline_is_one_of_time(monkeypatch):
    now = 0.0
    monkeypatch.setattr(deadline_module.time, "monotonic", lambda: now)
    check = deadline(2.5, "fewer words")
    now = 2.5
    check(1, 2)
    now = 2.6
    with pytest.raises(TooSlowError, match=r"longer than 2.5 seconds; ask for less: fewer words"):
        check(1, 2)


def test_an_index_that_is_gone_is_told_without_its_place(phrasebook_index, tmp_path):
    copy = tmp_path / "secret place"
    shutil.copytree(phrasebook_index, copy)
    with live_server(copy) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/health").json()["status"] == "ok"
        shutil.rmtree(copy)
        assert not server.app.state.service.snapshots.refresh()
        answer = client.get("/health")
        assert answer.status_code == 200
        assert answer.json()["status"] == "stale"
        assert "secret" not in answer.text
        # What was open before is still served.
        assert client.get("/api/search?q=Налшык").json()["hits"]
