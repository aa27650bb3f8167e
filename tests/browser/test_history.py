"""The address bar holds what is asked: links, the back button, tabs."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def ask(page, query: str, first: str) -> None:
    """Search for *query* by the box, and wait until *first* is in the first hit."""
    page.locator("#q").fill(query)
    page.locator("#q").press("Enter")
    expect(page.locator("#results .card").first).to_contain_text(first)


def test_back_and_forward_restore_form_and_results(open_page):
    page = open_page()
    ask(page, "Добрый день", "Добрый день!")
    page.locator("label:has(input[name=to][value=kbd])").click()
    page.wait_for_url(re.compile("to=kbd"))
    expect(page.locator("#results .card [lang]").first).to_have_attribute("lang", "kbd")
    ask(page, "Thank you very much", "Фӏыщӏэ ин пхузощӏ.")

    page.go_back()
    expect(page.locator("#q")).to_have_value("Добрый день")
    expect(page.locator("input[name=to][value=kbd]")).to_be_checked()
    expect(page.locator("#results .card").first).to_contain_text("Уи махуэ фӏыуэ!")
    page.go_back()
    expect(page.locator("input[name=to][value=kbd]")).not_to_be_checked()
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#results .card")).to_have_count(0)
    for _ in range(3):
        page.go_forward()
    expect(page.locator("#q")).to_have_value("Thank you very much")
    expect(page.locator("input[name=to][value=kbd]")).to_be_checked()
    expect(page.locator("#results .card").first).to_contain_text("Фӏыщӏэ ин пхузощӏ.")


def test_the_same_query_twice_is_one_step_back(open_page):
    page = open_page()
    ask(page, "Добрый день", "Добрый день!")
    ask(page, "Добрый день", "Добрый день!")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")


def test_back_from_a_sentence_has_the_results(open_page):
    page = open_page()
    ask(page, "Добрый день", "Добрый день!")
    page.locator("#results .card a[href*='/sentences/']").first.click()
    page.wait_for_url("**/sentences/*")
    page.go_back()
    expect(page.locator("#q")).to_have_value("Добрый день")
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")


def test_a_link_and_a_reload_show_the_same(open_page):
    page = open_page()
    ask(page, "Спасибо & 100% #1?", "спасибо")
    shown = page.locator("#results .card").all_inner_texts()
    page.reload()
    for other in (page, open_page(page.url)):
        expect(other.locator("#q")).to_have_value("Спасибо & 100% #1?")
        assert other.locator("#results .card").all_inner_texts() == shown


def test_tabs_lead_to_each_other_with_the_query(open_page):
    page = open_page("/?q=Добрый день")
    for path in ("/memory", "/concordance", "/overview", "/"):
        page.locator(f"nav a[href^='{path}']").first.click()
        page.wait_for_url(re.compile(re.escape(path) + r"(\?|$)"))
        current = page.locator("nav [aria-current=page]")
        expect(current).to_have_count(1)
        if path != "/overview":
            expect(page.locator("#q")).to_be_visible()


def test_the_title_says_what_is_asked(open_page):
    page = open_page()
    ask(page, "Добрый день", "Добрый день!")
    assert "Добрый день" in page.title()
