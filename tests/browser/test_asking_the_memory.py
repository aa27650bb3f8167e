"""The translation memory and the concordance in the page."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import expect

_CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def test_a_segment_is_looked_up(open_page):
    page = open_page("/memory", **_CLIPBOARD)
    page.locator("#q").click()
    page.keyboard.type("Как же идут твои дела?")
    page.locator("label:has(input[name=from][value=ru])").click()
    page.locator("label:has(input[name=to][value=kbd])").click()
    page.locator("form:has(#q) button[type=submit]").click()
    card = page.locator("#results .card").first
    expect(card).to_contain_text("Уи ӏуэхухэр дауэ щыт?")
    expect(card.locator("ins")).to_have_text(re.compile(r"^\s*же\s*$"))
    assert re.search(r"\b[5-9]\d\b", card.inner_text()), "the quality is shown"
    card.locator("[data-copy]").first.click()
    page.wait_for_function(
        "() => navigator.clipboard.readText().then(t => t === 'Уи ӏуэхухэр дауэ щыт?')"
    )
    page.wait_for_url(re.compile("/memory.*q=.*from=ru.*to=kbd|/memory.*from=ru.*to=kbd.*q="))
    page.reload()
    expect(page.locator("#q")).to_have_value("Как же идут твои дела?")
    expect(card).to_contain_text("Уи ӏуэхухэр дауэ щыт?")


def test_the_memory_reads_kabardian_however_it_is_typed(open_page):
    page = open_page("/memory?from=kbd&to=en")
    page.locator("#q").fill("Уи 1уэхухэр дауэ щыт?")
    page.locator("#q").press("Control+Enter")
    card = page.locator("#results .card").first
    expect(card).to_contain_text("How are things with you?")
    expect(card).to_contain_text("100")


def test_the_direction_follows_the_language_that_is_detected(open_page):
    page = open_page("/memory?q=Уи 1уэхухэр дауэ щыт?")
    expect(page.locator("#results .card").first).to_contain_text("Как идут твои дела?")
    page.locator("#q").fill("Мой брат завтра не придёт.")
    page.locator("#q").press("Enter")
    expect(page.locator("#results")).to_contain_text("Russian → Kabardian")
    expect(page.locator("#results .card [lang=kbd]").first).to_be_visible()


def test_lines_of_a_segment_are_kept(open_page):
    page = open_page("/memory?from=ru&to=kbd")
    page.locator("#q").click()
    page.keyboard.type("Добрый день!")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Как идут твои дела?")
    expect(page.locator("#q")).to_have_value("Добрый день!\nКак идут твои дела?")


def test_the_row_of_letters_is_here_too(open_page):
    for path in ("/memory", "/concordance"):
        page = open_page(path)
        page.locator("#q").fill("щал")
        page.locator("#q").press("Home")
        page.locator("#q").press("ArrowRight")
        page.locator("[data-insert='ӏ']").click()
        expect(page.locator("#q")).to_have_value("щӏал")
        expect(page.locator("#q")).to_be_focused()


def test_lines_of_a_word_stand_under_each_other(open_page):
    page = open_page("/concordance", viewport={"width": 1280, "height": 900})
    page.locator("#q").fill("щ*")
    page.locator("#q").press("Enter")
    found = page.locator("#results mark", has_text=re.compile("^щ", re.IGNORECASE))
    expect(found.first).to_be_visible()
    boxes = [mark.bounding_box() for mark in found.all()[:8]]
    assert len(boxes) > 2
    assert max(box["x"] for box in boxes) - min(box["x"] for box in boxes) < 1


def test_lines_are_sorted_and_turned_over(open_page):
    page = open_page("/concordance?" + urlencode({"q": "а*|с*", "lang": "kbd"}))
    expect(page.locator("#results mark").first).to_be_visible()
    first = page.locator("#results").inner_text()
    page.locator("#results a[rel=next]").first.click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator("#results")).not_to_have_text(first, use_inner_text=True)
    page.go_back()
    expect(page.locator("#results")).to_have_text(first, use_inner_text=True)


def test_a_pattern_that_means_nothing_is_explained(open_page, expected):
    expected.append("422")
    page = open_page("/concordance?q=|")
    expect(page.locator("main .problem")).to_be_visible()
    expect(page.locator("#q")).to_have_value("|")
