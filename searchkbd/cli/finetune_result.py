"""What ``searchkbd train finetune`` says in the end."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.output import note, plural
from searchkbd.cli.rejects import show_rejects

if TYPE_CHECKING:
    from searchkbd.corpus.report import RejectReport
    from searchkbd.training.finetune.config import FinetuneConfig
    from searchkbd.training.finetune.data import Chosen
    from searchkbd.training.finetune.record import DataFile
    from searchkbd.training.finetune.run import Finetuned


@dataclass(frozen=True)
class Result:
    """All that there is to report."""

    base: str
    fingerprint: str
    config: FinetuneConfig
    chosen: Chosen
    files: tuple[DataFile, ...]
    dev_files: tuple[DataFile, ...]
    built_in: bool
    done: Finetuned

def shape(out: Path, result: Result, report: RejectReport, seconds: float) -> dict:
    """Return the result as JSON (docs/json.md)."""
    done, chosen = result.done, result.chosen
    gate = result.config.gate
    config = asdict(result.config) | {"gate": gate if math.isfinite(gate) else None}
    pieces = done.pieces
    return {
        "out": str(out),
        "base": {"name": result.base, "fingerprint": result.fingerprint},
        "config": config | {"precision": done.precision},
        "device": done.device,
        "files": [asdict(one) for one in result.files],
        "dev_files": [asdict(one) for one in result.dev_files],
        "pairs": {f"{one.lang_a}-{one.lang_b}": one.pairs for one in done.counts},
        "merged": chosen.merged,
        "left_out": chosen.left_out,
        "without_negatives": done.unmatched,
        "dev_pairs": len(chosen.dev),
        "held_built_in": result.built_in,
        "pieces": None if pieces is None else {
            "added": len(pieces.pieces), "words": pieces.words, "before": pieces.before,
            "after": pieces.after,
        },
        "steps": done.steps,
        "resumed_from": done.resumed_from,
        "evaluations": [asdict(one) for one in done.judged],
        "best_step": done.best.step,
        "gate": {
            "passed": done.verdict.passed,
            "lost": round(done.verdict.lost, 4),
            "falls": [
                {"source": one.source, "target": one.target, "before": one.before,
                 "after": one.after, "sources": one.sources}
                for one in done.verdict.falls
            ],
            "remarks": list(done.remarks),
        },
        "before": [asdict(one) for one in done.baseline.directions],
        "after": [asdict(one) for one in done.figures.directions],
        "rejected": report.count,
        "rejects": str(report.path) if report.count else None,
        "seconds": round(seconds, 2),
    }  # fmt: skip


def show(out: Path, result: Result, report: RejectReport, seconds: float) -> None:
    """Print the result for people."""
    done, chosen = result.done, result.chosen
    pairs = sum(one.pairs for one in done.counts)
    click.echo(
        f"{out}: {result.base} fine-tuned on {plural(pairs, 'pair')}, in {seconds:.0f} s\n"
        f"  best after step {done.best.step:,} of {done.steps:,}"
    )
    if chosen.merged:
        click.echo(f"  {plural(chosen.merged, 'duplicate pair')} merged")
    if done.unmatched:
        click.echo(f"  {plural(done.unmatched, 'pair')} left out: no hard negative for them")
    if done.pieces:
        before, after = done.pieces.per_word
        click.echo(
            f"  {plural(len(done.pieces.pieces), 'piece')} with palochka added: {before:.2f} → "
            f"{after:.2f} pieces a word"
        )
    click.echo("\n  accuracy@1   texts  before   after")
    for old, new in zip(done.baseline.directions, done.figures.directions, strict=True):
        click.echo(
            f"  {'→'.join(new.langs):<11}  {new.sources:>5,}  {old.accuracy_at_1:>6.3f}  "
            f"{new.accuracy_at_1:>6.3f}"
        )
    click.echo(f"\ngate {done.verdict}")
    if not done.verdict.passed:
        note(
            "no model passed the gate; this is the one that lost least. Train with --recipe "
            "better, a lower --lr or pairs of those languages, or say --gate off"
        )
    for remark in done.remarks:
        note(remark)
    click.echo(f"\nUse it: searchkbd build FILE --encoder {out} --index DIR")
    show_rejects(report)
