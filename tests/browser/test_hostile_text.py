"""Texts, ids, origins and queries that are HTML, scripts or worse: shown as they are written."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from live_server import live_server
from playwright.sync_api import expect

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.writer import build_index

# Each would leave a mark in the window, open a dialog, load something, or end the page's markup.
TEXTS = [
    "<script>window.hacked=1;alert(1)</script> скрипт",
    "<img src=x onerror=window.hacked=1> картинка",
    '"><svg onload=window.hacked=1> вектор',
    "' onmouseover='window.hacked=1' autofocus onfocus='window.hacked=1' атрибут",
    "</textarea></mark></article><h1>заголовок</h1>",
    "</script><!-- комментарий",
    "{{ 7*7 }} {% raw %} ${7*7} шаблон",
    "&lt;b&gt; &amp;amp; &#60;i&#62; сущности",
    "<base href=//searchkbd.invalid/> <meta http-equiv=refresh content=0> основание",
    "javascript:alert(1) ссылка",
    "справа \u202eналево и \u2066изолят",
    "длинное " + "слово" * 400,
    "знаки е\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" + "\u0301" * 40 + " друг над другом",
]
HOSTILE = '"><img src=x onerror=window.hacked=1>'
IDS = [f"id{at}/{HOSTILE}?x#y&z=%2F" for at in range(len(TEXTS))]


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory, embedded):
    directory = tmp_path_factory.mktemp("hostile") / "index"
    sentences = [
        Sentence(
            id=f"{id}{lang}", lang=lang, text=text, group=f"g{at}{HOSTILE}",
            origin=f"mt:{HOSTILE}", meta={HOSTILE: HOSTILE}, source=Place(HOSTILE, at + 1),
        )
        for at, (id, text) in enumerate(zip(IDS, TEXTS, strict=True))
        for lang in ("ru", "kbd", "und")
    ]  # fmt: skip
    build_index(directory, sentences, embedded)
    with live_server(directory) as server:
        yield server


def unharmed(page) -> None:
    """Assert that no text of a page has become markup of it, or was run."""
    assert page.evaluate("window.hacked") is None
    strangers = "main :is(script, img, base, iframe, object, embed, h1 ~ h1, [onerror], [onload])"
    assert page.locator(strangers).count() == 0
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], "a text makes the page wider than the window"


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_is_found_and_shown_as_it_is(open_page, hostile_site, text):
    page = open_page("/?" + urlencode({"q": text}), url=hostile_site.url)
    card = page.locator("#results .card").first
    assert text in card.text_content()
    assert page.locator("#q").input_value() == text
    unharmed(page)


def test_a_query_by_the_script_is_shown_as_it_is(open_page, hostile_site):
    page = open_page(url=hostile_site.url)
    for text in TEXTS[:6]:
        page.locator("#q").fill(text)
        page.locator("#q").press("Enter")
        expect(page.locator("#results .card").first).to_contain_text(text)
        unharmed(page)
    page.go_back()
    expect(page.locator("#q")).to_have_value(TEXTS[4])
    unharmed(page)


@pytest.mark.parametrize(
    "path",
    [
        "/memory?" + urlencode({"q": TEXTS[0], "from": "ru", "to": "kbd"}),
        "/memory?" + urlencode({"q": TEXTS[3] + " <b>и ещё</b>", "from": "ru", "to": "kbd"}),
        "/concordance?q=" + quote("window"),
        "/concordance?" + urlencode({"q": "'\"><script>alert(1)</script>"}),
        "/overview",
        "/sentences/" + quote(IDS[0] + "ru", safe=""),
        "/sentences/" + quote(IDS[9] + "kbd", safe=""),
    ],
    ids=["memory", "difference", "concordance", "pattern", "overview", "sentence", "link"],
)
def test_other_pages_show_texts_as_they_are(open_page, hostile_site, expected, path):
    if "script" in path and "concordance" in path:
        expected.append("422")  # a pattern that means nothing is refused in the page
    page = open_page(path, url=hostile_site.url)
    unharmed(page)


def test_a_link_leads_to_a_sentence_whatever_its_id(open_page, hostile_site):
    page = open_page("/?" + urlencode({"q": TEXTS[0]}), url=hostile_site.url)
    page.locator("#results .card a[href*='/sentences/']").first.click()
    expect(page.locator("main")).to_contain_text(TEXTS[0])
    assert page.url.startswith(hostile_site.url + "/sentences/")
    unharmed(page)


@pytest.mark.parametrize(
    "path",
    [
        "/?ui=%3Cscript%3E&q=a&from=%22%3E%3Cimg%20src=x%3E",
        "/?q=день&to=%3Cscript%3Ealert(1)%3C/script%3E",
        "/memory?q=день&from=../../etc&to=%EF%BF%BD",
        "/concordance?q=*+*+*&sort=%3Csvg%20onload=alert(1)%3E",
        "/sentences/%3Cscript%3Ealert(1)%3C/script%3E",
        "/%3Cimg%20src=x%20onerror=alert(1)%3E",
    ],
)
def test_hostile_addresses_are_refused_in_a_page(open_page, site, expected, path):
    expected.append(r"40[04]|422")
    page = open_page(path)
    unharmed(page)
    assert page.locator("main h1, main .problem, #results").count()
