"""The protocol of amaGama, asked as Weblate, Virtaal and amaGama's own page ask."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MOUNTS = ("/tmserver", "/api/v1")
NEAR = "Мой брат завтра не придёт."
SEGMENT, TARGET = "Мой брат сегодня не придёт.", "Си къуэшыр нобэ къэкӏуэнукъым."


def weblate(url: str, source: str, target: str, text: str) -> httpx.Response:
    """Ask as Weblate 5.14.3 does: 500 characters, no ``\\r``, nothing left unencoded."""
    text = text[:500].replace("\r", " ")
    address = "/".join([url, *(quote(part, "") for part in (source, target, "unit", text))])
    headers = {
        "Referer": "https://weblate.example.org",
        "Accept": "application/json; charset=utf-8",
        "User-Agent": "Weblate/5.14.3",
    }
    return httpx.get(address, headers=headers, timeout=5)


def units(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the answer, after a strict look at its types."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "max-age=3600, public"
    found = response.json()
    assert type(found) is list
    for unit in found:
        assert set(unit) == {"source", "target", "quality", "rank"}
        assert type(unit["source"]) is type(unit["target"]) is str
        assert type(unit["quality"]) is type(unit["rank"]) is float
        assert 0 <= unit["quality"] <= 100
    qualities = [unit["quality"] for unit in found]
    assert qualities == sorted(qualities, reverse=True)
    return found


@pytest.mark.parametrize("mount", MOUNTS)
def test_an_exact_match_as_weblate_asks(memory_server, mount):
    found = units(weblate(memory_server.url + mount, "ru", "kbd", SEGMENT))
    assert found[0] == {"source": SEGMENT, "target": TARGET, "quality": 100.0, "rank": 100.0}


def test_the_number_is_written_as_one_with_a_fraction(memory_server):
    body = weblate(memory_server.url + "/tmserver", "ru", "kbd", SEGMENT).text
    assert '"quality":100.0' in body.replace(" ", "")


@pytest.mark.parametrize("form", ["path", "unit/", "unit"])
def test_all_forms_of_a_request_say_the_same(memory_server, form):
    base = f"{memory_server.url}/tmserver/ru/kbd/unit"
    if form == "path":
        # Virtaal: urllib.quote(text, safe="")
        response = httpx.get(f"{base}/{quote(SEGMENT, safe='')}")
    else:
        address = base + "/" if form == "unit/" else base
        response = httpx.get(address, params={"source": SEGMENT})
    assert units(response)[0]["target"] == TARGET


@pytest.mark.parametrize("mount", MOUNTS)
def test_virtaal_doubles_the_slash_of_its_setting(memory_server, mount):
    setting = f"{memory_server.url}{mount}/"
    response = httpx.get(f"{setting}/ru/kbd/unit/{quote(SEGMENT, safe='')}")
    assert units(response)[0]["target"] == TARGET


def test_text_that_a_client_did_not_encode(memory_server, raw):
    query = f"/tmserver/ru/kbd/unit/?source={SEGMENT.replace(' ', '+')}".encode()
    status, body = raw(memory_server.port, b"GET " + query + b" HTTP/1.1")
    # Some servers of HTTP refuse such an address, but none may read another text in it.
    assert status == 400 or json.loads(body)[0]["target"] == TARGET


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("mount", MOUNTS)
def test_languages(memory_server, mount, slash):
    response = httpx.get(f"{memory_server.url}{mount}/languages{slash}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "max-age=3600, public"
    codes = ["en", "kbd", "ru", "tr"]
    assert response.json() == {"sourceLanguages": codes, "targetLanguages": codes}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("en", "de"),  # Weblate's probe
        ("de", "kbd"),
        ("pt_br", "ru"),
        ("xx_yy", "kbd"),
        ("ru", "ru"),
        ("ru", "ru_RU"),
        ("und", "kbd"),
        ("ru", "a" * 300),
        ("<b>", "%"),
    ],
)
def test_an_unknown_pair_is_no_error(memory_server, source, target):
    assert units(weblate(memory_server.url + "/tmserver", source, target, "test")) == []


@pytest.mark.parametrize(
    ("source", "target"),
    [("ru_ru", "kbd"), ("ru_RU", "KBD"), ("rus", "kbd_RU@latin"), ("ru-Cyrl", "kbd_ru"),
     ("ru_RU.UTF-8", "kbd")],
)  # fmt: skip
def test_codes_as_clients_write_them(memory_server, source, target):
    found = units(weblate(memory_server.url + "/tmserver", source, target, SEGMENT))
    assert found[0]["target"] == TARGET


@pytest.mark.parametrize(
    ("segment", "target"),
    [
        ("сегодня/завтра", "нобэ/пщэдей"),  # %2F
        ("Где <b>мама</b>?", "Анэр <script>alert(1)</script> дэнэ щыӏэ?"),
        ("первая строка\nвторая", "нобэ пщэдей"),  # %0A
        ("первая строка\r\nвторая", "нобэ пщэдей"),
        ("Мой брат\rсегодня не придёт.", TARGET),
    ],
)
def test_characters_that_mean_something_in_an_address(memory_server, segment, target):
    found = units(weblate(memory_server.url + "/tmserver", "ru", "kbd", segment))
    assert (found[0]["target"], found[0]["quality"]) == (target, 100.0)


def test_a_slash_that_is_not_encoded(memory_server):
    response = httpx.get(f"{memory_server.url}/tmserver/ru/kbd/unit/сегодня/завтра")
    assert units(response)[0]["target"] == "нобэ/пщэдей"


@pytest.mark.parametrize(
    "segment",
    ["", ".", "...", "%", "100 %", "%2F", "50%2F50", "?", "what? a&b; #c", "a+b", "//", "\\'\""],
)
def test_odd_segments_are_answered(memory_server, segment):
    assert units(weblate(memory_server.url + "/tmserver", "ru", "kbd", segment)) == []


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_whatever_the_segment_the_answer_is_a_list(memory_server, raw, segment):
    line = f"GET /tmserver/ru/kbd/unit/{quote(segment, '')} HTTP/1.1".encode()
    status, body = raw(memory_server.port, line)
    assert status == 200
    assert type(json.loads(body)) is list


@pytest.mark.parametrize(
    "line",
    [
        b"GET /tmserver/ru/kbd/unit/%D0%9C%FF HTTP/1.1",
        b"GET /tmserver/ru/kbd/unit/%C0%AF HTTP/1.1",
        b"GET /tmserver/ru/kbd/unit/?source=%D0 HTTP/1.1",
        b"GET /tmserver/ru/kbd/unit/a%00b HTTP/1.1",
    ],
)
def test_what_is_not_utf8_is_refused(memory_server, raw, line):
    status, body = raw(memory_server.port, line)
    assert status == 400
    assert type(json.loads(body)["error"]) is str


@pytest.mark.parametrize("segment", ["..", "../../health", "a/../b"])
def test_dots_lead_nowhere(memory_server, raw, segment):
    line = f"GET /tmserver/ru/kbd/unit/{quote(segment, '')} HTTP/1.1".encode()
    assert raw(memory_server.port, line) == (200, "[]")
    line = f"GET /tmserver/ru/kbd/unit/{segment} HTTP/1.1".encode()
    assert raw(memory_server.port, line) == (200, "[]")


def test_a_segment_of_more_than_500_characters(memory_server, long_segment):
    whole = httpx.get(f"{memory_server.url}/tmserver/ru/kbd/unit/{quote(long_segment, '')}")
    assert units(whole)[0]["quality"] == 100.0
    cut = units(weblate(memory_server.url + "/tmserver", "ru", "kbd", long_segment))
    assert cut[0]["source"] == long_segment
    assert 70 <= cut[0]["quality"] < 100


class TestParameters:
    def found(self, server, segment: str, **parameters: object) -> list[dict[str, Any]]:
        address = f"{server.url}/tmserver/ru/kbd/unit/{quote(segment, safe='')}"
        return units(httpx.get(address, params=parameters))

    def test_the_default_is_70(self, demo_server):
        assert [unit["quality"] for unit in self.found(demo_server, NEAR)] == [73.0]
        further = "Мой старший брат завтра не придёт."
        assert self.found(demo_server, further) == []
        assert self.found(demo_server, further, min_similarity=50)[0]["quality"] < 70

    def test_less_and_more_can_be_asked(self, demo_server):
        assert self.found(demo_server, NEAR, min_similarity=74) == []
        lower = self.found(demo_server, NEAR, min_similarity=40)
        assert len(lower) > 1
        assert all(unit["quality"] >= 40 for unit in lower)

    @pytest.mark.parametrize("value", ["", "x", "-5", "0", "9" * 5000, "1e3", "70.5"])
    def test_what_is_no_number_is_the_default(self, demo_server, value):
        found = self.found(demo_server, NEAR)
        assert self.found(demo_server, NEAR, max_candidates=value) == found
        assert self.found(demo_server, NEAR, min_similarity=value) == found

    def test_never_below_30_nor_above_100(self, demo_server):
        low = self.found(demo_server, "Мой брат", min_similarity=1, max_candidates=30)
        assert low
        assert min(unit["quality"] for unit in low) >= 30
        assert self.found(demo_server, SEGMENT, min_similarity=1000)[0]["quality"] == 100.0

    def test_how_many(self, demo_server):
        segment, low = "Моя сестра дома.", 30
        assert len(self.found(demo_server, segment, min_similarity=low, max_candidates=2)) == 2
        assert len(self.found(demo_server, segment, min_similarity=low)) == 5
        assert len(self.found(demo_server, segment, min_similarity=low, max_candidates=9)) == 9

    def test_the_style_of_a_project_is_passed_over(self, demo_server):
        assert self.found(demo_server, SEGMENT, style="gnome")[0]["quality"] == 100.0


class TestQuality:
    def asked(self, server, segment: str, source: str = "ru") -> list[dict[str, Any]]:
        return units(weblate(server.url + "/tmserver", source, "kbd", segment))

    def test_machine_translation_loses_its_penalty(self, memory_server):
        assert [unit["quality"] for unit in self.asked(memory_server, "Добрый день!")] == [90.0]

    def test_a_pivot_loses_its_penalty(self, memory_server):
        (found,) = self.asked(memory_server, "İyi günler!", "tr")
        assert (found["target"], found["quality"]) == ("Уи махуэ фӏыуэ!", 95.0)

    def test_numbers_are_put_in(self, memory_server):
        (found,) = self.asked(memory_server, "Моему сыну исполнилось 7 года.")
        assert found["source"] == "Моему сыну исполнилось 3 года."
        assert (found["target"], found["quality"]) == ("Си къуэр илъэс 7 хъуащ.", 98.0)

    def test_placeholders_that_weblate_masks_cost_no_word(self, memory_server):
        (found,) = self.asked(memory_server, "Привет, [X0X]!")
        assert (found["target"], found["quality"]) == ("Уи махуэ фӏыуэ, %s!", 97.0)

    def test_near_meaning_is_not_sent(self, demo_server):
        segment = "Мой старший брат приехал вчера вечером."
        near = demo_server.app.state.service
        with near.snapshots.lend() as index:
            (lookup,) = index.look_up([segment], "ru", "kbd")
        assert any(match.kind.value == "semantic" for match in lookup.matches)
        assert self.asked(demo_server, segment) == []


class TestJsonp:
    def asked(self, server, callback: str) -> httpx.Response:
        address = f"{server.url}/tmserver/ru/kbd/unit/"
        return httpx.get(address, params={"source": SEGMENT, "jsoncallback": callback})

    @pytest.mark.parametrize("callback", ["show", "jQuery1707_1.done", "_jqjsp", "$"])
    def test_a_name_is_called(self, memory_server, callback):
        response = self.asked(memory_server, callback)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("application/javascript")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "max-age=3600, public"
        assert response.text.startswith(f"/**/{callback}(")
        assert json.loads(response.text[len(f"/**/{callback}(") : -1])[0]["target"] == TARGET

    @pytest.mark.parametrize(
        "callback",
        ["alert(1)//", "<script>", "a b", "1a", "a..b", "a.", "а", "a\n", "x" * 101, "a;b", "a[0]"],
    )
    def test_nothing_else_is(self, memory_server, callback):
        response = self.asked(memory_server, callback)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/json"

    def test_pages_of_other_origins_cannot_load_it(self, memory_server):
        headers = self.asked(memory_server, "show").headers
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers

    def test_no_callback_is_json(self, memory_server):
        assert units(self.asked(memory_server, ""))


def test_too_many_parameters(memory_server):
    address = f"{memory_server.url}/tmserver/ru/kbd/unit/?" + "a=1&" * 100
    assert httpx.get(address).status_code == 422


@pytest.mark.parametrize("path", ["/tmserver", "/tmserver/ru/kbd", "/tmserver/ru/kbd/units/a"])
def test_other_addresses_are_not_there(memory_server, path):
    response = httpx.get(memory_server.url + path)
    assert response.status_code == 404
    assert type(response.json()["error"]) is str
