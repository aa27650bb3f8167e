"""Numbers of the segment in the translation: where it is certain, and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.memory.numbers import with_numbers_of
from searchkbd.text.segment import read_segment


def substituted(segment: str, source: str, target: str) -> str | None:
    return with_numbers_of(read_segment(segment), read_segment(source), target)


@pytest.mark.parametrize(
    ("segment", "source", "target", "expected"),
    [
        ("Встреча в 12", "Встреча в 10", "Toplantı saat 10'da", "Toplantı saat 12'da"),
        ("С 3 до 1", "С 1 до 3", "1-м къыщыщӏэдзауэ 3-м нэс", "3-м къыщыщӏэдзауэ 1-м нэс"),
        ("2,7 кг", "1,5 кг", "1.5 kg", "2.7 kg"),
        ("2,345.5 m", "1,234.5 m", "1.234,5 m", "2.345,5 m"),
        ("в 9:15", "в 10:30", "10:30'da", "9:15'da"),
        ("в 9:15", "в 10:30", "saat 10.30", "saat 9.15"),
        ("5 и 5", "3 и 3", "3 ve 3", "5 ve 5"),
        ("в 5 домах 7 окон", "в 5 домах 6 окон", "beş evde 6 pencere", "beş evde 7 pencere"),
        ("файл {0}: 4", "файл {0}: 3", "{0} dosyası: 3", "{0} dosyası: 4"),
        ("11 щIалэ", "10 щIалэ", "щ1алэ 10, щ1э", "щ1алэ 11, щ1э"),
        # nothing to do, or not certain
        ("в 10", "в 10", "10'da", None),
        ("в 10", "в школе", "10'da", None),
        ("в 10 и 11", "в 10", "10'da", None),
        ("5 и 6", "3 и 3", "3 ve 3", None),
        ("в 12", "в 10", "onda", None),
        ("в 12", "в 10", "10, yani 10", None),
        ("2,5 кг", "3 кг", "3 kg", None),
        ("1 человек", "2 человека", "щ2алэ", None),
    ],
)
def test_substitution(segment, source, target, expected):
    assert substituted(segment, source, target) == expected


numbers = st.lists(st.integers(2, 999).map(str), min_size=1, max_size=4)


@given(numbers, st.data())
def test_a_template_is_filled_anew(old, data):
    new = data.draw(st.lists(st.integers(2, 999).map(str), min_size=len(old), max_size=len(old)))
    order = data.draw(st.permutations(range(len(old))))

    def text(values):
        return " и ".join(values)

    found = substituted(text(new), text(old), text([old[at] for at in order]))
    becomes = set(zip(old, new, strict=True))
    if old == new or len(becomes) != len(set(old)):
        assert found is None
    else:
        assert found == text([new[at] for at in order])
