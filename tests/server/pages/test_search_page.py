"""The search page, without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from page_reading import PROBLEM, of_class, page_of, texts

from searchkbd.api import MAX_QUERY_CHARS

CARDS = "//li[@class='card']"


def test_it_asks_before_it_answers(browser):
    page = page_of(browser.get("/"))
    (box,) = page.xpath("//form[@role='search']//input[@id='q'][@name='q']")
    assert box.get("value") == ""
    (form,) = page.xpath("//form[@id='form']")
    assert (form.get("method"), form.get("action")) == ("get", "/")
    assert not page.xpath(CARDS)
    assert page.xpath("//section[@id='results']//h2")
    assert page.xpath(f"//ul[{of_class('examples')}]//a")


def test_every_example_finds_something(browser):
    for address in page_of(browser.get("/")).xpath(f"//ul[{of_class('examples')}]//a/@href"):
        page = page_of(browser.get(address))
        assert page.xpath(CARDS), address
        assert page.xpath("//mark"), address


def test_a_hit_has_its_translations_beneath(browser):
    page = page_of(browser.get("/", params={"q": "Мы гъуэгур дэнэ кӏуэрэ?"}))
    first = page.xpath(CARDS)[0]
    assert texts(first, f".//div[{of_class('hit')}]/p") == ["Мы гъуэгур дэнэ кӏуэрэ?"]
    below = f".//ul[{of_class('translations')}]/li"
    assert texts(first, f"{below}//abbr") == ["ru", "en", "fr", "tr"]
    assert "Where does this road lead?" in texts(first, f"{below}//p")
    assert first.xpath(".//meter/@value")[0] == "1.000"
    assert texts(first, f".//*[{of_class('origin')}]") == ["phrasebook:travel"]


def test_every_text_says_its_language_and_direction(browser):
    page = page_of(browser.get("/", params={"q": "дорога", "k": "5"}))
    for line in page.xpath(f"//div[{of_class('line')}] | //li[{of_class('line')}]"):
        (mark,) = line.xpath("./abbr")
        (text,) = line.xpath(f".//p[{of_class('text')}]")
        assert text.get("lang") == mark.text
        assert text.get("dir") == "auto"
        assert mark.get("title")
        assert f"lang-{mark.text}" in mark.get("class")


def test_each_text_can_be_copied_as_it_is(browser):
    page = page_of(browser.get("/", params={"q": "дорога", "k": "3"}))
    for line in page.xpath(f"//li[@class='card']//*[{of_class('line')}]"):
        (text,) = line.xpath(f".//p[{of_class('text')}]")
        (button,) = line.xpath(".//button[@data-copy]")
        assert button.get("data-copy") == text.text_content()
        assert button.get("type") == "button"
        assert button.get("aria-label")


def test_what_matched_is_marked_in_hits_and_translations(browser):
    page = page_of(browser.get("/", params={"q": "Налшык автобус bus", "k": "20"}))
    hits = texts(page, f"//div[{of_class('hit')}]//mark")
    others = texts(page, f"//ul[{of_class('translations')}]//mark")
    assert hits and others
    assert {"bus", "автобус"} & {mark.lower() for mark in others}


@pytest.mark.parametrize("letter", ["ӏ", "Ӏ", "I", "l", "1", "i", "|", ""])
def test_the_palochka_comes_as_it_is_typed(browser, letter):
    query = f"щ{letter}акхъуэ"
    page = page_of(browser.get("/", params={"q": query, "from": "kbd"}))
    marks = {mark.lower() for mark in texts(page, f"{CARDS}//mark")}
    assert any(mark.startswith("щӏакхъуэ") for mark in marks), marks
    assert page.get_element_by_id("q").get("value") == query


def test_hits_are_of_the_languages_chosen(browser):
    page = page_of(browser.get("/", params={"q": "дом", "to": ["kbd", "tr"], "from": "ru"}))
    found = texts(page, f"//div[{of_class('hit')}]/abbr")
    assert found and set(found) <= {"kbd", "tr"}
    chosen = page.xpath("//input[@name='to'][@checked]/@value")
    assert chosen == ["kbd", "tr"]
    assert page.xpath("//input[@name='from'][@checked]/@value") == ["ru"]


def test_empty_choices_are_any(browser):
    address = {"q": "дом", "from": "", "to": ""}
    page = page_of(browser.get("/", params=address))
    assert page.xpath(CARDS)
    assert page.xpath("//input[@name='to'][@checked]/@value") == [""]
    assert page.xpath("//input[@name='from'][@checked]/@value") == [""]
    assert page_of(browser.get("/", params={"q": "дом"})).xpath(CARDS)


def test_it_says_what_the_query_was_read_as(browser):
    page = page_of(browser.get("/", params={"q": "Where is the station?"}))
    assert "English" in texts(page, f"//p[{of_class('summary')}]")[0]


def test_more_results_are_an_address(browser):
    page = page_of(browser.get("/", params={"q": "дом", "to": "ru"}))
    assert len(page.xpath(CARDS)) == 10
    (more,) = page.xpath("//a[@data-fetch='more']/@href")
    assert parse_qs(urlsplit(more).query) == {"q": ["дом"], "to": ["ru"], "k": ["20"]}
    assert len(page_of(browser.get(more)).xpath(CARDS)) == 20


@pytest.mark.parametrize(
    ("k", "count"), [("3", 3), ("0", 1), ("x", 10), ("-5", 10), ("9" * 9, 100)]
)
def test_a_number_out_of_bounds_is_brought_within(browser, k, count):
    page = page_of(browser.get("/", params={"q": "дом", "k": k}))
    assert len(page.xpath(CARDS)) == count


def test_the_last_hits_have_no_more_after_them(browser):
    page = page_of(browser.get("/", params={"q": "дом", "k": "100"}))
    assert not page.xpath("//a[@data-fetch='more']")


def test_nothing_found_comes_with_advice(browser):
    answer = browser.get("/", params={"q": "дом", "to": "ka"})
    assert answer.status_code == 200
    page = page_of(answer)
    assert not page.xpath(CARDS)
    assert texts(page, "//section[@id='results']//h2") == ["Nothing found"]
    # What was chosen stays to be seen, though the index has no such language.
    assert page.xpath("//input[@name='to'][@checked]/@value") == ["ka"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"q": "a" * (MAX_QUERY_CHARS + 1)}, "too long"),
        ({"q": "?! ..."}, "no letter"),
        ({"q": "дом", "to": "nonsense9"}, "no such language"),
        ({"q": "дом", "from": "<b>"}, "no such language"),
        ({"q": "дом", "from": "und"}, "no such language"),
    ],
)
def test_what_cannot_be_looked_for_is_said_in_the_page(browser, params, said):
    answer = browser.get("/", params=params)
    assert answer.status_code == 422
    page = page_of(answer)
    assert said in texts(page, f"{PROBLEM}/h2")[0]
    assert page.get_element_by_id("q").get("value") == params["q"]


def test_white_space_asks_nothing(browser):
    page = page_of(browser.get("/", params={"q": " \t "}))
    assert page.xpath("//section[@id='results']//h2")
    assert not page.xpath(PROBLEM)


def test_the_letters_wait_for_the_script(browser):
    page = page_of(browser.get("/"))
    (row,) = page.xpath(f"//div[{of_class('keys')}]")
    assert row.get("hidden") is not None
    letters = row.xpath(".//button/@data-insert")
    assert letters[0] == "ӏ"
    assert {"кхъу", "щӏ", "гъ", "ӏу"} <= set(letters)
    assert len(letters) == len(set(letters))
    assert not [letter for letter in letters if "I" in letter or "l" in letter or "1" in letter]


def test_a_hit_leads_to_its_page(browser):
    page = page_of(browser.get("/", params={"q": "Мы гъуэгур дэнэ кӏуэрэ?", "k": "1"}))
    (link,) = page.xpath(f"{CARDS}//a[{of_class('open')}]/@href")
    answer = browser.get(link)
    assert answer.status_code == 200
    assert "Мы гъуэгур дэнэ кӏуэрэ?" in page_of(answer).text_content()
