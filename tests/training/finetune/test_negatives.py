"""Hard negatives: near, in the target's language, and no translation in disguise."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import loose_key, search_key
from searchkbd.training.finetune.data import TextPair, pair_texts

pytest.importorskip("sentence_transformers")
from searchkbd.training.finetune import negatives  # noqa: E402
from searchkbd.training.finetune.negatives import MARGIN, with_hard_negatives  # noqa: E402

COUNT = 3


def mine(pairs, model: Path, **given):
    options = {"count": COUNT, "palochka": "I", "seed": 1} | given
    return with_hard_negatives(pairs, model, **options)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def pairs() -> list[TextPair]:
    def refuse(reject):
        raise AssertionError(reject)

    few = (item for item in read_corpus(PHRASEBOOK, ReadOptions()) if item.group < "p0121")
    return pair_texts(few, refuse).pairs


def load(directory: Path):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def spread(pairs, tiny_labse, tmp_path_factory) -> Path:
    """The tiny model, whose cosines are all near 1, with its last layer made to tell texts apart:
    less the mean of its inputs, times 20."""
    import torch

    model = load(tiny_labse)
    with torch.no_grad():
        dense = model[2].linear
        inputs: list[torch.Tensor] = []
        hook = dense.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
        model.encode([pair.text_a for pair in pairs])
        hook.remove()
        dense.weight.mul_(20)
        dense.bias.copy_(-dense.weight @ torch.cat(inputs).mean(dim=0))
    folder = tmp_path_factory.mktemp("spread") / "model"
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def mined(pairs, spread):
    return mine(pairs, spread)


@pytest.fixture(scope="module")
def model(spread):
    return load(spread)


def test_each_pair_in_order_with_as_many_negatives_of_the_target_language(pairs, mined):
    assert [pair for pair, _ in mined] == pairs
    langs: dict[str, set[str]] = {}
    for pair in pairs:
        langs.setdefault(pair.lang_a, set()).add(pair.text_a)
        langs.setdefault(pair.lang_b, set()).add(pair.text_b)
    for pair, found in mined:
        assert len(set(found)) == COUNT
        assert set(found) <= langs[pair.lang_b]


def test_none_is_a_translation(pairs, mined):
    right: dict[tuple[str, str], set[str]] = {}
    for pair in pairs:
        right.setdefault((pair.lang_a, search_key(pair.text_a)), set()).add(
            loose_key(pair.text_b)
        )
    for pair, found in mined:
        answers = right[pair.lang_a, search_key(pair.text_a)]
        assert answers.isdisjoint(map(loose_key, found))


def test_they_are_the_nearest_below_the_margin(pairs, mined, model):
    """By an exhaustive search that shares no code with the miner's."""
    own = [pair for pair in pairs if pair.langs == "ru-en"][:60]
    english = list(dict.fromkeys(t for p in pairs for t in (
        [p.text_a] if p.lang_a == "en" else [p.text_b] if p.lang_b == "en" else []
    )))  # fmt: skip
    table = dict(zip(english, model.encode(english), strict=True))
    found = dict(mined)
    measured = 0
    for pair in own:
        anchor = model.encode([pair.text_a])[0]
        right = float(anchor @ table[pair.text_b])
        limit = right - (1 - MARGIN) * abs(right)
        cosines = {text: float(anchor @ vector) for text, vector in table.items()}
        below = sorted((c for c in cosines.values() if c <= limit), reverse=True)
        if len(below) < COUNT:
            continue  # filled up at random
        measured += 1
        assert [cosines[text] for text in found[pair]] == pytest.approx(below[:COUNT], abs=1e-5)
    assert measured > 30


def test_what_may_be_right_is_none(tiny_labse):
    yes = TextPair("kbd", "en", "Нтӏэ", "Yes, of course.")
    pairs = [
        yes,
        TextPair("kbd", "en", "НтIэ", "Sure thing, friend."),  # the anchor, spelled otherwise
        TextPair("ru", "en", "Конечно.", "Yes, of course."),
        TextPair("ru", "en", "Конечно.", "By all means!"),  # shares a source with a translation
        TextPair("ru", "en", "Ну да.", "yes  of course"),  # nearly a translation
        TextPair("ru", "en", "Дом стоит.", "The house stands."),
        TextPair("ru", "en", "Где хлеб?", "Where is the bread?"),
    ]
    for pair, found in mine(pairs, tiny_labse)[:1]:
        assert pair == yes
        assert set(found[:2]) == {"The house stands.", "Where is the bread?"}
        assert found[2] in {"Дом стоит.", "Где хлеб?"}  # English has no other


def test_a_language_of_translations_only_takes_from_others(tiny_labse):
    pairs = [
        TextPair("kbd", "fr", "Сэлам", "Salut !"),
        TextPair("kbd", "ru", "Унэ", "Дом"),
    ]
    (_, french), (_, russian) = mine(pairs, tiny_labse)
    assert set(french) == {"Унэ", "Дом"}  # one of them twice
    assert set(russian) == {"Сэлам", "Salut !"}
    assert len(french) == len(russian) == COUNT
    with pytest.raises(CorpusError, match="leave --hard-negatives away"):
        mine(pairs[:1], tiny_labse)


def test_deterministic_and_told_in_numbers(pairs, mined, spread):
    told = []
    again = mine(pairs, spread, progress=lambda done, total: told.append((done, total)))
    assert again == mined
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > len(pairs)


def test_a_sample_of_the_candidates(pairs, spread, monkeypatch):
    monkeypatch.setattr(negatives, "CANDIDATES", 20)
    first = mine(pairs, spread)
    used = {text for pair, found in first if pair.lang_b == "en" for text in found}
    assert len(used) <= 20
    assert mine(pairs, spread) == first
    other = {text for pair, found in mine(pairs, spread, seed=2) if pair.lang_b == "en"
             for text in found}  # fmt: skip
    assert other != used


def test_a_text_is_encoded_once(pairs, spread, monkeypatch):
    from sentence_transformers import SentenceTransformer

    read: list[str] = []
    encode = SentenceTransformer.encode

    def counted(self, texts, **given):
        read.extend(texts)
        return encode(self, texts, **given)

    monkeypatch.setattr(SentenceTransformer, "encode", counted)
    mine(pairs, spread)
    assert len(read) == len(
        {(lang, search_key(text)) for pair in pairs
         for lang, text in ((pair.lang_a, pair.text_a), (pair.lang_b, pair.text_b))}
    )  # fmt: skip
    assert not any("ӏ" in text for text in read)  # as the model reads them
