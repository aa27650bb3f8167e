"""The overview: counts, and the map as it is served."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from live_server import live_server
from lxml import html
from page_reading import assert_self_contained, of_class, page_of, texts

from searchkbd.service.writes import NewSentence

HOSTILE = """<script>alert(1)</script> "x" onload='y' &amp; дом"""


def map_of(client: httpx.Client, seconds: float = 60) -> html.HtmlElement:
    """Return the map once it is made."""
    end = time.monotonic() + seconds
    while (answer := client.get("/overview/map")).status_code == 202:
        assert time.monotonic() < end, "no map"
        assert "circle" in answer.text, "waiting is designed, too"
        time.sleep(0.1)
    assert answer.status_code == 200
    tree = html.fragment_fromstring(answer.text)
    assert_self_contained(tree)
    return tree


def counts(page: html.HtmlElement) -> dict[str, str]:
    """Return the rows of all tables: the last word of what is counted, and its number."""
    return {
        " ".join(row.xpath("th")[0].text_content().split()): row.xpath("string(td)").strip()
        for row in page.xpath(f"//table[{of_class('counts')}]/tbody/tr")
    }


@pytest.fixture
def writable(demo_copy: Path):
    """A server of a copy, and a client of it."""
    with (
        live_server(demo_copy) as server,
        httpx.Client(base_url=server.url, headers={"Accept-Language": "en"}, timeout=30) as client,
    ):
        yield server.app.state.service.writer, client


# Counts


def test_what_the_index_holds_is_counted(browser):
    page = page_of(browser.get("/overview"))
    assert texts(page, f"//ul[{of_class('figures')}]/li") == [
        "1,225 sentences", "5 languages", "245 groups of translations",
    ]  # fmt: skip
    found = counts(page)
    for lang in ("kbd Kabardian", "ru Russian", "en English", "fr French", "tr Turkish"):
        assert found[lang] == "245"
    assert found["phrasebook:family"] == "140"
    assert page.xpath("//time/@datetime")[0].endswith("Z")
    assert "embedded, 512 dimensions" in page.text_content()


def test_bars_are_as_long_as_the_counts(browser):
    page = page_of(browser.get("/overview"))
    rows = page.xpath(f"//table[{of_class('origins')}]//tr[td]")
    numbers = [int(row.xpath("string(td)")) for row in rows]
    widths = [float(row.xpath(".//rect/@width")[0].rstrip("%")) for row in rows]
    assert widths[0] == 100
    assert widths == pytest.approx([100 * n / numbers[0] for n in numbers], abs=0.01)


def test_a_language_leads_to_its_search(browser):
    page = page_of(browser.get("/overview"))
    (address,) = page.xpath(f"//tr[{of_class('lang-kbd')}]//a/@href")
    form = page_of(browser.get(address))
    assert form.xpath("//input[@name='to'][@checked]/@value") == ["kbd"]


def test_counts_follow_the_index(writable):
    writer, client = writable
    assert "1,225" in client.get("/overview").text
    writer.add([
        NewSentence("Das ist ein Haus.", "de", origin="notes"),
        NewSentence("Мыр унэщ.", "kbd", origin="mt:some-model"),
    ])  # fmt: skip
    page = page_of(client.get("/overview"))
    assert texts(page, f"//ul[{of_class('figures')}]/li") == [
        "1,227 sentences", "6 languages", "245 groups of translations",
        "1 machine-translated sentence",
    ]  # fmt: skip
    found = counts(page)
    assert found["de German"] == found["notes"] == "1"
    assert found["mt:some-model machine-translated"] == "1"


def test_origins_beyond_fifty_are_counted_together(writable):
    writer, client = writable
    writer.add([
        NewSentence(f"Поезд номер {n} опаздывает.", "ru", origin=f"origin {n}")
        for n in range(60)
    ])  # fmt: skip
    page = page_of(client.get("/overview"))
    rows = page.xpath(f"//table[{of_class('origins')}]/tbody/tr")
    assert len(rows) == 51
    assert counts(page)["22 other origins"] == "22"
    total = sum(int(row.xpath("string(td)").replace(",", "")) for row in rows)
    assert total == 1225 + 60


def test_paths_of_this_machine_are_not_told(browser, phrasebook_index):
    assert str(phrasebook_index.parent) not in browser.get("/overview").text


# The map


def test_the_map_is_asked_for_until_it_is_there(demo_copy, tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path / "cache"))
    with live_server(demo_copy) as server, httpx.Client(base_url=server.url) as client:
        page = page_of(client.get("/overview"))
        (place,) = page.xpath("//*[@id='map']")
        assert place.get("data-src") == "/overview/map" and "data-pending" in place.attrib
        assert page.xpath(f"//*[{of_class('map-pending')}]//a/@href") == ["/overview"]
        assert client.get("/overview/map").status_code == 202

        drawn = map_of(client)
        assert drawn.xpath("count(.//circle)") == 1225
        assert client.head("/overview/map").status_code == 200
        (place,) = page_of(client.get("/overview")).xpath("//*[@id='map']")
        assert "data-pending" not in place.attrib
        assert place.xpath("count(.//circle)") == 1225


def test_stopping_does_not_wait_for_the_map(demo_copy, tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path / "cache"))
    with live_server(demo_copy) as server:
        assert httpx.get(f"{server.url}/overview/map").status_code == 202
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 5
    assert not list(tmp_path.glob("cache/map-*"))


def test_each_point_is_a_link_to_its_sentence(browser):
    drawn = map_of(browser)
    points = drawn.xpath(f".//g[{of_class('map-points')}]/a")
    assert len({point.get("href") for point in points}) == len(points) == 1225
    for point in points[::250]:
        page = page_of(browser.get(point.get("href")))
        assert texts(page, "//h1") == [point.findtext("title")]
        (lang,) = page.xpath("//h1/@lang")
        assert point.getparent().get("data-lang") == lang


def test_points_cannot_be_reached_by_tab_but_the_list_can(browser):
    drawn = map_of(browser)
    assert set(drawn.xpath(".//svg//a/@tabindex")) == {"-1"}
    (plane,) = drawn.xpath(f".//svg[{of_class('map-plane')}]")
    assert plane.get("aria-hidden") == "true"
    listed = drawn.xpath(f".//details[{of_class('map-list')}]//li/a")
    assert [each.get("tabindex") for each in listed] == [None] * len(listed)
    assert {each.get("href") for each in listed} == set(drawn.xpath(".//svg//a/@href"))


def test_languages_have_their_colours_and_a_legend(browser):
    drawn = map_of(browser)
    layers = drawn.xpath(f".//g[{of_class('map-points')}]")
    assert [layer.get("data-lang") for layer in layers] == ["kbd", "ru", "en", "fr", "tr"]
    for layer in layers:
        lang = layer.get("data-lang")
        assert f"lang-{lang}" in layer.get("class")
        (box,) = drawn.xpath(f".//input[@id='show-{lang}']")
        assert "checked" in box.attrib
        assert texts(box.getparent(), "span/small") == [str(len(layer))]


def test_lines_join_sentences_of_one_group(browser):
    drawn = map_of(browser)
    places = {}
    for point in drawn.xpath(f".//g[{of_class('map-points')}]/a"):
        (circle,) = point.xpath("circle")
        places[float(circle.get("cx")), float(circle.get("cy"))] = point.get("data-g")
    (path,) = drawn.xpath(f".//path[{of_class('map-links')}]/@d")
    lines = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", path)
    assert len(lines) == 245 * 4
    for x1, y1, x2, y2 in lines:
        assert places[float(x1), float(y1)] == places[float(x2), float(y2)]


def test_landmarks_are_in_the_language_of_the_reader(browser):
    for ui, lang in (("tr", "tr"), ("kbd", "kbd")):
        answer = browser.get("/overview/map", params={"ui": ui})
        marks = html.fragment_fromstring(answer.text).xpath(f".//g[{of_class('map-landmarks')}]/*")
        assert len(marks) > 20
        assert {mark.get("lang") for mark in marks} == {lang}
        assert len({mark.text for mark in marks}) == len(marks)
        assert 6 <= sum("class" not in mark.attrib for mark in marks) <= 12


def test_hostile_text_and_ids_are_only_text(writable):
    writer, client = writable
    writer.add([NewSentence(HOSTILE, "de", id='a/b?c#d"><b>%2F', origin="<i>origin</i>")])
    drawn = map_of(client)
    (point,) = drawn.xpath(".//g[@data-lang='de']/a")
    assert point.findtext("title") == HOSTILE
    assert unquote(point.get("href")) == '/sentences/a/b?c#d"><b>%2F'
    assert texts(page_of(client.get(point.get("href"))), "//h1") == [HOSTILE]
    page = page_of(client.get("/overview"))
    assert not page.xpath("//i | //b")
    assert counts(page)["<i>origin</i>"] == "1"


def test_links_are_under_the_root_path(demo_copy):
    with (
        live_server(demo_copy, root_path="/kbd") as server,
        httpx.Client(base_url=f"{server.url}/kbd") as client,
    ):
        page = page_of(client.get("/overview"))
        assert page.xpath("//*[@id='map']/@data-src") == ["/kbd/overview/map"]
        for address in page.xpath("//main//a/@href"):
            assert address.startswith("/kbd/")
        for address in map_of(client).xpath(".//a/@href"):
            assert address.startswith("/kbd/sentences/")
