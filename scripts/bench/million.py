"""A memory of as many units as wanted, made of real ones: what benchmarks of other commands read.

    python scripts/bench/million.py --data ../shared/data --units 1000000 --out million.tsv
    python scripts/bench/million.py --data ../shared/data --units 1000000 --index million

Units are the Russian–Kabardian pairs of `corpus/large.tsv` and, where these run out, variants of
them: in each a third of the words on the source side (Russian, or --source kbd; one word at
least) is replaced by words of other sentences, dropped or doubled, so that every unit has dozens of
relatives, as in a memory of manuals. That is harder on fuzzy matching than unrelated sentences,
which hardly any filter lets pass. The same units for the same number.

With --index, they are built into an index with vectors of 16 dimensions made of letters: what
reads no vector (fuzzy matches, concordance, files) is measured, encoding is not.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np

from searchkbd.corpus.sentence import Place, Sentence

LANGS = ("ru", "kbd")


class LetterEncoder:
    """Vectors of 16 dimensions: hashed letters of a text."""

    name = "letters"
    fingerprint = "letters-16-v1"
    dim = 16

    def encode(self, texts: Sequence[str], langs: Sequence[str] | None = None) -> np.ndarray:
        counts = np.ones((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(counts, texts, strict=True):
            for letter in text[:40]:
                row[zlib.crc32(letter.encode("utf-8", "replace")) % self.dim] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def other(source: str) -> str:
    return LANGS[1 - LANGS.index(source)]


def real_pairs(data: Path, source: str) -> list[tuple[str, str]]:
    """Return the (source, target) pairs of large.tsv, each source text once."""
    target = other(source)
    groups: dict[str, dict[str, str]] = {}
    with open(data / "corpus" / "large.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            groups.setdefault(row["group"], {})[row["lang"]] = row["text"]
    pairs = {g[source]: g[target] for g in groups.values() if source in g and target in g}
    return list(pairs.items())


def pairs(data: Path, source: str, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the real pairs and then variants without end."""
    real = real_pairs(data, source)
    yield from real
    chance = random.Random(seed)
    words = [word for text, _ in real for word in text.split()]
    seen = {text for text, _ in real}
    for _ in count():
        text, target = chance.choice(real)
        text = variant(text, words, chance)
        if text not in seen:
            seen.add(text)
            yield text, target


def variant(text: str, words: Sequence[str], chance: random.Random, share: float = 1 / 3) -> str:
    """Return *text* with a *share* of its words, one at least, replaced, dropped or doubled."""
    out = text.split()
    for _ in range(max(1, round(len(out) * share))):
        at = chance.randrange(len(out))
        kind = chance.random()
        if kind < 0.7:
            out[at] = chance.choice(words)
        elif kind < 0.85 and len(out) > 2:
            del out[at]
        else:
            out.insert(at, chance.choice(words))
    return " ".join(out)


def sentences(units: Iterator[tuple[str, str]], source: str) -> Iterator[Sentence]:
    for number, texts in enumerate(units, start=1):
        for lang, text in zip((source, other(source)), texts, strict=True):
            yield Sentence(
                f"{number}-{lang}", lang, text, f"u{number}", "bench", None,
                Place("million", number),
            )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--source", choices=LANGS, default=LANGS[0])
    parser.add_argument("--index", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(f"{options.source}\t{other(options.source)}\n")
            for pair in islice(pairs(options.data, options.source), options.units):
                file.write("\t".join(pair) + "\n")
    if options.index:
        from searchkbd.index.writer import Mode, build_index

        start = time.perf_counter()
        units = islice(pairs(options.data, options.source), options.units)
        summary = build_index(
            options.index, sentences(units, options.source), LetterEncoder(), mode=Mode.REPLACE,
            progress=lambda s: print(f"\r{s.added:,}", end="", file=sys.stderr),
        )  # fmt: skip
        seconds = time.perf_counter() - start
        print(f"\n{summary.added:,} sentences in {seconds:.0f} s")


if __name__ == "__main__":
    main()
