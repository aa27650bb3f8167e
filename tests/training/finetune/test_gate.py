"""The regression gate: it trips on a narrowed model and on nothing else."""

from __future__ import annotations

import math

import pytest

from searchkbd.training.finetune.data import TextPair
from searchkbd.training.finetune.evaluators import DevEvaluator, DevFigures, DirectionFigures
from searchkbd.training.finetune.gate import Fall, Gate, held_pairs


def direction(source: str, target: str, found: int, sources: int = 1000) -> DirectionFigures:
    share = found / sources
    return DirectionFigures(
        source, target, sources, sources, share, share, share, share, sources, share
    )


def figures(*directions: DirectionFigures, step: int = 0) -> DevFigures:
    return DevFigures(step, directions)


BASE = figures(
    direction("kbd", "ru", 100), direction("ru", "kbd", 100), direction("ru", "tr", 960),
    direction("tr", "ru", 950), direction("de", "en", 900),
)  # fmt: skip


def changed(**found: int) -> DevFigures:
    """BASE with other numbers of found sentences: ``ru_tr=955``."""
    return figures(
        *(
            direction(one.source, one.target, found.get("_".join(one.langs),
                      round(one.accuracy_at_1 * one.sources)))
            for one in BASE.directions
        ),
        step=9,
    )  # fmt: skip


@pytest.mark.parametrize("found, passed", [(960, True), (955, True), (954, False), (990, True)])
def test_the_limit_is_what_may_be_lost_and_not_more(found, passed):
    verdict = Gate(BASE, 0.5).verdict(changed(ru_tr=found))
    assert verdict.passed is passed
    assert [one.source for one in verdict.falls] == ([] if passed else ["ru"])
    assert verdict.lost == pytest.approx(max(0, 960 - found) / 10)


def test_each_direction_counts_by_itself():
    verdict = Gate(BASE, 0.5).verdict(changed(ru_tr=1000, tr_ru=930))
    assert not verdict.passed
    assert verdict.falls == (Fall("tr", "ru", 0.95, 0.93, 1000),)
    assert str(verdict) == (
        "failed: 1 lost more than 0.5 points: "
        "tr→ru 95.0 → 93.0 (-2.0 points, -20 of 1,000 sentences)"
    )


def test_only_the_held_languages_are_guarded():
    gate = Gate(BASE, 0.5)
    assert {one.langs for one in gate.guarded} == {("ru", "tr"), ("tr", "ru")}
    assert gate.verdict(changed(kbd_ru=0, ru_kbd=0, de_en=0)).passed
    verdict = Gate(BASE, 0.5, held=("de", "en")).verdict(changed(de_en=890, tr_ru=0))
    assert [(one.source, one.target) for one in verdict.falls] == [("de", "en")]


def test_the_worst_is_named_first_and_not_all_are_named():
    langs = [("ru", "tr"), ("tr", "ru"), ("ru", "en"), ("en", "ru")]
    base = figures(*(direction(*pair, 900) for pair in langs))
    now = figures(*(direction(*pair, 880 - 10 * at) for at, pair in enumerate(langs)))
    verdict = Gate(base).verdict(now)
    assert [one.points for one in verdict.falls] == pytest.approx([5, 4, 3, 2])
    assert verdict.worst == verdict.falls[0]
    assert str(verdict).endswith("; 1 more") and "ru→tr" not in str(verdict)


def test_an_infinite_limit_only_reports():
    verdict = Gate(BASE, math.inf).verdict(changed(ru_tr=0))
    assert verdict.passed and verdict.lost == 96
    assert str(verdict).startswith("not applied; the direction that lost most: ru→tr 96.0 → 0.0")
    assert Gate(BASE, math.inf).remarks() == []


def test_no_limit_at_all_may_be_lost():
    assert not Gate(BASE, 0).verdict(changed(tr_ru=949)).passed
    assert Gate(BASE, 0).verdict(changed()).passed


def test_figures_of_other_pairs_are_refused():
    gate = Gate(BASE)
    with pytest.raises(ValueError, match="ru→tr: not measured on the pairs of the baseline"):
        gate.verdict(figures(direction("ru", "tr", 700, 700), direction("tr", "ru", 950)))
    with pytest.raises(ValueError, match="ru→tr"):
        gate.verdict(figures())
    for limit in (-1, math.nan):
        with pytest.raises(ValueError, match="0 points or more"):
            Gate(BASE, limit)


def test_a_gate_without_pairs_says_that_it_guards_nothing():
    gate = Gate(figures(direction("kbd", "ru", 1)))
    (remark,) = gate.remarks()
    assert "guards nothing" in remark and "--dev FILE" in remark
    verdict = gate.verdict(figures(direction("kbd", "ru", 0)))
    assert verdict.passed and verdict.worst is None and verdict.lost == 0
    assert "nothing was guarded" in str(verdict)


def test_too_few_pairs_are_said_to_be_too_few():
    assert Gate(figures(direction("ru", "en", 180, 200))).remarks() == []
    few = figures(direction("ru", "en", 90, 199), direction("en", "ru", 9, 50))
    (remark,) = Gate(few).remarks()
    assert "ru→en, en→ru: of 50 sentences one is 2 points" in remark
    assert "Give 200 pairs" in remark
    (remark,) = Gate(figures(direction("ru", "en", 180, 200)), 0.3).remarks()
    assert "334 pairs" in remark


def test_the_phrasebook_steps_in_when_nothing_is_held():
    own = [TextPair("kbd", "ru", "Уи махуэ фӏыуэ!", "Добрый день!")]
    held = held_pairs(own)
    assert held.built_in
    langs = {one.langs for one in held.pairs}
    assert langs == {"ru-en", "ru-fr", "ru-tr", "en-fr", "en-tr", "fr-tr"}
    assert len(held.pairs) >= 6 * 200  # so that a fall of 0.5 points is seen
    given = held_pairs([*own, TextPair("tr", "fr", "Anne", "Mère")])
    assert given.pairs == () and not given.built_in


def test_a_narrowed_model_is_stopped_and_the_same_model_is_not(tiny_labse, one_torch_thread):
    import torch
    from sentence_transformers import SentenceTransformer

    def load() -> SentenceTransformer:
        return SentenceTransformer(str(tiny_labse), device="cpu", local_files_only=True)

    # Near copies: what even a model that was never trained finds.
    texts = [one.text_a for one in held_pairs([]).pairs if one.langs == "ru-tr"][:220]
    evaluator = DevEvaluator(
        [TextPair("ru", "tr", text, text.rstrip(".!?")) for text in texts], "I"
    )
    gate = Gate(evaluator.evaluate(load(), 0))
    assert min(one.accuracy_at_1 for one in gate.guarded) > 0.95
    assert gate.remarks() == []
    assert gate.verdict(evaluator.evaluate(load(), 1)).passed
    narrowed = load()
    table = narrowed[0].auto_model.embeddings.word_embeddings.weight
    with torch.no_grad():
        # Words of which nothing is known any more: two in three.
        forgotten = torch.rand(len(table), generator=torch.Generator().manual_seed(0)) < 2 / 3
        table[forgotten] = 0
    verdict = gate.verdict(evaluator.evaluate(narrowed, 2))
    assert not verdict.passed
    assert 1 < verdict.lost < 50
    assert verdict.falls[0].sentences > 1
