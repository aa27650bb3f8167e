"""The model card, in the format of the Hugging Face hub: metadata in YAML, then Markdown.

It is filled from the record of the training and nothing else: the same record gives the same
bytes, without a date, without a path of the machine and without a sentence that was trained on;
the examples are the phrasebook's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import HUB, read_corpus
from searchkbd.corpus.sentence import Sentence
from searchkbd.encoders.tensors import write_atomically
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.mining.units import language_order
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import PALOCHKA
from searchkbd.training.finetune.card_text import body
from searchkbd.training.finetune.evaluators import KABARDIAN, DirectionFigures
from searchkbd.training.finetune.record import RunRecord

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

FILE = "README.md"

_LICENSES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl
ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1
lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa
unlicense zlib pddl lgpl-lr deepfloyd-if-license llama2 gemma unknown other
"""
LICENSES = frozenset(_LICENSES.split())
"""What the hub takes as ``license`` (huggingface.co/docs/hub/repositories-licenses); a licence
with another name is ``other``, and has a ``license_name``."""

_LOSS = {"mnrl": "", "symmetric": "", "cached": "Cached", "cached-symmetric": "Cached"}
_REPO = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)
_METRICS = (
    ("cosine_accuracy@1", "Cosine Accuracy@1", "accuracy_at_1"),
    ("cosine_accuracy@5", "Cosine Accuracy@5", "accuracy_at_5"),
    ("cosine_accuracy@10", "Cosine Accuracy@10", "accuracy_at_10"),
    ("cosine_mrr@10", "Cosine Mrr@10", "mrr_at_10"),
)
_EXAMPLE_WORDS = 4  # shorter sentences show little
_EXAMPLES = 5


def write_card(directory: Path, run: RunRecord) -> Path:
    """Write the card of *run* into *directory* and return its file.

    Needs huggingface_hub, which sentence-transformers brings. Raises OSError.
    """
    path = directory / FILE
    write_atomically(path, card(run).encode("utf-8"))
    return path


def card(run: RunRecord) -> str:
    """Return the content of the card."""
    # A file name may hold what is no text; the hub reads UTF-8.
    text = f"---\n{metadata(run).to_yaml()}\n---\n\n{body(run, examples(run))}"
    return text.encode("utf-8", "replace").decode("utf-8")


def metadata(run: RunRecord) -> ModelCardData:
    """Return what the hub reads of a card."""
    from huggingface_hub import ModelCardData

    pairs = sum(one.pairs for one in run.counts)
    datasets = [
        file.name.removeprefix(HUB).partition("@")[0]
        for file in run.files
        if file.name.startswith(HUB)
    ]
    return ModelCardData(
        language=list(run.languages),
        **_license(run.license),
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=[
            "sentence-transformers", "sentence-similarity", "feature-extraction", "dense",
            "generated_from_trainer", f"dataset_size:{pairs}",
            f"loss:{_LOSS[run.config.loss]}MultipleNegativesRankingLoss",
        ],
        base_model=run.base if run.base_on_hub and _REPO.fullmatch(run.base) else None,
        datasets=[name for name in datasets if _REPO.fullmatch(name)] or None,
        metrics=[name for name, _, _ in _METRICS],
        widget=widget(run),
        model_name=run.name.encode("utf-8", "replace").decode("utf-8"),
        eval_results=[
            result for one in run.after.directions for result in _results(one)
        ],
    )  # fmt: skip


def examples(run: RunRecord) -> list[dict[str, str]]:
    """Return sentences of the phrasebook by language, as the model reads them.

    In Kabardian each has a palochka, to show what becomes of it.
    """
    groups: dict[str, dict[str, str]] = {}
    for item in read_corpus(PHRASEBOOK, ReadOptions()):
        if isinstance(item, Sentence):
            groups.setdefault(item.group, {})[item.lang] = item.text
    long = [
        {lang: model_text(text, lang, run.palochka) for lang, text in group.items()}
        for group in groups.values()
        if min(len(text.split()) for text in group.values()) >= _EXAMPLE_WORDS
        and PALOCHKA in group[KABARDIAN]
    ]
    # Spread over the book: neighbours in it are about one matter.
    return long[:: max(1, len(long) // _EXAMPLES)][:_EXAMPLES]


def widget(run: RunRecord) -> list[dict[str, Any]]:
    """Return queries for the hub's page: a sentence in each language, and three in the next, of
    which one is its translation."""
    groups = examples(run)
    langs = sorted(groups[0], key=language_order)
    shown = []
    for place, lang in enumerate(langs):
        target = langs[(place + 1) % len(langs)]
        candidates = [groups[(place + other) % len(groups)][target] for other in (1, 0, 2)]
        shown.append(
            {"source_sentence": groups[place % len(groups)][lang], "sentences": candidates}
        )
    return shown


def _license(name: str | None) -> dict[str, str]:
    """Return the fields of a licence; not given is ``unknown``."""
    if not name:
        return {"license": "unknown"}
    if name.lower() in LICENSES:
        return {"license": name.lower()}
    slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
    return {"license": "other", "license_name": slug or "unnamed"}


def _results(one: DirectionFigures) -> Sequence[EvalResult]:
    """Return the figures of a direction, as sentence-transformers names such tasks."""
    from huggingface_hub import EvalResult

    name = "-".join(one.langs)
    where = {
        "dataset_type": "unknown", "dataset_name": f"{name} development pairs",
        "dataset_config": name, "dataset_split": "dev",
    }  # fmt: skip
    found = [
        EvalResult(
            task_type="information-retrieval", task_name="Information Retrieval",
            metric_type=kind, metric_name=title, metric_value=round(getattr(one, figure), 4),
            **where,
        )
        for kind, title, figure in _METRICS
    ]  # fmt: skip
    found.append(
        EvalResult(
            task_type="translation", task_name="Translation", metric_type="src2trg_accuracy",
            metric_name="Src2Trg Accuracy", metric_value=round(one.translation_accuracy, 4),
            **where,
        )
    )  # fmt: skip
    return found
