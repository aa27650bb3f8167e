"""Train the language identifier: python scripts/train_lid.py --data ../shared/data --out FILE."""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

# Run from a checkout, whether or not the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from searchkbd.text.forms import loose_key  # noqa: E402
from searchkbd.text.identify import CLASSES, Table  # noqa: E402
from searchkbd.training import lid, lid_data  # noqa: E402

Texts = Sequence[lid_data.Labelled]


def _log(line: str) -> None:
    click.echo(line)


def report(title: str, texts: Texts, table: Table) -> None:
    """Print accuracy by kind, length and class, and what was taken for what."""
    guessed = lid.guesses(texts, table)
    right = sum(guess == item.lang for item, guess in zip(texts, guessed, strict=True))
    _log(f"\n## {title}: {right / max(1, len(texts)):.4f} of {len(texts)}")
    _log("kind, words        " + "".join(f"{lang:>15}" for lang in CLASSES))
    cells = lid.score(
        texts, guessed, lambda item: f"{item.kind:10} {lid.length_group(item.text):4}|{item.lang}"
    )
    for row in sorted({name.split("|")[0] for name in cells}):
        found = [cells.get(f"{row}|{lang}") for lang in CLASSES]
        shown = [f"{s.accuracy:.4f} ({s.total})" if s else "" for s in found]
        _log(f"{row:18} " + "".join(f"{cell:>15}" for cell in shown))
    _log("true \\ guessed     " + "".join(f"{lang:>15}" for lang in CLASSES))
    for lang, counts in zip(CLASSES, lid.confusion(texts, guessed), strict=True):
        if counts.sum():
            _log(f"{lang:18} " + "".join(f"{count:>15}" for count in counts))


def report_by_source(title: str, texts: Texts, table: Table) -> None:
    """Print accuracy for each source and class, for texts of four words or more."""
    longer = [item for item in texts if lid_data.word_count(item.text) >= 4]
    found = lid.score(longer, lid.guesses(longer, table), lambda i: f"{i.source} {i.lang}")
    _log(f"\n## {title}, four words or more")
    for name, part in found.items():
        _log(f"{name:32} {part.accuracy:.4f} ({part.total})")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--epochs", default=lid.Options.epochs, show_default=True)
@click.option("--draws", default=lid.Options.draws, show_default=True)
@click.option("--rate", default=lid.Options.rate, show_default=True)
@click.option("--decay", default=lid.Options.decay, show_default=True)
@click.option("--hold-out", default="", help="ISO codes, by comma, of languages left out of other")
def main(data: Path, out: Path, hold_out: str, **options: Any) -> None:
    """Fit on --data, write the table to --out, print the figures of its card."""
    fitting = lid.Options(**options)
    begun = time.perf_counter()
    dev = list(lid_data.read_dev(data))
    parts = lid_data.split(lid_data.read_training(data), lid_data.loose_keys(dev), fitting.seed)
    unseen_codes = frozenset(hold_out.split(",")) - {""}
    everything = [*parts.train, *parts.tune, *parts.test]
    unseen = [item for item in everything if item.source in unseen_codes]
    train, tune, test = (
        [item for item in part if item.source not in unseen_codes]
        for part in (parts.train, parts.tune, parts.test)
    )
    _log(f"{len(train)} texts to fit, {len(tune)} to tune, {len(test)} to report, {len(dev)} dev")
    table = lid.prefer_five(lid.fit(train, fitting, _log), tune)
    lid.save_table(table, out)
    _log(f"{out}: {out.stat().st_size} bytes after {time.perf_counter() - begun:.0f} s")

    longer = [item for item in [*test, *dev]
              if item.kind == "sentences" and lid_data.word_count(item.text) >= 4]
    report("sentences of four words or more, held aside and development", longer, table)
    report("held aside", test, table)
    langs = defaultdict(set)
    for item in everything:
        langs[loose_key(item.text)].add(item.lang)
    certain = [item for item in test if len(langs[loose_key(item.text)]) == 1]
    report("held aside, without texts that the data has in two languages", certain, table)
    rng = random.Random(fitting.seed)
    pieces = [lid_data.truncate(item, rng) for item in test if item.kind == "sentences"]
    report("held aside, one to three words of each sentence", pieces, table)
    report("development sets", dev, table)
    report_by_source("development sets", dev, table)
    palochka = [item for item in [*test, *dev] if item.lang in ("kbd", "ady")]
    bare = [replace(item, text=lid_data.drop_palochka(item.text)) for item in palochka]
    report("palochka left out", bare, table)
    capitals = [replace(i, text=lid_data.to_upper(i.text, i.lang == "tr")) for i in [*test, *dev]]
    report("in capitals", capitals, table)
    plain = [replace(i, text=lid_data.strip_accents(i.text).replace("ı", "i"))
             for i in [*test, *dev] if i.lang in ("fr", "tr")]
    report("French and Turkish without accents", plain, table)
    if unseen:
        report("languages not trained on", unseen, table)
        report_by_source("languages not trained on", unseen, table)


if __name__ == "__main__":
    main()
