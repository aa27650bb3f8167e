"""Measure concordance searches over a million sentences, beside the greps they replace.

    python scripts/bench/concordance.py --corpus ../shared/data/corpus/large.tsv --index million

Makes the index when it is not there: the rows of the corpus and, up to --sentences, variants of
them in which one word in five (at least one) is another row's. Its vectors mean nothing (they are
not read by a concordance). Then each pattern is searched for in all sentences of all languages and
its first 20 lines are read with their translations, in this process. Beside it, in turn, the
nearest regular expression: Python's ``re`` over the texts in memory, and GNU ``grep`` over a plain
text file of them.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from million import LetterEncoder

import searchkbd
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Sentence
from searchkbd.index.writer import build_index

P = "[ӏӀIil1|!]"  # what grep must be told of the palochka
QUERIES = [
    ("rare word", "пшеница", r"\bпшеница\b"),
    ("common word", "хотел", r"\bхотел\b"),
    ("very common word", "и", r"\bи\b"),
    ("very common word", "the", r"\bthe\b"),
    ("Kabardian word", "щ1алэ", rf"\bщ{P}алэ\b"),
    ("phrase", "я не знаю", r"\bя\W+не\W+знаю\b"),
    ("phrase of common words", "и не", r"\bи\W+не\b"),
    ("one word between", "в ? день", r"\bв\W+\w+\W+день\b"),
    ("gap", "хотел * забы*", r"\bхотел\W+(?:\w+\W+){0,5}забы"),
    ("gap between common words", "и * не", r"\bи\W+(?:\w+\W+){0,5}не\b"),
    ("many gaps", "в * и * на * не", r"\bв\b.*\bи\b.*\bна\b.*\bне\b"),
    ("prefix", "забы*", r"\bзабы"),
    ("prefix of one letter", "п*", r"\bп"),
    ("suffix", "*къым", r"къым\b"),
    ("suffix of one letter", "*а", r"а\b"),
    ("prefix and suffix", "за*ть", r"\bза\w*ть\b"),
    ("part", "*псэл*", r"\w*псэл"),
    ("part of one letter", "*а*", r"а"),
    ("alternatives", "хотел|хочет|хотят", r"\b(?:хотел|хочет|хотят)\b"),
    ("nothing", "хотелось пшеницы", r"\bхотелось\W+пшеницы\b"),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default="../shared/data/corpus/large.tsv")
    parser.add_argument("--index", required=True, type=Path)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    if not options.index.exists():
        start = time.perf_counter()
        build_index(options.index, million(options.corpus, options.sentences), LetterEncoder())
        print(f"built in {time.perf_counter() - start:.0f} s")
    plain = options.index.with_suffix(".txt")
    with searchkbd.open_index(options.index, map_vectors=False) as index:
        info = index.info()
        texts = all_texts(index)
        plain.write_text("".join(text + "\n" for text in texts), "utf-8")
        files = [path for path in (options.index / "texts").iterdir() if path.is_file()]
        print(
            f"{info.sentences:,} sentences in {len(info.languages)} languages, "
            f"{len(files)} text files of {sum(f.stat().st_size for f in files) / 1e6:,.0f} MB, "
            f"{os.cpu_count()} cores\n"
        )
        print("| what | pattern | occurrences | p50 ms | p95 ms | re ms | grep ms |")
        print("|---|---|---:|---:|---:|---:|---:|")
        medians = []
        for what, pattern, regex in QUERIES:
            count, times = timed(lambda p=pattern: concordance(index, p), options.runs)
            p50, p95 = statistics.median(times), float(np.percentile(times, 95))
            medians.append(p50)
            compiled = re.compile(regex, re.IGNORECASE)
            _, scans = timed(lambda c=compiled: sum(1 for t in texts if c.search(t)), 1)
            _, greps = timed(lambda r=regex: grep(r, plain), 1)
            cell = pattern.replace("|", r"\|")
            print(
                f"| {what} | `{cell}` | {count:,} | {p50:.1f} | {p95:.1f} "
                f"| {scans[0]:,.0f} | {greps[0]:,.0f} |",
                flush=True,
            )
        print(
            f"\np50 over the patterns {statistics.median(medians):.1f} ms, "
            f"slowest {max(medians):.1f} ms"
        )
    plain.unlink()


def million(corpus: str, count: int) -> Iterator[Sentence]:
    """Yield the sentences of *corpus*, then variants, group by group, *count* in all."""
    sentences = [item for item in read_corpus(corpus, ReadOptions()) if isinstance(item, Sentence)]
    lender: dict[str, list[list[str]]] = {}
    for sentence in sentences:
        lender.setdefault(sentence.lang, []).append(sentence.text.split())
    chance = random.Random(0)
    done = 0
    for turn in range(1 + count // len(sentences)):
        for sentence in sentences[: count - done]:
            if turn:
                words = sentence.text.split()
                for _ in range(1 + len(words) // 5):
                    other = chance.choice(chance.choice(lender[sentence.lang]))
                    words[chance.randrange(len(words))] = other
                sentence = replace(
                    sentence,
                    id=f"{sentence.id}-{turn}",
                    text=" ".join(words),
                    group=f"{sentence.group}-{turn}",
                )
            done += 1
            yield sentence


def all_texts(index: searchkbd.Index) -> list[str]:
    return [sentence.text.replace("\n", " ") for sentence in index._reader.iterate()]


def concordance(index: searchkbd.Index, pattern: str) -> int:
    found = index.concordance(pattern)
    list(found.lines(20))
    return found.occurrences


def grep(regex: str, path: Path) -> int:
    done = subprocess.run(
        ["grep", "-ciP", regex, str(path)],
        env={**os.environ, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return int(done.stdout or 0)


def timed(run: Callable[[], int], runs: int) -> tuple[int, list[float]]:
    """Return what *run* returns and the milliseconds that it took, run after run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = run()
        times.append(1000 * (time.perf_counter() - start))
    return result, times


if __name__ == "__main__":
    main()
