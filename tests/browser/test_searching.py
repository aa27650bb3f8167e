"""Searching in the page: typing Kabardian, languages, what a hit shows, copying."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import INSECURE_HOST
from live_server import live_server
from playwright.sync_api import expect

THANKS = "Фӏыщӏэ ин пхузощӏ."
THANKS_IN = {
    "ru": "Большое тебе спасибо.",
    "en": "Thank you very much.",
    "fr": "Je te remercie beaucoup.",
    "tr": "Sana çok teşekkür ederim.",
}


def address(page) -> dict[str, list[str]]:
    """Return what the address of *page* asks."""
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize(
    "typed",
    [
        "фӏыщӏэ ин пхузощӏ", "ФӀЫЩӀЭ ИН ПХУЗОЩӀ", "фIыщIэ ин пхузощI", "ф1ыщ1э ин пхузощ1",
        "фlыщlэ ин пхузощl", "фыщэ ин пхузощ",
    ],
    ids=["palochka", "capital", "latin I", "digit", "latin l", "none"],
)  # fmt: skip
def test_kabardian_is_found_however_the_palochka_is_typed(open_page, typed):
    page = open_page()
    page.locator("#q").click()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    card = page.locator("#results .card").first
    expect(card).to_contain_text(THANKS)
    assert address(page)["q"] == [typed]
    assert card.locator("[lang=kbd] mark").all_text_contents() == ["Фӏыщӏэ", "ин", "пхузощӏ"]


def test_a_card_shows_the_hit_and_its_translations(open_page):
    page = open_page("/?q=Фӏыщӏэ ин пхузощӏ")
    card = page.locator("#results .card").first
    expect(card.locator("[lang=kbd]").first).to_have_text(THANKS)
    for lang, text in THANKS_IN.items():
        expect(card.locator(f"[lang={lang}]", has_text=text)).to_have_count(1)
    meter = card.locator("meter")
    assert 0 < float(meter.get_attribute("value")) <= 1
    assert card.locator("text=phrasebook").count()
    card.locator("a[href*='/sentences/']").first.click()
    page.wait_for_url("**/sentences/p0004-kbd")
    expect(page.locator("main")).to_contain_text(THANKS)


def test_the_row_of_letters_inserts_at_the_caret(open_page):
    page = open_page()
    box = page.locator("#q")
    box.fill("щалэ")
    box.press("Home")
    box.press("ArrowRight")
    page.locator("[data-insert='ӏ']").click()
    expect(box).to_have_value("щӏалэ")
    expect(box).to_be_focused()
    page.keyboard.type("!")
    expect(box).to_have_value("щӏ!алэ")
    box.press("Control+a")
    page.locator("[data-insert='гъ']").click()
    expect(box).to_have_value("гъ")
    box.press("Control+z")
    expect(box).to_have_value("щӏ!алэ")


def test_the_row_has_each_letter_once(open_page):
    page = open_page()
    keys = page.locator("[data-insert]")
    letters = [key.get_attribute("data-insert") for key in keys.all()]
    assert len(letters) == len(set(letters)) and "ӏ" in letters
    assert letters == [key.strip() for key in keys.all_text_contents()]


def test_the_button_searches(open_page):
    page = open_page()
    page.locator("#q").fill("Добрый день")
    page.locator("form:has(#q) button[type=submit]").click()
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")


def test_nothing_is_searched_while_typing(open_page):
    page = open_page()
    asked = []
    page.route("**/*q=*", lambda route: asked.append(route.request.url))
    page.locator("#q").click()
    page.keyboard.type("Добрый день", delay=15)
    page.wait_for_timeout(300)
    assert not asked


def test_languages_are_chosen_by_chips(open_page):
    page = open_page("/?q=Добрый день")
    page.locator("label:has(input[name=to][value=kbd])").click()
    expect(page.locator("#results .card [lang]").first).to_have_attribute("lang", "kbd")
    page.wait_for_url(re.compile("to=kbd"))
    page.locator("label:has(input[name=to][value=tr])").click()
    page.wait_for_url(re.compile("to=kbd&to=tr"))
    expect(page.locator("#results .card [lang=tr]").first).to_be_visible()
    page.locator("label:has(input[name=from][value=ru])").click()
    page.wait_for_url(re.compile("from=ru"))
    assert address(page) == {"q": ["Добрый день"], "to": ["kbd", "tr"], "from": ["ru"]}


def test_text_is_copied(open_page):
    page = open_page("/?q=" + THANKS, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#results .card").first.locator("[data-copy]").first
    before = button.text_content()
    button.click()
    page.wait_for_function(f"() => navigator.clipboard.readText().then(t => t === {THANKS!r})")
    status = page.locator("[role=status], [aria-live]").all_text_contents()
    assert button.text_content() != before or any(map(str.strip, status)), "nothing says so"


def test_text_is_copied_without_a_secure_connection(open_page, expected, phrasebook_index):
    with live_server(phrasebook_index, allowed_hosts=(INSECURE_HOST,)) as server:
        page = open_page("/?q=" + THANKS, url=f"http://{INSECURE_HOST}:{server.port}")
        assert page.evaluate("isSecureContext") is False
        page.locator("#results .card").first.locator("[data-copy]").first.click()
        page.locator("#q").fill("")
        page.locator("#q").press("Control+v")
        expect(page.locator("#q")).to_have_value(THANKS)


def test_what_is_empty_wrong_or_not_found_is_said(open_page, expected):
    page = open_page()
    expect(page.locator("#results a[href*='q=']").first).to_be_visible()  # examples to try
    page.locator("#results a[href*='q=']").first.click()
    expect(page.locator("#results .card").first).to_be_visible()

    page.locator("#q").fill("???")
    page.locator("#q").press("Enter")
    expected.append("422")
    expect(page.locator("#results .card")).to_have_count(0)
    expect(page.locator("#results")).to_contain_text(re.compile(r"\w{3}"))


def test_labels_change_their_language_and_keep_the_query(open_page):
    page = open_page("/?q=Добрый день&to=kbd")
    page.locator("#ui summary").click()
    page.locator("#ui a[hreflang=ru]").click()
    page.wait_for_url(re.compile("ui=ru"))
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.locator("#q")).to_have_value("Добрый день")
    expect(page.locator("input[name=to][value=kbd]")).to_be_checked()
    expect(page.locator("#results .card").first).to_be_visible()
    page.goto("/overview")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
