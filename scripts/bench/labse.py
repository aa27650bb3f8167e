"""LaBSE on a processor: how fast, how exact, and how soon a first query is answered.

    python scripts/bench/labse.py --data ../shared/data --work labse-bench

A model of LaBSE's size with random weights is made below --work once (1.9 GB; --model DIR takes
another). Rate: the same sentences are encoded by sentence-transformers as it comes, by torch with
bfloat16 products, by OpenVINO's own, and by searchkbd, in turn, in one process; agreement is the
share of the ten nearest other sentences by full precision that are among the ten nearest by
another. Cold: a process that answers one query over an index of --rows sentences, against one that
does so with sentence-transformers and faiss, and what memory each took at most. Build: the peak of
the process that builds that index. Agreement with random weights says little of trained ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

QUERY = "Где находится школа?"
THEIRS = """
import sys
import faiss, numpy
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
index = faiss.read_index(sys.argv[2])
print(index.search(model.encode([sys.argv[3]], normalize_embeddings=True), 10)[1])
"""
EXPORT = """
import sys
from searchkbd.encoders import load_encoder
for precision in ("auto", "fp32", "int8"):
    load_encoder(sys.argv[1], precision=precision).encode(["Где находится школа?"], ["ru"])
"""
AGREE_AT = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--part", choices=("rates", "cold"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    model = options.model or random_model(options.work / "model", options.data)
    corpus = options.data / "corpus" / "large.tsv"
    if options.part is None:
        # Each in a process of its own: the peak of a process is never less than what its parent
        # held when it was started.
        for part in ("rates", "cold"):
            subprocess.run([*sys.orig_argv, "--part", part], check=True)
    elif options.part == "rates":
        texts, langs = read_rows(corpus, options.texts)
        show_rates(model, texts, langs, options.rounds)
    else:
        show_cold(model, corpus, options.work, options.rows, options.runs)


def random_model(directory: Path, data: Path) -> Path:
    from random_labse import make

    return directory if (directory / "modules.json").exists() else make(directory, data)


def read_rows(corpus: Path, count: int) -> tuple[list[str], list[str]]:
    """Return *count* texts and their languages, spread over the file."""
    with corpus.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["lang"]) for row in csv.DictReader(
            file, delimiter="\t", quoting=csv.QUOTE_NONE
        )]  # fmt: skip
    texts, langs = zip(*rows[:: max(1, len(rows) // count)][:count], strict=True)
    return list(texts), list(langs)


def show_rates(model: Path, texts: list[str], langs: list[str], rounds: int) -> None:
    from sentence_transformers import SentenceTransformer

    from searchkbd.encoders import load_encoder
    from searchkbd.encoders.transformer.export import exported
    from searchkbd.encoders.transformer.files import find_model
    from searchkbd.encoders.transformer.openvino_body import OpenVinoBody
    from searchkbd.encoders.transformer.torch_body import TorchBody

    default = SentenceTransformer(str(model), device="cpu")
    files = find_model(model)
    encoders = {one: load_encoder(model, precision=one) for one in ("fp32", "bf16", "int8")}
    tokenizer, torch_bf16 = encoders["fp32"].tokenizer, TorchBody(files, "bf16", "cpu")
    calls: dict[str, Callable[[Sequence[str]], NDArray]] = {
        "sentence-transformers": lambda some: default.encode(list(some), show_progress_bar=False),
        "torch bf16, batches by tokens": lambda some: torch_bf16.vectors(tokenizer.encode(some)),
    }
    library = OpenVinoBody(files, exported(files, "fp32"), "fp32", inference="bf16")
    calls["OpenVINO's own bf16"] = lambda some: library.vectors(tokenizer.encode(some))
    for name, encoder in encoders.items():
        calls[f"searchkbd --precision {name}"] = lambda some, e=encoder: e.encode(
            some, langs[: len(some)]
        )
    vectors, seconds = {}, {name: [] for name in calls}
    for call in calls.values():
        call(texts[:64])
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            vectors[name] = call(texts)
            seconds[name].append(time.perf_counter() - start)
    full = vectors["sentence-transformers"]
    near = nearest(full)
    base = statistics.median(seconds["sentence-transformers"])
    print(f"{len(texts):,} sentences, {sum(map(len, tokenizer.encode(texts))):,} pieces\n")
    print("| how | sentences/s | ratio | least cosine | nearest-10 agreement |")
    print("|---|---:|---:|---:|---:|")
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        cosine = float(np.sum(full * vectors[name], axis=1).min())
        print(
            f"| {name} | {len(texts) / middle:.0f} | {base / middle:.2f} | {cosine:.5f} "
            f"| {agreement(near, nearest(vectors[name])):.3f} |",
            flush=True,
        )


def nearest(vectors: NDArray) -> NDArray[np.intp]:
    """Return the places of the nearest other rows, [n, 10]."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    return np.argsort(-similar, axis=1)[:, :AGREE_AT]


def agreement(a: NDArray, b: NDArray) -> float:
    both = (len(np.intersect1d(x, y)) for x, y in zip(a, b, strict=True))
    return sum(both) / a.size


def show_cold(model: Path, corpus: Path, work: Path, rows: int, runs: int) -> None:
    import faiss

    cut, index, flat = work / "rows.tsv", work / "index", work / "flat.faiss"
    with corpus.open(encoding="utf-8") as source, cut.open("w", encoding="utf-8") as target:
        for _, line in zip(range(rows + 1), source, strict=False):
            target.write(line)
    environment = {**os.environ, "SEARCHKBD_CACHE": str(work / "cache")}
    build = [sys.executable, "-m", "searchkbd", "build", str(cut), "--index", str(index),
             "--replace", "--no-cache", "--encoder", str(model.resolve()), "--json"]  # fmt: skip
    process([sys.executable, "-c", EXPORT, str(model)], environment)
    seconds, peak, out = process(build, environment)
    added = json.loads(out)["added"]
    print(f"\nBuild of {added:,} sentences: {seconds:.0f} s, peak {peak:.0f} MB\n")
    filled = faiss.IndexFlatIP(768)
    filled.add(np.random.default_rng(0).normal(size=(rows, 768)).astype(np.float32))
    faiss.write_index(filled, str(flat))
    ask = [sys.executable, "-m", "searchkbd", "search", QUERY, "--from", "ru", "--index",
           str(index), "--mode", "semantic", "--json"]  # fmt: skip
    theirs = [sys.executable, "-c", THEIRS, str(model), str(flat), QUERY]
    commands = {
        "sentence-transformers and faiss": theirs,
        **{f"searchkbd search --precision {one}": [*ask, "--precision", one]
           for one in ("auto", "fp32", "int8")},
    }  # fmt: skip
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for words in commands.values():
        process(words, environment)
    for _ in range(runs):
        for name, words in commands.items():
            taken[name].append(process(words, environment)[:2])
    print("| a cold query | seconds | peak memory MB |")
    print("|---|---:|---:|")
    for name, pairs in taken.items():
        seconds, peak = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {seconds:.2f} | {peak:.0f} |", flush=True)


def process(words: Sequence[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Run a process; return its seconds, its peak memory in MB, and what it printed."""
    start = time.perf_counter()
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as running:
        out = running.stdout.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {running.returncode}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return time.perf_counter() - start, usage.ru_maxrss / scale, out


if __name__ == "__main__":
    main()
