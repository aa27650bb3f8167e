"""Showing to people how two indexes compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from searchkbd.cli.output import wrapped

if TYPE_CHECKING:
    from searchkbd.evaluation.asking import Outcome
    from searchkbd.evaluation.comparison import Accuracy, Comparison, Differing, Paired
    from searchkbd.evaluation.results import Estimate


def show_comparison(
    sides: Sequence[Mapping[str, Any]],
    k: int,
    queries: int,
    comparison: Comparison,
    shown: Sequence[Differing],
) -> None:
    """Print what was compared, the figures and the queries *shown*; *sides* are as in the JSON."""
    for name, side in zip("AB", sides, strict=True):
        encoder = f"{side['encoder']} ({side['fingerprint']}), {side['dim']} dimensions"
        click.echo(f"{name}  {wrapped(str(side['index']), 3)}")
        click.echo(f"   {wrapped(encoder, 3)}")
    if comparison.accuracy:
        click.echo()
        _show_accuracy(comparison.accuracy)
    click.echo()
    _show_agreement(sides, k, queries, comparison)
    for right, title in (
        ("a", "A is right, B is wrong"), ("b", "B is right, A is wrong"), (None, "Least agreed on"),
    ):  # fmt: skip
        some = [each for each in shown if each.right == right]
        of_all = sum(each.right == right for each in comparison.differing)
        if some:
            many = "" if len(some) == of_all else f", {len(some)} of {of_all:,}"
            click.secho(f"\n{title}{many}", bold=True)
            for each in some:
                _show_differing(each)


def _show_accuracy(rows: Sequence[Accuracy]) -> None:
    together, *directions = rows
    click.secho(f"{'':<12}{'A':>5}  {'B':>5}  {'B - A':>6}", bold=True)
    for name, figure in (
        ("accuracy@1", together.at_1), ("accuracy@5", together.at_5),
        ("accuracy@10", together.at_10), ("MRR@10", together.mrr_at_10),
    ):  # fmt: skip
        click.echo(f"{name:<12}{figure.a:.3f}  {figure.b:.3f}  {_difference(figure.difference)}")
    counts = (
        f"first hit right, of {together.queries:,}: both {together.both:,}, "
        f"only A {together.only_a:,}, only B {together.only_b:,}, neither {together.neither:,}; "
        f"{_chance(together.p)}"
    )
    click.echo(wrapped(counts, 0))
    click.secho(
        f"\n{'':<10}{'n':>6}  {'A @1':>5} {'B @1':>5}  {'B - A':<22}  {'p':>6}  "
        f"{'A @10':>5} {'B @10':>5}",
        bold=True,
    )
    for row in directions:
        direction = f"{row.source} → {row.target}"
        click.echo(
            f"{direction:<10}{row.queries:>6,}  {_two(row.at_1)}  "
            f"{_difference(row.at_1.difference):<22}  {_p(row.p):>6}  {_two(row.at_10)}"
        )


def _show_agreement(
    sides: Sequence[Mapping[str, Any]], k: int, queries: int, comparison: Comparison
) -> None:
    agreement = comparison.agreement
    click.echo(f"same first hit   {agreement.same_first:,} of {queries:,} queries")
    click.echo(f"overlap@{k:<8} {agreement.overlap_at_k:.3f}   rank-biased {agreement.rbo:.3f}")
    (a, b), (only_a, only_b) = comparison.found, comparison.only
    click.echo(
        f"found            A {a:,} different sentences, {only_a:,} that B never finds\n"
        f"                 B {b:,} different sentences, {only_b:,} that A never finds"
    )
    for label, side in zip(("time a query     A", "                 B"), sides, strict=True):
        click.echo(
            f"{label} {_milliseconds(side['encode_ms'])} encoding, "
            f"{_milliseconds(side['search_ms'])} searching"
        )


def _show_differing(each: Differing) -> None:
    langs = [each.query.lang, *(of.first.lang for of in (each.a, each.b) if of.first)]
    width = max(3, *map(len, langs))
    head = f"    {'»':<7} {each.query.lang:<{width}} "
    click.echo(head + click.style(wrapped(each.query.text, len(head)), bold=True))
    for name, outcome in (("A", each.a), ("B", each.b)):
        if outcome.first is None:
            click.echo(f"    {name}  nothing")
            continue
        found = outcome.first
        head = f"    {name} ≈{max(found.similarity, 0):.2f} {found.lang:<{width}} "
        right = _place(outcome) if each.right else ""
        click.echo(head + wrapped(found.text + right, len(head), each.query.text))


def _place(outcome: Outcome) -> str:
    """Return where the right answer is, for who does not have it first."""
    if outcome.rank == 1:
        return ""
    if not outcome.rank:
        return f"  (right: none of {len(outcome.keys)})"
    return f"  (right: {outcome.rank} of {len(outcome.keys)})"


def _two(figure: Paired) -> str:
    return f"{figure.a:.3f} {figure.b:.3f}"


def _difference(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.low:+.3f},{estimate.high:+.3f}]"


def _chance(p: float) -> str:
    return f"p {_p(p)}" if p < 0.001 else f"p = {_p(p)}"


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _milliseconds(ms: float) -> str:
    return f"{ms:.2f} ms" if ms < 10 else f"{ms:,.0f} ms"
