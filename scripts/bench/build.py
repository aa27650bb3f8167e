"""Measure a build: sentences per second, peak memory, size on disk.

    python scripts/bench/build.py ../shared/data/corpus/large.tsv --index large

Prints a Markdown table row. The peer in the same run is encoding alone: the same sentences through
the same encoder without an index, on a sample, so that the share of the build that is encoding can
be told on a machine of any speed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.encoders import load_encoder

SAMPLE = 8_192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--index", required=True)
    options = parser.parse_args()
    command = [sys.executable, "-m", "searchkbd", "build", options.corpus]
    start = time.perf_counter()
    result = subprocess.run(
        [*command, "--index", options.index, "--replace", "--json"],
        stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if result.returncode == 2:
        sys.exit(2)
    summary = json.loads(result.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(path.stat().st_size for path in Path(options.index).rglob("*") if path.is_file())
    rate = summary["added"] / seconds
    share = rate / encode_rate(options.corpus)
    print("| sentences | seconds | sentences/s | share encoding | peak memory MB | on disk MB |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {summary['added']:,} | {seconds:.0f} | {rate:,.0f} | {share:.0%} | {peak:,.0f} "
        f"| {size / 1e6:,.0f} |"
    )
    print(f"\n{os.cpu_count()} cores; rejected {summary['rejected']}, merged {summary['merged']}")


def encode_rate(corpus: str) -> float:
    """Return sentences/s of encoding alone, on evenly spread sentences of the corpus."""
    sentences = [item for item in read_corpus(corpus, ReadOptions()) if hasattr(item, "text")]
    step = max(1, len(sentences) // SAMPLE)
    sample = list(islice(sentences[::step], SAMPLE))
    encoder = load_encoder()
    encoder.encode(["да", "хьэуэ"], ["ru", "kbd"])  # loads both halves
    start = time.perf_counter()
    for at in range(0, len(sample), 2048):
        part = sample[at : at + 2048]
        encoder.encode([s.text for s in part], [s.lang for s in part])
    return len(sample) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
