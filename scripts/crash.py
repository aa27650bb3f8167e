#!/usr/bin/env python3
"""Tries to corrupt an index: kills, flipped bits, readers beside a writer. See tests/index/crash.

    scripts/crash.py kills --count 5000 --seed 7
    scripts/crash.py damage --count database=2000,texts=200
    scripts/crash.py concurrency --seconds 60

Prints JSON; the exit code is 1 where an index was found wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Before anything makes threads: a process that forks must have none.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def kills(directory: Path, options: argparse.Namespace) -> dict:
    """Kill operations on an index; return how, and what was found then, by operation."""
    from tests.index.crash.kills import Killing

    killing = Killing(directory, options.seed)
    for number, (operation, kill, outcome) in enumerate(killing.run(int(options.count)), start=1):
        _show(f"{number}: {operation.name}, {kill.kind}: {outcome}")
    return {
        name: {"kills": dict(tally.kills), "outcomes": dict(tally.outcomes)}
        for name, tally in sorted(killing.tallies.items())
    }


def damage(directory: Path, options: argparse.Namespace) -> dict:
    """Flip bits in files of each kind, and cut them; return what came of it, by kind."""
    from tests.index.crash.damage import PLACES, Patient

    patient = Patient(directory / "damaged", options.seed)
    counts = dict.fromkeys(PLACES, options.count)
    if "=" in options.count:
        counts = dict(each.split("=") for each in options.count.split(","))
    found: dict[str, Counter[str]] = {}
    for place, count in counts.items():
        for what, outcomes in (
            (f"{place}, a bit flipped", patient.flipped(place, int(count))),
            (f"{place}, cut", patient.cut(place)),
            (f"{place}, written to then", patient.written_to(place, int(count) // 4)),
        ):
            tally = found[what] = Counter()
            for where, outcome in outcomes:
                tally.update(outcome.names())
                if outcome.is_bad or outcome.wrong:
                    print(f"\n{where}: {outcome}", file=sys.stderr)
                _show(f"{what}: {dict(tally)}")
    return found


def concurrency(directory: Path, options: argparse.Namespace) -> dict:
    """Read from four processes while another writes; return what each did."""
    from tests.index.crash.concurrency import run

    return run(directory / "index", readers=4, seconds=options.seconds, seed=options.seed)


def _show(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    what = {each.__name__: each for each in (kills, damage, concurrency)}
    parser.add_argument("what", choices=what)
    parser.add_argument("--count", default="1000", help="kills, or bits in each kind of file")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--directory", type=Path, help="where indexes are made; default: a new one")
    options = parser.parse_args()
    from tests.index.crash.model import SMALL, Wrong

    for module, name, value in SMALL:
        setattr(module, name, value)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="searchkbd-crash-"))
    began = time.monotonic()
    report = {"what": options.what, "seed": options.seed, "directory": str(directory)}
    try:
        report["found"] = what[options.what](directory, options)
    except Wrong as error:
        report["wrong"] = str(error)
    report["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if "wrong" in report else 0


if __name__ == "__main__":
    sys.exit(main())
