"""The Markdown of a model card, section by section."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from searchkbd.text.languages import NAMES
from searchkbd.training.finetune.evaluators import DirectionFigures
from searchkbd.training.finetune.gate import HELD
from searchkbd.training.finetune.record import SAMPLE, DataFile, RunRecord, Tokens

_CARD = "https://huggingface.co/panagoa/LaBSE-kbd-v0.2"
_LOSSES = {
    "mnrl": "MultipleNegativesRankingLoss",
    "symmetric": "MultipleNegativesRankingLoss in both directions",
    "cached": "CachedMultipleNegativesRankingLoss",
    "cached-symmetric": "CachedMultipleNegativesRankingLoss in both directions",
}


def body(run: RunRecord, examples: Sequence[Mapping[str, str]]) -> str:
    """Return all sections; *examples* are sentences by language, as the model reads them."""
    sections = (
        _about(run), _use(run, examples), _architecture(run), _data(run), _recipe(run),
        _figures(run), _spearman(run), _limits(run), _versions(run), _license(run),
    )  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _about(run: RunRecord) -> str:
    base = code(run.base)
    if run.base_on_hub:
        base = f"[{plain(run.base)}](https://huggingface.co/{run.base})"
        if run.base_revision:
            base += f" (revision {code(run.base_revision)})"
    return f"""# {plain(run.name)}

This is a [sentence-transformers](https://www.sbert.net) model, fine-tuned from {base}. It maps a
sentence to {run.dim:,} numbers such that sentences of one meaning are near each other, in one
language or in two. It is meant for semantic search, translation memories and mining parallel text.

- **Languages:** {", ".join(f"{NAMES.get(a, a)} ({a})" for a in run.languages)}
- **Dimensions:** {run.dim:,}
- **Similarity:** cosine
- **Longest text:** {run.max_tokens:,} tokens; what is longer is cut
- **Vocabulary:** {run.vocabulary:,} pieces
- **Palochka:** {_palochka(run)}"""


def _palochka(run: RunRecord) -> str:
    if run.palochka is None:
        return "as it is written; texts were not changed"
    return (
        f"the model reads the Kabardian letter ӏ as {code(run.palochka)} (U+{ord(run.palochka):04X}"
        "), whatever it is written as; letter case is kept"
        if len(run.palochka) == 1
        else f"the model reads the Kabardian letter ӏ as {code(run.palochka)}"
    )


def _use(run: RunRecord, examples: Sequence[Mapping[str, str]]) -> str:
    here = [lang for lang in run.languages if lang in examples[0]] or list(examples[0])
    first, second = here[0], here[-1]
    sentences = [examples[0][first], examples[0][second], examples[1][second]]
    listed = "\n".join(f"    {sentence!r}," for sentence in sentences)
    model = repr(run.name)
    note = (
        f"Kabardian text must be given with the palochka written {code(run.palochka)}; searchkbd "
        "sees to that by itself."
        if run.palochka is not None
        else "Text is given as it is."
    )
    return f"""## Use

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({model})  # a directory, or a repository of the hub
sentences = [
{listed}
]
embeddings = model.encode(sentences)
print(embeddings.shape)  # (3, {run.dim})
similarities = model.similarity(embeddings, embeddings)
print(similarities.shape)  # torch.Size([3, 3]); the first two have one meaning
```

{note} In searchkbd the model is an encoder like any other:

```sh
searchkbd build corpus.tsv --index my-index --encoder DIRECTORY
searchkbd eval pairs.tsv --encoder DIRECTORY
```"""


def _architecture(run: RunRecord) -> str:
    return f"## Architecture\n\n{fenced(run.architecture)}"


def _data(run: RunRecord) -> str:
    total = sum(one.pairs for one in run.counts)
    rows = [
        (f"{one.lang_a}–{one.lang_b}", f"{one.pairs:,}", _tokens(one.tokens_a),
         _tokens(one.tokens_b))
        for one in run.counts
    ]  # fmt: skip
    return f"""## Training data

{total:,} pairs of sentences that are translations of each other; no labels. Tokens are counted in
the first {SAMPLE:,} pairs of a language pair.

{table(("pairs", "number", "tokens, first side", "tokens, second side"), rows)}

{_files("Trained on", run.files)}

{_files("Measured by", run.dev_files)}"""


def _tokens(one: Tokens) -> str:
    return f"min {one.least}, mean {one.mean:.1f}, max {one.most}"


def _files(title: str, files: Sequence[DataFile]) -> str:
    if not files:
        return f"{title}: pairs held out of the training files."
    rows = [(code(file.name), code(file.sha256) if file.sha256 else "") for file in files]
    return f"{title}:\n\n{table(('file', 'SHA-256'), rows)}"


def _recipe(run: RunRecord) -> str:
    settings = asdict(run.config)
    rows = [("loss", _LOSSES[settings.pop("loss")]), ("similarity", "cosine")]
    rows += [(name.replace("_", " "), _setting(value)) for name, value in settings.items()]
    rows += [
        ("optimiser", "AdamW, betas 0.9 and 0.999, epsilon 1e-08"),
        ("learning rate", "linear to 0, after the warm-up"),
        ("steps", f"{run.steps:,}; the model is that of step {run.best_step:,}"),
        ("device", run.device),
    ]
    return f"""## Training

{table(("setting", "value"), rows)}

The command:

{fenced(run.command)}"""


def _setting(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "off" if math.isinf(value) else f"{value:g}"
    return str(value)


def _figures(run: RunRecord) -> str:
    rows = []
    for after in run.after.directions:
        before = run.before.of(*after.langs)
        rows.append(
            (
                "→".join(after.langs), f"{after.sources:,}", f"{after.candidates:,}",
                *(_change(before, after, name) for name in
                  ("accuracy_at_1", "accuracy_at_5", "accuracy_at_10", "mrr_at_10",
                   "translation_accuracy")),
            )
        )  # fmt: skip
    head = ("direction", "sentences", "among", "accuracy@1", "accuracy@5", "accuracy@10",
            "MRR@10", "one to one")  # fmt: skip
    remarks = [*run.remarks]
    if run.built_in_held:
        remarks.insert(
            0, "Pairs of these languages were not given: they are those of searchkbd's phrasebook."
        )
    return f"""## Evaluation

Before → after the training. A sentence searches all sentences of the other language; accuracy@k is
the share of sentences whose translation is among the nearest k by cosine, in percent. Identical
texts count once, and any translation of a sentence is right. *One to one* is accuracy@1 among pairs
no text of which stands in two.

{table(head, rows)}

Regression gate, for languages that must not get worse ({", ".join(HELD)}):
{f"{run.verdict}. " + " ".join(remarks)}"""


def _change(before: DirectionFigures | None, after: DirectionFigures, name: str) -> str:
    value = f"**{100 * getattr(after, name):.1f}**"
    return value if before is None else f"{100 * getattr(before, name):.1f} → {value}"


def _spearman(run: RunRecord) -> str:
    figure = ""
    if run.after.spearman is not None:
        before = "not defined" if run.before.spearman is None else f"{run.before.spearman:+.3f}"
        figure = f" Of that kind, for comparison: {before} before, {run.after.spearman:+.3f} after."
    return f"""### Why no correlation

The card of [LaBSE-kbd]({_CARD}) gives a Spearman correlation of cosines with labels. By its samples
these labels are 0.0 where there was none and another model's cosine (0.93) elsewhere, and its loss
uses no labels; so the figure tells which pairs had a label and not how well translations are found.
It may be negative for a model that searches without a fault: `docs/evaluation.md` of
searchkbd explains and simulates it.{figure}"""


def _limits(run: RunRecord) -> str:
    trained = sorted({lang for one in run.counts for lang in (one.lang_a, one.lang_b)})
    return f"""## Limits and bias

- It was trained on {", ".join(trained)} only. Other languages of the base model were not
  measured, unless they stand in the table above, and may have got worse.
- The figures are of the development pairs, which also chose the model among those of the
  training; on other texts, and among more sentences, it finds less.
- What the training texts say and leave out, and how they were translated, is in the model: their
  topics, their register, their dialect, their mistakes and their prejudices.
- Similar is not equivalent: sentences that differ in a number, a name or a negation may be near.
- Speakers of the languages have not reviewed it, unless whoever passes it on says so."""


def _versions(run: RunRecord) -> str:
    return "## Versions\n\n" + "\n".join(
        f"- {plain(name)}: {plain(number)}" for name, number in run.versions.items()
    )


def _license(run: RunRecord) -> str:
    told = (
        f"The model is given under {plain(run.license)}." if run.license
        else "Nobody has said under which licence this model is given."
    )  # fmt: skip
    return f"""## Licence

{told} It is made of its base model and of the texts above; their licences hold too, and are not
known to the program that wrote this card. Look before you pass it on."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def plain(text: str) -> str:
    """Return *text* such that Markdown and HTML take no character of it for a mark."""
    return re.sub(r"([\\`*_{}\[\]()#!|<>&~$])", r"\\\1", one_line(text))


def code(text: str) -> str:
    """Return *text* as code in a line, in a table too."""
    text = one_line(text).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    return f"{ticks} {text} {ticks}" if longest else f"{ticks}{text}{ticks}"


def fenced(text: str) -> str:
    """Return *text* as a block of code."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def one_line(text: str) -> str:
    """Return *text* with white space of every kind made one space."""
    return " ".join(text.split())
