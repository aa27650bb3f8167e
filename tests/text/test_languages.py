from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.text.languages import LANGUAGES, NAMES, UnknownLanguageError, normalize_language


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("kbd", "kbd"), ("KBD-RU", "kbd"), ("kbd-Cyrl", "kbd"), ("kbd_Latn_TR", "kbd"),
        ("ru", "ru"), ("RU", "ru"), ("rus", "ru"), ("ru-RU", "ru"), ("ru_RU", "ru"),
        ("en", "en"), ("eng", "en"), ("en-GB", "en"), ("en-x-dict", "en"),
        ("fr", "fr"), ("fra", "fr"), ("fre", "fr"), ("fr-419", "fr"),
        ("tr", "tr"), ("tur", "tr"), ("TR-tr", "tr"), (" tr\n", "tr"),
    ],
)  # fmt: skip
def test_tags_of_the_five_are_folded(tag: str, code: str) -> None:
    assert normalize_language(tag) == code


@pytest.mark.parametrize(
    ("tag", "code"),
    [("deu", "de"), ("ger", "de"), ("ady", "ady"), ("ukr", "uk"), ("az-Latn", "az"),
     ("zh-Hant-TW", "zh"), ("abk", "ab"), ("che", "ce"), ("iw", "he"), ("KK_kz", "kk")],
)  # fmt: skip
def test_other_languages_get_their_canonical_code(tag: str, code: str) -> None:
    assert normalize_language(tag) == code


@pytest.mark.parametrize(
    "tag",
    ["", "  ", "-", "_", "x", "xx", "xyz", "klingon123", "english", "русский", "ru-RU!", "ru--RU",
     "und", "mul", "zxx", "UND-Cyrl", "x-private", "root", "ru\0", "ru,en", "тr", "a" * 10_000,
     "en" + "-abcd" * 20],
)  # fmt: skip
def test_what_names_no_language_is_refused(tag: str) -> None:
    with pytest.raises(UnknownLanguageError) as caught:
        normalize_language(tag)
    assert isinstance(caught.value, ValueError)
    assert 0 < len(str(caught.value)) < 200


@given(st.text(max_size=12) | st.from_regex(r"[a-zA-Z]{1,9}([-_][a-zA-Z0-9]{1,9}){0,3}"))
@settings(max_examples=200)
def test_any_string_is_folded_once_or_refused(tag: str) -> None:
    try:
        code = normalize_language(tag)
    except UnknownLanguageError:
        return
    assert code.isascii() and code.islower() and 2 <= len(code) <= 3
    assert normalize_language(code) == code
    assert normalize_language(tag.upper()) == code


def test_the_five_are_their_own_codes_and_have_names() -> None:
    assert LANGUAGES == ("kbd", "ru", "en", "fr", "tr")
    for code in LANGUAGES:
        assert normalize_language(code) == code
        assert NAMES[code].istitle()


def test_common_tags_need_no_language_library() -> None:
    code = (
        "import sys; from searchkbd.text.languages import normalize_language as n\n"
        "assert [n(t) for t in ('ru-RU', 'KBD', 'fre', 'en_US')] == ['ru', 'kbd', 'fr', 'en']\n"
        "assert 'langcodes' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
