"""Slow answers, broken connections, and answers that come in another order."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from browsing import violations
from playwright.sync_api import expect


def test_what_is_loading_is_shown(open_page):
    page = open_page()
    held = []
    page.route("**/?q=*", lambda route: held.append(route))
    page.locator("#q").fill("Добрый день")
    page.locator("#q").press("Enter")
    expect(page.locator("[aria-busy=true]")).to_have_count(1)
    page.wait_for_timeout(400)  # until a bar that waits a little is there too
    assert not violations(page)
    held[0].continue_()
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def test_the_newer_query_wins(open_page):
    page = open_page()
    held = []
    page.route(f"**/?q={quote('спасибо')}*", lambda route: held.append(route))
    page.locator("#q").fill("спасибо")
    page.locator("#q").press("Enter")
    expect(page.locator("[aria-busy=true]")).to_have_count(1)
    page.locator("#q").fill("Добрый день")
    page.locator("#q").press("Enter")
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    page.unroute_all(behavior="ignoreErrors")
    page.wait_for_timeout(200)
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert quote("Добрый") in page.url.replace("+", "%20")


def test_a_broken_connection_is_said_and_tried_again(open_page, expected):
    expected += ["ERR_CONNECTION_RESET", "ERR_FAILED", "ERR_INTERNET_DISCONNECTED"]
    page = open_page()
    page.context.set_offline(True)
    page.locator("#q").fill("Добрый день")
    page.locator("#q").press("Enter")
    alert = page.locator("#results .problem")
    expect(alert).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert not violations(page)
    page.context.set_offline(False)
    alert.locator("button, a").click()
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    expect(alert).to_have_count(0)


def test_a_text_too_long_for_an_address_is_refused(open_page, expected):
    expected.append("414")
    page = open_page()
    page.locator("#q").fill("слово " * 1200)
    page.locator("#q").press("Enter")
    expect(page.locator("#results .problem")).to_contain_text("bytes")
    page.locator("#q").fill("Добрый день")
    page.locator("#q").press("Enter")
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")


@pytest.mark.parametrize("status", [500, 503, 413])
def test_an_error_that_is_no_page_is_said(open_page, expected, status):
    expected.append(str(status))
    page = open_page()
    page.route(
        "**/?q=*",
        lambda route: route.fulfill(status=status, json={"error": "<b>busy</b>"}),
    )
    page.locator("#q").fill("Добрый день")
    page.locator("#q").press("Enter")
    expect(page.locator("#results .problem")).to_contain_text("<b>busy</b>")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
