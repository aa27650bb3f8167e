"""Measure translation-memory look-ups over a million units, beside two peers on the same units.

    python scripts/bench/million.py --data ../shared/data --units 1000000 --index million
    python scripts/bench/memory.py --data ../shared/data --index million --peer PYTHON

*Scan* is rapidfuzz over every unit's base form in memory, what a plain fuzzy memory does;
*tmserver* is that of translate-toolkit 3.18.1, the last release that has it, called behind its
HTTP layer, which reads the UTF-8 of a segment as Latin-1 and so finds nothing that is Cyrillic:
PYTHON is an interpreter of an environment with `translate-toolkit==3.18.1` (without --peer it is
left out; with a million units it takes minutes a segment: ask for few --segments).

The same segments go to each in turn: half are units with a sixth of their words changed, half are
sentences of `dev/sentences_kbd_ru.tsv`, which no unit was made from.

Printed are the latencies, what the first match is worth (quality as searchkbd counts it, whoever
found it), and how many of the matches of quality 70 and more that the scan finds the others find.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from million import LANGS, LetterEncoder, other, real_pairs, variant
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

import searchkbd
from searchkbd.index.reader import IndexReader
from searchkbd.memory.lookup import look_up
from searchkbd.memory.quality import compare
from searchkbd.memory.query import LookupOptions, Query
from searchkbd.text.forms import search_key
from searchkbd.text.segment import base_form, read_segment

LEAST = 70

# Runs in the peer's environment.
_FILL = """
import csv, sys
from translate.storage.tmdb import TMDB
memory = TMDB(sys.argv[1])
units = []
for line in sys.stdin:
    source, target = line.rstrip("\\n").split("\\t")
    units.append({"source": source, "target": target, "context": ""})
    if len(units) == 50000:
        memory.add_list(units, "ru", "kbd"); units = []
memory.add_list(units, "ru", "kbd")
"""

_ANSWER = """
import json, sys
from translate.storage.tmdb import TMDB
memory = TMDB(sys.argv[1], max_candidates=5, min_similarity=int(sys.argv[2]))
for line in sys.stdin:
    found = memory.translate_unit(line.rstrip("\\n"), "ru", "kbd")
    print(json.dumps([unit["source"] for unit in found]), flush=True)
"""


@dataclass
class Measured:
    """What one way of looking up did."""

    milliseconds: list[float] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    found: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--source", choices=LANGS, default=LANGS[0], help="as of million.py")
    parser.add_argument("--segments", type=int, default=200)
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--peer-memory", type=Path, help="where the peer's database is kept")
    options = parser.parse_args()
    segments = make_segments(options.data, options.source, options.segments)
    with IndexReader(options.index) as reader:
        _ = reader.text_files
        units = [(s.text, s.key) for s in reader.iterate("s.lang = ?", (options.source,))]
        print(f"{len(units):,} units, {len(segments)} segments, searchkbd {searchkbd.__version__}")
        measure(reader, [text for text, _ in units], [base_form(key) for _, key in units],
                segments, options)  # fmt: skip


def make_segments(data: Path, source: str, count: int) -> list[str]:
    chance = random.Random(1)
    real = real_pairs(data, source)
    words = [word for text, _ in real for word in text.split()]
    changed = [variant(s, words, chance, 1 / 6) for s, _ in chance.sample(real, count // 2)]
    with open(data / "dev" / "sentences_kbd_ru.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    unseen = [row["text_b"] if row["lang_b"] == source else row["text_a"] for row in rows]
    return changed + chance.sample(unseen, min(len(unseen), count - len(changed)))


def measure(reader, texts: list[str], bases: list[str], segments: Sequence[str], options) -> None:
    encoder = LetterEncoder()
    source, target = options.source, other(options.source)
    lookup = LookupOptions(k=1000, min_quality=LEAST, semantic=False, parts=False, step_down=False)
    whole = LookupOptions(k=5, min_quality=LEAST, semantic=False, parts=False, step_down=False)
    default = LookupOptions(k=5, min_quality=LEAST, semantic=False)

    def searched(segment: str, how: LookupOptions = whole) -> list[str]:
        found = look_up(reader, encoder, [Query(segment)], source, target, options=how)
        return [match.source for match in found[0].matches]

    def with_parts(segment: str) -> list[str]:
        return searched(segment, default)

    def scanned(segment: str) -> list[str]:
        found = process.extract(
            base_form(search_key(segment)), bases, scorer=Levenshtein.normalized_similarity,
            score_cutoff=LEAST / 100, limit=None,
        )  # fmt: skip
        return [texts[at] for _, _, at in found]

    ways: dict[str, Callable[[str], list[str]]] = {
        "searchkbd": searched, "searchkbd, with parts": with_parts, "scan": scanned,
    }  # fmt: skip
    peer = None
    if options.peer:
        peer = Peer(options.peer, options.peer_memory, texts)
        ways["tmserver"] = peer.ask
    results = {name: Measured() for name in ways}
    relevant = 0
    complete = 0
    try:
        for segment in segments:
            answers = {}
            for name, way in ways.items():
                start = time.perf_counter()
                answers[name] = way(segment)
                results[name].milliseconds.append(1000 * (time.perf_counter() - start))
            # Deductions come after the edits: what the scan found may be worth less than 70.
            worth = {t: quality_of(segment, t) for t in set(answers["scan"])}
            wanted = {text for text, quality in worth.items() if quality >= LEAST}
            everything = look_up(
                reader, encoder, [Query(segment)], source, target, options=lookup
            )[0].matches
            targets = {search_key(match.target) for match in everything}
            relevant += len(wanted)
            complete += sum(covered(text, everything, targets, reader, source) for text in wanted)
            for name, found in answers.items():
                best = [quality_of(segment, text) for text in found[:1]]
                results[name].first.append(best[0] if best and best[0] >= LEAST else 0)
    finally:
        if peer:
            peer.stop()
    show(results)
    print(f"\nof {relevant:,} units of quality {LEAST} and more that the scan finds, searchkbd "
          f"gives {complete:,}, by itself or by a better one with the same target")  # fmt: skip


def quality_of(segment: str, source: str) -> int:
    return compare(read_segment(segment), read_segment(source)).quality


def covered(text: str, matches, targets: set[str], reader, source: str) -> bool:
    """Whether *text* is a match's source, or another unit stands for its target."""
    if any(match.source == text for match in matches):
        return True
    rows = [s.group_row for s in reader.with_key(search_key(text), source)]
    return any(
        member.lang == other(source) and search_key(member.text) in targets
        for members in reader.groups(rows).values()
        for member in members
    )


class Peer:
    """The translation memory behind tmserver, in its own environment."""

    def __init__(self, python: str, place: Path | None, texts: list[str]) -> None:
        place = place or Path(tempfile.mkdtemp()) / "peer.db"
        if not place.exists():
            start = time.perf_counter()
            fill = subprocess.Popen(
                [python, "-c", _FILL, str(place)], stdin=subprocess.PIPE, text=True,
                encoding="utf-8",
            )  # fmt: skip
            with fill.stdin as pipe:
                pipe.writelines(f"{text}\t{number}\n" for number, text in enumerate(texts))
            if fill.wait():
                sys.exit("the peer's database could not be filled")
            print(f"tmserver: database filled in {time.perf_counter() - start:.0f} s")
        self._process = subprocess.Popen(
            [python, "-c", _ANSWER, str(place), str(LEAST)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1,
        )  # fmt: skip
        self.ask("проба")

    def ask(self, segment: str) -> list[str]:
        """Return the sources of the matches for *segment*, best first."""
        self._process.stdin.write(segment.replace("\n", " ") + "\n")
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def show(results: dict[str, Measured]) -> None:
    ours = results["searchkbd"]
    print("\n| | p50 ms | p95 ms | times searchkbd's p50 | first match ≥ 70 | its mean quality "
          "| as good as the scan's |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for name, result in results.items():
        p50 = statistics.median(result.milliseconds)
        p95 = statistics.quantiles(result.milliseconds, n=20, method="inclusive")[18]
        found = [quality for quality in result.first if quality]
        as_good = sum(
            own >= best for own, best in zip(result.first, results["scan"].first, strict=True)
        )
        print(
            f"| {name} | {p50:.1f} | {p95:.1f} | {p50 / statistics.median(ours.milliseconds):.1f} "
            f"| {len(found)} | {statistics.mean(found) if found else 0:.1f} "
            f"| {as_good / len(result.first):.0%} |"
        )


if __name__ == "__main__":
    main()
