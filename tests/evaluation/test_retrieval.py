"""What is searched, and what is right."""

from __future__ import annotations

import pytest

from searchkbd.errors import SearchkbdError
from searchkbd.evaluation import retrieval
from searchkbd.evaluation.pairs import PairSet, Side
from searchkbd.evaluation.retrieval import both_directions, without


def right(one) -> dict[str, set[str]]:
    """Source text → its right targets."""
    answer = {source: set() for source in one.sources}
    for source, target in zip(one.relevance.sources, one.relevance.targets, strict=True):
        answer[one.sources[source]].add(one.targets[target])
    return answer


def test_equal_texts_are_one_and_have_the_targets_of_both():
    there, back = both_directions(
        PairSet.from_texts("x", ("ru", "en"), ["Да.", "да.", "Нет."], ["Yes.", "Yeah.", "YES."])
    )
    assert right(there) == {"Да.": {"Yes.", "Yeah."}, "Нет.": {"Yes."}}
    assert right(back) == {"Yes.": {"Да.", "Нет."}, "Yeah.": {"Да."}}
    assert there.rows.tolist() == [0, 0, 1] and back.rows.tolist() == [0, 1, 0]
    assert there.langs == ("ru", "en") and back.langs == ("en", "ru")
    for one in (there, back):
        for source, start in enumerate(one.relevance.start[:-1]):
            stop = one.relevance.start[source + 1]
            assert set(one.relevance.sources[start:stop]) == {source}


def test_a_palochka_in_another_spelling_is_the_same_text():
    one, _ = both_directions(
        PairSet.from_texts("x", ("kbd", "ru"), ["щIыIэщ", "щӏыӏэщ"], ["Холодно.", "Стужа."])
    )
    assert right(one) == {"щIыIэщ": {"Холодно.", "Стужа."}}


def test_every_text_of_the_group_is_right():
    one, back = both_directions(
        PairSet("x", (Side("ru", ("а", "б"), tuple("12")), Side("en", tuple("xyz"), tuple("121"))))
    )
    assert right(one) == {"а": {"x", "z"}, "б": {"y"}}
    assert right(back) == {"x": {"а"}, "y": {"б"}, "z": {"а"}}


def test_groups_that_cannot_be_translations_are_refused(monkeypatch):
    monkeypatch.setattr(retrieval, "MAX_RELEVANT", 8)
    texts, group = ("а", "б", "в"), ("1", "1", "1")
    with pytest.raises(SearchkbdError, match="x: groups are too large .*9 pairs of ru and en"):
        both_directions(PairSet("x", (Side("ru", texts, group), Side("en", texts, group))))


def test_distractors_without_the_targets():
    assert without(["Да", "дом", "Сад", "Лес"], frozenset({"дом"}), 2) == ["Да", "Сад"]
    assert without([], frozenset(), 2) == []
