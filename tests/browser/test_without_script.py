"""Everything that is asked by an address works without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_search_memory_and_concordance(open_page):
    page = open_page(java_script_enabled=False)
    page.locator("#q").fill("фIыщIэ ин пхузощI")
    page.locator("label:has(input[name=to][value=ru])").click()
    page.locator("form:has(#q) button[type=submit]").click()
    page.wait_for_url(re.compile("q=.*to=ru"))
    expect(page.locator("#results .card").first).to_contain_text("Большое тебе спасибо.")
    expect(page.locator("input[name=to][value=ru]")).to_be_checked()

    page.locator("nav a[href^='/memory']").click()
    page.locator("#q").fill("Как идут твои дела?")
    page.locator("form:has(#q) button[type=submit]").click()
    expect(page.locator("#results")).to_contain_text("Уи ӏуэхухэр дауэ щыт?")

    page.locator("nav a[href^='/concordance']").click()
    page.locator("#q").fill("щыт")
    page.locator("form:has(#q) button[type=submit]").click()
    expect(page.locator("#results mark").first).to_have_text("щыт")


def test_overview_map_and_sentences(open_page):
    page = open_page("/overview", java_script_enabled=False)
    for _ in range(20):  # until the map has been computed
        if page.locator("main svg circle").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert page.locator("main svg circle").count() > 100
    page.locator("main a[href*='/sentences/']").last.click(force=True)
    page.wait_for_url("**/sentences/*")


def test_what_needs_a_script_is_not_shown(open_page):
    page = open_page("/?q=Добрый день", java_script_enabled=False)
    for control in ("[data-insert]", "[data-copy]"):
        expect(page.locator(control).locator("visible=true")).to_have_count(0)
