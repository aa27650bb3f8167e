"""Measure ``searchkbd tm pretranslate`` over a million units, the whole command.

    python scripts/bench/million.py --data ../shared/data --units 1000000 --index million
    python scripts/bench/pretranslate.py --data ../shared/data --index million

The file to fill is a table of the segments of memory.py: half are units with a sixth of their
words changed, half are sentences that no unit was made from. Its peer in the same run is the same
command over one segment, so that starting and opening the index can be told from looking up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import make_segments
from million import LANGS, other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--source", choices=LANGS, default=LANGS[0], help="as of million.py")
    parser.add_argument("--segments", type=int, default=500)
    options = parser.parse_args()
    segments = make_segments(options.data, options.source, options.segments)
    with tempfile.TemporaryDirectory() as folder:
        filled(segments[:1], options, Path(folder))  # once, to fill the file cache
        start, _ = filled(segments[:1], options, Path(folder))
        seconds, summary = filled(segments, options, Path(folder))
    print("| match | segments | words |\n|---|---|---|")
    for row in summary["rows"]:
        print(f"| {row['match']} | {row['segments']} | {row['words']} |")
    each = 1000 * (seconds - start) / (len(segments) - 1)
    print(
        f"\n{summary['segments']} segments in {seconds:.1f} s, {start:.1f} s of it for the first, "
        f"then {each:.0f} ms a segment; {summary['translated']} translated, "
        f"{summary['review']} to be reviewed"
    )


def filled(segments: list[str], options: argparse.Namespace, folder: Path) -> tuple[float, dict]:
    """Fill a table of *segments*; return the seconds and what the command says."""
    source, target = options.source, other(options.source)
    table = folder / "segments.tsv"
    rows = [segment.replace("\t", " ") for segment in segments]
    table.write_text("\n".join([source, *rows]) + "\n", "utf-8")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "searchkbd", "tm", "pretranslate", str(table), "--from", source,
         "--to", target, "--index", str(options.index), "-o", str(folder / "out.tsv"), "--json"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - start, json.loads(done.stdout)


if __name__ == "__main__":
    main()
