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
    points = page.locator(".map-points circle")
    for _ in range(40):  # until the map has been computed
        if points.count():
            break
        page.wait_for_timeout(500)
        page.locator("#map a").click()
    assert points.count() == 1225
    page.locator("label:has(#show-tr)").click()
    expect(page.locator(".map-points.lang-tr circle").first).not_to_be_visible()
    points.nth(17).click(force=True)
    page.wait_for_url("**/sentences/*")
    page.go_back()
    page.locator(".map-list summary").click()
    page.locator(".map-list a").first.click()
    page.wait_for_url("**/sentences/*")


def test_what_needs_a_script_is_not_shown(open_page):
    page = open_page("/?q=Добрый день", java_script_enabled=False)
    for control in ("[data-insert]", "[data-copy]"):
        expect(page.locator(control).locator("visible=true")).to_have_count(0)
