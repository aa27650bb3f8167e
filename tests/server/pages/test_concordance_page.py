"""The page of the concordance, without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from live_server import live_server
from page_reading import PROBLEM, of_class, page_of, texts

from searchkbd.server.settings import Limits

LINES = f"//li[{of_class('occurrence')}]"


def find(browser, pattern, **more):
    return page_of(browser.get("/concordance", params={"q": pattern, **more}))


def test_it_asks_before_it_answers_and_explains_patterns(browser):
    page = page_of(browser.get("/concordance"))
    assert page.get_element_by_id("q").get("value") == ""
    addresses = page.xpath(f"//dl[{of_class('patterns')}]//a/@href")
    assert len(addresses) == 6
    for address in addresses:
        assert page_of(browser.get(address)).xpath(LINES), address


def test_a_line_is_left_match_and_right(browser):
    page = find(browser, "у * нет", lang="ru", to="en")
    assert page.xpath(LINES)
    for line in page.xpath(LINES):
        (text,) = line.xpath(f".//p[{of_class('kwic-line')}]")
        assert text.get("lang") == "ru"
        (left,) = text.xpath(f"./span[{of_class('left')}]")
        (right,) = text.xpath(f"./span[{of_class('right')}]")
        (match,) = right.xpath("./mark")
        assert match.text.lower().startswith("у ") and match.text.endswith("нет")
        whole = line.xpath("./div//button/@data-copy")[0]
        assert left.text_content() + right.text_content() == whole
        assert texts(line, f".//ul[{of_class('translations')}]//abbr") == ["en"]


def test_all_is_counted(browser):
    page = find(browser, "*къым", lang="kbd")
    summary = texts(page, f"//p[{of_class('summary')}]")[0]
    assert "34 occurrences in 34 sentences" in summary
    assert len(page.xpath(LINES)) == 34
    assert page.xpath("//input[@name='lang'][@checked]/@value") == ["kbd"]


def test_the_palochka_comes_as_it_is_typed(browser):
    counts = {
        texts(find(browser, f"щ{letter}эныгъэ*"), f"//p[{of_class('summary')}]/strong")[0]
        for letter in "ӏI1l"
    }
    assert len(counts) == 1


def test_lines_are_ordered_by_what_is_asked(browser):
    page = find(browser, "*къым", lang="kbd", sort="match")
    matches = [match.lower() for match in texts(page, f"{LINES}//mark[1]")]
    assert matches == sorted(matches)
    assert page.xpath("//input[@name='sort'][@checked]/@value") == ["match"]
    assert find(browser, "*къым").xpath("//input[@name='sort'][@checked]/@value") == [""]


def test_pages_follow_each_other(browser):
    first = find(browser, "сэ|си|уи|и|я|the|le", sort="right")
    (following,) = first.xpath("//a[@rel='next']/@href")
    assert not first.xpath("//a[@rel='prev']")
    query = parse_qs(urlsplit(following).query)
    assert (query["page"], query["sort"]) == (["2"], ["right"])
    second = page_of(browser.get(following))
    ids = [set(page.xpath(f"{LINES}//a/@href")) for page in (first, second)]
    assert ids[0] and ids[1]
    assert "Page 2 of" in texts(second, f"//nav[{of_class('paging')}]")[0]
    (back,) = second.xpath("//a[@rel='prev']/@href")
    assert page_of(browser.get(back)).xpath(f"{LINES}//a/@href") == first.xpath(f"{LINES}//a/@href")


def test_a_page_after_the_last_is_the_last(browser):
    page = find(browser, "сэ|си|уи|и|я|the|le", page="99999")
    assert page.xpath(LINES)
    assert not page.xpath("//a[@rel='next']")


def test_nothing_found_comes_with_advice(browser):
    page = find(browser, "zxqv")
    assert texts(page, "//section[@id='results']//h2") == ["No occurrence"]
    assert page.xpath(f"//dl[{of_class('patterns')}]")


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"q": "(((("}, ""),
        ({"q": "* * *"}, ""),
        ({"q": "а*б*в*г*д*е"}, "stars"),
        ({"q": "а " * 40}, "more than 32"),
        ({"q": "а" * 1001}, "1000"),
        ({"q": "дом", "sort": "up"}, "no order"),
        ({"q": "дом", "lang": "q"}, ""),
    ],
)
def test_what_cannot_be_looked_for_is_said_in_the_page(browser, params, detail):
    answer = browser.get("/concordance", params=params)
    assert answer.status_code == 422
    page = page_of(answer)
    (problem,) = texts(page, PROBLEM)
    assert detail in problem
    assert page.get_element_by_id("q").get("value") == params["q"].strip()


def test_what_takes_too_long_is_ended_and_said(phrasebook_index, browser):
    with live_server(phrasebook_index, limits=Limits(seconds=0.0)) as server:
        answer = browser.get(f"{server.url}/concordance", params={"q": "*а*", "to": "ru"})
    assert answer.status_code == 422
    assert "too long" in texts(page_of(answer), f"{PROBLEM}/h2")[0]
