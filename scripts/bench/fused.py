"""Measure what fused search costs on top of semantic search, by kind of query.

    python scripts/bench/fused.py --index large --data ../shared/data

Each query is searched in semantic and in fused mode in turn, and what fused mode adds is the
difference of the two, so that the speed of encoder and machine cancels out; the matching by words
alone is timed besides. Ordinary queries are development sentences in the languages of the index
(without --data: every other word of its own sentences); common words are the 30 that most of a
sample of a language's sentences have. The rare language is the one with the fewest sentences;
queries limited to it are in the others. The median of --rounds counts for each query; on a machine
that is not quiet, --cpu counts processor time.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from million import LetterEncoder

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Sentence
from searchkbd.encoders import load_encoder
from searchkbd.encoders.base import Encoder
from searchkbd.index.reader import IndexReader, check_encoder
from searchkbd.search import engine, lexical
from searchkbd.search.hit import SearchMode
from searchkbd.text.forms import words

DEV = ["sentences_kbd_ru.tsv", "tatoeba_fr_en.tsv", "tatoeba_tr_en.tsv"]
COMMON = 30
SAMPLED = 50_000  # sentences whose words are counted
Clock = Callable[[], float]
LONG = 60  # words of a long query


@dataclass(frozen=True, slots=True)
class Case:
    """A query, its language, and what hits are limited to."""

    text: str
    lang: str
    langs: tuple[str, ...] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--queries", type=int, default=40, help="for each language and kind")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    with IndexReader(options.index) as reader:
        letters = LetterEncoder()
        own = reader.meta["fingerprint"] == letters.fingerprint
        encoder: Encoder = letters if own else load_encoder()
        check_encoder(reader.meta, encoder, options.index)
        print(f"{sum(reader.sentences_per_language.values()):,} sentences: "
              + ", ".join(f"{n:,} {lang}" for lang, n in reader.sentences_per_language.items()))
        print("\n| queries | of them | semantic p50 ms | fused adds p50 / p95 / max ms "
              "| its words alone p50 / p95 ms | fused : semantic |\n|---|---|---|---|---|---|")
        clock = time.thread_time if options.cpu else time.perf_counter
        kinds = cases(reader, sentences(reader, options.data, options.queries), options.queries)
        for kind, asked in kinds.items():
            show(kind, *measure(reader, encoder, asked, options.rounds, clock))


def cases(
    reader: IndexReader, dev: dict[str, list[str]], count: int
) -> dict[str, list[Case]]:
    """Return the queries by kind, always the same for the same index."""
    chance = random.Random(1)
    common = common_words(reader)
    rare = list(reader.sentences_per_language)[-1]
    kinds: dict[str, list[Case]] = {
        "ordinary": [Case(text, lang) for lang in dev for text in dev[lang][:count]],
        "two to five very common words": [],
        "one very common word": [],
        f"{LONG} words": [],
        f"ordinary, --lang {rare}": [],
        f"very common words, --lang {rare}": [],
    }
    some, one, long, limited, common_limited = list(kinds.values())[1:]
    for lang, most in common.items():
        for _ in range(count):
            text = " ".join(chance.sample(most, chance.randint(2, 5)))
            some.append(Case(text, lang))
            if lang != rare:
                common_limited.append(Case(text, lang, (rare,)))
        one += [Case(word, lang) for word in most[:count]]
    for lang, texts in dev.items():
        for _ in range(count // 4):
            running = " ".join(chance.sample(texts, min(len(texts), LONG))).split()
            long.append(Case(" ".join(running[:LONG]), lang))
        if lang != rare:
            limited += [Case(text, lang, (rare,)) for text in texts[:count]]
    return kinds


def sentences(reader: IndexReader, data: Path | None, count: int) -> dict[str, list[str]]:
    """Return some hundred texts by language, in the languages of the index."""
    chance = random.Random(2)
    found: dict[str, list[str]] = {lang: [] for lang in reader.sentences_per_language}
    if data is None:
        for lang, texts in found.items():
            texts += (" ".join(key.split()[::2]) for key in sampled_keys(reader, lang, 10 * count))
    else:
        for name in DEV:
            for item in read_corpus(data / "dev" / name):
                if isinstance(item, Sentence) and item.lang in found:
                    found[item.lang].append(item.text)
    for texts in found.values():
        chance.shuffle(texts)
    return {lang: texts for lang, texts in found.items() if texts}


def sampled_keys(reader: IndexReader, lang: str, count: int) -> list[str]:
    # Not every n-th row: where pairs alternate, that would be one language.
    step = max(1, sum(reader.sentences_per_language.values()) // count)
    found = reader.connection.execute(
        "SELECT key FROM sentences WHERE ((row * 2654435761 & 4294967295) >> 8) % ? = 0"
        " AND lang = ?", (step, lang)
    )
    return [key for (key,) in found]


def common_words(reader: IndexReader) -> dict[str, list[str]]:
    """Return the words that most sentences of each language have."""
    most = {}
    for lang in reader.sentences_per_language:
        counts = Counter(w for key in sampled_keys(reader, lang, SAMPLED) for w in set(words(key)))
        most[lang] = [word for word, _ in counts.most_common(COMMON)]
    return most


def measure(
    reader: IndexReader, encoder: Encoder, asked: list[Case], rounds: int, clock: Clock
) -> tuple[list[float], list[float], list[float]]:
    """Return milliseconds for each query: semantic mode, what fused mode adds, its words alone."""
    semantic, added, worded = [], [], []
    for case in asked:
        # The first round reads what the others find in memory.
        times = [times_of(reader, encoder, case, clock) for _ in range(rounds + 1)][1:]
        nearest, fused, by_words = map(statistics.median, zip(*times, strict=True))
        semantic.append(nearest)
        added.append(fused - nearest)
        worded.append(by_words)
    return semantic, added, worded


def times_of(
    reader: IndexReader, encoder: Encoder, case: Case, clock: Clock
) -> tuple[float, float, float]:
    """Return milliseconds of semantic mode, of fused mode, and of matching by words alone."""

    def search(mode: SearchMode) -> None:
        engine.search(reader, encoder, [case.text], [case.lang], langs=case.langs, mode=mode)

    times = [clock()]
    search(SearchMode.SEMANTIC)
    times.append(clock())
    search(SearchMode.FUSED)
    times.append(clock())
    lexical.rank(reader, case.text, engine.DEPTH, case.langs)
    times.append(clock())
    nearest, fused, by_words = (1000 * (b - a) for a, b in pairwise(times))
    return nearest, fused, by_words


def show(kind: str, semantic: list[float], added: list[float], worded: list[float]) -> None:
    base = statistics.median(semantic)
    ratio = statistics.median(a + s for a, s in zip(added, semantic, strict=True)) / base
    print(f"| {kind} | {len(semantic)} | {base:.1f} | {statistics.median(added):.1f} / "
          f"{p95(added):.1f} / {max(added):.1f} | {statistics.median(worded):.1f} / "
          f"{p95(worded):.1f} | {ratio:.1f} |", flush=True)  # fmt: skip


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]


if __name__ == "__main__":
    main()
