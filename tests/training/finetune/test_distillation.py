"""Held languages stay where they were while Kabardian is learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.resources import PHRASEBOOK
from searchkbd.training.finetune.config import FinetuneConfig
from searchkbd.training.finetune.data import TextPair, columns, pair_texts

pytest.importorskip("sentence_transformers")
import torch  # noqa: E402

from searchkbd.training.finetune import distillation  # noqa: E402
from searchkbd.training.finetune.distillation import (  # noqa: E402
    HELD,
    DistilledLoss,
    hold_in_place,
    texts_to_hold,
)
from searchkbd.training.finetune.losses import main_loss  # noqa: E402
from searchkbd.training.finetune.trainer import deterministic, make_trainer  # noqa: E402


def load(directory: Path):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu", local_files_only=True)


def train(model, pairs: list[TextPair], folder: Path, *, steps: int, lr: float, wrap=None):
    """Train *model* by the project's own trainer; *wrap* makes a loss of the main one."""
    from datasets import Dataset

    config = FinetuneConfig(loss="symmetric", lr=lr, batch=32, warmup=0.1)
    rows = Dataset.from_dict(columns(((pair, ()) for pair in pairs), "I"))
    loss = main_loss(model, config)
    with deterministic(config.seed):
        trainer = make_trainer(
            model, {"all": rows}, wrap(loss) if wrap else loss, config, folder,
            steps=steps, save_steps=10 * steps, log_steps=10, callbacks=[],
        )  # fmt: skip
        trainer.train()
    return trainer


def without_dropout(model) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def accuracy(model, pairs: list[TextPair], langs: str) -> float:
    """Return the share of *pairs* whose first text has its translation nearest."""
    own = [pair for pair in pairs if pair.langs == langs]
    a, b = (model.encode([getattr(pair, side) for pair in own]) for side in ("text_a", "text_b"))
    return float(np.mean((a @ b.T).argmax(axis=1) == np.arange(len(own))))


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def pairs() -> list[TextPair]:
    """The pairs of 80 groups of the phrasebook: few enough to be learnt by heart in seconds."""

    def refuse(reject):
        raise AssertionError(reject)

    few = (item for item in read_corpus(PHRASEBOOK, ReadOptions()) if item.group < "p0081")
    return pair_texts(few, refuse).pairs


@pytest.fixture(scope="module")
def kabardian(pairs) -> list[TextPair]:
    return [pair for pair in pairs if pair.langs == "kbd-ru"]


@pytest.fixture(scope="module")
def base(pairs, tiny_labse, tmp_path_factory) -> Path:
    """The tiny model, taught the phrasebook's Russian, English, French and Turkish.

    For so small a model LaBSE's first weights are too small to learn from in seconds: twice those.
    """
    folder = tmp_path_factory.mktemp("base")
    model = load(tiny_labse)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2.0 if weight.dim() == 2 else 1.0)
    others = [pair for pair in pairs if {pair.lang_a, pair.lang_b} <= set(HELD)]
    without_dropout(model)
    train(model, others, folder / "run", steps=250, lr=1e-3)
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(scope="module")
def held(pairs, base, tmp_path_factory):
    model = load(base)
    texts = [text for own in texts_to_hold(pairs).values() for text in own]
    return hold_in_place(model, texts, tmp_path_factory.mktemp("held"), fingerprint="base")


def test_without_it_the_languages_fall_apart_and_with_it_they_stay(
    pairs, kabardian, base, held, tmp_path
):
    before, plain, distilled = load(base), load(base), load(base)
    train(plain, kabardian, tmp_path / "plain", steps=150, lr=1e-3)
    trainer = train(
        distilled, kabardian, tmp_path / "distilled", steps=150, lr=1e-3,
        wrap=lambda loss: DistilledLoss(distilled, loss, held, weight=20.0, count=32),
    )  # fmt: skip

    for langs in ("en-fr", "ru-tr", "fr-tr"):
        was, without, with_it = (accuracy(m, pairs, langs) for m in (before, plain, distilled))
        assert was > 0.95
        assert without < was - 0.1
        assert with_it > was - 0.1
        assert with_it > without + 0.1
    # What is pulled at by Kabardian falls most.
    assert accuracy(plain, pairs, "ru-tr") < 0.6
    # And Kabardian is learnt no less for it.
    was, without, with_it = (accuracy(m, pairs, "kbd-ru") for m in (before, plain, distilled))
    assert was < 0.15
    assert min(without, with_it) > 0.35
    assert with_it > without - 0.2
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert len(logged) == 15
    assert all(entry["ranking"] > 0 and entry["distillation"] > 0 for entry in logged)


def test_the_distance_is_the_papers(base, held):
    """At the base, without dropout, nothing; elsewhere the mean of the squared distances."""
    model = load(base)
    model.eval()
    main = torch.nn.Identity()  # its forward is not called here
    loss = DistilledLoss(model, main, held, weight=1.0, count=len(held.texts))
    torch.manual_seed(3)
    assert loss._distance().item() < 1e-5

    with torch.no_grad():
        model[2].linear.bias += 0.5
    torch.manual_seed(3)
    rows = torch.randint(len(held.texts), (len(held.texts),)).tolist()
    torch.manual_seed(3)
    moved = model.encode([held.texts[row] for row in rows])
    expected = np.mean([np.sum((a - b) ** 2) for a, b in zip(moved, held.vectors(rows),
                                                           strict=True)])
    assert expected > 0.01
    assert loss._distance().item() == pytest.approx(expected, rel=1e-4)


def test_it_is_added_to_the_main_loss_while_the_model_learns_only(base, held, kabardian):
    model = load(base)
    main = main_loss(model, FinetuneConfig())
    loss = DistilledLoss(model, main, held, weight=3.0, count=8)
    features = [model.preprocess([getattr(p, side) for p in kabardian[:8]])
                for side in ("text_a", "text_b")]  # fmt: skip
    model.eval()
    assert loss(features, None).item() == main(features, None).item()

    model.train()
    torch.manual_seed(1)
    terms = loss(features, None)
    torch.manual_seed(1)
    assert terms["ranking"].item() == main(features, None).item()
    assert terms["distillation"].item() == pytest.approx(3 * loss._distance().item())
    sum(terms.values()).backward()
    assert all(p.grad is not None for p in model[2].parameters())


def test_a_cached_loss_gets_the_gradients_of_both_terms(base, held, kabardian):
    gradients = {}
    for name in ("symmetric", "cached-symmetric"):
        model = load(base)
        main = main_loss(model, FinetuneConfig(loss=name, mini_batch=4))
        loss = DistilledLoss(model, main, held, weight=1.0, count=8)
        features = [model.preprocess([getattr(p, side) for p in kabardian[:12]])
                    for side in ("text_a", "text_b")]  # fmt: skip
        model.train()
        without_dropout(model)
        torch.manual_seed(1)
        torch.stack(list(loss(features, None).values())).sum().backward()
        gradients[name] = model[2].linear.weight.grad.clone()
    assert torch.allclose(*gradients.values(), atol=1e-6)
    assert gradients["symmetric"].abs().max() > 1e-4


def test_the_vectors_are_computed_once(pairs, base, tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    monkeypatch.setattr(distillation, "CHUNK", 30)
    model = load(base)
    texts = texts_to_hold(pairs)["fr"]
    assert len(texts) > 70
    first = hold_in_place(model, texts, tmp_path, fingerprint="one")
    assert all(chunk.dtype == np.float16 for chunk in first.chunks)
    rows = [0, 29, 30, len(texts) - 1]
    assert first.vectors(rows) == pytest.approx(model.encode([texts[r] for r in rows]), abs=1e-3)

    read: list[str] = []
    encode = SentenceTransformer.encode

    def counted(self, given, **options):
        read.extend(given)
        return encode(self, given, **options)

    monkeypatch.setattr(SentenceTransformer, "encode", counted)
    again = hold_in_place(model, texts, tmp_path, fingerprint="one")
    assert not read
    assert np.array_equal(again.vectors(range(len(texts))), first.vectors(range(len(texts))))

    # A damaged file is made again, and no other.
    damaged = sorted(tmp_path.iterdir())[0]
    damaged.unlink()  # the old content is mapped still
    damaged.write_bytes(b"not a tensor")
    told = []
    healed = hold_in_place(model, texts, tmp_path, fingerprint="one",
                  progress=lambda done, total: told.append((done, total)))  # fmt: skip
    assert 0 < len(read) <= 30
    assert np.array_equal(healed.vectors(range(len(texts))), first.vectors(range(len(texts))))
    assert told[-1] == (len(texts), len(texts))

    read.clear()
    hold_in_place(model, texts, tmp_path, fingerprint="two")
    assert len(read) == len(texts)


TEXTS = st.lists(
    st.builds(TextPair, st.sampled_from(("kbd", *HELD, "de")), st.sampled_from(HELD),
              st.text("аб", min_size=1, max_size=4), st.text("cd", min_size=1, max_size=4)),
    max_size=40,
)  # fmt: skip


@given(TEXTS, st.integers(1, 40), st.integers(0, 3))
def test_what_is_held(pairs, limit, seed):
    found = texts_to_hold(pairs, limit=limit, seed=seed)
    assert list(found) == list(HELD)
    there = {lang: set() for lang in HELD}
    for pair in pairs:
        for lang, text in ((pair.lang_a, pair.text_a), (pair.lang_b, pair.text_b)):
            there.get(lang, set()).add(text)
    sizes = {lang: len(texts) for lang, texts in found.items()}
    assert sum(sizes.values()) == min(limit, sum(map(len, there.values())))
    for lang, texts in found.items():
        assert len(set(texts)) == len(texts)
        assert set(texts) <= there[lang]
        # No language gives up texts while another has more than it.
        assert sizes[lang] == len(there[lang]) or sizes[lang] >= max(sizes.values()) - 1
    assert texts_to_hold(pairs, limit=limit, seed=seed) == found


def test_more_texts_are_held_besides_those_of_the_pairs():
    pairs = [TextPair("kbd", "ru", "унэ", "дом")]
    more = [("en", "a house"), ("ru", "дом"), ("de", "ein Haus"), ("tr", "ev")]
    assert texts_to_hold(pairs, more) == {
        "ru": ["дом"], "en": ["a house"], "fr": [], "tr": ["ev"],
    }  # fmt: skip


def test_nothing_to_hold_is_an_error(base, held):
    empty = distillation.HeldTexts((), ())
    for bad in ({"held": empty}, {"weight": 0.0}, {"count": 0}):
        options = {"held": held, "weight": 1.0, "count": 8} | bad
        with pytest.raises(ValueError, match="distillation needs texts"):
            DistilledLoss(load(base), torch.nn.Identity(), options.pop("held"), **options)
