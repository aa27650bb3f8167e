"""Look-ups: kinds, order, thresholds, context, completeness, stepping down, both directions."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.memory.lookup import look_up
from searchkbd.memory.match import MatchKind
from searchkbd.memory.quality import compare
from searchkbd.memory.query import LookupOptions, Query
from searchkbd.text.segment import read_segment
from tests.memory.conftest import sentence

UNITS = [
    ("Где находится школа?", "Еджапӏэр дэнэ щыӏэ?"),
    ("Где находится больница?", "Сымаджэщыр дэнэ щыӏэ?"),
    ("Мы живём у реки.", "Дэ псым деж дыщопсэу."),
    ("Мы жили у реки.", "Дэ псым деж дыщыпсэуащ."),
    ("Завтра будет снег.", "Пщэдей уэс къесынущ."),
    ("завтра будет снег", "Пщэдей уэс къесынущ."),
    ("Встреча завтра в 10 часов", "Пщэдей сыхьэт 10-м"),
    ("Собака спит на диване", "Хьэр мэжей"),
]
MT = 7  # the unit with a machine-translated target
WHOLE = {"parts": False, "step_down": False}


@pytest.fixture(scope="module")
def reader(memory):
    return memory(
        *(
            sentence(
                f"{lang}{n}", lang, text, f"g{n}",
                "mt:nllb" if (n, lang) == (MT, "kbd") else f"o{n}-{lang}",
            )
            for n, pair in enumerate(UNITS)
            for lang, text in zip(("ru", "kbd"), pair, strict=True)
        ),
        # Nearer in letters than any unit, but nobody translated these.
        *(sentence(f"x{n}", "ru", f"Где находится школа {n}?", f"x{n}") for n in range(300)),
    )  # fmt: skip


def matches(reader, encoder, segment, source="ru", target="kbd", **options):
    query = segment if isinstance(segment, Query) else Query(segment)
    return look_up(
        reader, encoder, [query], source, target, options=LookupOptions(**options)
    )[0].matches


def test_an_exact_match_whatever_the_case_and_spelling(reader, trigrams):
    best = matches(reader, trigrams, "ГДЕ  НАХОДИТСЯ ШКОЛА?")[0]
    assert (best.kind, best.quality, best.target) == (MatchKind.EXACT, 100, UNITS[0][1])
    assert best.similarity == pytest.approx(1, abs=1e-3)  # in half precision
    assert (best.source_id, best.target_id, best.origin) == ("ru0", "kbd0", "o0-kbd")
    assert best.source_origin == "o0-ru"
    back = matches(reader, trigrams, "еджап1эр дэнэ щы1э?", "kbd", "ru")[0]
    assert (back.kind, back.target) == (MatchKind.EXACT, UNITS[0][0])


def test_kinds_come_in_order(reader, trigrams):
    found = matches(reader, trigrams, "Где находится школа", k=10, min_similarity=-1)
    assert [m.rank for m in found] == list(range(1, len(found) + 1))
    assert (found[0].kind, found[0].quality) == (MatchKind.FUZZY, 99)
    edits = [m for m in found if m.kind is MatchKind.FUZZY]
    semantic = found[len(edits) :]
    assert {m.kind for m in semantic} == {MatchKind.SEMANTIC}
    assert [m.quality for m in edits] == sorted((m.quality for m in edits), reverse=True)
    assert edits[-1].quality >= 70 > max(m.quality for m in semantic)
    similarities = [m.similarity for m in semantic]
    assert similarities == sorted(similarities, reverse=True)
    for match in found:
        expected = compare(read_segment("Где находится школа"), read_segment(match.source))
        assert match.quality == expected.quality - match.score.penalty


def test_every_unit_is_reached_behind_many_untranslated_neighbours(reader, trigrams):
    found = matches(reader, trigrams, "Где находится школа", k=10, min_similarity=-1)
    assert len(found) == len(UNITS) - 1  # two of them have the same target


def test_thresholds(reader, trigrams):
    segment = "Где находится аптека?"
    only_edits = matches(reader, trigrams, segment, min_similarity=1)
    assert {m.kind for m in only_edits} == {MatchKind.FUZZY}
    assert matches(reader, trigrams, segment, min_quality=99, min_similarity=1, **WHOLE) == ()
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
    segments = ["Где находится школа?", "Мы живём", "снег", "Собака спит"]
    options = LookupOptions(min_similarity=0.4)
    batch = look_up(reader, trigrams, [*map(Query, segments)], "ru", "kbd", options=options)
    for segment, result in zip(segments, batch, strict=True):
        single = matches(reader, trigrams, segment, min_similarity=0.4)
        assert [m.target_id for m in single] == [m.target_id for m in result.matches]
    assert look_up(reader, trigrams, [], "ru", "kbd", options=options) == []


def test_without_an_encoder_there_is_no_similarity(reader, trigrams):
    found = matches(reader, None, "Мы жили у реки", semantic=False)
    assert [m.kind for m in found] == [MatchKind.FUZZY] * 2
    assert {m.similarity for m in found} == {None}
    with pytest.raises(ValueError, match="encoder"):
        matches(reader, None, "да")


def test_a_machine_translation_loses_what_it_is_told_to(reader, trigrams):
    segment, options = "Собака спит на диване", {"min_similarity": 1, **WHOLE}
    best = matches(reader, trigrams, segment, **options)[0]
    assert (best.kind, best.quality, best.score.penalty) == (MatchKind.EXACT, 90, 10)
    assert matches(reader, trigrams, segment, min_quality=91, **options) == ()
    best = matches(reader, trigrams, segment, penalties=(("mt:*", 3),), **options)[0]
    assert best.quality == 97
    # Too low by edits, it may still be near in meaning.
    (near,) = matches(reader, trigrams, segment, min_quality=91, min_similarity=0.9)
    assert (near.kind, near.quality) == (MatchKind.SEMANTIC, 90)


def test_what_was_said_of_a_file_holds(memory, trigrams):
    reader = memory(
        sentence("r", "ru", "Где школа?", "g"), sentence("k", "kbd", "Еджапӏэр", "g"), penalty=30
    )
    assert [m.quality for m in matches(reader, trigrams, "Где школа?")] == [70]


def test_numbers_are_put_into_the_target(reader, trigrams):
    best = matches(reader, trigrams, "Встреча завтра в 12 часов")[0]
    assert (best.quality, best.target) == (98, "Пщэдей сыхьэт 10-м")
    assert best.suggestion == "Пщэдей сыхьэт 12-м"
    assert matches(reader, trigrams, "Встреча завтра в 10 часов")[0].suggestion is None


def test_stepping_down_to_the_nearest(reader, trigrams):
    segment = "Мы живём далеко от реки"
    options = {"min_similarity": 0.99, "parts": False}
    assert matches(reader, trigrams, segment, step_down=False, **options) == ()
    found = matches(reader, trigrams, segment, **options)
    assert found and all(m.below for m in found)
    assert (found[0].kind, found[0].source_id) == (MatchKind.FUZZY, "ru2")
    assert 50 <= found[0].quality < 70
    only_edits = matches(reader, None, segment, semantic=False, parts=False)
    assert [m.source_id for m in only_edits][:1] == ["ru2"] and only_edits[0].below
    assert not any(m.below for m in matches(reader, trigrams, "Мы живём у реки", **options))
    by_meaning = matches(reader, trigrams, "находится школа " * 8, **options)
    assert by_meaning[0].below and by_meaning[0].kind is MatchKind.SEMANTIC


def test_the_newest_of_equal_matches_comes_first(memory, trigrams):
    dates = {"a": "2020-01-01T00:00:00Z", "b": "2024-01-01T00:00:00Z", "c": "2022-01-01T00:00:00Z"}
    reader = memory(
        *(sentence(f"r{g}", "ru", "Где школа?", g, date=date) for g, date in dates.items()),
        *(sentence(f"k{g}", "kbd", f"Еджапӏэр {g}", g, date=date) for g, date in dates.items()),
    )
    found = matches(reader, trigrams, "Где школа?")
    assert [m.target_id for m in found] == ["kb", "kc", "ka"]
    assert [m.target_date for m in found] == sorted(dates.values(), reverse=True)


@pytest.fixture(scope="module")
def document(memory):
    said = [
        ("key", {"context": "menu.open"}),
        ("between", {"previous": "Раз", "next": "Два"}),
        ("first", {"previous": "", "next": "Раз"}),
        ("half", {"previous": "Три"}),
        ("tagged", {"markup": 'Открыть <ph x="1">&lt;br/&gt;</ph>'}),
    ]
    return memory(
        *(sentence(f"r-{name}", "ru", "Открыть", name, **more) for name, more in said),
        *(sentence(f"k-{name}", "kbd", f"зэӏухын {name}", name) for name, _ in said),
    )


@pytest.mark.parametrize(
    ("said", "best"),
    [
        ({"context": "menu.open"}, "key"),
        ({"context": "menu.close"}, None),
        ({"previous": "раз", "next": "ДВА"}, "between"),
        ({"previous": "раз"}, "between"),
        ({"next": "два"}, "between"),
        ({"previous": "раз", "next": "Три"}, None),
        ({"previous": "", "next": "Раз"}, "first"),
        ({"previous": "Три", "next": "Пять"}, "half"),
        ({"next": "Пять"}, None),
        ({}, None),
    ],
)
def test_context_matches(document, trigrams, said, best):
    found = matches(document, trigrams, Query("открыть", **said), k=10)
    context = [m for m in found if m.kind is MatchKind.CONTEXT]
    assert [m.target_id for m in context] == ([f"k-{best}"] if best else [])
    assert all(m.quality == 101 and m.rank == 1 for m in context)
    assert {m.quality for m in found} == {98, 100} | ({101} if best else set())


def test_only_the_same_segment_is_a_context_match(document, trigrams):
    found = matches(document, trigrams, Query("Открыть!", context="menu.open"))
    assert {m.kind for m in found} == {MatchKind.FUZZY} and found[0].score.context is None


def test_inline_tags_are_compared_without_their_numbers(document, trigrams):
    tagged = 'Открыть <ph x="7">&lt;br/&gt;</ph>'
    found = matches(document, trigrams, Query("Открыть", markup=tagged), k=10)
    assert (found[0].target_id, found[0].kind) == ("k-tagged", MatchKind.EXACT)
    assert {m.quality for m in found[1:]} == {98}
    assert found[0].source_markup == 'Открыть <ph x="1">&lt;br/&gt;</ph>'


def test_a_context_match_is_found_among_many_of_the_same_text(memory, trigrams):
    reader = memory(
        *(sentence(f"r{n}", "ru", "Да", f"{n}", context=f"key{n}") for n in range(150)),
        *(sentence(f"k{n}", "kbd", f"нытӏэ {n}", f"{n}") for n in range(150)),
    )
    best = matches(reader, trigrams, Query("Да", context="key149"), k=1)[0]
    assert (best.target_id, best.quality) == ("k149", 101)


def test_penalties_do_not_hide_what_is_better_after_them(memory, trigrams):
    """Read best edits first, the memory is not left before what may be better in the end."""
    near = "Мы живём в доме у самой реки"
    reader = memory(
        *(sentence(f"r{n}", "ru", near, f"{n}", "mt") for n in range(100)),
        *(sentence(f"k{n}", "kbd", f"псы {n}", f"{n}") for n in range(100)),
        sentence("better", "ru", near + " а", "better"), sentence("k", "kbd", "псы", "better"),
    )  # fmt: skip
    best = matches(reader, trigrams, near, k=1)[0]
    assert (best.source_id, best.quality) == ("better", 93)


def test_a_pivot_match(memory, trigrams):
    reader = memory(
        sentence("kbd", "kbd", "Еджапӏэр дэнэ щыӏэ?", "a"),
        sentence("ru-a", "ru", "Где школа?", "a"),
        sentence("ru-b", "ru", "где школа?", "b"),
        sentence("tr-b", "tr", "Okul nerede?", "b"),
    )
    exact = matches(reader, trigrams, "еджап1эр дэнэ щы1э?", "kbd", "tr")[0]
    assert (exact.kind, exact.quality, exact.target) == (MatchKind.PIVOT, 95, "Okul nerede?")
    assert exact.to_dict()["path"] == [
        {"lang": "kbd", "id": "kbd", "text": "Еджапӏэр дэнэ щыӏэ?"},
        {"lang": "ru", "id": "ru-a", "text": "Где школа?"},
        {"lang": "ru", "id": "ru-b", "text": "где школа?"},
        {"lang": "tr", "id": "tr-b", "text": "Okul nerede?"},
    ]
    fuzzy = matches(reader, trigrams, "Еджапӏэр дэнэ", "kbd", "tr", min_quality=50)[0]
    assert (fuzzy.kind, fuzzy.quality) == (MatchKind.PIVOT, fuzzy.score.edit_quality - 5 - 1)
    near = matches(reader, trigrams, "щыӏэ дэнэ еджапӏэр мы", "kbd", "tr", min_similarity=0.5)[0]
    assert (near.kind, near.below) == (MatchKind.PIVOT, False) and near.quality < 70
    assert matches(reader, trigrams, "Еджапӏэр дэнэ щыӏэ?", "kbd", "tr", pivots=()) == ()


def test_json_shape(reader, trigrams):
    shape = look_up(
        reader, trigrams, [Query("снег будет")], "ru", "kbd",
        options=LookupOptions(min_similarity=0.1),
    )[0].to_dict()  # fmt: skip
    assert list(shape) == ["segment", "from", "to", "matches"]
    assert list(shape["matches"][0]) == [
        "rank", "quality", "similarity", "kind", "source", "target", "source_id", "target_id",
        "origin", "source_origin", "suggestion", "source_markup", "target_markup", "source_date",
        "target_date", "penalty", "score", "diff", "path", "part", "below",
    ]  # fmt: skip


WORDS = ["мы", "живём", "жили", "у", "реки", "река", "10", "11", "{0}", ".", "дом", "дома", "щ1алэ"]


@settings(max_examples=12)
@given(st.data())
def test_nothing_that_a_full_scan_finds_is_missed(memory, trigrams, data):
    """Against every unit compared with every segment, on random small memories."""
    rng = random.Random(data.draw(st.integers(0, 2**32)))

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, 9)))

    sources = {f"r{n}": text() for n in range(rng.randint(1, 120))}
    origins = {id_: rng.choice(["o", "o", "mt"]) for id_ in sources}
    reader = memory(
        *(sentence(id_, "ru", text, id_, origins[id_]) for id_, text in sources.items()),
        *(sentence(f"k-{id_}", "kbd", f"псы {id_}", id_) for id_ in sources),
    )
    segments = [text() for _ in range(20)] + [
        f"{text} {rng.choice(WORDS)}" for text in rng.sample([*sources.values()], 1)
    ]
    options = LookupOptions(k=1000, semantic=False, **WHOLE)
    found = look_up(reader, None, [*map(Query, segments)], "ru", "kbd", options=options)
    read = {id_: read_segment(text) for id_, text in sources.items()}
    expected: dict[str, set] = {segment: set() for segment in segments}
    for segment, id_ in product(expected, sources):
        score = compare(read_segment(segment), read[id_])
        quality = score.quality - (10 if origins[id_] == "mt" else 0)
        if quality >= 70:
            expected[segment].add((id_, quality))
    for result in found:
        assert {(m.source_id, m.quality) for m in result.matches} == expected[result.segment]
        best = look_up(
            reader, None, [Query(result.segment)], "ru", "kbd",
            options=LookupOptions(k=3, semantic=False, **WHOLE),
        )[0].matches  # fmt: skip
        assert [m.quality for m in best] == [m.quality for m in result.matches[:3]]
