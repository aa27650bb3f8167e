"""Figures during a training: the library's evaluators, on what can be right only."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.evaluation import evaluate, read_pairs
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import search_key
from searchkbd.training.finetune.data import TextPair, read_text_pairs

pytest.importorskip("sentence_transformers")
from searchkbd.training.finetune import evaluators  # noqa: E402
from searchkbd.training.finetune.evaluators import (  # noqa: E402
    SPEARMAN,
    DevEvaluator,
    DevFigures,
    DirectionFigures,
    card_labels,
)

TEXTS = ["Мама дома.", "Завтра будет дождь?", "Сколько стоит хлеб", "Мы едем в город!"]


pytestmark = pytest.mark.usefixtures("one_torch_thread")


def load(directory):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def model(tiny_labse, one_torch_thread, phrasebook):
    """The tiny model, whose cosines are all near 1, with its last layer made to tell texts apart:
    less the mean of its inputs, times 20. Tests must not change it."""
    import torch

    model = load(tiny_labse)
    dense, inputs = model[2].linear, []
    hook = dense.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    model.encode([pair.text_a for pair in phrasebook[::5]])
    hook.remove()
    with torch.no_grad():
        dense.weight.mul_(20)
        dense.bias.copy_(-dense.weight @ torch.cat(inputs).mean(dim=0))
    return model


@pytest.fixture(scope="module")
def phrasebook() -> list[TextPair]:
    return read_text_pairs([str(PHRASEBOOK)], ReadOptions(), lambda reject: None)


def same(*rows: tuple[str, str]) -> list[TextPair]:
    """Pairs of one Russian text and a "Turkish" one."""
    return [TextPair("ru", "tr", *row) for row in rows]


def figures_of(pairs, model, **given) -> dict[tuple[str, str], DirectionFigures]:
    figures = DevEvaluator(pairs, "I", **given).evaluate(model, 0)
    return {one.langs: one for one in figures.directions}


class Encoder:
    """The model as the project's own evaluation takes one."""

    name = fingerprint = "tiny"

    def __init__(self, model):
        self.dim = model.get_embedding_dimension()
        self._model = model

    def encode(self, texts, langs=None):
        read = [model_text(text, lang, "I") for text, lang in zip(texts, langs, strict=True)]
        return self._model.encode(read)


def test_both_evaluations_agree_on_the_phrasebook(phrasebook, model):
    pairs = [one for one in phrasebook if {one.lang_a, one.lang_b} <= {"kbd", "ru", "tr"}]
    found = figures_of(pairs, model)
    sets = [
        one for one in read_pairs(PHRASEBOOK).sets if set(one.langs) <= {"kbd", "ru", "tr"}
    ]
    ours = evaluate(Encoder(model), sets, scorings=["cosine"], resamples=2)
    assert list(found) == [one.langs for one in ours] and len(ours) == 6
    for row in ours:
        one = found[row.langs]
        assert (one.sources, one.candidates) == (row.sources, row.candidates) == (245, 245)
        assert one.accuracy_at_1 == pytest.approx(row.accuracy_at_1.value, abs=1e-9)
        assert one.accuracy_at_5 == pytest.approx(row.accuracy_at_5.value, abs=1e-9)
        assert one.accuracy_at_10 == pytest.approx(row.accuracy_at_10.value, abs=1e-9)
        assert one.mrr_at_10 == pytest.approx(row.mrr_at_10.value, abs=1e-9)
        assert one.translation_accuracy == one.accuracy_at_1  # no text stands in two pairs
        assert 0 < one.accuracy_at_1 < one.accuracy_at_10 < 1  # there is something to agree on


def test_both_evaluations_agree_where_much_is_found(model):
    texts = [text for text in _russian() if len(text.split()) > 2]
    cut = {" ".join(text.split()[:-1]): text for text in texts}  # without repeated ones
    pairs = same(*((text, short) for short, text in cut.items()))
    found = figures_of(pairs, model)
    sets = _sets(pairs)
    for row in evaluate(Encoder(model), sets, scorings=["cosine"], resamples=2):
        one = found[row.langs]
        assert 0.3 < one.accuracy_at_1 < 1
        assert one.accuracy_at_1 == pytest.approx(row.accuracy_at_1.value, abs=1e-9)
        assert one.accuracy_at_10 == pytest.approx(row.accuracy_at_10.value, abs=1e-9)
        assert one.mrr_at_10 == pytest.approx(row.mrr_at_10.value, abs=1e-9)


def _russian() -> list[str]:
    pairs = read_text_pairs([str(PHRASEBOOK)], ReadOptions(), lambda reject: None)
    return list(dict.fromkeys(one.text_a for one in pairs if one.lang_a == "ru"))


def _sets(pairs):
    from searchkbd.evaluation import PairSet

    texts = zip(*((one.text_a, one.text_b) for one in pairs), strict=True)
    return [PairSet.from_texts("own", ("ru", "tr"), *texts)]


def test_all_translations_of_a_repeated_text_are_right(model):
    # The first text has two translations, and the second target is one of two sources, in
    # another spelling. As a text is nearest to itself, each finds a right one.
    a, b, c, d = TEXTS
    pairs = same((a, a), (a, b), (c.replace(" ", "  "), c), (c, d), (d, d))
    there, back = figures_of(pairs, model).values()
    assert (there.sources, there.candidates) == (3, 4)
    assert (back.sources, back.candidates) == (4, 3)
    assert there.one_to_one == 2  # {a, b} and {c, d} hang together
    assert there.translation_accuracy == back.translation_accuracy == 1
    assert there.accuracy_at_1 == 1

    from sentence_transformers.sentence_transformer.evaluation import TranslationEvaluator

    left, right = zip(*((one.text_a, one.text_b) for one in pairs), strict=True)
    plain = TranslationEvaluator(list(left), list(right), write_csv=False)(load_copy(model))
    assert plain["src2trg_accuracy"] < 1  # which is what has to be kept out


def load_copy(model):
    """The same modules in another model: an evaluator writes into the card of the one it gets."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=list(model), device="cpu")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))))
def test_one_to_one_pairs_share_no_text_and_leave_no_cluster_out(rows):
    left, right = [a for a, _ in rows], [b.upper() for _, b in rows]
    kept = list(zip(*evaluators._one_to_one(left, right), strict=True))
    assert len({search_key(a) for a, _ in kept}) == len({search_key(b) for _, b in kept})
    assert len({search_key(a) for a, _ in kept}) == len(kept)
    assert set(kept) <= set(zip(left, right, strict=True))
    # Whatever can be reached from a pair through shared texts holds exactly one that is kept.
    pairs = set(zip(left, right, strict=True))
    while pairs:
        cluster, rest = {pairs.pop()}, pairs
        while near := {
            one for one in rest if any(one[0] == a or one[1] == b for a, b in cluster)
        }:
            cluster |= near
            rest -= near
        assert len(cluster & set(kept)) == 1


def test_a_damaged_model_has_other_figures(tiny_labse):
    import torch

    model = load(tiny_labse)
    evaluator = DevEvaluator(same(*((text, text.rstrip(".!?")) for text in _russian())), "I")
    before = evaluator.evaluate(model, 0)
    assert evaluator.evaluate(model, 0) == before
    assert before.accuracy > 0.9
    with torch.no_grad():
        model[0].auto_model.embeddings.word_embeddings.weight[60:] = 0
    after = evaluator.evaluate(model, 7)
    assert after.step == 7
    assert after.accuracy < before.accuracy - 0.2
    assert all(
        new.mrr_at_10 < old.mrr_at_10 and new.translation_accuracy < old.translation_accuracy
        for new, old in zip(after.directions, before.directions, strict=True)
    )


def test_the_palochka_is_given_as_the_model_reads_it(model):
    asked: list[str] = []
    encode = model.encode

    class Watched:
        training = False
        train = staticmethod(lambda mode: None)

        @staticmethod
        def encode(texts, **options):
            asked.extend(texts)
            return encode(texts, **options)

    pairs = [TextPair("ru", "kbd", "Нашей мамы нет дома.", "Ди анэр унэм щыӏэкъым.")]
    DevEvaluator(pairs, "I").evaluate(Watched, 0)
    assert sorted(asked) == ["Ди анэр унэм щыIэкъым.", "Нашей мамы нет дома."]
    asked.clear()
    DevEvaluator(pairs, None).evaluate(Watched, 0)
    assert "Ди анэр унэм щыӏэкъым." in asked


def test_every_text_is_encoded_once(phrasebook, model):
    pairs = [one for one in phrasebook if "kbd" in one.langs][:60]
    counts = []
    figures = DevEvaluator(pairs, "I", labels=card_labels(pairs)).evaluate(
        model, 0, progress=lambda done, total: counts.append((done, total))
    )
    different = {text for one in pairs for text in (one.text_a, one.text_b)}
    assert counts == [(len(different), len(different))]
    assert len(figures.directions) == 8


def test_nothing_is_disturbed(model, tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    for training in (True, False):
        model.train(training)
        state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
        DevEvaluator(same(*zip(TEXTS, TEXTS, strict=True)), "I").evaluate(model, 1)
        assert model.training is training
        assert all(module.training is training for module in model.modules())
        assert torch.equal(torch.get_rng_state(), state)
        assert (np.random.get_state()[1] == numpy_state).all()
    assert list(tmp_path.iterdir()) == []  # the evaluators' own CSV files
    assert not model.model_card_data.eval_results_dict


def test_distractors_fill_up_to_the_limit_and_are_no_translation(model):
    pool = {"tr": [TEXTS[0].upper(), "Bugün hava soğuk.", "Kitabım nerede?", "Gidelim mi?"]}
    pairs = same(*zip(TEXTS, TEXTS, strict=True))
    there, back = figures_of(pairs, model, distractors=pool, corpus_limit=6).values()
    assert (there.candidates, back.candidates) == (6, 4)
    there, back = figures_of(pairs, model, distractors=pool).values()
    assert (there.candidates, back.candidates) == (7, 4)  # the first is a target


def test_pairs_are_drawn_by_the_seed_and_for_each_language_pair_alone(phrasebook):
    def drawn(pairs, seed=1):
        return evaluators._drawn(pairs, 20, seed)

    one, other = drawn(phrasebook), drawn(phrasebook, seed=2)
    assert one == drawn(phrasebook)
    assert one != other
    assert all(len(left) == len(right) == 20 for left, right in one.values())
    assert list(one)[:3] == [("kbd", "ru"), ("kbd", "en"), ("kbd", "fr")]
    alone = [pair.turned() for pair in phrasebook if pair.langs == "fr-tr"]
    assert drawn(alone) == {("fr", "tr"): one["fr", "tr"]}


def test_spearman_is_that_of_cosines_and_labels(phrasebook, model):
    from scipy.stats import spearmanr

    pairs = [one for one in phrasebook if one.langs in ("kbd-ru", "ru-en")][:80]
    left, right = (
        Encoder(model).encode(
            [getattr(one, f"text_{side}") for one in pairs],
            [getattr(one, f"lang_{side}") for one in pairs],
        )
        for side in "ab"
    )
    cosines = (left * right).sum(axis=1)
    for labels in (np.round(cosines, 1), -(cosines**3), np.array(card_labels(pairs))):
        figures = DevEvaluator(pairs, "I", labels=labels).evaluate(model, 0)
        assert figures.spearman == pytest.approx(spearmanr(labels, cosines).statistic, abs=1e-3)
        assert figures.columns()[SPEARMAN] == figures.spearman
    assert DevEvaluator(pairs, "I", labels=-cosines).evaluate(model, 0).spearman < -0.99


def test_labels_of_the_cards_kind(phrasebook):
    pairs = [one for one in phrasebook if one.langs in ("kbd-ru", "ru-en")][:4]
    assert card_labels(pairs) == [0.93 if one.langs == "kbd-ru" else 0.0 for one in pairs]


def test_no_spearman_where_there_is_none(phrasebook, model):
    pairs = phrasebook[:4]
    for labels in (None, [0.5] * 4):
        assert DevEvaluator(pairs, "I", labels=labels).evaluate(model, 0).spearman is None
    alike = same(*zip(TEXTS[:2], TEXTS[:2], strict=True))
    evaluator = DevEvaluator([alike[0]] * 2, "I", labels=[0.1, 0.9])
    assert evaluator.evaluate(model, 0).spearman is None
    assert SPEARMAN in evaluator.columns


def test_figures_survive_json_and_name_their_columns(phrasebook, model):
    evaluator = DevEvaluator(phrasebook[:30], "I")
    figures = evaluator.evaluate(model, 3)
    assert DevFigures.from_dict(json.loads(json.dumps(figures.to_dict()))) == figures
    assert list(figures.columns()) == evaluator.columns
    assert evaluator.columns[:5] == [
        "kbd-ru_accuracy@1", "kbd-ru_accuracy@5", "kbd-ru_accuracy@10", "kbd-ru_mrr@10",
        "kbd-ru_translation_accuracy",
    ]  # fmt: skip


def test_accuracy_is_that_of_the_pairs_with_kabardian_if_there_are_any():
    def direction(source, target, accuracy):
        return DirectionFigures(source, target, 9, 9, accuracy, 1, 1, 1, 9, accuracy)

    both = direction("kbd", "ru", 0.2), direction("ru", "kbd", 0.4)
    others = direction("ru", "en", 0.9), direction("en", "ru", 0.8)
    assert DevFigures(1, both + others).accuracy == pytest.approx(0.3)
    assert DevFigures(1, others).accuracy == pytest.approx(0.85)
    assert DevFigures(1, others).of("en", "ru") is others[1]
    assert DevFigures(1, others).of("kbd", "ru") is None


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="no pairs"):
        DevEvaluator([], "I")
    with pytest.raises(ValueError, match="1 labels for 2 pairs"):
        DevEvaluator(same(("a", "b"), ("c", "d")), "I", labels=[1.0])
