"""Measure the server under load beside txtai's API: the same sentences, vectors and queries.

    python -m venv peers && peers/bin/pip install -r scripts/bench/peers_requirements.txt
    python scripts/bench/serve.py --index large --python peers/bin/python --work serve-bench

Both are real processes at ports of this machine, each as its documentation starts it; txtai's own
application (txtai_api.py) encodes queries with searchkbd's encoder, imported from this tree through
its external vectors, and has the vectors of the index. The load is wrk's (Debian: ``apt install
wrk``), on one thread, beside the servers: it shares the processors with them. Queries are sentences
of the index without a word in four, in turn, none asked twice in a row. Servers of one number of
workers run at the same time and are loaded in turns of --seconds / --runs each; medians are shown.

At last, and for --long seconds: 50 clients with mixed requests (search, memory, concordance and
sentence, of the API and as pages) to a copy of the index, while `searchkbd add` writes to it.

What is compared: an answer of ``/api/search`` has ten hits with their translations and origins, and
*semantic* is the mode that searches by vectors alone, as txtai does; an answer of txtai's
``/search`` has ten ids and texts. Recall@10 is of the exact nearest by cosine; searchkbd's is
counted before those that are near to everything are held back. The copy, txtai's indexes and what
servers print stay in --work; txtai's indexes that are there are used again. All of it takes ten
minutes. The packages that searchkbd's encoder needs are among the requirements.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
from wrk import Load, free_port, get, load, running

from searchkbd.api import open_index
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.search.semantic import nearest

TREE = Path(__file__).parents[2]
CLIENTS = (1, 10, 50)
LONG_CLIENTS = 50
QUERIES = 3000
_MEASURED = 200  # queries that recall is of
_NEAREST = 10
_WARM = 2.0  # seconds of load before what is measured
_BATCH = 500  # sentences added at a time while the long load runs


@dataclass
class Row:
    """One line of the table."""

    what: str
    workers: int
    clients: int
    loads: list[Load] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(getattr(load, name) for load in self.loads)

    @property
    def failed(self) -> int:
        return sum(load.failed for load in self.loads)


@dataclass(frozen=True)
class Kind:
    """A server, and a file of paths to ask it for."""

    what: str
    server: str
    paths: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--python", help="of an environment with txtai; left out without")
    parser.add_argument("--work", type=Path, required=True, help="where files are made")
    parser.add_argument("--seconds", type=float, default=6.0, help="of load for each line")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--long", type=float, default=60.0, metavar="SECONDS", help="0: not")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with IndexReader(options.index) as reader:
        sentences = drawn(reader)
        recalls = {"searchkbd": exported(reader, sentences, options)}
    kinds = written(sentences, options.work)
    if options.python:
        for name, more in (("txtai", []), ("txtai tuned", ["--tuned"])):
            recalls[name] = built(name, more, options)
            kinds.append(Kind(name, name, options.work / "txtai.paths"))
    rows: list[Row] = []
    for workers in options.workers:
        rows += compared(kinds, workers, options)
    show(rows, recalls)
    long = [bearing(sentences, workers, options) for workers in options.workers if options.long]
    if options.json:
        figures = {"recall": recalls, "rows": [asdict(row) for row in (*rows, *long)]}
        options.json.write_text(json.dumps(figures, indent=1), "utf-8")


def drawn(reader: IndexReader) -> list[StoredSentence]:
    """Return sentences of all languages, as many as there are queries, in an order of chance."""
    total = sum(reader.sentences_per_language.values())
    step = max(1, total // (2 * QUERIES))
    found = [s for s in reader.iterate("s.row % ? = 0", [step]) if len(s.text.split()) > 2]
    random.Random(1).shuffle(found)
    return found[:QUERIES]


def asked(sentence: StoredSentence) -> str:
    """Return the query that is made of a sentence: every fourth word is missing."""
    return " ".join(word for at, word in enumerate(sentence.text.split()) if at % 4 != 1)[:500]


def written(sentences: Sequence[StoredSentence], work: Path) -> list[Kind]:
    """Write the paths that servers are asked for; return what is asked of this one."""
    kinds = []
    for mode in ("fused", "semantic", "lexical"):
        queries = [{"q": asked(s), "mode": mode, "k": _NEAREST} for s in sentences]
        paths = [f"/api/search?{urlencode(query)}" for query in queries]
        kinds.append(Kind(f"search, {mode}", "searchkbd", _lines(work / f"{mode}.paths", paths)))
    memory = [f"/api/tm?{_memory(s)}" for s in sentences]
    kinds.append(Kind("memory", "searchkbd", _lines(work / "tm.paths", memory)))
    peers = [f"/search?{urlencode({'query': asked(s), 'limit': _NEAREST})}" for s in sentences]
    _lines(work / "txtai.paths", peers)
    return kinds


def mixed(sentences: Sequence[StoredSentence]) -> list[str]:
    """Return paths of every kind, in turn."""
    paths = []
    for s in sentences:
        query, word = urlencode({"q": asked(s)}), urlencode({"q": _word(s)})
        name = quote(s.id, safe="")
        paths += [
            f"/api/search?{query}", f"/?{query}", f"/api/tm?{_memory(s)}", f"/memory?{_memory(s)}",
            f"/api/concordance?{word}", f"/concordance?{word}", f"/api/sentences/{name}",
            f"/sentences/{name}",
        ]  # fmt: skip
    return paths


def _memory(sentence: StoredSentence) -> str:
    to = "ru" if sentence.lang == "kbd" else "kbd"
    return urlencode({"q": asked(sentence), "from": sentence.lang, "to": to})


def _word(sentence: StoredSentence) -> str:
    """Return the longest word, which no sign that means something in a pattern is in."""
    plain = "".join(c if c.isalpha() else " " for c in sentence.text).split()
    return max(plain, key=len, default="Tom")


def _lines(file: Path, lines: Sequence[str]) -> Path:
    file.write_text("\n".join(lines) + "\n", "ascii")
    return file


def exported(
    reader: IndexReader, sentences: Sequence[StoredSentence], options: argparse.Namespace
) -> float:
    """Write texts, vectors, queries and their nearest for the peer; return our recall@10."""
    with open_index(options.index) as index:
        queries = [asked(s) for s in sentences[:_MEASURED]]
        vectors = index.encoder.encode(queries, [s.lang for s in sentences[:_MEASURED]])
        known = [(s.row, s.text) for s in index.reader.iterate()]
        rows = [row for row, _ in known]
        everything = index.reader.vectors(rows)
        found = nearest(index.reader, vectors, _NEAREST)
    exact = np.stack(
        [np.argsort(-(everything @ vector), kind="stable")[:_NEAREST] for vector in vectors]
    )
    np.save(options.work / "vectors.npy", everything)
    np.save(options.work / "queries.npy", vectors)
    np.save(options.work / "nearest.npy", exact)
    texts = json.dumps([text for _, text in known], ensure_ascii=False)
    (options.work / "texts.json").write_text(texts, "utf-8")
    hits = [
        len({r.row for r in ours} & {rows[at] for at in best})
        for ours, best in zip(found, exact.tolist(), strict=True)
    ]
    return sum(hits) / (_NEAREST * len(hits))


def built(name: str, more: Sequence[str], options: argparse.Namespace) -> float:
    """Make txtai's index unless it is there; return its recall@10."""
    out = options.work / name.replace(" ", "-")
    record = out / "built.json"
    if not record.exists():
        print(f"{time.strftime('%H:%M:%S')} building {name}", file=sys.stderr)
        command = [options.python, str(TREE / "scripts/bench/txtai_api.py"), str(options.work)]
        done = subprocess.run([*command, str(out), *more], check=True, stdout=subprocess.PIPE)
        record.write_bytes(done.stdout.splitlines()[-1])
    return json.loads(record.read_bytes())["recall"]


@contextmanager
def ours(index: Path, workers: int, work: Path) -> Iterator[str]:
    """Run `searchkbd serve`."""
    port = free_port()
    command = [
        sys.executable, "-m", "searchkbd", "serve", "--index", str(index), "--port", str(port),
        "--workers", str(workers),
    ]  # fmt: skip
    with running(command, port, "/health", work / "searchkbd.log") as url:
        yield url


@contextmanager
def theirs(name: str, workers: int, options: argparse.Namespace) -> Iterator[str]:
    """Run txtai's API."""
    port = free_port()
    place = options.work / name.replace(" ", "-")
    command = [
        options.python, "-m", "uvicorn", "txtai.api:app", "--port", str(port),
        "--workers", str(workers), "--log-level", "warning", "--no-access-log",
    ]  # fmt: skip
    env = {
        "CONFIG": str(place / "app.yml"),
        "ALLOW_RESOLVE_TRANSFORM": "True",
        "PYTHONPATH": f"{TREE}:{TREE / 'scripts/bench'}",
    }
    with running(command, port, "/search?query=test", place / "server.log", env) as url:
        yield url


def compared(kinds: Sequence[Kind], workers: int, options: argparse.Namespace) -> list[Row]:
    """Load the servers in turn; return a row for each kind of request and number of clients."""
    rows = {(kind.what, n): Row(kind.what, workers, n) for kind in kinds for n in options.clients}
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(
                ours(options.index, workers, options.work)
                if name == "searchkbd"
                else theirs(name, workers, options)
            )
            for name in dict.fromkeys(kind.server for kind in kinds)
        }
        for kind in kinds:
            if not json.loads(get(urls[kind.server] + kind.paths.read_text().split("\n", 1)[0])):
                raise SystemExit(f"{kind.what}: the first answer is empty")
            load(urls[kind.server], kind.paths, 2 * workers, _WARM)
        for run in range(options.runs):
            print(f"{time.strftime('%H:%M:%S')} run {run + 1}, {workers} workers", file=sys.stderr)
            for kind in kinds:
                for clients in options.clients:
                    seconds = options.seconds / options.runs
                    done = load(urls[kind.server], kind.paths, clients, seconds)
                    rows[kind.what, clients].loads.append(done)
    return list(rows.values())


def bearing(sentences: Sequence[StoredSentence], workers: int, options: argparse.Namespace) -> Row:
    """Load a server with everything at once while its index is written to; say how it went."""
    copy = options.work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(options.index, copy)
    paths = _lines(options.work / "mixed.paths", mixed(sentences))
    row = Row("everything, while the index is written to", workers, LONG_CLIENTS)
    with ours(copy, workers, options.work) as url:
        load(url, paths, 2 * workers, _WARM)
        stop = threading.Event()
        added: list[float] = []
        writer = threading.Thread(target=write, args=(copy, options.work, stop, added))
        writer.start()
        row.loads.append(load(url, paths, LONG_CLIENTS, options.long))
        stop.set()
        writer.join()
        generation = json.loads(get(f"{url}/health"))["generation"]
        last = f"/api/sentences/new{len(added) - 1}-0"
        if not added or json.loads(get(url + last))["lang"] != "ru":
            raise SystemExit("what was added is not served")
    done = row.loads[0]
    times = f"{len(added)} times, {statistics.median(added):.1f} s each"
    print(
        f"\n{LONG_CLIENTS} clients, {workers} workers, {done.seconds:.0f} s, mixed requests: "
        f"{done.requests:,} answers, {done.rate:,.0f} a second; p50 {done.p50:,.0f} ms, p95 "
        f"{done.p95:,.0f} ms, p99 {done.p99:,.0f} ms, longest {done.max:,.0f} ms; failed: "
        f"{done.refused} refused, {done.broken} broken, {done.late} late. Meanwhile {_BATCH} "
        f"sentences were added {times}; a worker took the index anew {generation - 1} times."
    )
    return row


def write(index: Path, work: Path, stop: threading.Event, added: list[float]) -> None:
    """Add sentences, in processes of their own, until told to stop; note the seconds of each."""
    while True:
        file = work / "new.tsv"
        lines = [
            f"new{len(added)}-{n}\tru\tслово {len(added)} и ещё {n}, сказанное сегодня"
            for n in range(_BATCH)
        ]
        file.write_text("\n".join(["id\tlang\ttext", *lines]) + "\n", "utf-8")
        start = time.perf_counter()
        command = [sys.executable, "-m", "searchkbd", "add", str(file), "--index", str(index)]
        subprocess.run(command, check=True, capture_output=True)
        added.append(time.perf_counter() - start)
        if stop.wait(3.0):
            return


def show(rows: Sequence[Row], recalls: dict[str, float]) -> None:
    """Print the table; ratios are of answers a second to those of semantic search."""
    rates = {
        (row.workers, row.clients): row.median("rate")
        for row in rows
        if row.what == "search, semantic"
    }
    print("| asked | workers | clients | answers/s | to semantic | p50 ms | p95 ms | p99 ms "
          "| failed |")  # fmt: skip
    print("|---" * 9 + "|")
    for row in rows:
        rate = row.median("rate")
        print(
            f"| {row.what} | {row.workers} | {row.clients} | {rate:,.0f} "
            f"| {rate / rates[row.workers, row.clients]:.2f} | {row.median('p50'):,.1f} "
            f"| {row.median('p95'):,.1f} | {row.median('p99'):,.1f} | {row.failed} |"
        )
    print("\nRecall@10: " + ", ".join(f"{name} {value:.3f}" for name, value in recalls.items()))


if __name__ == "__main__":
    main()
