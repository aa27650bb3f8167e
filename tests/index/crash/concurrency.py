"""Processes that read an index while another writes to it without pause.

Every generation of sentences is added in one transaction and deleted in one. Its number stands in
each of its texts, and its first sentence says how many there are: what a reader sees is one
snapshot if each generation that is there is there as a whole, and it is one for as long as the
reader keeps the index open if searches find these sentences and no others.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from searchkbd import api
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.conftest import TrigramEncoder
from tests.index.crash.model import SMALL, Wrong, new_sentences

_ROOT = Path(__file__).resolve().parents[3]
_KEPT = 6  # generations that are there at a time
_REPLACED = 25  # generations from one replacement of everything to the next


def run(directory: Path, *, readers: int, seconds: float, seed: int) -> dict[str, dict]:
    """Write and read for *seconds*; return what each process did, counted. Raises Wrong."""
    _write_generation(directory, random.Random(seed), 0, Mode.NEW)
    until = time.time() + seconds
    processes = {
        name: _start(role, directory, until, seed + number)
        for number, (name, role) in enumerate(
            [("writer", "write"), *((f"reader {n + 1}", "read") for n in range(readers))]
        )
    }
    said = {name: process.communicate() for name, process in processes.items()}
    for name, (_, errors) in said.items():
        if processes[name].returncode:
            raise Wrong(f"{name}: {errors[-3000:]}")
    if not (result := verify_index(directory)).ok:
        raise Wrong(f"not sound in the end: {result.problems}")
    return {name: json.loads(output) for name, (output, _) in said.items()}


def _start(role: str, directory: Path, until: float, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __name__, role, str(directory), str(until), str(seed)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_ROOT
    )


def _write_generation(directory: Path, rng: random.Random, number: int, mode: Mode) -> None:
    how_many = rng.randint(5, 40)
    new = [
        Sentence(
            f"{number}.{at}", made.lang, f"{made.text} {_mark(number)}", made.group, "o", None,
            Place("t", 1),
        )
        for at, made in enumerate(new_sentences(rng, count(1000 * number), how_many))
    ]  # fmt: skip
    first = Sentence(f"{number}.first", "en", f"{_mark(number)} has {how_many} sentences", "", "o",
                     None, Place("t", 1))  # fmt: skip
    build_index(directory, [first, *new], TrigramEncoder(), mode=mode)


def _mark(number: int) -> str:
    return f"generation{number}"


def _ids(directory: Path, generation: int) -> list[str]:
    with IndexReader(directory) as reader:
        return [s.id for s in reader.iterate("s.id GLOB ?", [f"{generation}.*"])]


def write(directory: Path, until: float, seed: int) -> Counter[str]:
    """Add, delete and change generations until then; return how often what was done."""
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    kept = [0]
    for number in count(1):
        if time.time() >= until:
            return done
        if number % _REPLACED == 0:
            _write_generation(directory, rng, number, Mode.REPLACE)
            done["replacements"] += 1
            kept = [number]
            continue
        _write_generation(directory, rng, number, Mode.ADD)
        done["additions"] += 1
        kept.append(number)
        if len(kept) > _KEPT:
            delete_rows(directory, _ids(directory, kept.pop(rng.randrange(len(kept)))))
            done["deletions"] += 1
        if number % 2:
            id = rng.choice([id for id in _ids(directory, kept[0]) if not id.endswith("first")])
            lang = rng.choice(["kbd", "ru"])
            text = new_sentences(rng, count(), 1, [lang])[0].text
            edit_sentence(directory, id, TrigramEncoder(), text=f"{text} {_mark(kept[0])}")
            done["changes"] += 1
        if number % 7 == 0:
            compact(directory)
            done["compactions"] += 1


def read(directory: Path, until: float, seed: int) -> Counter[str]:
    """Open, look and search until then; return how often what was done."""
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    while time.time() < until:
        lazily = rng.random() < 0.5
        if rng.random() < 0.1:
            if not (result := verify_index(directory)).ok:
                raise Wrong(str(result.problems))
            done["verifications"] += 1
        with api.open_index(
            directory, TrigramEncoder(), map_vectors=not lazily, map_texts=not lazily
        ) as index:
            for _ in range(rng.randint(1, 4)):
                time.sleep(rng.random() * 0.2)
                _check_snapshot(index, rng)
                done["looks"] += 1
            done["snapshots"] += 1
    return done


def _check_snapshot(index: api.Index, rng: random.Random) -> None:
    stored = {s.id: (s.lang, s.text) for s in index._reader.iterate()}
    sizes = Counter(id.split(".")[0] for id in stored)
    for number, size in sizes.items():
        said = stored.get(f"{number}.first", ("", "nothing"))[1]
        if said != f"{_mark(int(number))} has {size - 1} sentences":
            raise Wrong(f"{size} sentences of generation {number}; the first: {said!r}")
    for id in rng.sample(sorted(stored), 2):
        lang, text = stored[id]
        for mode in ("semantic", "lexical", "fused"):
            hits = index.search(text, query_lang=lang, k=10, mode=mode)
            found = {hit.id: (hit.lang, hit.text) for hit in hits}
            if not found.items() <= stored.items() or hits[0].text != text:
                raise Wrong(f"{mode} search for {text!r} gives {found}")
        number = id.split(".")[0]
        lines = {line.id for line in index.concordance(_mark(int(number))).lines(None)}
        if lines != {each for each in stored if each.split(".")[0] == number}:
            raise Wrong(f"concordance of generation {number} gives {sorted(lines)}")
        target = "ru" if lang != "ru" else "kbd"
        for match in index.look_up([text], lang, target)[0].matches:
            if stored.get(match.target_id) != (target, match.target):
                raise Wrong(f"look-up of {text!r} gives {match.target!r}")


def main(arguments: Sequence[str]) -> None:
    """Be the writer or a reader of ``run``."""
    role, directory, until, seed = arguments
    for module, name, value in SMALL:
        setattr(module, name, value)
    work = {"write": write, "read": read}[role]
    print(json.dumps(work(Path(directory), float(until), int(seed))))


if __name__ == "__main__":
    main(sys.argv[1:])
