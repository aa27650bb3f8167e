"""Measure reading and writing of a large TMX file, beside translate-toolkit on the same file.

    python scripts/bench/million.py --data ../shared/data --units 1000000 --index million
    python scripts/bench/formats.py --index million --tmx million.tmx

The index is exported to the file; then the file is read by searchkbd (what a build does before it
encodes) and by translate-toolkit's own TMX class, each in a process of its own, whose peak memory
is read from the system.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

READ = """
import sys
from searchkbd.corpus.read import read_corpus
print(sum(1 for _ in read_corpus(sys.argv[1])))
"""
PEER = """
import sys
from translate.storage import tmx
with open(sys.argv[1], "rb") as file:
    store = tmx.tmxfile(file)
print(2 * sum(1 for unit in store.units if unit.source and unit.target))
"""
EXPORT = """
import sys
from searchkbd.cli.main import main
main(["export", "--index", sys.argv[2], "-o", sys.argv[1]])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--tmx", type=Path, required=True)
    options = parser.parse_args()
    print("| | seconds | peak memory MB | |\n|---|---|---|---|")
    arguments = [str(options.tmx), str(options.index)]
    for name, code in (("export", EXPORT), ("read", READ), ("translate-toolkit", PEER)):
        seconds, peak, said = measured(code, arguments)
        print(f"| {name} | {seconds:.0f} | {peak:.0f} | {said} |", flush=True)
    print(f"\n{options.tmx.stat().st_size / 1e6:,.0f} MB")


def measured(code: str, arguments: list[str]) -> tuple[float, float, str]:
    """Run *code* in a new process; return its seconds, its peak memory in MB and what it said."""
    # A child of a child: the system's peak is that of all children so far.
    runner = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-c', *sys.argv[1:]], stdout=subprocess.PIPE,"
        " text=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stdout.strip())\n"
        "sys.exit(done.returncode)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", runner, code, *arguments],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    peak, _, said = done.stdout.partition(" ")
    return seconds, int(peak) / 1024, said.strip()


if __name__ == "__main__":
    main()
