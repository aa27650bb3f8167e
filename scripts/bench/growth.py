"""How an index behaves as it grows: searching, adding, deleting, opening, at each number of rows.

    python scripts/bench/vectors.py --data ../shared/data --rows 10000 100000 1000000 --out vectors
    python scripts/bench/growth.py --vectors vectors --rows 10000 100000 1000000 --indexes large
    python scripts/bench/growth.py … --plot docs/growth.png

INDEXES/ROWS is built where it is not there yet (large.py). Queries come as vectors: encoding is
measured by encode_rate.py. Each is asked once before it is timed, so that files are in memory.
*FAISS* is one FAISS index over the same vectors in memory, product quantisation refined in half
precision, with the least k_factor that finds as much of the true ten nearest as the search does, or
99 % of them; it returns numbers where the search returns texts with translations. Both are asked
in turn, in one process. Up to --faiss rows, since it is in memory. Adding and deleting are
measured on a copy.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from large import Replay, sentences
from vectors import DataSet

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.codes import Recall
from searchkbd.index.editing import delete_rows
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import Mode, build_index
from searchkbd.search import engine
from searchkbd.search.hit import SearchMode

CHANGED = 1000
K_FACTORS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300)


class Given:
    """An encoder that is handed the vector of the one text that it will be asked for."""

    def __init__(self) -> None:
        self.vector = np.empty((1, 0), dtype=np.float32)

    def encode(self, texts, langs=None) -> np.ndarray:
        return self.vector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--indexes", type=Path, required=True)
    parser.add_argument("--faiss", type=int, default=1_000_000, metavar="ROWS")
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--plot", type=Path, help="draw the figures of --json here (PNG)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options, options.one)))
        return
    kept = options.json.exists() if options.json else False
    figures = {f["rows"]: f for f in json.loads(options.json.read_text())} if kept else {}
    for rows in options.rows:
        # A process of its own: what one size leaves in memory is not another's.
        done = subprocess.run(
            [sys.executable, __file__, "--vectors", options.vectors, "--indexes", options.indexes,
             "--faiss", str(options.faiss), "--one", str(rows)],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        figures[rows] = json.loads(done.stdout.splitlines()[-1])
        show([figures[rows]])
    every = [figures[rows] for rows in sorted(figures)]
    print()
    show(every)
    if options.json:
        options.json.write_text(json.dumps(every, indent=1))
    if options.plot:
        plot(every, options.plot)


def measure(options: argparse.Namespace, rows: int) -> dict[str, float]:
    data = DataSet(options.vectors, rows)
    directory = options.indexes / str(rows)
    if not directory.exists():
        build_index(directory, sentences(data), Replay(data), mode=Mode.NEW)
    figures: dict[str, float] = {"rows": rows}
    import faiss  # noqa: F401 (before the time of opening is taken)

    with IndexReader(directory) as reader:
        start = time.perf_counter()
        _ = reader.partitions
        figures["open"] = 1e3 * (time.perf_counter() - start)
        figures |= searches(reader, data, rows <= options.faiss)
        figures["bytes"] = sum(f.stat().st_size for f in directory.rglob("*") if f.is_file()) / rows
    copy = options.indexes / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    figures |= changes(copy, data, rows)
    shutil.rmtree(copy)
    return figures


def searches(reader: IndexReader, data: DataSet, with_faiss: bool) -> dict[str, float]:
    given = Given()
    queries = data.queries()

    def search(at: int, recall: Recall) -> list[int]:
        given.vector = queries[at : at + 1]
        found = engine.search(
            reader, given, ["?"], ["und"], mode=SearchMode.SEMANTIC, recall=recall
        )
        return [int(hit.id[1:]) for hit in found[0].hits]

    def nearest(at: int, recall: Recall) -> list[int]:
        from searchkbd.search.semantic import nearest

        rows = [r.row for r in nearest(reader, queries[at : at + 1], 10, recall=recall)[0]]
        stored = reader.sentences(rows)
        return [int(stored[row].id[1:]) for row in rows]

    every = range(len(queries))
    found = [nearest(at, Recall.BALANCED) for at in every]
    figures = {
        "recall": data.recall(found),
        "recall_fast": data.recall([nearest(at, Recall.FAST) for at in every]),
    }
    asked: dict[str, Callable[[int], object]] = {
        "balanced": lambda at: search(at, Recall.BALANCED),
        "fast": lambda at: search(at, Recall.FAST),
    }
    if with_faiss:
        asked["faiss"], figures["recall_faiss"] = bare(data, figures["recall"])
    for ask in asked.values():  # once, to fill the file cache
        for at in every:
            ask(at)
    times = {name: [] for name in asked}
    for at in every:
        for name, ask in asked.items():
            start = time.perf_counter()
            ask(at)
            times[name].append(1e3 * (time.perf_counter() - start))
    for name, taken in times.items():
        figures[name] = statistics.median(taken)
        figures[f"{name}_p95"] = float(np.percentile(taken, 95))
    taken = []
    for at in range(20):
        start = time.perf_counter()
        search(at, Recall.EXACT)
        taken.append(1e3 * (time.perf_counter() - start))
    figures["exact"] = statistics.median(taken)
    return figures


def bare(data: DataSet, target: float) -> tuple[Callable[[int], object], float]:
    """Return a search in one FAISS index that finds at least *target* of the nearest."""
    import faiss

    spec = f"PQ{data.dim // 8}x4fs,Refine(SQfp16)"
    index = faiss.index_factory(data.dim, spec, faiss.METRIC_INNER_PRODUCT)
    for start, part in data.chunks():
        if start == 0:
            index.train(part)
        index.add(part)
    queries = data.queries()
    for factor in K_FACTORS:
        parameters = faiss.IndexRefineSearchParameters(k_factor=factor)
        _, found = index.search(queries, 10, params=parameters)
        recall = data.recall(found.tolist())
        if recall >= min(target, 0.99):
            break

    def ask(at: int) -> object:
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        found = index.search(queries[at : at + 1], 10, params=parameters)
        faiss.omp_set_num_threads(threads)
        return found

    return ask, recall


def changes(directory: Path, data: DataSet, rows: int) -> dict[str, float]:
    """Return the seconds that adding and deleting 1,000 sentences take, without encoding."""
    added, deleted = [], []
    chance = random.Random(rows)
    replay = Replay(data)
    for turn in range(3):
        new = [
            Sentence(
                f"n{turn}-{n}", ("kbd", "ru")[n % 2], f"добавлено {turn} {n} №{n}",
                f"gn{turn}-{n // 2}", "added", None, Place("bench", n + 1),
            )
            for n in range(CHANGED)
        ]  # fmt: skip
        start = time.perf_counter()
        build_index(directory, new, replay, mode=Mode.ADD)
        added.append(time.perf_counter() - start)
        gone = [f"s{row}" for row in chance.sample(range(rows), min(CHANGED, rows // 50))]
        start = time.perf_counter()
        delete_rows(directory, gone)
        deleted.append(time.perf_counter() - start)
    return {"add": statistics.median(added), "delete": statistics.median(deleted)}


def show(figures: list[dict[str, float]]) -> None:
    print(
        "| rows | recall@10 | p50 ms | p95 ms | FAISS p50 ms | its recall | times FAISS |"
        " fast p50 ms | its recall | exact p50 ms | open ms | add 1,000 s | delete 1,000 s |"
        " bytes a row |"
    )
    print("|---:|" + "---:|" * 13)
    for f in figures:
        bare = (
            f"{f['faiss']:.2f} | {f['recall_faiss']:.3f} | {f['balanced'] / f['faiss']:.2f}"
            if "faiss" in f else "– | – | –"
        )  # fmt: skip
        print(
            f"| {f['rows']:,} | {f['recall']:.3f} | {f['balanced']:.2f} | "
            f"{f['balanced_p95']:.2f} | {bare} | {f['fast']:.2f} | {f['recall_fast']:.3f} | "
            f"{f['exact']:.1f} | {f['open']:.1f} | {f['add']:.2f} | {f['delete']:.2f} | "
            f"{f['bytes']:,.0f} |"
        )


def plot(figures: list[dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [f["rows"] for f in figures]
    left, right = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")[1]
    for name, label in (
        ("exact", "exact"), ("balanced", "balanced"), ("fast", "fast"), ("faiss", "bare FAISS"),
    ):  # fmt: skip
        known = [f for f in figures if name in f]
        left.plot([f["rows"] for f in known], [f[name] for f in known], marker="o", label=label)
    left.set(xscale="log", yscale="log", xlabel="sentences", ylabel="ms, median")
    left.set_title("One search: ten sentences and their translations")
    for name, label in (("add", "add 1,000"), ("delete", "delete 1,000")):
        right.plot(rows, [f[name] for f in figures], marker="o", label=label)
    right.set(xscale="log", xlabel="sentences", ylabel="seconds, without encoding", ylim=(0, None))
    right.set_title("Changing an index")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    plt.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
