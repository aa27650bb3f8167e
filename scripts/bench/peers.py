"""Measure searchkbd beside its peers on the same vectors: the ten nearest, with their text.

    python scripts/bench/vectors.py --data ../shared/data --rows 10000 100000 1000000 --out vectors
    python -m venv peers && peers/bin/pip install -r scripts/bench/peers_requirements.txt
    python scripts/bench/peers.py --data vectors --rows 100000 --python peers/bin/python --place DIR

Each store of peer_stores.py is built and opened in processes of its own, those of the peers in the
environment of --python. Measured are 200 single queries, one after the other, from ready vector to
ten texts and the texts of their pairs, on one thread where OpenMP decides (two made none faster).
Runs go round robin, one of each store and then again; medians are shown. What can be tuned is set
to the first of its settings with a recall@10 of 0.99 on these very queries, which favours it; the
texts found are checked against the data, and recall is counted against an exact search.

*Peak memory* of a search counts mapped pages that were touched. A step that takes longer than
--limit is stopped, which the table says. With --reuse, what is in DIR is not built again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peer_stores import STORES, Searchkbd, Store
from vectors import DataSet

TARGET = 0.99
"""The recall@10 that settings are tuned to."""

WARM = 50
"""Queries before those that are measured."""


@dataclass
class Row:
    """One line of the table: a store, what it is searched with, and what came of it."""

    store: str
    label: str
    setting: Any
    built: dict[str, float]
    has_text: bool = True
    runs: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""

    def median(self, what: str) -> float:
        return statistics.median(run[what] for run in self.runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what vectors.py made")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--python", default=sys.executable, help="of the peers' environment")
    parser.add_argument("--place", type=Path, required=True, help="where they are built")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=int, default=900, metavar="SECONDS", help="for each step")
    parser.add_argument("--reuse", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, for a plot")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "STORE", "SETTING"),
                        help="one step in this process, as this script calls itself")  # fmt: skip
    options = parser.parse_args()
    if options.step:
        step, name, setting = options.step
        store = STORES[name](DataSet(options.data, options.rows), options.place)
        print(json.dumps(STEPS[step](store, json.loads(setting))))
        return
    rows = [row for name in options.stores for row in prepared(name, options)]
    for _ in range(options.runs):
        for row in rows:
            if not row.failure:
                done = run("search", row.store, row.setting, options)
                row.failure = done.get("failure", "")
                row.runs += [] if row.failure else [done]
    show(rows)
    if options.json:
        figures = [{"rows": options.rows, **vars(row)} for row in rows]
        options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False), "utf-8")


def prepared(name: str, options: argparse.Namespace) -> list[Row]:
    """Build and tune a store; return the rows that are to be measured."""
    place = place_of(name, options)
    record = place / "built.json"
    if not (options.reuse and record.exists()):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        built = run("build", name, None, options)
        if "failure" in built:
            return [Row(name, "", None, {}, failure=f"building: {built['failure']}")]
        record.write_text(json.dumps(built))
    built = json.loads(record.read_text())
    store = STORES[name](DataSet(options.data, options.rows), place)
    rows = [
        Row(name, label, setting, built, store.has_text)
        for label, setting in store.fixed.items()
    ]
    if store.ladder:
        row = tuned(name, store, built, options)
        if row.failure or row.setting not in store.fixed.values():
            rows.append(row)
    return rows


def tuned(name: str, store: Store, built: dict[str, float], options: argparse.Namespace) -> Row:
    """Return a row with the first setting that reaches the target, else the last."""
    row = Row(name, "tuned", None, built, store.has_text)
    for setting in store.ladder:
        # In a process of its own: chromadb goes on with what it was opened with.
        tried = run("try", name, setting, options)
        if "failure" in tried:
            row.failure = f"tuning: {tried['failure']}"
            break
        row.setting, row.label = setting, f"tuned: {setting}"
        if tried["recall"] >= TARGET:
            break
    return row


def place_of(name: str, options: argparse.Namespace) -> Path:
    return options.place / str(options.rows) / "".join(c if c.isalnum() else "-" for c in name)


def run(step: str, name: str, setting: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Run one step of a store in a process; return what it printed, or a ``failure``."""
    print(f"{time.strftime('%H:%M:%S')} {step} {name}", file=sys.stderr)
    python = sys.executable if STORES[name] is Searchkbd else options.python
    command = [
        python, __file__, "--data", str(options.data), "--rows", str(options.rows),
        "--place", str(place_of(name, options)), "--step", step, name, json.dumps(setting),
    ]  # fmt: skip
    threads = {} if step == "build" else {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=options.limit, check=True,
            env={**os.environ, **threads},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failure": f"not done in {options.limit} s"}
    except subprocess.CalledProcessError as error:
        print(error.stderr.decode(errors="replace")[-2000:], file=sys.stderr)
        return {"failure": f"failed with exit code {error.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def build(store: Store, _: Any) -> dict[str, float]:
    start = time.perf_counter()
    store.build()
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in store.place.rglob("*") if path.is_file())
    return {"seconds": seconds, "megabytes": size / 1e6, "peak_megabytes": peak()}


def attempt(store: Store, setting: Any) -> dict[str, float]:
    store.open()
    store.use(setting)
    queries = store.data.queries()
    found = [[row for row, _, _ in store.search(query)] for query in queries]
    return {"recall": store.data.recall(found)}


def search(store: Store, setting: Any) -> dict[str, Any]:
    start = time.perf_counter()
    store.open()
    opened = time.perf_counter() - start
    if setting is not None:
        store.use(setting)
    for query in store.data.warm_up()[:WARM]:
        store.search(query)
    milliseconds, answers = [], []
    queries = store.data.queries()
    for query in queries:
        start = time.perf_counter()
        answers.append(store.search(query))
        milliseconds.append(1000 * (time.perf_counter() - start))
    used = peak()
    if store.has_text:
        check_texts(store.data, answers)
    if isinstance(store, Searchkbd):
        found = [store.nearest(query) for query in queries]
    else:
        found = [[row for row, _, _ in answer] for answer in answers]
    return {
        "p50": statistics.median(milliseconds),
        "p95": statistics.quantiles(milliseconds, n=20, method="inclusive")[18],
        "open": 1000 * opened,
        "recall": store.data.recall(found),
        "peak_megabytes": used,
    }


STEPS = {"build": build, "try": attempt, "search": search}


def check_texts(data: DataSet, answers: list[list[tuple[int, str, str]]]) -> None:
    """Raise ValueError unless every hit has the texts of its row."""
    hits = {hit for answer in answers for hit in answer}
    rows = {row for row, _, _ in hits}
    true = {row: texts[1:] for row, texts in enumerate(data.texts()) if row in rows}
    for row, *texts in hits:
        if tuple(texts) != true[row]:
            raise ValueError(f"row {row} came back as {texts}, not {true[row]}")


def peak() -> float:
    """Return the most memory that this process has used, in MB (Linux)."""
    status = Path("/proc/self/status").read_text()  # getrusage counts the parent's too
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def show(rows: list[Row]) -> None:
    ours = next((r.median("p50") for r in rows if r.store == "searchkbd" and r.runs), None)
    print("| store | recall@10 | p50 ms | p95 ms | times searchkbd's p50 | with text | build s "
          "| on disk MB | peak MB, building | peak MB, searching |")  # fmt: skip
    print("|---" * 10 + "|")
    for row in rows:
        name = f"{row.store}, {row.label}" if row.label else row.store
        if row.failure:
            print(f"| {name} | {row.failure} " + "| " * 8 + "|")
            continue
        p50 = row.median("p50")
        built = row.built
        print(
            f"| {name} | {row.median('recall'):.4f} | {p50:.2f} | {row.median('p95'):.2f} "
            f"| {f'{p50 / ours:.2f}' if ours else ''} "
            f"| {'yes' if row.has_text else 'no'} "
            f"| {built['seconds']:,.0f} | {built['megabytes']:,.0f} "
            f"| {built['peak_megabytes']:,.0f} | {row.median('peak_megabytes'):,.0f} |"
        )


if __name__ == "__main__":
    main()
