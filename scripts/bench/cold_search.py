"""Measure cold commands that read an index: process start to exit, against the floor of imports.

    python scripts/bench/cold_search.py --index large

Each command runs in turn with the floor, ``python -c "import numpy, faiss, click"``, so that the
ratio holds when the machine's speed drifts; where the query is of a language of the teacher, which
has a tokenizer, the floor opens that too, with the library that it is made for. With --imports, the
slowest imports of a search are listed (python -X importtime) instead; with --phases, what a fresh
process does after them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

IMPORTS = "import numpy, faiss, click"
TOKENIZER = "\nfrom sentencepiece import SentencePieceProcessor as S\nS(model_file={!r})"
SEARCHES = [
    ("Kabardian query, fused", ["search", "Сэ еджапIэм сокIуэ", "--from", "kbd"]),
    ("Russian query, fused", ["search", "Где находится школа?", "--from", "ru"]),
    (
        "Russian query, semantic",
        ["search", "Где находится школа?", "--from", "ru", "--mode", "semantic"],
    ),
    (
        "Russian query, lexical",
        ["search", "Где находится школа?", "--from", "ru", "--mode", "lexical"],
    ),
    ("Russian query, language detected", ["search", "Где находится школа?"]),
    (
        "Kabardian segment, tm lookup",
        ["tm", "lookup", "Сэ еджапIэм сокIуэ", "--from", "kbd", "--to", "ru"],
    ),
    (
        "Russian segment, tm lookup",
        ["tm", "lookup", "Где находится школа?", "--from", "ru", "--to", "kbd"],
    ),
    ("concordance", ["concordance", "школ*", "--lang", "ru", "--to", "kbd"]),
]

PHASES = """
import sys, time
at = time.perf_counter()
def phase(name):
    global at
    now = time.perf_counter()
    print(name, 1000 * (now - at), sep="\\t")
    at = now
import searchkbd.cli.main, searchkbd.cli.search, searchkbd.api
phase("import the command and numpy")
import faiss
phase("import faiss")
index = searchkbd.api.open_index(sys.argv[1])
phase("open the index")
searchkbd.api.detect_languages([sys.argv[2]])
phase("identify the language")
encoder = index.encoder
encoder.encode([sys.argv[2]], [sys.argv[3]])
phase("load the encoder, encode")
index.search(sys.argv[2], query_lang=sys.argv[3], mode="semantic")
phase("semantic search, reading the vectors")
index.search(sys.argv[2], query_lang=sys.argv[3], mode="semantic")
phase("the same again")
index.search(sys.argv[2], query_lang=sys.argv[3], mode="lexical")
phase("lexical search")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", required=True)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--imports", action="store_true")
    parser.add_argument("--phases", action="store_true")
    options = parser.parse_args()
    searches = [(name, command(words, options.index)) for name, words in SEARCHES]
    if options.imports:
        show_imports(searches[1][1])
        return
    if options.phases:
        show_phases(options.index, options.runs)
        return
    print("| what | median ms | floor ms | ratio |")
    print("|---|---|---|---|")
    for name, words in searches:
        wall([*words])  # once, to fill the file cache
        floor = floor_of(name)
        pairs = [(wall(words), wall(floor)) for _ in range(options.runs)]
        ratio = statistics.median(own / least for own, least in pairs)
        own, least = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {own:.0f} | {least:.0f} | {ratio:.2f} |")


def floor_of(name: str) -> list[str]:
    """Return the command that a search called *name* is measured against."""
    code = IMPORTS
    if "Russian" in name and "lexical" not in name:
        from searchkbd.encoders.use_weights import find_source

        code += TOKENIZER.format(str(find_source().tokenizer))
    return [sys.executable, "-c", code]


def command(words: list[str], index: str) -> list[str]:
    return [sys.executable, "-m", "searchkbd", *words, "--index", index, "--json"]


def wall(words: list[str]) -> float:
    """Return the milliseconds that a process takes."""
    start = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - start)


def show_phases(index: str, runs: int) -> None:
    """Print the median milliseconds of each step of a first search, by language of the query."""
    queries = [("ru", "Где находится школа?"), ("kbd", "Сэ еджапIэм сокIуэ")]
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(runs):
        for lang, query in queries:
            command = [sys.executable, "-c", PHASES, index, query, lang]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            for line in run.stdout.splitlines():
                name, milliseconds = line.split("\t")
                times.setdefault(name, {}).setdefault(lang, []).append(float(milliseconds))
    print("| step | ru ms | kbd ms |")
    print("|---|---|---|")
    for name, by_lang in times.items():
        cells = " | ".join(f"{statistics.median(by_lang[lang]):.1f}" for lang, _ in queries)
        print(f"| {name} | {cells} |")


def show_imports(words: list[str]) -> None:
    """Print the imports that take the longest, with everything that they import."""
    run = subprocess.run(
        [words[0], "-X", "importtime", *words[1:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    rows = []
    for line in run.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[1].strip().isdigit():
            depth = (len(parts[2]) - len(parts[2].lstrip()) - 1) // 2
            rows.append((int(parts[1]) / 1000, depth, parts[2].strip()))
    print("| ms with all below it | module |")
    print("|---|---|")
    for milliseconds, depth, module in sorted(rows, reverse=True)[:25]:
        if depth <= 2:
            print(f"| {milliseconds:.1f} | {'· ' * depth}{module} |")


if __name__ == "__main__":
    main()
