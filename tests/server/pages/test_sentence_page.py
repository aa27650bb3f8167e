"""The page of one sentence."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from live_server import live_server
from page_reading import of_class, page_of, texts

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.index.writer import Mode, build_index
from searchkbd.server.pages.sentence import facts_of, words_of
from searchkbd.service.writes import NewSentence


def section(title: str) -> str:
    """Return the XPath of the section with this id of its heading."""
    return f"//section[@aria-labelledby='{title}-title']"


@pytest.fixture
def writable(demo_copy: Path):
    """A server of a copy, and a client of it."""
    with (
        live_server(demo_copy) as server,
        httpx.Client(
            base_url=server.url, headers={"Accept-Language": "en", "Accept": "text/html"},
            timeout=30,
        ) as client,
    ):  # fmt: skip
        yield server.app.state.service.writer, client


def test_a_sentence_and_its_translations(browser):
    page = page_of(browser.get("/sentences/p0004-kbd"))
    assert texts(page, "//h1") == ["Фӏыщӏэ ин пхузощӏ."]
    assert page.xpath("//h1/@lang") == ["kbd"]
    lines = page.xpath(f"{section('translations')}//li//a")
    assert [line.get("lang") for line in lines] == ["ru", "en", "fr", "tr"]
    for line in lines:
        other = page_of(browser.get(line.get("href")))
        assert texts(other, "//h1") == [line.text]
        assert "/sentences/p0004-kbd" in other.xpath(f"{section('translations')}//a/@href")
    facts = texts(page, f"{section('facts')}//dd")
    assert facts[:3] == ["phrasebook:greetings", "p0004-kbd", "p0004"]
    assert page.xpath(f"{section('facts')}//time/@datetime")


def test_every_text_can_be_copied(browser):
    page = page_of(browser.get("/sentences/p0004-ru"))
    copied = page.xpath("//*[@data-copy]/@data-copy")
    assert copied[0] == "Большое тебе спасибо."
    assert set(texts(page, f"//main//ul//p[{of_class('text')}]")) <= set(copied)


def test_similar_sentences_are_others(browser):
    page = page_of(browser.get("/sentences/p0004-ru"))
    own = {"/sentences/p0004-ru", *page.xpath(f"{section('translations')}//a/@href")}
    similar = page.xpath(f"{section('similar')}//li//a/@href")
    assert len(similar) == len(set(similar)) == 5
    assert not own & set(similar)
    (search,) = page.xpath(f"{section('similar')}//a[{of_class('button')}]/@href")
    assert parse_qs(urlsplit(search).query) == {"q": ["Большое тебе спасибо."]}


def test_words_lead_to_the_concordance(browser):
    page = page_of(browser.get("/sentences/p0004-kbd"))
    links = page.xpath(f"{section('words')}//a")
    assert [link.text for link in links] == ["Фӏыщӏэ", "ин", "пхузощӏ"]
    for link in links:
        found = page_of(browser.get(link.get("href")))
        assert link.text.casefold() in {
            mark.casefold() for mark in texts(found, "//*[@id='results']//mark")
        }


def test_head_answers_as_get_does(browser):
    head, get = browser.head("/sentences/p0004-kbd"), browser.get("/sentences/p0004-kbd")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("id", ["nothing", "p0004", "p0004-kbd/", "", "a/../b", "%00", "x" * 3000])
def test_what_is_not_there_is_a_page_that_says_so(browser, id):
    answer = browser.get(f"/sentences/{quote(id, safe='')}")
    assert answer.status_code == 404
    assert texts(page_of(answer), "//h1") == ["There is no such page"]


@pytest.mark.parametrize(
    "id", ["a/b", "//x", "a?b#c", "ӏ and space", 'q"<b>', "100%", "%2F", "x;y=1,z", "a\\b"]
)
def test_any_id_has_an_address(writable, id):
    writer, client = writable
    writer.add([
        NewSentence("Поезд опаздывает на час.", "ru", id=id, group="g"),
        NewSentence("The train is an hour late.", "en", id="other", group="g"),
    ])  # fmt: skip
    other = page_of(client.get("/sentences/other"))
    (address,) = other.xpath(f"{section('translations')}//li//a/@href")
    assert texts(page_of(client.get(address)), "//h1") == ["Поезд опаздывает на час."]


def test_a_sentence_without_translations_or_words(writable):
    writer, client = writable
    writer.add([NewSentence("Поезд номер семь.", "ru", id="alone", context="<em>menu</em>")])
    page = page_of(client.get("/sentences/alone"))
    assert "no translations" in page.text_content()
    assert "Context: <em>menu</em>" in page.text_content()
    assert not page.xpath(section("translations"))


def test_machine_translations_are_marked(writable):
    writer, client = writable
    writer.add([
        NewSentence("Поезд опаздывает на час.", "ru", id="human", group="g", origin="notes"),
        NewSentence("Гъуэгу махуэ!", "kbd", id="machine", group="g", origin="mt:some-model"),
    ])  # fmt: skip
    marked = f"//*[{of_class('machine')}]"
    page = page_of(client.get("/sentences/human"))
    assert len(page.xpath(f"{section('translations')}{marked}")) == 1
    assert not page.xpath(f"{section('facts')}{marked}")
    page = page_of(client.get("/sentences/machine"))
    assert page.xpath(f"{section('facts')}{marked}")


def test_a_large_group_is_cut(writable):
    writer, client = writable
    writer.add([
        NewSentence(f"Поезд номер {n} опаздывает.", "ru", id=f"n{n}", group="g")
        for n in range(250)
    ])  # fmt: skip
    page = page_of(client.get("/sentences/n0"))
    lines = texts(page, f"{section('translations')}//li")
    assert len(lines) == 201 and lines[-1] == "and 49 more"
    assert len(page.xpath(f"{section('similar')}//li")) == 5


def test_what_its_file_said_is_text(demo_copy, embedded):
    rows = RowReader("r", ReadOptions(origin="r", name="r"))
    meta = {"note": "<script>alert(1)</script>", "<b>": {"deep": [1, 2]}}
    build_index(
        demo_copy,
        [rows.sentence(1, "", "Поезд опаздывает.", "ru", id="m", meta=meta)],
        embedded,
        mode=Mode.ADD,
    )
    with live_server(demo_copy) as server:
        page = page_of(httpx.get(f"{server.url}/sentences/m"))
    facts = dict(
        zip(texts(page, f"{section('facts')}//dt"), texts(page, f"{section('facts')}//dd"),
            strict=True)
    )  # fmt: skip
    assert facts["note"] == "<script>alert(1)</script>"
    assert facts["<b>"] == '{"deep": [1, 2]}'


def test_facts_are_bounded():
    facts = facts_of({f"{n}" * 100: ["x" * 10_000] for n in range(10, 60)})
    assert len(facts) == 20
    assert all(len(name) <= 60 and len(value) <= 300 for name, value in facts)


def test_words_are_each_once_in_order_and_bounded():
    assert words_of("Дом, дом и ДОМ: у дома 2 окна!") == ["Дом", "и", "у", "дома", "2", "окна"]
    assert words_of("... !") == []
    assert len(words_of(" ".join(f"слово{n}" for n in range(1000)))) == 24
