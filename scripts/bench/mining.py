"""Judge mining on pairs that are known, and measure its memory and time.

    python scripts/bench/mining.py judge --data ../shared/data --plot docs/images/mining.png
    python scripts/bench/mining.py scale --data ../shared/data 25000 50000 100000

``judge`` takes the two sides of development pairs apart, shuffles them, puts sentences of the
corpus among them (ten times as many on each side, if there are; those of one side share no group
with those of the other), and mines the pairs back. ``scale`` mines N × N sentences, each made of
two of the corpus, by the command in a process of its own, and watches its memory.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Sentence
from searchkbd.encoders import load_encoder
from searchkbd.mining.bitext import MAX, RETRIEVALS, Neighbourhoods, mine, neighbourhoods
from searchkbd.mining.margin import RATIO, SCORINGS
from searchkbd.text.forms import search_key

TASKS = {
    "kbd-ru": "sentences_kbd_ru", "kbd-en": "sentences_kbd_en", "ru-en": "tatoeba_ru_en",
    "tr-en": "tatoeba_tr_en", "fr-en": "tatoeba_fr_en",
}  # fmt: skip
NOISE = 10
SEED = 1
THRESHOLDS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)


@dataclass(frozen=True)
class Task:
    """Two shuffled sides, the pairs hidden in them (places), and their neighbours."""

    name: str
    sides: tuple[list[str], list[str]]
    gold: frozenset[tuple[int, int]]
    near: Neighbourhoods


@dataclass(frozen=True)
class Curve:
    """Precision and recall of the pairs mined at every threshold, the highest first."""

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        return 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-9)

    def at(self, threshold: float) -> tuple[float, float, float]:
        """Return precision, recall and F1 of the pairs with at least this margin."""
        count = int((self.thresholds >= threshold).sum())
        if not count:
            return 1.0, 0.0, 0.0
        return tuple(float(values[count - 1]) for values in (self.precision, self.recall, self.f1))


def curve(task: Task, scoring: str, retrieval: str) -> Curve:
    found = mine(task.near, scoring, retrieval)
    right = np.array([pair in task.gold for pair in zip(found.x, found.y, strict=True)])
    hits = right.cumsum()
    # Pairs of equal margin are above a threshold together.
    last = np.append(found.scores[1:] != found.scores[:-1], True)
    counts = np.arange(1, len(found) + 1)
    return Curve(found.scores[last], (hits / counts)[last], (hits / len(task.gold))[last])


def judge(data: Path, noise: int, plot: Path | None) -> None:
    encoder = load_encoder()
    corpus = [s for s in read_corpus(data / "corpus" / "large.tsv") if isinstance(s, Sentence)]
    tasks = [
        make_task(name, data / "dev" / f"{stem}.tsv", corpus, noise, encoder)
        for name, stem in TASKS.items()
    ]
    print("| pair | hidden pairs | sentences | " + " | ".join(
        f"≥ {threshold}" for threshold in THRESHOLDS) + " | best F1 | P | R | at |")  # fmt: skip
    print("|---|---|---|" + "---|" * (len(THRESHOLDS) + 4))
    for task in tasks:
        found = curve(task, RATIO, MAX)
        cells = ["{:.2f} / {:.2f}".format(*found.at(threshold)[:2]) for threshold in THRESHOLDS]
        best = int(found.f1.argmax())
        sides = " × ".join(f"{len(side):,}" for side in task.sides)
        print(f"| {task.name} | {len(task.gold)} | {sides} | {' | '.join(cells)} "
              f"| {found.f1[best]:.3f} | {found.precision[best]:.3f} | {found.recall[best]:.3f} "
              f"| {found.thresholds[best]:.3f} |")  # fmt: skip
    print(f"\n| scoring | retrieval | {' | '.join(task.name for task in tasks)} | mean |")
    print("|---|---|" + "---|" * (len(tasks) + 1))
    for scoring in SCORINGS:
        for retrieval in RETRIEVALS:
            curves = [curve(task, scoring, retrieval) for task in tasks]
            best = [(c.f1.max(), c.thresholds[c.f1.argmax()]) for c in curves]
            cells = [f"{f1:.3f} at {threshold:.2f}" for f1, threshold in best]
            mean = np.mean([f1 for f1, _ in best])
            print(f"| {scoring} | {retrieval} | {' | '.join(cells)} | {mean:.3f} |")
    if plot:
        draw(tasks[0], plot)


def make_task(name: str, path: Path, corpus: list[Sentence], noise: int, encoder) -> Task:
    langs = tuple(name.split("-"))
    sentences = [s for s in read_corpus(path) if isinstance(s, Sentence)]
    pairs = list(zip(sentences[::2], sentences[1::2], strict=True))
    rng = random.Random(SEED)
    taken: set[str] = set()
    places, sides, vectors = [], [], []
    for number, lang in enumerate(langs):
        texts = {search_key(pair[number].text): pair[number].text for pair in pairs}
        others = [s for s in corpus if s.lang == lang and s.group not in taken]
        rng.shuffle(others)
        wanted = len(texts) + noise * len(pairs)
        for sentence in others:
            if len(texts) == wanted:
                break
            texts.setdefault(search_key(sentence.text), sentence.text)
            taken.add(sentence.group)
        keys = list(texts)
        rng.shuffle(keys)
        places.append({key: place for place, key in enumerate(keys)})
        sides.append([texts[key] for key in keys])
        vectors.append(encoder.encode(sides[-1], [lang] * len(keys)))
    gold = frozenset(
        tuple(place[search_key(s.text)] for place, s in zip(places, pair, strict=True))
        for pair in pairs
    )
    return Task(name, tuple(sides), gold, neighbourhoods(*vectors))


def draw(task: Task, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    found = curve(task, RATIO, MAX)
    for label, values in (("precision", found.precision), ("recall", found.recall),
                          ("F1", found.f1)):  # fmt: skip
        left.plot(found.thresholds, values, label=label)
    left.set_xlabel("threshold (ratio margin)")
    left.set_xlim(0.9, 2)
    for scoring in SCORINGS:
        found = curve(task, scoring, MAX)
        right.plot(found.recall, found.precision, label=scoring)
    right.set_xlabel("recall")
    right.set_ylabel("precision")
    for axis in (left, right):
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    sides = " × ".join(f"{len(side):,}" for side in task.sides)
    figure.suptitle(f"{len(task.gold)} {task.name} pairs among {sides} sentences", fontsize=10)
    figure.savefig(path, dpi=100, metadata={"Software": None})


# With vectors of 16 dimensions, so that a million sentences a side take minutes, not hours.
LETTERS = """
import sys
sys.path.insert(0, sys.argv[1])
from million import LetterEncoder
from searchkbd.mining.files import mine_files
mine_files(("kbd.txt", "ru.txt"), ("kbd", "ru"), "out.tsv", LetterEncoder(), scoring="ratio",
           retrieval="max", neighbours=4, threshold=None, unique=False, on_reject=print)
"""


def scale(data: Path, sizes: list[int], letters: bool) -> None:
    corpus = [s for s in read_corpus(data / "corpus" / "large.tsv") if isinstance(s, Sentence)]
    print("| sentences | seconds | memory MB | mapped files MB |")
    print("|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for lang in ("kbd", "ru"):
                lines = made_up([s.text for s in corpus if s.lang == lang], size)
                Path(folder, f"{lang}.txt").write_text("\n".join(lines) + "\n", "utf-8")
            seconds, own, mapped = watched(Path(folder), letters)
        print(f"| {size:,} × {size:,} | {seconds:.0f} | {own:.0f} | {mapped:.0f} |", flush=True)


def made_up(texts: list[str], count: int) -> list[str]:
    """Return *count* different sentences, each of two."""
    rng = random.Random(SEED)
    found: dict[str, str] = {}
    while len(found) < count:
        text = " ".join(rng.sample(texts, 2))
        found.setdefault(search_key(text), text)
    return list(found.values())


def watched(folder: Path, letters: bool) -> tuple[float, float, float]:
    """Mine; return seconds, and the peaks in MB of the process's own memory and mapped files."""
    start = time.perf_counter()
    command = ["-m", "searchkbd", "mine", "kbd.txt", "ru.txt", "--langs", "kbd,ru", "-o", "out.tsv"]
    if letters:
        command = ["-c", LETTERS, str(Path(__file__).resolve().parent)]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, stderr=subprocess.DEVNULL
    )
    peaks = {"RssAnon": 0, "RssFile": 0, "RssShmem": 0}
    done = threading.Event()

    def watch() -> None:
        status = Path(f"/proc/{process.pid}/status")
        while not done.wait(0.05):
            text = status.read_text() if status.exists() else ""
            for name in peaks:
                match = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
                peaks[name] = max(peaks[name], int(match[1]) if match else 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"mine ended with {process.returncode}")
    return seconds, peaks["RssAnon"] / 1e3, (peaks["RssFile"] + peaks["RssShmem"]) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    judging = commands.add_parser("judge")
    judging.add_argument("--data", type=Path, required=True)
    judging.add_argument("--noise", type=int, default=NOISE)
    judging.add_argument("--plot", type=Path)
    scaling = commands.add_parser("scale")
    scaling.add_argument("--data", type=Path, required=True)
    scaling.add_argument("--letters", action="store_true", help="vectors of 16 dimensions")
    scaling.add_argument("sizes", type=int, nargs="+")
    options = parser.parse_args()
    if options.command == "judge":
        judge(options.data, options.noise, options.plot)
    else:
        scale(options.data, options.sizes, options.letters)


if __name__ == "__main__":
    main()
