"""Phones, zoom, paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

PHONE = {
    "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True,
    "has_touch": True,
}  # fmt: skip
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
NARROWEST = {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4}  # 400 %

PATHS = (
    "/", "/?q=Фӏыщӏэ ин пхузощӏ", "/memory?q=Как идут твои дела&from=ru&to=kbd",
    "/concordance?q=щ*", "/overview", "/sentences/p0004-kbd", "/nowhere",
)  # fmt: skip

# What can be pressed and is smaller than 24 by 24 pixels (WCAG 2.2, 2.5.8), links within a text
# excepted; inputs count with their labels.
_SMALL = """() => [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((element) => element.checkVisibility({checkVisibilityCSS: true}))
    .filter((element) => !element.closest("svg"))
    .map((element) => {
        const parts = [element, ...(element.labels || [])].map((e) => e.getBoundingClientRect());
        return {html: element.outerHTML.slice(0, 120), text: element.textContent.trim(),
                width: Math.max(...parts.map((p) => p.width)),
                height: Math.max(...parts.map((p) => p.height)),
                inline: getComputedStyle(element).display === "inline"
                        && element.parentElement.textContent.trim() !== element.textContent.trim(),
                left: Math.min(...parts.map((p) => p.right))};
    })
    .filter((e) => !e.inline && e.left > 0 && (e.width < 24 || e.height < 24))
    .map((e) => `${e.width}x${e.height} ${e.html}`)"""


def beyond(page) -> list[str]:
    """Return what makes *page* wider than its window."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? []
            : [...document.querySelectorAll("body *")]
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
                .map((e) => e.outerHTML.slice(0, 120))"""
    )


@pytest.mark.parametrize("window", [PHONE, ZOOMED, NARROWEST], ids=["phone", "200 %", "400 %"])
def test_nothing_is_wider_than_the_window(open_page, expected, window):
    expected.append("404")
    page = open_page(**window)
    for path in PATHS:
        page.goto(path)
        assert not beyond(page), f"{path}: {beyond(page)}"
        if "q=" in path:
            expect(page.locator("#q")).to_be_visible()


def test_what_is_tapped_is_large_enough(open_page, expected):
    expected.append("404")
    page = open_page(**PHONE)
    for path in PATHS:
        page.goto(path)
        small = page.evaluate(_SMALL)
        assert not small, f"{path}: {small}"


def test_a_search_on_a_phone(open_page):
    page = open_page(**PHONE)
    page.locator("#q").tap()
    page.locator("#q").fill("ф")
    page.locator("[data-insert='ӏ']").tap()
    page.keyboard.type("ыщӏэ")
    page.keyboard.press("Enter")
    expect(page.locator("#results .card").first).to_contain_text("ыщӏэ")
    page.locator("label:has(input[name=to][value=ru])").tap()
    expect(page.locator("#results .card [lang]").first).to_have_attribute("lang", "ru")
    assert not beyond(page)


def test_letters_are_not_made_larger_by_the_phone(open_page):
    """A phone zooms in on a field whose letters are smaller than 16 pixels."""
    page = open_page(**PHONE)
    for path in ("/", "/memory", "/concordance"):
        page.goto(path)
        size = page.locator("#q").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 16
    scalable = page.locator("meta[name=viewport]").get_attribute("content")
    assert "maximum-scale" not in scalable and "user-scalable" not in scalable


def test_on_paper_there_are_texts_and_no_controls(open_page):
    page = open_page("/?q=Фӏыщӏэ ин пхузощӏ")
    page.emulate_media(media="print")
    expect(page.locator("#results .card").first).to_contain_text("Фӏыщӏэ ин пхузощӏ.")
    for control in ("[data-copy]", "[data-insert]", "form button[type=submit]"):
        expect(page.locator(control).first).not_to_be_visible()
    colors = page.evaluate(
        "() => [document.body, document.querySelector('.card')].map("
        "e => getComputedStyle(e).backgroundColor)"
    )
    assert all(color in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)") for color in colors), colors
