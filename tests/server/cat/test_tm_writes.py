"""Units that CAT tools store: who may, what is stored, and what storing it again does."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from live_server import LiveServer, live_server

SOURCE, TARGET, OTHER = "Сегодня вечером снег.", "Нобэ уэс.", "Нобэ уэс къесащ."

PO = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: kbd\\n"

msgid "Где моя тетрадь?"
msgstr "Си тетрадыр дэнэ щыӏэ?"

#, fuzzy
msgid "Где моя книга?"
msgstr "Си тхылъыр дэнэ щыӏэ?"

msgid "Где моя шапка?"
msgstr ""
"""

TMX = """\
<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="ru" datatype="plaintext" segtype="sentence" o-tmf="x"
 adminlang="en" creationtool="t" creationtoolversion="1"/><body>
<tu><tuv xml:lang="ru-RU"><seg>Где моя тетрадь?</seg></tuv>
<tuv xml:lang="kbd"><seg>Си тетрадыр дэнэ щыӏэ?</seg></tuv>
<tuv xml:lang="en"><seg>Where is my notebook?</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>Only English</seg></tuv></tu>
</body></tmx>"""

ENTITY = '<!DOCTYPE tmx [<!ENTITY e SYSTEM "file:///etc/passwd">]>'

XLIFF = """\
<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a"
 source-language="ru" target-language="kbd" datatype="plaintext"><body><trans-unit id="1">
<source>Где моя тетрадь?</source><target>Си тетрадыр дэнэ щыӏэ?</target></trans-unit>
</body></file></xliff>"""


class Client:
    """Stores and looks up as Virtaal does: names are encoded as a whole, bodies have no type."""

    def __init__(self, server: LiveServer, token: str | None, pair: str = "ru/kbd") -> None:
        self.server = server
        self.base = f"{server.url}/tmserver/{pair}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method: str, what: str, name: str, body: object, **more) -> httpx.Response:
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers = {**self.headers, **more}
        address = f"{self.base}/{what}/{quote(name, safe='')}"
        return httpx.request(method, address, content=content, headers=headers, timeout=30)

    def found(self, segment: str, **parameters: object) -> list[tuple[str, float]]:
        response = httpx.get(f"{self.base}/unit/{quote(segment, safe='')}", params=parameters)
        assert response.status_code == 200
        return [(unit["target"], unit["quality"]) for unit in response.json()]


@pytest.fixture
def client(writable_server, token) -> Client:
    return Client(writable_server, token)


@pytest.fixture(scope="module")
def settled(phrasebook_index, tmp_path_factory, token) -> Iterator[Client]:
    """A client of a server whose index nobody manages to change."""
    directory = shutil.copytree(phrasebook_index, tmp_path_factory.mktemp("settled") / "index")
    with live_server(directory, allow_writes=True, token=token) as server:
        client = Client(server, token)
        before = sentences(client)
        yield client
        assert sentences(client) == before


def sentences(client: Client) -> int:
    """Return how many sentences the index has."""
    return httpx.get(f"{client.server.url}/api/stats").json()["sentences"]


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("PUT", "unit", {"source": SOURCE, "target": TARGET}),
        ("POST", "unit", {"source": SOURCE, "target": TARGET}),
        ("POST", "store", [{"source": SOURCE, "target": TARGET}]),
        ("PUT", "store", PO),
    ],
)
class TestWhoMayWrite:
    def test_nobody_by_default(self, demo_server, token, method, what, body):
        response = Client(demo_server, token).send(method, what, "a.po", body)
        assert response.status_code == 403
        assert type(response.json()["error"]) is str

    def test_nobody_without_the_token(self, settled, token, method, what, body):
        client = Client(settled.server, None)
        for wrong in (None, token[:-1], token.upper(), "ы"):
            more = {} if wrong is None else {"Authorization": f"Bearer {wrong}".encode()}
            response = client.send(method, what, "a.po", body, **more)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")
        assert client.found(SOURCE) == client.found("Где моя тетрадь?") == []

    def test_not_by_a_parameter(self, settled, token, method, what, body):
        address = f"{settled.base}/{what}/a.po?token={token}&api_key={token}"
        content = body if isinstance(body, str) else json.dumps(body)
        assert httpx.request(method, address, content=content).status_code == 401


class TestUnits:
    @pytest.mark.parametrize("method", ["PUT", "POST"])
    def test_a_unit_is_found_at_once(self, client, method):
        response = client.send(method, "unit", SOURCE, {"source": SOURCE, "target": TARGET})
        assert (response.status_code, response.text) == (200, f"added 1 units from {SOURCE}")
        assert response.headers["content-type"].startswith("text/plain")
        assert client.found(SOURCE) == [(TARGET, 100.0)]

    def test_the_same_again_changes_nothing(self, client):
        before = sentences(client)
        for _ in range(3):
            client.send("PUT", "unit", SOURCE, {"source": SOURCE, "target": TARGET})
        assert sentences(client) == before + 2
        assert client.found(SOURCE) == [(TARGET, 100.0)]

    def test_another_translation_replaces_the_first(self, client):
        before = sentences(client)
        client.send("PUT", "unit", SOURCE, {"source": SOURCE, "target": TARGET})
        client.send("POST", "unit", SOURCE, {"source": SOURCE, "target": OTHER})
        assert client.found(SOURCE) == [(OTHER, 100.0)]
        assert sentences(client) == before + 2

    def test_a_change_of_case_alone_replaces_too(self, client):
        client.send("PUT", "unit", "u1", {"source": SOURCE, "target": TARGET})
        client.send("PUT", "unit", "u1", {"source": SOURCE, "target": TARGET.upper()})
        assert client.found(SOURCE) == [(TARGET.upper(), 100.0)]

    def test_another_name_is_another_unit(self, client):
        client.send("PUT", "unit", "u1", {"source": SOURCE, "target": TARGET})
        client.send("PUT", "unit", "u2", {"source": SOURCE, "target": OTHER})
        assert {target for target, _ in client.found(SOURCE)} == {TARGET, OTHER}

    def test_pairs_are_kept_apart(self, client, writable_server, token):
        other = Client(writable_server, token, "tr/kbd")
        client.send("PUT", "unit", "u1", {"source": SOURCE, "target": TARGET})
        other.send("PUT", "unit", "u1", {"source": "Kar yağıyor.", "target": OTHER})
        assert client.found(SOURCE) == [(TARGET, 100.0)]
        assert other.found("Kar yağıyor.") == [(OTHER, 100.0)]

    @pytest.mark.parametrize("name", ["a/b", "line\nline", "п" * 1000, "%", "<b>", "щӏалэ?#"])
    def test_any_name(self, client, name):
        for target in (TARGET, OTHER):
            assert (
                client.send("PUT", "unit", name, {"source": SOURCE, "target": target}).text
                == f"added 1 units from {name}"
            )
        assert client.found(SOURCE) == [(OTHER, 100.0)]

    @pytest.mark.parametrize(
        "body",
        ["", "x", "[]", "null", '{"source": 1, "target": "a"}',
         "[" * 100_000, b"\xff", {"source": "\ud800", "target": "a"},
         {"source": "a\0b", "target": "a"}, {"source": SOURCE, "target": "..."}],
    )  # fmt: skip
    def test_what_is_no_unit_is_refused(self, settled, body):
        response = settled.send("PUT", "unit", "u1", body)
        assert response.status_code == 422
        assert type(response.json()["error"]) is str

    @pytest.mark.parametrize("body", [{"source": SOURCE}, {"source": SOURCE, "target": " "}])
    def test_what_is_not_translated_is_not_stored(self, settled, body):
        response = settled.send("PUT", "unit", "u1", body)
        assert (response.status_code, response.text) == (200, "added 0 units from u1")

    def test_the_name_may_be_a_parameter(self, client):
        body = json.dumps({"source": SOURCE, "target": TARGET})
        response = httpx.put(
            f"{client.base}/unit/", params={"source": SOURCE}, content=body, headers=client.headers
        )
        assert response.text == f"added 1 units from {SOURCE}"
        assert client.send("POST", "unit", SOURCE, {"source": SOURCE, "target": OTHER})
        assert client.found(SOURCE) == [(OTHER, 100.0)]

    @pytest.mark.parametrize("pair", ["ru/ru", "xx_yy/kbd", "ru/und"])
    def test_languages_must_be_two(self, settled, token, pair):
        client = Client(settled.server, token, pair)
        body = {"source": SOURCE, "target": TARGET}
        assert client.send("PUT", "unit", "u1", body).status_code == 422


class TestLists:
    UNITS = (
        {"source": "Где моя тетрадь?", "target": "Си тетрадыр дэнэ щыӏэ?", "context": "menu"},
        {"source": "Где моя книга?", "target": "Си тхылъыр дэнэ щыӏэ?"},
        {"source": "Где моя шапка?", "target": ""},
    )

    def test_a_list_is_added(self, client):
        response = client.send("POST", "store", "texts/a.po", list(self.UNITS))
        assert response.text == "added 2 units from texts/a.po"
        assert client.found("Где моя книга?")[0] == ("Си тхылъыр дэнэ щыӏэ?", 100.0)

    def test_adding_keeps_what_is_there_and_does_not_double_it(self, client):
        before = sentences(client)
        client.send("POST", "store", "a.po", list(self.UNITS[:1]))
        response = client.send("POST", "store", "a.po", list(self.UNITS[:2]))
        assert response.text == "added 2 units from a.po"
        assert sentences(client) == before + 4
        assert client.found("Где моя тетрадь?")[0][1] == 100.0

    def test_a_unit_takes_the_place_of_that_of_the_same_source(self, client):
        before = sentences(client)
        client.send("POST", "store", "a.po", list(self.UNITS[:2]))
        changed = {**self.UNITS[0], "target": "Дэнэ щыӏэ си тетрадыр?"}
        client.send("POST", "store", "a.po", [changed])
        assert client.found("Где моя тетрадь?")[0] == (changed["target"], 100.0)
        assert client.found("Где моя книга?")[0][1] == 100.0
        assert sentences(client) == before + 4

    def test_another_context_is_another_unit(self, client):
        before = sentences(client)
        units = [self.UNITS[0], {**self.UNITS[0], "context": "title"}]
        response = client.send("POST", "store", "a.po", units)
        assert response.text == "added 2 units from a.po"
        assert sentences(client) == before + 4

    def test_never_more_than_30_are_found(self, client):
        units = [{"source": f"Где моя тетрадь {n}?", "target": f"Тетрадь {n}"} for n in range(40)]
        assert client.send("POST", "store", "many", units).text == "added 40 units from many"
        assert len(client.found("Где моя тетрадь?", max_candidates=1000)) == 30

    def test_bad_units_are_counted(self, client):
        units = [*self.UNITS, {"source": "\x01", "target": "а"}]
        response = client.send("POST", "store", "a.po", units)
        assert response.text == "added 2 units from a.po"
        assert response.headers["x-rejected-units"] == "1"

    @pytest.mark.parametrize("body", ["{}", "[1]", '[["a", "b"]]', '[{"source": null}]'])
    def test_what_is_no_list_of_units_is_refused(self, settled, body):
        assert settled.send("POST", "store", "a.po", body).status_code == 422

    @pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x07", "a" * 501])
    def test_a_store_has_a_printable_name(self, settled, name):
        assert settled.send("POST", "store", name, list(self.UNITS)).status_code == 422


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "body", "units"),
        [
            ("kbd/a.po", PO, 2),
            ("a.tmx", TMX, 1),
            ("a.XLF", XLIFF, 1),
            ("a.tsv", "Где моя тетрадь?\tСи тетрадыр дэнэ щыӏэ?\n", 1),
            ("a.csv", "Где моя тетрадь?,Си тетрадыр дэнэ щыӏэ?\n", 1),
            (
                "a.json",
                json.dumps([{
                    "source_language": "ru", "target_language": "kbd", "origin": "w",
                    "category": 1, "source": "Где моя тетрадь?",
                    "target": "Си тетрадыр дэнэ щыӏэ?",
                }]),
                1,
            ),
        ],
    )  # fmt: skip
    def test_formats(self, client, name, body, units):
        response = client.send("PUT", "store", name, body.encode())
        assert (response.status_code, response.text) == (200, f"added {units} units from {name}")
        assert client.found("Где моя тетрадь?")[0] == ("Си тетрадыр дэнэ щыӏэ?", 100.0)

    def test_the_content_type_says_what_the_name_does_not(self, client):
        more = {"Content-Type": "text/x-gettext-translation; charset=UTF-8"}
        response = client.send("PUT", "store", "messages", PO, **more)
        assert response.text == "added 2 units from messages"

    def test_unfinished_translations_lose_their_penalty(self, client):
        client.send("PUT", "store", "a.po", PO)
        assert client.found("Где моя книга?")[0] == ("Си тхылъыр дэнэ щыӏэ?", 85.0)

    def test_the_origin_is_the_name_of_the_store(self, client, writable_server):
        client.send("PUT", "store", "kbd/a.po", PO)
        with writable_server.app.state.service.snapshots.lend() as index:
            assert {"kbd/a.po", "kbd/a.po:fuzzy"} <= set(index.info().origins)

    def test_a_name_can_cost_points(self, client):
        client.send("PUT", "store", "penalty-20/a.po", PO)
        assert client.found("Где моя тетрадь?") == [("Си тетрадыр дэнэ щыӏэ?", 80.0)]

    def test_the_file_as_it_is_now_replaces_the_one_before(self, client):
        before = sentences(client)
        client.send("PUT", "store", "a.po", PO)
        changed = PO.replace("Си тетрадыр дэнэ щыӏэ?", "Дэнэ щыӏэ си тетрадыр?")
        changed = changed.replace("книга", "сумка")
        for _ in range(2):
            response = client.send("PUT", "store", "a.po", changed)
            assert response.text == "added 2 units from a.po"
        assert sentences(client) == before + 4
        assert client.found("Где моя тетрадь?")[0] == ("Дэнэ щыӏэ си тетрадыр?", 100.0)
        assert client.found("Где моя книга?", min_similarity=80) == []

    def test_other_stores_stay(self, client):
        client.send("PUT", "store", "a.po", PO)
        client.send("PUT", "store", "b.po", PO.replace("тетрадь", "сумка"))
        client.send("PUT", "store", "a.po", PO.replace("тетрадь", "ручка"))
        assert client.found("Где моя сумка?")[0][1] == 100.0

    def test_a_file_that_says_nothing_empties_its_store(self, client):
        before = sentences(client)
        client.send("PUT", "store", "a.po", PO)
        empty = PO[: PO.index('msgid "Где моя тетрадь?"')]
        assert client.send("PUT", "store", "a.po", empty).text == "added 0 units from a.po"
        assert sentences(client) == before

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("a.tmx", "<tmx"),
            ("a.tmx", TMX.replace("kbd", "fr")),
            ("a.tmx", TMX.replace("<tmx", ENTITY + "<tmx").replace("Си тетрадыр", "&e;")),
            ("a.json", "{}"),
            ("a.exe", PO),
            ("a", PO),
            ("a.po.gz", PO),
            ("a.tsv", "only one column\n"),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_the_store_is_as_before(self, client, name, body):
        units = [{"source": "Где моя тетрадь?", "target": "Си тетрадыр дэнэ щыӏэ?"}]
        client.send("POST", "store", name, units)
        response = client.send("PUT", "store", name, body.encode())
        assert response.status_code == 422
        error = response.json()["error"]
        assert name in error
        assert "searchkbd-" not in error and "upload" not in error and "passwd" not in error
        assert client.found("Где моя тетрадь?") == [("Си тетрадыр дэнэ щыӏэ?", 100.0)]

    def test_a_file_that_is_too_large(self, demo_copy, token):
        from searchkbd.server.settings import Limits

        limits = Limits(body=1000, upload=2000)
        with live_server(demo_copy, allow_writes=True, token=token, limits=limits) as server:
            client = Client(server, token)
            room = PO + "# " + "x" * (2000 - 100 - len(PO.encode())) + "\n"
            assert 1000 < len(room.encode()) <= 2000
            assert client.send("PUT", "store", "a.po", room).status_code == 200
            assert client.send("PUT", "store", "a.po", room + "#" * 200).status_code == 413
            units = [{"source": "a" * 2000, "target": "b"}]
            assert client.send("POST", "store", "a.po", units).status_code == 413
            assert Client(server, None).send("PUT", "store", "a.po", room).status_code in (401, 413)


def test_two_who_store_the_same_at_once_leave_one(client):
    answers = []

    def put(target: str) -> None:
        body = {"source": SOURCE, "target": target}
        answers.append(client.send("PUT", "unit", "u1", body).status_code)

    before = sentences(client)
    threads = [threading.Thread(target=put, args=(t,)) for t in (TARGET, OTHER) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert sentences(client) == before + 2
    assert len(client.found(SOURCE)) == 1


def test_who_asks_while_a_unit_is_replaced_misses_nothing(client):
    client.send("PUT", "unit", "u1", {"source": SOURCE, "target": TARGET})
    stop = threading.Event()

    def replace() -> None:
        for target in (OTHER, TARGET) * 4:
            client.send("PUT", "unit", "u1", {"source": SOURCE, "target": target})
        stop.set()

    thread = threading.Thread(target=replace)
    thread.start()
    answers = []
    while not stop.is_set():
        answers.append({target for target, _ in client.found(SOURCE)})
    thread.join()
    assert all(found and found <= {TARGET, OTHER} for found in answers)
    assert {TARGET} in answers and {OTHER} in answers
