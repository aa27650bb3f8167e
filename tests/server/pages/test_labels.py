"""Labels in five languages: complete, in the right form, and, in Kabardian, attested."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from searchkbd.server.pages.labels import UI_LANGUAGES, Labels, labels_for, labels_in
from searchkbd.text.forms import search_key, words

FORMS = {
    "en": {"one", "other"},
    "tr": {"one", "other"},
    "fr": {"one", "other"},  # and many, where a million needs "de"
    "ru": {"one", "few", "many", "other"},
    "kbd": {"one", "few", "many", "other"},  # its labels with forms are Russian
}


def asking(query: str = "", **headers: str) -> Request:
    """Return a request with these headers, as a server hands it to a handler."""
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return Request({
        "type": "http", "method": "GET", "path": "/", "query_string": query.encode(),
        "headers": raw,
    })  # fmt: skip


def forms(label: str | dict[str, str]) -> dict[str, str]:
    return {"other": label} if isinstance(label, str) else dict(label)


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"\{(\w*)\}", text))


# What the files hold


@pytest.mark.parametrize("ui", UI_LANGUAGES)
def test_each_language_has_all_labels(ui):
    assert labels_in(ui).keys() == labels_in("en").keys()


@pytest.mark.parametrize("ui", UI_LANGUAGES)
def test_labels_have_the_same_places_for_values_in_each_language(ui):
    for key, label in labels_in(ui).items():
        wanted = placeholders(forms(labels_in("en")[key])["other"])
        for form, text in forms(label).items():
            assert text.strip() == text != "", key
            assert placeholders(text) == wanted, f"{key} ({form})"


@pytest.mark.parametrize("ui", UI_LANGUAGES)
def test_labels_have_the_plural_forms_of_their_language(ui):
    for key, label in labels_in(ui).items():
        if not isinstance(label, str):
            assert FORMS[ui] <= set(label) <= FORMS[ui] | {"many"}, key


@pytest.mark.parametrize("ui", UI_LANGUAGES)
def test_a_label_is_text_and_no_markup(ui):
    for label in labels_in(ui).values():
        assert not re.search(r"[<>&]", "".join(forms(label).values()))


def test_every_label_that_a_template_names_is_there():
    folder = resources.files("searchkbd.server") / "templates"
    named = set()
    for file in folder.iterdir():
        source = file.read_text(encoding="utf-8")
        named |= set(re.findall(r"""\bt\(\s*["']([\w.]+)["']\s*[,)]""", source))
    assert len(named) > 50
    assert named <= labels_in("en").keys()


def test_languages_differ():
    """A file that was copied and not translated would be complete, too."""
    english = labels_in("en")
    for ui in ("ru", "tr", "fr"):
        same = {key for key, label in labels_in(ui).items() if label == english[key]}
        assert len(same) < len(english) / 10, sorted(same)


# Kabardian


def test_kabardian_labels_are_attested_or_russian(shared_data):
    russian = labels_in("ru")
    own = {key: label for key, label in labels_in("kbd").items() if label != russian[key]}
    assert len(own) > 30
    texts = " ".join(text for label in own.values() for text in forms(label).values())
    wanted = set(words(search_key(re.sub(r"\{\w+\}", " ", texts))))
    assert "адыгэбзэ" in wanted
    for text in kabardian_texts(shared_data):
        # The key of a text takes long, and most texts have none of the words.
        if any(max(word.split("ӏ"), key=len) in text.casefold() for word in wanted):
            wanted -= set(words(search_key(text)))
    assert not wanted, "these words are not attested"


def kabardian_texts(data: Path) -> Iterator[str]:
    """Yield the Kabardian texts of the training pairs, the evaluation sets and the corpus."""
    for path in [*data.glob("train/*kbd*.tsv"), *data.glob("dev/*kbd*.tsv")]:
        yield from kabardian(path, "lang_a", "text_a")
    yield from kabardian(data / "corpus/large.tsv", "lang", "text")


def kabardian(path: Path, lang: str, text: str) -> Iterator[str]:
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row[lang] == "kbd":
                yield row[text]


# How they are written


@pytest.mark.parametrize(
    ("ui", "said"),
    [
        ("en", {0: "0 results", 1: "1 result", 2: "2 results", 21: "21 results"}),
        ("tr", {0: "0 sonuç", 1: "1 sonuç", 2: "2 sonuç"}),
        ("fr", {0: "0 résultat", 1: "1 résultat", 2: "2 résultats"}),
        (
            "ru",
            {
                1: "1 результат", 2: "2 результата", 4: "4 результата", 5: "5 результатов",
                0: "0 результатов", 11: "11 результатов", 12: "12 результатов",
                14: "14 результатов", 21: "21 результат", 22: "22 результата",
                111: "111 результатов", 121: "121 результат",
            },
        ),
    ],
)  # fmt: skip
def test_plural_forms(ui, said):
    for n, text in said.items():
        assert Labels(ui)("search.results", n=n) == text


def test_french_puts_de_after_a_million():
    french = Labels("fr")
    assert french("overview.sentences", n=2_000_000) == "de phrases"
    assert french("overview.sentences", n=2_000_001) == "phrases"


@pytest.mark.parametrize(
    ("ui", "whole", "fraction"),
    [
        ("en", "1,234,567", "0.87"),
        ("ru", "1\u00a0234\u00a0567", "0,87"),
        ("kbd", "1\u00a0234\u00a0567", "0,87"),
        ("fr", "1\u202f234\u202f567", "0,87"),
        ("tr", "1.234.567", "0,87"),
    ],
)
def test_numbers_are_written_as_the_language_does(ui, whole, fraction):
    assert Labels(ui).number(1234567) == whole
    assert Labels(ui).number(0.8749, 2) == fraction
    assert Labels(ui)("errors.long", count=1234567, most=1).count(whole) == 1


def test_what_is_put_into_a_label_is_never_read_as_one():
    assert Labels("en")("search.read_as", language="{n} {0.__class__}") == (
        "read as {n} {0.__class__}"
    )


def test_languages_have_names_and_others_their_code():
    assert Labels("tr").language("kbd") == "Kabardeyce"
    assert Labels("kbd").language("kbd") == "адыгэбзэ"
    assert Labels("fr").language("xal") == "xal"


def test_a_label_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        Labels("en")("search.no_such_label")


# Which language


@pytest.mark.parametrize(
    ("query", "headers", "ui"),
    [
        ("", {}, "en"),
        ("", {"accept_language": "ru-RU,ru;q=0.9,en;q=0.8"}, "ru"),
        ("", {"accept_language": "de-DE, fr;q=0.3, tr ; q=0.7"}, "tr"),
        ("", {"accept_language": "KBD"}, "kbd"),
        ("", {"accept_language": "en;q=0, de"}, "en"),
        ("", {"accept_language": "fr;q=nan, ru;q=2, tr;q=x"}, "en"),
        ("", {"accept_language": "*"}, "en"),
        ("", {"accept_language": "fr", "cookie": "ui=tr"}, "tr"),
        ("", {"accept_language": "fr", "cookie": "ui=../../etc"}, "fr"),
        ("ui=kbd", {"accept_language": "fr", "cookie": "ui=tr"}, "kbd"),
        ("ui=de", {"accept_language": "fr"}, "fr"),
    ],
)
def test_the_language_of_the_labels(query, headers, ui):
    assert labels_for(asking(query, **headers)).ui == ui


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_header_is_an_error(header):
    assert labels_for(asking(accept_language=header)).ui in UI_LANGUAGES


def test_pages_are_served_in_each_language(browser):
    for ui in UI_LANGUAGES:
        for path in ("/", "/memory", "/concordance", "/overview", "/sentences/p0004-kbd"):
            answer = browser.get(path, params={"ui": ui})
            assert answer.status_code == 200
            assert f'<html lang="{ui}">' in answer.text
