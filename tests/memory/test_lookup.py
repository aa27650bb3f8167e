"""Translation-memory look-ups: kinds, scores, order, both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.memory.lookup import edit_quality, look_up
from searchkbd.memory.match import MatchKind
from searchkbd.text.forms import search_key

UNITS = [
    ("Где находится школа?", "Еджапӏэр дэнэ щыӏэ?"),
    ("Где находится больница?", "Сымаджэщыр дэнэ щыӏэ?"),
    ("Мы живём у реки.", "Дэ псым деж дыщопсэу."),
    ("Мы жили у реки.", "Дэ псым деж дыщыпсэуащ."),
    ("Завтра будет снег.", "Пщэдей уэс къесынущ."),
    ("завтра будет снег", "Пщэдей уэс къесынущ."),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("memory") / "i"
    items = []
    for n, (ru, kbd) in enumerate(UNITS):
        for lang, text in [("ru", ru), ("kbd", kbd)]:
            origin = f"o{n}-{lang}"
            items.append(Sentence(f"{lang}{n}", lang, text, f"g{n}", origin, None, Place("t", n)))
    # Nearer in letters than any unit, but nobody translated these.
    items += [
        Sentence(f"x{n}", "ru", f"Где находится школа {n}?", f"x{n}", "t", None, Place("t", n))
        for n in range(300)
    ]
    build_index(directory, items, trigrams)
    with IndexReader(directory) as reader:
        yield reader


def matches(reader, trigrams, segment, source="ru", target="kbd", **options):
    return look_up(reader, trigrams, [segment], source, target, **options)[0].matches


def test_an_exact_match_whatever_the_case_and_spelling(reader, trigrams):
    best = matches(reader, trigrams, "ГДЕ  НАХОДИТСЯ ШКОЛА?")[0]
    assert (best.kind, best.quality, best.target) == (MatchKind.EXACT, 100, UNITS[0][1])
    assert best.similarity == pytest.approx(1)
    assert (best.source_id, best.target_id, best.origin) == ("ru0", "kbd0", "o0-kbd")
    back = matches(reader, trigrams, "еджап1эр дэнэ щы1э?", "kbd", "ru")[0]
    assert (back.kind, back.target) == (MatchKind.EXACT, UNITS[0][0])


def test_kinds_follow_quality_and_come_in_order(reader, trigrams):
    found = matches(reader, trigrams, "Где находится школа", k=10, min_similarity=-1)
    assert [m.rank for m in found] == list(range(1, len(found) + 1))
    kinds = [m.kind for m in found]
    assert kinds == sorted(kinds, key=[*MatchKind].index)
    assert found[0].kind is MatchKind.FUZZY and found[0].quality == 95
    for match in found:
        assert match.quality == edit_quality(search_key("Где находится школа"),
                                             search_key(match.source))
        assert (match.kind is MatchKind.SEMANTIC) == (match.quality < 60)
    semantic = [m.similarity for m in found if m.kind is MatchKind.SEMANTIC]
    assert semantic and semantic == sorted(semantic, reverse=True)


def test_every_unit_is_reached_behind_many_untranslated_neighbours(reader, trigrams):
    found = matches(reader, trigrams, "Где находится школа", k=10, min_similarity=-1)
    assert len(found) == 5  # six units, two of them with the same target


def test_thresholds(reader, trigrams):
    segment = "Где находится аптека?"
    assert {m.kind for m in matches(reader, trigrams, segment, min_similarity=1)} == {
        MatchKind.FUZZY
    }
    assert matches(reader, trigrams, segment, min_quality=99, min_similarity=1) == ()
    near = matches(reader, trigrams, segment, min_quality=99, min_similarity=0.5)
    assert near and all(m.kind is MatchKind.SEMANTIC and m.similarity >= 0.5 for m in near)


def test_the_same_target_is_offered_once_by_its_best_match(reader, trigrams):
    found = matches(reader, trigrams, "Завтра будет снег.")
    assert [m.target for m in found].count("Пщэдей уэс къесынущ.") == 1
    assert found[0].source_id == "ru4"


def test_a_language_without_sentences_has_no_matches(reader, trigrams):
    assert matches(reader, trigrams, "Where?", "en", "kbd") == ()
    assert matches(reader, trigrams, "Где?", "ru", "tr") == ()


def test_a_batch_answers_like_single_segments(reader, trigrams):
    segments = ["Где находится школа?", "Мы живём", "снег"]
    batch = look_up(reader, trigrams, segments, "ru", "kbd", min_similarity=0.1)
    for segment, result in zip(segments, batch, strict=True):
        single = matches(reader, trigrams, segment, min_similarity=0.1)
        assert [m.target_id for m in single] == [m.target_id for m in result.matches]


def test_json_shape(reader, trigrams):
    shape = look_up(reader, trigrams, ["снег"], "ru", "kbd", min_similarity=0.1)[0].to_dict()
    assert list(shape) == ["segment", "from", "to", "matches"]
    assert list(shape["matches"][0]) == [
        "rank", "quality", "similarity", "kind", "source", "target", "source_id", "target_id",
        "origin",
    ]  # fmt: skip


@given(st.text(max_size=30), st.text(max_size=30))
def test_quality_is_the_share_left_unedited(a, b):
    quality = edit_quality(a, b)
    assert 0 <= quality <= 100 and quality == edit_quality(b, a)
    assert (quality == 100) == (a == b)
    assert quality <= 100 * Levenshtein.normalized_similarity(a, b) + 1e-9
