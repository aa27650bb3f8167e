"""Measure the time and memory of preparing pairs.

    python scripts/bench/pairs.py --data ../shared/data 100000 1000000 [-- --near 90]

Makes a file of N pairs out of the sentences of the corpus (a pair, and the first words of another
one or all of it), prepares it with 2,000 pairs held out, by the command in a process of its own,
and says what that took: CPU seconds, seconds in all, and the greatest resident memory.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from searchkbd.corpus.options import ReadOptions
from searchkbd.pairs.options import PrepareOptions
from searchkbd.pairs.reading import Pair, PairReader

SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("counts", type=int, nargs="+")
    # What follows "--" is for the command; argparse alone would take it for counts.
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    arguments = parser.parse_args(given[:at])
    reader = PairReader(ReadOptions(), PrepareOptions(), on_reject=lambda reject: None)
    pairs = list(reader.read([str(arguments.data / "corpus" / "large.tsv")]))
    print(f"{'pairs':>10}  {'CPU s':>7}  {'wall s':>7}  {'MB':>6}")
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "pairs.tsv"
            with source.open("w", encoding="utf-8") as file:
                file.writelines(rows(pairs, count))
            cpu, wall, memory = run(source, Path(folder) / "out", given[at + 1 :])
        print(f"{count:>10,}  {cpu:>7.0f}  {wall:>7.0f}  {memory:>6.0f}", flush=True)


def rows(pairs: list[Pair], count: int) -> Iterator[str]:
    """Yield a table of *count* pairs, nearly all of them different."""
    by_langs: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        by_langs.setdefault(pair.langs, []).append(pair)
    rng = random.Random(SEED)
    yield "lang_a\tlang_b\ttext_a\ttext_b\torigin\n"
    for _ in range(count):
        one = rng.choice(pairs)
        other = rng.choice(by_langs[one.langs])
        words = rng.choice((1, 2, None))
        texts = (
            f"{text} {' '.join(more.split()[:words])}"
            for text, more in ((one.text_a, other.text_a), (one.text_b, other.text_b))
        )
        yield "\t".join((*one.langs, *texts, "bench")) + "\n"


def run(source: Path, out: Path, options: list[str]) -> tuple[float, float, float]:
    """Run the command; return CPU seconds, seconds, and its greatest memory in MB."""
    command = [
        sys.executable, "-m", "searchkbd", "pairs", "prepare", str(source), "--out", str(out),
        "--dev", "1000", "--test", "1000", *options,
    ]  # fmt: skip
    start = time.monotonic()
    child = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    wall = time.monotonic() - start
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
