"""The overview: counts, and a map of sentences that is looked at with a mouse or a finger."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

MAP_PATIENCE = 30_000  # milliseconds; a layout is computed once for an index


@pytest.fixture
def overview(open_page):
    page = open_page("/overview")
    page.locator("main svg circle").first.wait_for(timeout=MAP_PATIENCE)
    return page


def test_counts_of_languages_and_origins(overview):
    main = overview.locator("main")
    for name in ("Kabardian", "Russian", "English", "French", "Turkish", "phrasebook:greetings"):
        expect(main).to_contain_text(name)
    expect(main).to_contain_text("1,225")
    expect(main).to_contain_text("245")


def test_the_map_comes_by_itself_when_it_is_computed(overview):
    points = overview.locator("main svg circle")
    assert points.count() == 1225
    spread = points.evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.x, b.y])"
    )
    for axis in (0, 1):
        values = [point[axis] for point in spread]
        assert max(values) - min(values) > 200


def test_a_point_leads_to_its_sentence(overview):
    link = overview.locator("main svg a:has(circle)").nth(17)
    text = link.locator("title").text_content()
    link.locator("circle").hover(force=True)
    link.locator("circle").click(force=True)
    overview.wait_for_url("**/sentences/*")
    shown = overview.locator("main").inner_text()
    assert any(part.strip() and part.strip() in shown for part in re.split(r"[\n:]", text))


def test_a_point_under_the_mouse_shows_its_text(overview):
    point = overview.locator("main svg a:has(circle)").nth(40)
    title = point.locator("title").text_content()
    point.locator("circle").hover(force=True)
    tip = overview.locator("[role=tooltip]")
    expect(tip).to_be_visible()
    assert tip.inner_text().split("\n")[0].strip() in title or title in tip.inner_text()


def test_the_legend_hides_and_shows_a_language(overview):
    toggle = overview.locator("[data-toggle=tr]")
    seen = overview.locator("main svg .lang-tr").locator("visible=true")
    before = seen.count()
    assert before > 100
    toggle.click()
    expect(seen).to_have_count(0)
    toggle.click()
    expect(seen).to_have_count(before)


def test_the_map_is_magnified_and_moved(overview):
    drawing = overview.locator("main svg:has(circle)")
    point = drawing.locator("circle").first

    def radius() -> float:
        a, b = drawing.locator("circle").nth(0), drawing.locator("circle").nth(500)
        first, second = a.bounding_box(), b.bounding_box()
        return abs(first["x"] - second["x"]) + abs(first["y"] - second["y"])

    before = radius()
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    overview.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    overview.mouse.wheel(0, -400)
    overview.wait_for_timeout(300)
    assert radius() > 1.1 * before
    at = point.bounding_box()
    overview.mouse.down()
    overview.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 20)
    overview.mouse.up()
    moved = point.bounding_box()
    assert moved["x"] - at["x"] == pytest.approx(60, abs=3)
    assert "/overview" in overview.url, "a drag is no click"


def test_the_texts_of_the_map_are_also_a_list(overview):
    """For those who cannot see it, or have no mouse."""
    overview.locator("main details summary").first.click()
    expect(overview.locator("main details a[href*='/sentences/']").first).to_be_visible()


def test_a_sentence_leads_on(open_page):
    page = open_page("/sentences/p0004-kbd")
    main = page.locator("main")
    for text in ("Фӏыщӏэ ин пхузощӏ.", "Большое тебе спасибо.", "phrasebook:greetings"):
        expect(main).to_contain_text(text)
    main.locator("a[href*='/sentences/p0004-ru']").first.click()
    page.wait_for_url("**/sentences/p0004-ru")
    page.locator("main a[href*='/concordance']").first.click()
    page.wait_for_url(re.compile("/concordance"))
    expect(page.locator("#results mark").first).to_be_visible()
