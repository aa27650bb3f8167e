"""The page of the translation memory, without JavaScript."""

from __future__ import annotations

import re

import pytest
from page_reading import PROBLEM, of_class, page_of, texts

MATCHES = f"//li[{of_class('match')}]"


def look_up(browser, segment, source="", target=""):
    return page_of(browser.get("/memory", params={"q": segment, "from": source, "to": target}))


def test_it_asks_before_it_answers(browser):
    page = page_of(browser.get("/memory"))
    (box,) = page.xpath("//form[@role='search']//textarea[@id='q']")
    assert box.text_content().strip() == ""
    assert page.xpath("//input[@name='to'][@checked]/@value") == ["kbd"]
    for address in page.xpath(f"//ul[{of_class('examples')}]//a/@href"):
        assert page_of(browser.get(address)).xpath(MATCHES), address


def test_a_match_shows_quality_similarity_kind_and_difference(browser):
    page = look_up(browser, "Мой брат завтра не придёт.", "ru", "kbd")
    first = page.xpath(MATCHES)[0]
    assert texts(first, f".//*[{of_class('kind')}]") == ["fuzzy"]
    quality, similarity = texts(first, f".//span[{of_class('measure')}]/b")
    assert quality == "73"
    assert re.fullmatch(r"0\.\d\d", similarity)
    assert texts(first, ".//del") == ["сегодня"]
    assert texts(first, ".//ins") == ["завтра"]
    assert texts(first, f".//div[{of_class('target')}]/p") == ["Си къуэшыр нобэ къэкӏуэнукъым."]
    assert first.xpath(f".//div[{of_class('target')}]/p/@lang") == ["kbd"]
    copies = first.xpath(".//button/@data-copy")
    assert copies == ["Мой брат сегодня не придёт.", "Си къуэшыр нобэ къэкӏуэнукъым."]


def test_meaning_alone_is_marked_not_struck_out(browser):
    page = look_up(browser, "Мой брат завтра не придёт.", "ru", "kbd")
    near = [m for m in page.xpath(MATCHES) if m.xpath(f".//*[{of_class('kind-semantic')}]")]
    assert near
    for match in near:
        assert not match.xpath(".//del | .//ins")
        assert texts(match, ".//mark")


def test_the_marks_are_explained_where_there_are_any(browser):
    legend = f"//p[{of_class('legend')}]"
    assert look_up(browser, "Мой брат завтра не придёт.", "ru", "kbd").xpath(legend)
    page = look_up(browser, "Bu elma çok tatlı.", "tr", "kbd")
    assert page.xpath(MATCHES)
    assert bool(page.xpath(legend)) == bool(page.xpath(f"{MATCHES}//del | {MATCHES}//ins"))


def test_the_same_sentence_is_exact(browser):
    page = look_up(browser, "Большое тебе спасибо.", "ru", "kbd")
    first = page.xpath(MATCHES)[0]
    assert texts(first, f".//*[{of_class('kind')}]") == ["exact"]
    assert texts(first, f".//span[{of_class('measure')}]/b")[0] == "100"
    assert not first.xpath(".//del | .//ins")


@pytest.mark.parametrize("letter", "ӏI1l")
def test_the_palochka_comes_as_it_is_typed(browser, letter):
    page = look_up(browser, f"Псы щ{letter}ы{letter}э уи{letter}э?", "kbd", "ru")
    assert texts(page.xpath(MATCHES)[0], f".//*[{of_class('kind')}]") == ["exact"]


def test_the_language_is_detected_when_it_is_not_chosen(browser):
    page = look_up(browser, "Сэ пщэдей къалэм сыкӏуэнущ.")
    summary = texts(page, f"//p[{of_class('summary')}]")[0]
    assert "Kabardian → Russian" in summary and "detected" in summary
    assert page.xpath("//input[@name='from'][@checked]/@value") == [""]
    assert page.xpath("//input[@name='to'][@checked]/@value") == ["ru"]


def test_a_detected_language_is_never_the_target_too(browser):
    page = look_up(browser, "Мой брат завтра не придёт.", target="ru")
    assert "Russian → Kabardian" in texts(page, f"//p[{of_class('summary')}]")[0]
    assert page.xpath("//input[@name='to'][@checked]/@value") == ["kbd"]


def test_nothing_near_is_said(browser):
    page = look_up(browser, "zxqv", "en", "kbd")
    if page.xpath(MATCHES):
        assert texts(page, f"//*[{of_class('below')}]")
        assert texts(page, f"//p[{of_class('notice')}]")
    else:
        assert texts(page, "//section[@id='results']//h2") == ["No match"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"q": "дом", "from": "ru", "to": "ru"}, "same language"),
        ({"q": "qqq 12", "to": "kbd"}, "not recognised"),
        ({"q": "дом", "from": "zz9", "to": "kbd"}, "no such language"),
        ({"q": "--", "from": "ru", "to": "kbd"}, "no letter"),
    ],
)
def test_what_cannot_be_looked_up_is_said_in_the_page(browser, params, said):
    answer = browser.get("/memory", params=params)
    assert answer.status_code == 422
    page = page_of(answer)
    assert said in texts(page, f"{PROBLEM}/h2")[0]
    assert page.get_element_by_id("q").text_content().strip() == params["q"]


def test_a_segment_keeps_its_first_line_feed(browser):
    # HTML drops a line feed right after <textarea>.
    answer = browser.get("/memory", params={"q": "Дом\nи сад", "from": "ru", "to": "kbd"})
    assert answer.text.count(">\nДом\nи сад</textarea>") == 1
