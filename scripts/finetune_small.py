"""The recipes of ``searchkbd train finetune`` beside each other, on a model small enough for a CPU.

    python scripts/finetune_small.py --data ../shared/data --work finetune-small

A model of LaBSE's four modules, 2 layers of 128, whose vocabulary has no Kabardian, is first
taught Russian, English, French and Turkish from random weights, so that there is something to lose.
Then each recipe teaches it Kabardian from there, with the same steps and learning rate, on pairs of
Kabardian with Russian and English and the pairs that it was taught first; the last three recipes go
without the latter, and two of these hold its texts in place. Accuracy@10 (@1 is near 0 for a model
so small) is measured on sentences of --data/dev, none of which is trained on, by the last model of
each.

A recipe that was measured is not again: what it reported lies in WORK. Five languages are learnt
here from some ten thousands of pairs: the figures compare recipes, and say nothing of what LaBSE
reaches.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent / "bench"))

KNOWN = ("sentences_en_ru_*", "sentences_en_fr_*", "sentences_en_tr_*")
KABARDIAN = ("sentences_kbd_ru_*", "phrases_kbd_ru_*", "sentences_kbd_en_*", "phrases_kbd_en_*")
DEV = ("sentences_kbd_ru", "sentences_kbd_en", "tatoeba_ru_en", "tatoeba_fr_en", "tatoeba_tr_en")
ORDER = ["kbd", "ru", "en", "fr", "tr"]
FIRST = [
    "--loss", "symmetric", "--sampler", "no-duplicates", "--mix", "proportional",
    "--batch", "64", "--warmup", "0.1", "--lr", "1e-3",
]  # fmt: skip
ALONE = "Kabardian alone: "
HOLD = ", held"
RECIPES = {
    "card": ["--recipe", "card"],
    "symmetric": ["--loss", "symmetric"],
    "no-duplicates": ["--sampler", "no-duplicates"],
    "batch 128": ["--batch", "128"],
    "palochka pieces": ["--palochka-pieces"],
    "hard negatives 2": ["--hard-negatives", "2"],
    "better": ["--recipe", "better"],
    "better, distillation 20": ["--recipe", "better", "--distill", "20"],
    "better, batch 128": ["--recipe", "better", "--batch", "128"],
    ALONE + "card": ["--recipe", "card"],
    ALONE + "distillation 1" + HOLD: ["--distill", "1"],
    ALONE + "distillation 20" + HOLD: ["--distill", "20"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--first-steps", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lr", default="5e-4")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    options = parser.parse_args()
    raw = options.work / "raw"
    if not (raw / "modules.json").exists():
        from random_labse import make

        make(raw, options.data, layers=2, width=128, pieces=30_000, unknown=["kbd"])
    known = files(options.data, KNOWN)
    base = train(
        options, "base", raw, known, [*FIRST, "--max-steps", str(options.first_steps)]
    )
    shown = list(both_ways(base["after"]))
    print("| recipe | " + " | ".join(shown) + " | seconds |")
    print("|---|" + "---:|" * (len(shown) + 1))
    row("base", base["after"], base["seconds"])
    for name in options.recipes:
        settings = [*RECIPES[name], "--max-steps", str(options.steps), "--lr", options.lr]
        pairs = files(options.data, KABARDIAN) + ([] if name.startswith(ALONE) else known)
        if name.endswith(HOLD):
            settings += ["--hold", *known]
        done = train(options, name, options.work / "base", pairs, settings)
        row(name, done["after"], done["seconds"])


def files(data: Path, names: tuple[str, ...]) -> list[Path]:
    return [path for name in names for path in sorted((data / "train").glob(f"{name}.tsv"))]


def train(
    options: argparse.Namespace, name: str, base: Path, pairs: list[Path], settings: list[str]
) -> dict:
    """Fine-tune into WORK/NAME, once, and return what the command reports."""
    out = options.work / name.replace(" ", "-").replace(",", "").replace(":", "")
    told = out.with_suffix(".json")
    if not told.exists():
        steps = settings[settings.index("--max-steps") + 1]
        command = [
            sys.executable, "-m", "searchkbd", "train", "finetune", "--base", base, "--out", out,
            "--pairs", *pairs, "--dev", *(options.data / "dev" / f"{one}.tsv" for one in DEV),
            "--palochka", "I", "--gate", "off", "--max-tokens", "48", "--eval-steps", steps,
            "--restart", "--json", *settings,
        ]  # fmt: skip
        # Two threads wait for each other longer than so small a model takes.
        one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            list(map(str, command)), stdout=subprocess.PIPE, text=True, env=one_thread
        )
        if done.returncode not in (0, 1) or not done.stdout:  # 1: rows that are no pairs
            raise SystemExit(f"{name}: the training failed")
        told.write_text(done.stdout, encoding="utf-8")
    return json.loads(told.read_text(encoding="utf-8"))


def row(name: str, figures: list[dict], seconds: float) -> None:
    cells = [f"{accuracy:.3f}" for accuracy in both_ways(figures).values()]
    print(f"| {name} | {' | '.join(cells)} | {seconds:,.0f} |", flush=True)


def both_ways(figures: list[dict]) -> dict[str, float]:
    """Return accuracy@10 by language pair, the mean of both directions."""
    found = {}
    for one in figures:
        pair = "–".join(sorted((one["source"], one["target"]), key=ORDER.index))
        found[pair] = found.get(pair, 0) + one["accuracy_at_10"] / 2
    return found


if __name__ == "__main__":
    main()
