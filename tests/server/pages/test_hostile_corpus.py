"""Pages of an index, and of queries, that try to be HTML."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from live_server import live_server
from page_reading import of_class, page_of, texts

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.writer import build_index

SCRIPT = "<script>alert('дом')</script>"
TEXTS = (
    SCRIPT,
    'дом "><img src=x onerror=alert(1)> дом',
    "дом </textarea></title></style><svg/onload=alert(1)>",
    "дом {{ 7 * 7 }} {% raw %} ${x} &lt;b&gt; &amp;",
    "дом' onmouseover='alert(1)",
    "дом javascript:alert(1) //evil.example",
    "дом\u202eмод \u2066x",
    "дом" + " длинный" * 2000,
)
ORIGIN = "mt:<b onclick=alert(1)>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, embedded) -> Iterator[httpx.Client]:
    """A server of sentences whose texts, ids, groups and origins are all hostile."""
    directory = tmp_path_factory.mktemp("hostile") / "index"
    sentences = [
        Sentence(f"{lang}/../{n}?<i>\"'&#{n}", lang, text, f"<u>{n}", ORIGIN, None, Place("t", n))
        for n, text in enumerate(TEXTS)
        for lang, text in (("ru", text), ("kbd", f"унэ {text}"), ("ka", f"{text} sakhli"))
    ]
    build_index(directory, sentences, embedded)
    with (
        live_server(directory) as server,
        httpx.Client(base_url=server.url, headers={"Accept": "text/html"}, timeout=30) as client,
    ):
        yield client


ADDRESSES = [
    ("/", {"q": "дом", "k": "50"}),
    ("/memory", {"q": "дом", "from": "ru", "to": "kbd"}),
    ("/memory", {"q": TEXTS[1], "from": "ru", "to": "ka"}),
    ("/concordance", {"q": "дом"}),
    ("/concordance", {"q": "дом", "lang": "ka", "to": "ru"}),
]


@pytest.mark.parametrize(("path", "params"), ADDRESSES)
def test_texts_are_shown_as_they_are(hostile, path, params):
    answer = hostile.get(path, params=params)
    assert answer.status_code == 200
    page = page_of(answer)
    assert SCRIPT in page.text_content() or path == "/memory"
    assert {element.tag for element in page.xpath("//section[@id='results']//*")} <= {
        "div", "p", "strong", "span", "ol", "li", "ul", "abbr", "button", "svg", "use", "meter",
        "mark", "a", "del", "ins", "b", "h2", "h3", "dl", "dt", "dd", "q", "nav",
    }  # fmt: skip
    assert not page.xpath("//b[@onclick] | //section[@id='results']//script | //img")


def test_what_is_copied_is_the_text(hostile):
    page = page_of(hostile.get("/", params={"q": "дом", "to": "ru", "k": "50"}))
    hits = page.xpath(f"//div[{of_class('hit')}]//button/@data-copy")
    assert set(TEXTS) <= set(hits)


def test_links_to_sentences_lead_to_them(hostile):
    page = page_of(hostile.get("/", params={"q": SCRIPT, "to": "ru", "k": "3"}))
    for card in page.xpath("//li[@class='card']"):
        answer = hostile.get(card.xpath(f".//a[{of_class('open')}]/@href")[0])
        assert answer.status_code == 200
        assert texts(card, f".//div[{of_class('hit')}]/p")[0] in texts(page_of(answer), "//h1")


def test_machine_translations_are_marked(hostile):
    page = page_of(hostile.get("/", params={"q": "дом", "to": "ru", "k": "2"}))
    for card in page.xpath("//li[@class='card']"):
        facts = f".//div[{of_class('facts')}]//*[{of_class('machine')}]"
        assert texts(card, facts) == ["machine-translated"]
        below = card.xpath(f".//ul[{of_class('translations')}]/li")
        assert below
        assert all(line.xpath(f".//*[{of_class('machine')}]") for line in below)


def test_another_language_can_be_chosen(hostile):
    page = page_of(hostile.get("/", params={"q": "sakhli", "to": "ka"}))
    assert set(texts(page, f"//div[{of_class('hit')}]/abbr")) == {"ka"}
    assert page.xpath("//input[@name='to']/@value") == ["", "kbd", "ru", "ka"]


@pytest.mark.parametrize("path", ["/", "/memory", "/concordance"])
@pytest.mark.parametrize("query", [*TEXTS[:7], "\ufffd", "дом" * 1000, "a\u0301" * 50])
def test_a_query_is_shown_as_it_is(hostile, path, query):
    answer = hostile.get(path, params={"q": query, "to": "kbd", "from": query[:40]})
    assert answer.status_code in (200, 422)
    box = page_of(answer).get_element_by_id("q")
    assert (box.text_content() if box.tag == "textarea" else box.get("value")).strip() == query
