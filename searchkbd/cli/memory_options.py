"""Options of the commands that ask the translation memory."""

from __future__ import annotations

from collections.abc import Sequence

import click

from searchkbd.cli.options import LANGUAGE


def _penalties(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[tuple[str, int], ...]:
    found = []
    for value in values:
        origin, _, points = value.rpartition("=")
        if not origin or not (points.isascii() and points.isdigit()) or int(points) > 100:
            raise click.BadParameter(f"{value!r}: write it as ORIGIN=N, with N from 0 to 100")
        found.append((origin, int(points)))
    return tuple(found)


def _pivots(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(
        dict.fromkeys(LANGUAGE.convert(part.strip(), param, ctx) for part in value.split(","))
    )


penalty_option = click.option(
    "--penalty", "penalties", multiple=True, callback=_penalties, metavar="ORIGIN=N",
    help="Points that matches from ORIGIN lose, in place of what they would; may be given several "
    "times. ORIGIN may have wildcards (mt*=20, 'drafts/*=5'); pivot stands for matches through "
    "a third language.",
)  # fmt: skip
pivot_option = click.option(
    "--pivot", "pivots", callback=_pivots, metavar="A,B",
    help="Languages to go through where there is no translation, best first.  [default: ru, en, "
    "then any]",
)  # fmt: skip
no_pivot_option = click.option(
    "--no-pivot", is_flag=True, help="Go through no third language.",
)  # fmt: skip


def chosen_pivots(pivots: tuple[str, ...] | None, no_pivot: bool) -> tuple[str, ...] | None:
    """Return ``LookupOptions.pivots`` as the two options say it."""
    if pivots and no_pivot:
        raise click.UsageError("--pivot and --no-pivot contradict each other")
    return () if no_pivot else pivots
