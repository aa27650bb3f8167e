import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.transformer.model_text import model_text


@pytest.mark.parametrize("spelling", ["ӏ", "Ӏ", "I", "l", "1", "|"])
def test_every_spelling_of_the_palochka_becomes_the_models(spelling):
    assert model_text(f"Щ{spelling}алэр щы{spelling}эщ", "kbd", "I") == "ЩIалэр щыIэщ"
    assert model_text(f"щ{spelling}ыб", "ady", "ӏ") == "щӏыб"


def test_letter_case_is_kept():
    text = "СИ ЩIАЛЭР Налшык щыIэщ"
    assert model_text(text, "kbd", "I") == text


@given(st.text(), st.sampled_from(["ru", "en", "fr", "tr", None, "und"]))
def test_texts_without_a_palochka_are_as_they_were(text, lang):
    assert model_text(text, lang, "I") == text


@given(st.text())
def test_without_a_spelling_no_text_is_changed(text):
    assert model_text(text, "kbd", None) == text
