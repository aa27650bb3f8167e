"""LibreTranslate's protocol, asked as Weblate and pages ask."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from live_server import live_server

SEGMENT, TARGET = "Мой брат сегодня не придёт.", "Си къуэшыр нобэ къэкӏуэнукъым."
UNLIKE = "Математика трудна."


def post(server, path: str = "/translate", **more: Any) -> httpx.Response:
    return httpx.post(server.url + path, timeout=20, **more)


def answer(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def weblate(server, source: str, target: str, texts: list[str]) -> list[str]:
    """Ask as Weblate 5.14.3 does, and return what it takes of the answer."""
    body = {"api_key": "", "q": texts, "source": source, "target": target}
    translated = answer(post(server, json=body))["translatedText"]
    assert type(translated) is list
    assert [type(text) for text in translated] == [str] * len(texts)
    return translated


def ask(server, **fields: object) -> dict[str, Any]:
    return answer(post(server, json={"source": "ru", "target": "kbd", **fields}))


@pytest.mark.parametrize("slash", ["", "/"])
def test_languages(memory_server, slash):
    response = httpx.get(f"{memory_server.url}/languages{slash}")
    assert response.status_code == 200
    assert response.json()[2] == {
        "code": "ru", "name": "Russian", "targets": ["en", "kbd", "tr"],
    }  # fmt: skip
    assert [language["code"] for language in response.json()] == ["en", "kbd", "ru", "tr"]


def test_a_batch_as_weblate_asks(memory_server):
    texts = [SEGMENT, UNLIKE, "сегодня/завтра", ""]
    assert weblate(memory_server, "ru", "kbd", texts) == [TARGET, "", "нобэ/пщэдей", ""]


@pytest.mark.parametrize(("source", "target"), [("en", "de"), ("pt-br", "kbd"), ("de", "pt-BR")])
def test_a_language_that_the_index_lacks_gives_nothing(memory_server, source, target):
    assert weblate(memory_server, source, target, ["test"]) == [""]


def test_one_text(memory_server):
    assert ask(memory_server, q=SEGMENT) == {
        "translatedText": TARGET,
        "match": {"kind": "exact", "quality": 100, "source": SEGMENT, "origin": "book"},
    }


@pytest.mark.parametrize(
    "more",
    [
        {"data": {"q": SEGMENT, "source": "ru", "target": "kbd", "format": "text", "api_key": ""}},
        {"files": {name: (None, value) for name, value in
                   (("q", SEGMENT), ("source", "ru"), ("target", "kbd"))}},
        {"params": {"q": SEGMENT, "source": "ru", "target": "kbd"}},
        {"params": {"source": "ru", "target": "kbd"}, "json": {"q": SEGMENT}},
        {"json": {"q": SEGMENT, "source": "ru_RU", "target": "KBD", "format": None}},
    ],
)  # fmt: skip
def test_forms_and_json_say_the_same(memory_server, more):
    assert answer(post(memory_server, **more))["translatedText"] == TARGET


class TestWhatIsGiven:
    def test_a_fuzzy_match_from_75_on(self, demo_server):
        found = ask(demo_server, q="Мой брат вечером не придёт.")
        assert found["translatedText"] == TARGET
        assert (found["match"]["kind"], found["match"]["quality"]) == ("fuzzy", 76)

    def test_nothing_below(self, demo_server):
        found = ask(demo_server, q="Мой брат завтра не придёт.")  # 73
        assert found == {"translatedText": "", "match": None}

    def test_nothing_that_is_near_in_meaning_only(self, demo_server):
        segment = "Мой старший брат приехал вчера вечером."
        with demo_server.app.state.service.snapshots.lend() as index:
            (lookup,) = index.look_up([segment], "ru", "kbd")
        assert any(match.kind.value == "semantic" for match in lookup.matches)
        assert ask(demo_server, q=segment) == {"translatedText": "", "match": None}

    def test_a_pivot_says_that_it_is_one(self, memory_server):
        found = ask(memory_server, q="İyi günler!", source="tr")
        assert found["translatedText"] == "Уи махуэ фӏыуэ!"
        assert (found["match"]["kind"], found["match"]["quality"]) == ("pivot", 95)

    def test_machine_translation_says_that_it_is_that(self, memory_server):
        match = ask(memory_server, q="Добрый день!")["match"]
        assert (match["kind"], match["quality"], match["origin"]) == ("exact", 90, "mt:model")

    def test_numbers_are_put_in(self, memory_server):
        found = ask(memory_server, q="Моему сыну исполнилось 7 года.")
        assert found["translatedText"] == "Си къуэр илъэс 7 хъуащ."

    def test_into_the_same_language_a_text_is_itself(self, memory_server):
        found = ask(memory_server, q=SEGMENT, target="ru")
        assert found == {"translatedText": SEGMENT, "match": None}

    def test_a_text_without_letters_gives_nothing(self, memory_server):
        assert ask(memory_server, q="...")["translatedText"] == ""

    def test_html_is_read_and_written(self, memory_server):
        found = ask(memory_server, q="Где &lt;b&gt;мама&lt;/b&gt;?", format="html")
        assert found["translatedText"] == "Анэр &lt;script&gt;alert(1)&lt;/script&gt; дэнэ щыӏэ?"


class TestDetection:
    def test_of_one(self, memory_server):
        found = ask(memory_server, q=SEGMENT, source="auto")
        assert found["translatedText"] == TARGET
        detected = found["detectedLanguage"]
        assert set(detected) == {"confidence", "language"}
        assert detected["language"] == "ru"
        assert type(detected["confidence"]) is float
        assert 50 < detected["confidence"] <= 100

    def test_of_each_in_a_batch(self, memory_server):
        texts = [SEGMENT, "Good day!", "Уи махуэ фӏыуэ!", "中文"]
        found = ask(memory_server, q=texts, source="auto")
        languages = [each["language"] for each in found["detectedLanguage"]]
        assert languages == ["ru", "en", "kbd", "und"]
        assert found["translatedText"] == [TARGET, "Уи махуэ фӏыуэ!", texts[2], ""]

    @pytest.mark.parametrize("more", [{"json": {"q": TARGET}}, {"data": {"q": TARGET}}])
    def test_alone(self, memory_server, more):
        (found,) = post(memory_server, "/detect", **more).json()
        assert found["language"] == "kbd"
        assert type(found["confidence"]) is float

    @pytest.mark.parametrize("body", [{}, {"q": ""}, {"q": ["a"]}, {"q": 1}])
    def test_of_nothing(self, memory_server, body):
        response = post(memory_server, "/detect", json=body)
        assert response.status_code == 400
        assert type(response.json()["error"]) is str


class TestAlternatives:
    def test_the_next_best(self, memory_server):
        found = ask(memory_server, q=SEGMENT, alternatives=3)
        assert found["translatedText"] == TARGET
        assert found["alternatives"] == ["Нобэ къэкӏуэнукъым си къуэшыр!"]

    def test_none_where_none_were_asked_for(self, memory_server):
        assert "alternatives" not in ask(memory_server, q=SEGMENT)
        assert "alternatives" not in ask(memory_server, q=SEGMENT, alternatives=0)

    def test_of_each_in_a_batch(self, memory_server):
        found = ask(memory_server, q=[SEGMENT, UNLIKE], alternatives="2")
        assert [len(each) for each in found["alternatives"]] == [1, 0]

    @pytest.mark.parametrize("value", [-1, "x", [1], 1e400, {}])
    def test_it_is_a_number(self, memory_server, value):
        body = json.dumps({"q": "a", "source": "ru", "target": "kbd", "alternatives": value})
        response = post(memory_server, content=body, headers={"Content-Type": "application/json"})
        # An empty object is no number either, but says nothing.
        assert response.status_code == (200 if value == {} else 400)


class TestRefused:
    @pytest.mark.parametrize(
        "fields",
        [
            {"q": None}, {"q": ""}, {"q": []}, {"q": 1}, {"q": [1]}, {"q": ["a", None]},
            {"q": {"a": 1}}, {"source": ""}, {"source": 1}, {"target": None}, {"target": []},
            {"source": "xx_yy"}, {"target": "zz"}, {"source": "und"}, {"format": "pdf"},
            {"format": 1}, {"q": "\ud800 a"}, {"q": "a" * 20_001},
        ],
    )  # fmt: skip
    def test_fields(self, memory_server, fields):
        body = {"q": "a", "source": "ru", "target": "kbd", **fields}
        self.refused(post(memory_server, content=json.dumps(body), headers=JSON))

    @pytest.mark.parametrize("body", [b"", b"x", b"[]", b"null", b"\xff", b"[" * 100_000, b'"a"'])
    def test_bodies(self, memory_server, body):
        self.refused(post(memory_server, content=body, headers=JSON))

    @pytest.mark.parametrize("body", [b"q=%FF&source=ru&target=kbd", b"q=\xff", b"a=1&" * 100, b""])
    def test_forms(self, memory_server, body):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.refused(post(memory_server, content=body, headers=headers))

    def test_a_file_in_a_form(self, memory_server):
        self.refused(post(memory_server, files={"q": ("a.txt", b"text")}))

    def test_too_many_texts(self, memory_server):
        limit = memory_server.app.state.settings.limits.batch
        ok = post(memory_server, json={"q": ["..."] * limit, "source": "ru", "target": "kbd"})
        assert len(answer(ok)["translatedText"]) == limit
        more = {"q": ["..."] * (limit + 1), "source": "ru", "target": "kbd"}
        self.refused(post(memory_server, json=more))

    def test_getting(self, memory_server):
        response = httpx.get(memory_server.url + "/translate", params={"q": "a"})
        assert response.status_code == 405
        assert type(response.json()["error"]) is str

    @staticmethod
    def refused(response: httpx.Response) -> None:
        assert response.status_code == 400
        assert type(response.json()["error"]) is str


def test_a_key_is_not_needed_and_opens_nothing(demo_copy, token):
    with live_server(demo_copy, allow_writes=True, token=token) as server:
        for key in ("", "wrong", token):
            assert ask(server, q=SEGMENT, api_key=key)["translatedText"] == TARGET


JSON = {"Content-Type": "application/json"}
