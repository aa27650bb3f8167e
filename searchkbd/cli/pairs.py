"""``searchkbd pairs``: making pairs to train on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchkbd.cli.command_line import command_line, written
from searchkbd.cli.mining_options import check_streams, hearing
from searchkbd.cli.options import DirectoryType, json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import cut_options, reading_options
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.text.languages import UnknownLanguageError, normalize_language

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.pairs.options import Amount, Langs
    from searchkbd.pairs.run import Prepared

# What does not change the pairs is not in the command that the files name.
_UNNAMED = frozenset({"out", "report", "rejects", "replace", "as_json"})


class AmountType(click.ParamType):
    """A number of pairs, or a share of them: ``2000``, ``5%``."""

    name = "N|P%"

    def convert(self, value, param, ctx) -> Amount:
        from searchkbd.pairs.options import Amount

        if isinstance(value, Amount):
            return value
        percent = value.endswith("%")
        try:
            number = float(value[:-1]) if percent else int(value)
        except ValueError:
            self.fail(f"{value!r}: give a number of pairs, as 2000, or a share, as 5%", param, ctx)
        if not 0 <= number < (100 if percent else float("inf")):
            self.fail(f"{value!r}: a share is from 0% to less than 100%", param, ctx)
        return Amount(number, percent)


class LangsType(click.ParamType):
    """Two languages, as ``kbd-ru``; the other way round is the same."""

    name = "A-B"

    def convert(self, value, param, ctx) -> Langs:
        from searchkbd.pairs.options import in_order

        if isinstance(value, tuple):
            return value
        tags = value.replace(",", "-").split("-")
        try:
            codes = [normalize_language(tag) for tag in tags]
        except UnknownLanguageError as error:
            self.fail(str(error), param, ctx)
        if len(codes) != 2 or codes[0] == codes[1]:
            self.fail(f"{value!r}: give two languages, as in kbd-ru", param, ctx)
        return in_order(*codes)


def _mix(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict:
    found = {}
    for value in values:
        names, equals, share = value.partition("=")
        langs = LangsType().convert(names, param, ctx)
        try:
            number = float(share) if equals else 0.0
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise click.BadParameter(f"{value!r}: write it as kbd-ru=4, the share above 0")
        if langs in found:
            raise click.BadParameter(f"{names} is given twice")
        found[langs] = number
    return found


def _flags(ctx: click.Context, param: click.Parameter, value: str) -> frozenset[str]:
    from searchkbd.pairs.options import FLAGS

    names = {name.strip() for name in value.split(",") if name.strip()}
    for name in sorted(names - {*FLAGS, "none"}):
        raise click.BadParameter(
            f"no flag is called {name!r}; there are {', '.join(FLAGS)}, and none"
        )
    if "none" in names and len(names) > 1:
        raise click.BadParameter("none goes with no other flag")
    return frozenset(names - {"none"})


@click.group()
def command() -> None:
    """Make pairs of translations to train on."""


@command.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--out", type=DirectoryType(), required=True, metavar="DIR",
    help="Directory of the pairs: train.tsv, dev.tsv, test.tsv, statistics.json, README.md.",
)
@click.option("--replace", is_flag=True, help="Replace the pairs that are in DIR.")
@click.option(
    "--only", type=LangsType(), multiple=True, metavar="A-B",
    help="Only pairs of these two languages, as in kbd-ru; may be given several times.",
)
@click.option(
    "--machine/--no-machine", default=True, show_default=True,
    help='Whether to take what a machine translated (origin "mt:...").',
)
@click.option(
    "--per-group", type=click.IntRange(1), default=16, show_default=True, metavar="N",
    help="Pairs of two languages that one group makes at most.",
)
@click.option(
    "--min-words", type=click.IntRange(0), default=1, show_default=True, metavar="N",
    help="Words of either text at least.",
)
@click.option("--max-words", type=click.IntRange(1), metavar="N", help="... and at most.")
@click.option(
    "--drop", callback=_flags, default="copied,language,length", show_default=True,
    metavar="FLAGS",
    help='Pairs to leave out: copied, language, length, numbers (see searchkbd score), or "none".',
)
@click.option(
    "--near", type=click.FloatRange(50, 100), metavar="PERCENT",
    help="Leave out near duplicates too: pairs as alike as that on either side, by edits.",
)
@click.option(
    "--per-target", type=click.IntRange(1), metavar="N",
    help="Pairs of two languages with the same text on one side at most; others are wrong "
    "negatives in a batch.",
)
@click.option(
    "--dev", type=AmountType(), default="0", metavar="N|P%",
    help="Pairs to hold out for development.  [default: none]",
)
@click.option(
    "--test", type=AmountType(), default="0", metavar="N|P%",
    help="Pairs to hold out for a test.  [default: none]",
)
@click.option(
    "--apart", type=click.FloatRange(50, 100), default=85, show_default=True, metavar="PERCENT",
    help="Texts as alike as that, by edits, stand in one split; 100: only the same texts.",
)
@click.option(
    "--exclude", multiple=True, metavar="FILE",
    help="Texts, as of a test set, that no pair may have, nor a copy of them; may be given "
    "several times.",
)
@click.option(
    "--mix", callback=_mix, multiple=True, metavar="A-B=SHARE",
    help="Share of two languages among the training pairs, as in kbd-ru=4; may be given several "
    "times; pairs in other languages are left out.",
)
@click.option(
    "--temperature", type=click.FloatRange(1, 100), metavar="T",
    help="Shares in proportion to n^(1/T), n being the pairs there are; needs --max.",
)
@click.option(
    "--cap", type=click.IntRange(1), metavar="N", help="Training pairs of two languages at most.",
)
@click.option(
    "--max", "most", type=click.IntRange(1), metavar="N", help="Training pairs in all at most.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, metavar="N",
    help="Where chance begins: the same seed gives the same pairs.",
)
@click.option(
    "--tokenizer", metavar="NAME|DIR",
    help="Model whose tokens are counted, as labse-kbd or the directory of one.",
)
@click.option(
    "--report", metavar="FILE",
    help="Where the pairs that were left out are listed, and why: a .tsv or .jsonl.",
)
@cut_options
@reading_options
@rejects_option
@json_option
@click.pass_context
def prepare(
    ctx: click.Context,
    sources: tuple[str, ...],
    out: Path,
    replace: bool,
    exclude: tuple[str, ...],
    tokenizer: str | None,
    report: str | None,
    min_similarity: float | None,
    percentile: float | None,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Make pairs to train on out of files, data sets and indexes.

    A SOURCE is a file that "build" reads, hf:NAME, or the directory of an index. Every two
    sentences of a group in two languages are a pair. Pairs are filtered, equal ones merged, some
    held out, and what is left is mixed as asked for; no pair is taken twice.

    Pairs that share a text, or nearly, are all in one of train, dev and test: however the palochka
    is written, or when it is missing. The same sources, options and seed give the same files.
    """
    import dataclasses

    from searchkbd.corpus.report import RejectReport
    from searchkbd.pairs.options import PrepareOptions
    from searchkbd.pairs.run import Progress, prepare

    check_streams((*sources, *exclude), str(out), rejects, as_json, report)
    check_report(rejects, out, (*sources, *exclude), "the directory of the pairs")
    reading = dataclasses.replace(
        hearing(reading), min_similarity=min_similarity, percentile=percentile
    )
    start = time.monotonic()
    with RejectReport(rejects or default_report(out)) as rejected, Stages() as stages:
        done = prepare(
            sources, out, reading, PrepareOptions(**chosen), exclude=exclude, tokenizer=tokenizer,
            report=report, replace=replace, command=command_line(ctx, _UNNAMED, write=_written),
            on_reject=rejected.add, progress=Progress(
                stages.stage("Reading", "pairs"), stages.stage("Finding near duplicates", "pairs"),
                stages.stage("Indexing texts", "texts"), stages.stage("Holding out", "pairs"),
                stages.stage("Writing", "pairs"),
            ),
        )  # fmt: skip
    seconds = time.monotonic() - start
    if as_json:
        print_json(_shape(out, done, report, rejected, seconds))
    else:
        _show(out, done, report, rejected, seconds)
    return 1 if rejected.count else 0


def _shape(
    out: Path, done: Prepared, report: str | None, rejected: RejectReport, seconds: float
) -> dict[str, Any]:
    return {
        "out": str(out), **done.statistics, "respaced": done.respaced, "report": report,
        "rejected": rejected.count, "rejects": str(rejected.path) if rejected.count else None,
        "seconds": round(seconds, 2),
    }  # fmt: skip


def _show(
    out: Path, done: Prepared, report: str | None, rejected: RejectReport, seconds: float
) -> None:
    said = done.statistics
    splits = said["splits"]
    click.echo(
        f"{out}: {plural(splits['train'], 'training pair')}, {splits['dev']:,} dev, "
        f"{splits['test']:,} test, of {said['read']:,} read, in {seconds:.0f} s\n"
    )
    click.echo("  languages       train      dev     test  by machine  asked    got")
    for one in said["sets"]:
        found = {split: of["pairs"] for split, of in one["splits"].items()}
        train = found.get("train", 0)
        machine = one["splits"].get("train", {"machine": 0})["machine"] / (train or 1)
        share = one["share"]
        click.echo(
            f"  {one['name']:<9}  {train:>10,}  {found.get('dev', 0):>7,}  "
            f"{found.get('test', 0):>7,}  {machine:>10.1%}  {share['asked']:>5.1%}  "
            f"{share['got']:>5.1%}"
        )
    batch, of_16 = next(iter(said["repeated"]["b"]["batches"].items()))
    if of_16 is not None:
        click.echo(f"\n  {of_16:.1%} of random batches of {batch} have a target twice")
    if said["left_out"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in said["left_out"].items())
        click.echo(f"  left out: {reasons}" + (f"; listed in {report}" if report else ""))
    _note_missing(said)
    if done.respaced:
        note(f"note: tabs and line breaks in {plural(done.respaced, 'cell')} became spaces")
    show_rejects(rejected)


def _note_missing(said: dict[str, Any]) -> None:
    """Say what was asked for and could not be had."""
    for split, wanted in said["wanted"].items():
        got = said["splits"][split]
        if got < wanted:
            note(
                f"note: {split} has {got:,} of {wanted:,} pairs: those that share texts, or copies "
                "of them, are held out together, and no more of them fitted"
            )
    for one in said["sets"]:
        share = one["share"]
        if not share["met"] and share["got"] < share["asked"]:
            note(
                f"note: {one['name']} is {share['got']:.1%} of the training pairs, not "
                f"{share['asked']:.1%}: there are {share['available']:,} pairs to take"
            )


def _written(name: str, value: Any) -> list[str]:
    """Return the values of an option as they are written, each behind a name of its own."""
    if name == "mix":
        return [f"{'-'.join(langs)}={share:g}" for langs, share in value.items()]
    if name == "only":
        return ["-".join(langs) for langs in value]
    if name == "drop":
        return [",".join(sorted(value)) or "none"]
    if name in ("dev", "test"):
        return [f"{value.value:g}%" if value.percent else str(int(value.value))]
    return written(name, value)
