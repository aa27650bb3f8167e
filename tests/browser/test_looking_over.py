"""The overview: counts, and a map of sentences that is looked at with a mouse or a finger."""

from __future__ import annotations

import re

import pytest
from browsing import map_points
from playwright.sync_api import Locator, Page, expect

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


def points(page: Page) -> Locator:
    """Return the points of the map, which is scrolled to."""
    found = map_points(page)
    page.locator("#map-svg").scroll_into_view_if_needed()
    return found


def middle(point: Locator) -> tuple[float, float]:
    """Return where *point* is in the window."""
    box = point.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def apart(page: Page) -> float:
    """Return the distance in pixels of two points of the map that are far from each other."""
    first, second = (middle(points(page).nth(at)) for at in (0, 700))
    return abs(first[0] - second[0]) + abs(first[1] - second[1])


def test_counts_of_languages_and_origins(open_page):
    main = open_page("/overview").locator("main")
    for name in ("Kabardian", "Russian", "English", "French", "Turkish", "phrasebook:greetings"):
        expect(main).to_contain_text(name)
    expect(main).to_contain_text("1,225")
    expect(main).to_contain_text("245")


def test_the_map_comes_by_itself_when_it_is_computed(open_page):
    page = open_page("/overview")
    found = points(page)
    assert found.count() == 1225
    places = found.evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.x, b.y])"
    )
    for axis in zip(*places, strict=True):
        assert max(axis) - min(axis) > 200


def test_a_point_shows_its_text_and_leads_to_its_sentence(open_page):
    page = open_page("/overview")
    page.mouse.move(*middle(points(page).nth(17)))
    tip = page.locator("#map-tip")
    expect(tip).to_be_visible()
    text = tip.locator("[lang]").first.text_content()
    assert tip.locator("[lang]").count() == 5, "its translations are in the tip too"
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/sentences/*")
    expect(page.locator("h1")).to_have_text(text)
    page.go_back()
    expect(page.locator(".map-points circle").first).to_be_visible()


def test_a_point_is_tapped(open_page):
    page = open_page("/overview", **PHONE)
    page.touchscreen.tap(*middle(points(page).nth(300)))
    tip = page.locator("#map-tip")
    expect(tip).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    text = tip.locator("[lang]").first.text_content()
    tip.locator("a").tap()
    page.wait_for_url("**/sentences/*")
    expect(page.locator("h1")).to_have_text(text)


def test_the_legend_hides_and_shows_a_language(open_page):
    page = open_page("/overview")
    points(page)
    turkish = page.locator(".map-points.lang-tr circle").first
    box = page.locator("#show-tr")
    expect(turkish).to_be_visible()
    page.locator("label:has(#show-tr)").click()
    expect(box).not_to_be_checked()
    expect(turkish).not_to_be_visible()
    expect(page.locator(".map-points.lang-kbd circle").first).to_be_visible()
    box.focus()
    page.keyboard.press("Space")
    expect(turkish).to_be_visible()


def test_the_map_is_magnified_and_moved(open_page):
    page = open_page("/overview")
    before = apart(page)
    page.locator("[data-zoom=in]").click()
    assert apart(page) == pytest.approx(1.8 * before, rel=0.02)

    start = middle(page.locator("#map-svg"))
    at = middle(points(page).first)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 40, start[1] + 20, steps=3)
    page.mouse.up()
    now = middle(points(page).first)
    assert (now[0] - at[0], now[1] - at[1]) == pytest.approx((40, 20), abs=3)
    assert page.url.endswith("/overview"), "a drag is no click"

    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert apart(page) > 2 * before
    page.locator("[data-zoom=all]").click()
    assert apart(page) == pytest.approx(before, rel=0.02)


def test_a_wheel_over_an_untouched_map_scrolls_the_page(open_page):
    page = open_page("/overview")
    before = apart(page)
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(*middle(page.locator("#map-svg")))
    page.mouse.wheel(0, 200)
    page.wait_for_function("() => scrollY > 100")
    assert apart(page) == pytest.approx(before)


def test_the_texts_of_the_map_are_also_a_list(open_page):
    """For those who cannot see it, or have no mouse."""
    page = open_page("/overview")
    points(page)
    page.locator(".map-list summary").click()
    expect(page.locator(".map-list a")).to_have_count(1225)
    page.locator(".map-list a").first.click()
    page.wait_for_url("**/sentences/*")


def test_a_sentence_leads_on(open_page):
    page = open_page("/sentences/p0004-kbd")
    main = page.locator("main")
    for text in ("Фӏыщӏэ ин пхузощӏ.", "Большое тебе спасибо.", "phrasebook:greetings"):
        expect(main).to_contain_text(text)
    main.locator("a[href$='/sentences/p0004-ru']").first.click()
    page.wait_for_url("**/sentences/p0004-ru")
    expect(page.locator("h1")).to_have_text("Большое тебе спасибо.")
    page.locator("main a[href*='/concordance']").first.click()
    page.wait_for_url(re.compile("/concordance"))
    expect(page.locator("#results mark").first).to_be_visible()
