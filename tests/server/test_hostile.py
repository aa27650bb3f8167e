"""Everything that is served, of an index and by requests that mean harm."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import httpx
import lxml.html
import pytest
from live_server import LiveServer, live_server, read_all

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.writer import build_index
from searchkbd.server.settings import Limits

TOKEN = "0123456789-abcdef"

HOSTILE = [
    "<script>hostile()</script>",
    "<img src=x onerror=hostile()>",
    "\"><svg onload=hostile()><hostile>",
    "' onmouseover='hostile()' hostile='",
    "</textarea></title></style></template></noscript><hostile>",
    "<!-- hostile --><![CDATA[ <hostile> ]]>",
    "{{7191*7}} {% include 'base.html' %} ${7191*7} #{7191*7} <%= 7191*7 %>",
    "javascript:hostile()",
    "data:text/html,<hostile>",
    "//evil.example/hostile",
    "\\\\evil.example\\hostile",
    "&lt;hostile&gt; &#60;hostile&#62; &amp;",
    "\u202etsop\u202c \u2066left\u2069 \u200b\ufeff\u2028\u2029 hostile",
    "😀👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿 hostile",
    "a" + "\u0301" * 500 + " hostile",
    "hostile" * 300,
    "\ufffe\uffff\U0010ffff hostile",
    "hostile\r\nX-Evil: 1\r\n\r\n<hostile>",
    "../../../../etc/passwd",
    "%00 %0d%0a %2e%2e%2f hostile",
    "' OR 1=1 -- hostile",
    'NEAR("hostile" *) AND ^hostile:*',
]


def id_of(lang: str, number: int) -> str:
    return f"{lang}{number}/{' '.join(HOSTILE[number][:60].split())}"


@pytest.fixture(scope="module")
def server(tmp_path_factory, embedded) -> Iterator[LiveServer]:
    """A server of sentences whose texts, ids, groups, origins and contexts are all hostile."""
    directory = tmp_path_factory.mktemp("hostile") / "index"
    sentences = [
        Sentence(
            id_of(lang, n), lang, f"{word} {text}", f"g{n}{text[:60]}", text[:60], None,
            Place("t", n), context=text[:60],
        )
        for n, text in enumerate(HOSTILE)
        for lang, word in (("ru", "слово"), ("en", "word"), ("kbd", "псалъэ"))
    ]  # fmt: skip
    build_index(directory, sentences, embedded)
    with live_server(
        directory, allow_writes=True, token=TOKEN, limits=Limits(seconds=2.0)
    ) as live:
        yield live


@pytest.fixture(scope="module")
def client(server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def leaves(routes: Iterable) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from leaves(included.routes)
        else:
            for method in route.methods or ():
                yield method, route.path


def routes_of(server: LiveServer, *methods: str) -> list[str]:
    found = sorted({path for method, path in leaves(server.app.routes) if method in methods})
    assert found
    return found


def filled(path: str, text: str) -> str:
    """Return the address of a route with *text* for what is variable in it."""
    for name in ("source_lang", "target_lang"):
        path = path.replace(f"{{{name}}}", "ru" if name == "source_lang" else "en")
    return re.sub(r"\{[^}]*\}", lambda _: quote(text, safe="") or "x", path)


URLS = {"href", "src", "action", "formaction", "xlink:href", "poster", "srcset", "data"}


def assert_harmless(answer: httpx.Response) -> None:
    """Assert that an answer, of whatever kind, lets nothing of a corpus or request act."""
    assert answer.status_code < 500, (answer.request.url, answer.text[:500])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "x-evil" not in answer.headers
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code in (204, 304) or not answer.content:
        return
    if kind == "application/json":
        answer.json()
    elif kind == "text/html":
        assert_harmless_page(answer.text)
    else:
        assert kind in ("text/css", "text/javascript", "image/svg+xml", "text/plain"), kind
        assert "hostile" not in answer.text


def assert_harmless_page(html: str) -> None:
    page = lxml.html.document_fromstring(html)
    for element in page.iter():
        assert isinstance(element.tag, str), "a comment"
        assert element.tag != "hostile"
        assert element.tag not in ("style", "iframe", "object", "embed", "base", "img")
        for name, value in element.attrib.items():
            assert not name.startswith("on") and name not in ("style", "hostile", "srcdoc"), name
            if name in URLS:
                assert value.startswith(("/", "#", "?")) and not value.startswith(("//", "/\\"))
        if element.tag == "script":
            assert element.get("src", "").startswith("/static/")
            assert not element.text
    for node in page.xpath("//meta[@http-equiv]"):
        assert node.get("http-equiv").lower() != "refresh"
    assert "50337" not in html  # 7191 * 7


@pytest.mark.parametrize("text", HOSTILE[:6])
def test_the_eye_of_these_tests_is_sharp(text):
    with pytest.raises(AssertionError):
        assert_harmless_page(f"<p class='{text}'>{text}</p>")
    for address in ("javascript:hostile()", "//evil.example", "https://evil.example"):
        with pytest.raises(AssertionError):
            assert_harmless_page(f"<a href='{address}'>x</a>")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_answer_lets_a_text_act(server, client, text):
    asked = {
        "q": text, "source": text, "k": "5", "sort": text[:50], "page": text[:50],
        "jsoncallback": text, "style": text[:50],
    }  # fmt: skip
    languages = ({"from": "ru", "to": "en"}, {"from": text[:50], "to": text[:50], "lang": text[:9]})
    for path in routes_of(server, "GET"):
        for more in languages:
            for headers in ({"Accept": "text/html"}, {"X-Fragment": "1"}):
                address = filled(path, text)
                assert_harmless(client.get(address, params={**asked, **more}, headers=headers))
        short = {"q": text, "source": text, "from": "ru", "to": "en"}
        assert_harmless(client.get(filled(path, text), params=short))


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_text_is_given_as_it_is(client, number):
    text = HOSTILE[number]
    id = id_of("ru", number)
    answer = client.get(f"/api/sentences/{quote(id, safe='')}")
    assert (answer.json()["id"], answer.json()["text"]) == (id, f"слово {text}")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_body_does_harm(server, client, text):
    many = {
        "q": text, "queries": [text], "segments": [text], "texts": [text], "source": text,
        "target": text, "input": text, "from": "ru", "to": "en", "model": text, "lang": text,
        "sentences": [{"text": text, "lang": "ru", "id": text, "group": text, "origin": text}],
        "ids": [text], "api_key": text,
    }  # fmt: skip
    bodies = [
        {"json": many},
        {"json": {"q": text, "source": "ru", "target": "en"}},
        {"json": {"queries": [text] * 3}},
        {"json": {"segments": [text], "from": "ru", "to": "en"}},
        {"json": {"input": [text]}},
        {"json": text},
        {"json": [[[text]]]},
        {"data": {"q": text, "source": "ru", "target": "en"}},
        {"content": text.encode(), "headers": {"Content-Type": "application/json"}},
        {"content": text.encode(), "headers": {"Content-Type": "multipart/form-data"}},
        {"content": text.encode("utf-16"), "headers": {"Content-Type": "application/json"}},
    ]
    for path in routes_of(server, "POST", "PUT", "DELETE"):
        for method in ("POST", "PUT", "DELETE"):
            for body in bodies if method == "POST" else bodies[:1]:
                assert_harmless(client.request(method, filled(path, text), **body))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[" * 100_000, b'{"queries": ' + b"[" * 50_000,
        b'{"queries": ["\\ud800"]}', b'{"queries": ["a\\u0000b"]}', b'{"queries": [1e999]}',
        b'{"queries": [' + b"9" * 50_000 + b"]}", b"\xff\xfe", b"\xef\xbb\xbf{}",
        b'{"queries": ["a"], "queries": ["b"]}', b'{"queries": ["a"], "k": -1}',
        b'{"queries": ["a"], "k": 99999999999999999999}', b'{"queries": ["a"], "k": NaN}',
        b'{"queries": ' + json.dumps(["a"] * 5000).encode() + b"}",
    ],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused(server, client, body):
    right = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for path in routes_of(server, "POST"):
        answer = client.post(filled(path, "x"), content=body, headers=right)
        assert_harmless(answer)
        if not path.endswith(("/queries", "/{text:rest}", "/{name:rest}")):
            assert answer.status_code in (200, 400, 405, 415, 422)


@pytest.mark.parametrize(
    "target",
    [
        "/static/", "/static", "/static/.", "/static/..", "/static/../run.py", "/static/%2e%2e/",
        "/static/..%2frun.py", "/static/..%5crun.py", "/static/%2e%2e%2f%2e%2e%2fapi.py",
        "/static/....//run.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd",
        "/static/C:%5cWindows%5cwin.ini", "/static/..;/run.py", "/static/%c0%ae%c0%ae/run.py",
        "/static/base.html", "/static/style.css%00.html", "/static/style.css/",
        "/static/style.css.", "/templates/base.html", "/locales/en.json", "//evil.example/",
        "/\\evil.example/", "/.git/config", "/index.db", "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd", "/sentences/../../etc/passwd",
        "/sentences/..%2f..%2fetc%2fpasswd", "/docs", "/redoc",
        "/%", "/%zz", "/;", "/?", "/#", "http://evil.example/static/../run.py",
    ],
)  # fmt: skip
def test_a_path_leads_nowhere_else(server, target):
    """Sent as they are: a client would tidy them up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if target in ("/?", "/#"):
        assert status in (200, 400)
        return
    assert status in (400, 404, 422)
    for secret in (b"root:", b"def ", b"import ", b"{%", b"[core]", b"SQLite", b"Index of"):
        assert secret not in body
    assert b"location:" not in head.lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "stranger.example"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Prefix": "//stranger.example", "X-Script-Name": "//stranger.example"},
        {"Forwarded": "host=stranger.example;proto=https"},
        {"X-Original-URL": "/static/stranger.example", "X-Rewrite-URL": "/stranger.example"},
        {"X-Host": "stranger.example", "Origin": "https://stranger.example"},
        {"Referer": "https://stranger.example/"},
        {"Cookie": "ui=stranger.example; ui=%0d%0aX-Evil:1"},
        {"Accept-Language": "stranger.example," * 500},
        {"Accept": "stranger.example/*;q=" + "9" * 500},
        {"If-None-Match": '"' + "stranger.example" * 500},
        {"Range": "bytes=0-0,1-1,2-2"},
    ],
)
@pytest.mark.parametrize("path", ["/?q=дом", "/overview", "/api/search?q=дом", "/openapi.json"])
def test_a_header_changes_nothing(client, path, headers):
    plain, answer = client.get(path), client.get(path, headers=headers)
    assert answer.status_code == plain.status_code == 200
    assert "stranger.example" not in answer.text
    assert_harmless(answer)
    if path.startswith("/api"):
        assert answer.json() == plain.json()


@pytest.mark.parametrize(
    "path", ["/?ui=ru%0d%0aX-Evil:%201", "/overview%0d%0aX-Evil:%201", "/static/x%0d%0aX-Evil:1",
             "/tmserver/ru/en%0d%0aX-Evil:1/unit/x", "/languages%0d%0aX-Evil:1"],
)  # fmt: skip
def test_no_header_is_made_of_an_address(client, path):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert_harmless(answer)
    assert "Evil" not in str(answer.headers)


def test_a_host_of_two_names_is_refused(server):
    for more in ("Host: evil.example\r\n", "Host: localhost\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(
                f"GET / HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n".encode()
            )
            assert read_all(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "given",
    [
        None, "", "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x", f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN.upper()}", "Bearer токен",
        f"Bearer {TOKEN}\xa0x", "Bearer " + "x" * 5000, f"Bearer {TOKEN[0]}", "Bearer null",
        f'Bearer "{TOKEN}"', f"Bearer={TOKEN}",
    ],
)  # fmt: skip
def test_only_the_whole_token_lets_write(client, given):
    headers = {} if given is None else {b"authorization": given.encode("utf-8")}
    sentence = {"sentences": [{"text": "Вода холодная.", "lang": "ru"}]}
    for answer in (
        client.post("/api/sentences", json=sentence, headers=headers),
        client.delete("/api/sentences/ru0", headers=headers),
        client.put("/tmserver/ru/en/unit/x", json={"source": "a", "target": "b"}, headers=headers),
    ):
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "0123456789" not in answer.text


def test_two_tokens_are_none(server):
    body = b'{"sentences": []}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"POST /api/sentences HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n"
            b"Authorization: Bearer 0123456789-abcdef\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        assert read_all(connection).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "pattern",
    [
        "слово " * 200, "с* " * 50, "* ".join("абвгд") * 30, "слово" + " * слово" * 40, "с*" * 300,
        "(а+)+$", "(.*)*" * 20, "[" * 500, "\\" * 500, "с****************о", '"' * 200, "*" * 5000,
        "слово|" * 500, "?" * 500, "с?" * 200,
    ],
)  # fmt: skip
def test_a_pattern_is_never_worked_on_for_long(client, pattern):
    for path in ("/api/concordance", "/concordance"):
        for more in ({}, {"gap": "1000000", "lang": "ru", "sort": "left"}):
            answer = client.get(path, params={"q": pattern, **more})
            assert answer.status_code in (200, 422, 503)
            assert answer.elapsed.total_seconds() < 15  # Limits.seconds are 2
