"""What all pages have: their frame, the language of their labels, fragments, errors."""

from __future__ import annotations

import httpx
import pytest
from live_server import live_server
from page_reading import assert_self_contained, of_class, page_of, texts

from searchkbd.server.pages.labels import UI_LANGUAGES

ASKED = {"/": "дом", "/memory": "Мой дом стоит в городе.", "/concordance": "*къым"}


@pytest.mark.parametrize("path", ASKED)
def test_a_page_is_whole_and_can_be_walked_by_keyboard(browser, path):
    for params in ({}, {"q": ASKED[path]}):
        page = page_of(browser.get(path, params=params))
        assert page.get("lang") == "en"
        (skip,) = page.xpath(f"//a[{of_class('skip')}]/@href")
        assert skip == "#main" and page.xpath("//main[@id='main']")
        assert len(page.xpath("//h1")) == 1
        (here,) = page.xpath("//nav//a[@aria-current='page']/@href")
        assert here.split("?")[0] == path
        assert page.xpath("//*[@id='announce'][@role='status']")
        for control in page.xpath("//form//input | //form//textarea"):
            named = page.xpath(f"//label[@for='{control.get('id')}']")
            assert named or control.xpath("ancestor::label")


@pytest.mark.parametrize("path", ASKED)
def test_tabs_carry_the_question(browser, path):
    page = page_of(browser.get(path, params={"q": "щӏэ & <b>"}))
    tabs = page.xpath("//a[@data-carry]/@href")
    assert len(tabs) == 3
    for address in tabs:
        again = page_of(browser.get(address)).get_element_by_id("q")
        assert (again.get("value") or again.text_content().strip()) == "щӏэ & <b>"


@pytest.mark.parametrize("path", ASKED)
def test_a_fragment_is_the_results_of_the_page_alone(browser, path):
    params = {"q": ASKED[path]}
    whole = browser.get(path, params=params)
    part = browser.get(path, params=params, headers={"X-Fragment": "1"})
    assert part.headers["x-fragment"] == "1" and "x-fragment" not in whole.headers
    assert "<html" not in part.text and "<form" not in part.text
    assert part.text.strip() in whole.text
    (root,) = httpx_fragment(part)
    assert root.get("data-title").startswith(ASKED[path])
    assert root.get("data-announce")


@pytest.mark.parametrize("path", ASKED)
def test_a_browser_that_goes_back_never_takes_a_fragment_for_the_page(browser, path):
    for headers, kept in (({}, "no-cache"), ({"X-Fragment": "1"}, "no-store")):
        answer = browser.get(path, params={"q": ASKED[path]}, headers=headers)
        assert answer.headers["cache-control"] == kept
        assert "X-Fragment" in answer.headers["vary"]


def test_a_problem_is_a_fragment_too(browser):
    answer = browser.get("/", params={"q": "..."}, headers={"X-Fragment": "1"})
    assert (answer.status_code, answer.headers["x-fragment"]) == (422, "1")
    (root,) = httpx_fragment(answer)
    assert "no letter" in root.get("data-announce")


@pytest.mark.parametrize("path", ["/", "/memory", "/concordance"])
def test_head_answers_as_get_does(browser, path):
    head, get = browser.head(path), browser.get(path)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


# The language of the labels


@pytest.mark.parametrize("ui", ["en", "ru"])
def test_labels_are_in_the_language_chosen_and_stay_so(browser, ui):
    first = browser.get("/", params={"q": "дом", "ui": ui})
    assert page_of(first).get("lang") == ui
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"ui={ui};")
    assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower() and "Path=/" in cookie
    again = browser.get("/memory")
    assert page_of(again).get("lang") == ui
    assert "set-cookie" not in again.headers


def test_the_choice_of_a_language_keeps_the_question(browser):
    address = {"q": "дом & сад", "to": ["ru", "kbd"], "ui": "en"}
    page = page_of(browser.get("/", params=address))
    links = page.xpath("//a[@data-ui]")
    assert [link.get("hreflang") for link in links] == list(UI_LANGUAGES)
    for link in links:
        assert link.get("lang") == link.get("hreflang")
        params = httpx.URL(link.get("href")).params
        assert params.get_list("to") == ["ru", "kbd"] and params["q"] == "дом & сад"
        assert params.get_list("ui") == [link.get("hreflang")]


@pytest.mark.parametrize("ui", ["xx", "", "<script>", "en\r\nSet-Cookie: a=b", "ru;q=1"])
def test_an_unknown_language_of_labels_is_passed_over(browser, ui):
    answer = browser.get("/", params={"ui": ui})
    assert page_of(answer).get("lang") == "en"
    assert "set-cookie" not in answer.headers


# Under a proxy


def test_links_stay_under_the_root_path(phrasebook_index):
    with live_server(phrasebook_index, root_path="/kbd") as server:
        for prefix in ("", "/kbd"):
            answer = httpx.get(
                f"{server.url}{prefix}/", params={"q": "дом", "ui": "en"},
                headers={"Accept": "text/html", "Host": f"localhost:{server.port}"},
            )  # fmt: skip
            page = page_of(answer)
            for address in page.xpath("//@href | //@src | //@action"):
                assert address.startswith(("/kbd/", "#")), address
            assert "Path=/kbd;" in answer.headers["set-cookie"]
            style = page.xpath("//link[@rel='stylesheet']/@href")[0]
            assert httpx.get(server.url + style).status_code == 200


def test_the_host_header_is_in_no_link(phrasebook_index):
    with live_server(phrasebook_index, allowed_hosts=("evil.example",)) as server:
        answer = httpx.get(server.url, headers={"Host": "evil.example", "Accept": "text/html"})
    assert answer.status_code == 200
    assert "evil.example" not in answer.text


# Errors


@pytest.mark.parametrize("path", ["/nothing", "/memory/", "/static/", "//evil.example/x", "/a%2Fb"])
def test_an_unknown_address_is_a_page_of_its_own(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 404
    page = page_of(answer)
    assert texts(page, "//h1") == ["There is no such page"]
    assert page.xpath("//main//a/@href") == ["/"]


def test_who_does_not_read_pages_is_told_in_json(browser):
    answer = browser.get("/nothing", headers={"Accept": "*/*"})
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_a_page_cannot_be_posted_to(browser):
    answer = browser.post("/memory", data={"q": "дом"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert texts(page_of(answer), "//h1")


@pytest.mark.parametrize("fragment", [False, True])
def test_an_error_of_the_server_is_a_page_that_tells_nothing(phrasebook_index, caplog, fragment):
    headers = {"Accept": "text/html", **({"X-Fragment": "1"} if fragment else {})}
    with live_server(phrasebook_index) as server:
        server.app.state.service = None  # a fault of the program
        answer = httpx.get(f"{server.url}/", params={"q": "дом"}, headers=headers)
    assert answer.status_code == 500
    assert ("x-fragment" in answer.headers) is fragment
    assert "NoneType" not in answer.text and "Traceback" not in answer.text
    assert "error of the server" in answer.text
    assert "NoneType" in caplog.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def httpx_fragment(answer: httpx.Response) -> list:
    """Return the elements of a fragment, after checking what holds for every page."""
    from lxml import html

    elements = html.fragments_fromstring(answer.text)
    for element in elements:
        assert_self_contained(element)
    return elements
