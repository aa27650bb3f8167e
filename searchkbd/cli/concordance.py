"""``searchkbd concordance``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import LANGUAGE, index_option, json_option
from searchkbd.cli.output import note, note_absent, plural, print_json
from searchkbd.cli.progress import counted_progress

if TYPE_CHECKING:
    from searchkbd.api import Index
    from searchkbd.concordance.result import Concordance

_ORDERS = ("none", "left", "right", "match")
_PAGE = 200  # lines that are aligned with each other


@click.command()
@click.argument("pattern")
@index_option
@click.option(
    "--lang", "langs", type=LANGUAGE, multiple=True,
    help="Look in sentences of this language only; may be given several times.",
)
@click.option(
    "--to", type=LANGUAGE, multiple=True,
    help="Show translations into this language only; may be given several times.",
)
@click.option(
    "-n", "limit", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
    help="Number of lines.",
)
@click.option("--all", "everything", is_flag=True, help="Every line.")
@click.option(
    "--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Skip the first N lines."
)
@click.option(
    "--sort", "order", type=click.Choice(_ORDERS), default="none", show_default=True,
    help="Order lines by the words left or right of the match, or by the match.",
)
@click.option(
    "--gap", type=click.IntRange(0, 100), default=5, show_default=True, metavar="N",
    help="How many words * stands for at most.",
)
@click.option(
    "--exact", is_flag=True,
    help="Letter case, the spelling of the palochka and accents must be as in PATTERN.",
)
@click.option(
    "--loose", is_flag=True,
    help="Forgive a missing palochka (and accents), in PATTERN or in the sentence.",
)
@click.option(
    "--only-translated", is_flag=True,
    help="Only sentences that have a translation, into --to where it is given.",
)
@click.option(
    "--origin", "origins", multiple=True, metavar="NAME",
    help="Only sentences of this origin; may be given several times.",
)
@json_option
@click.option("--tsv", "as_tsv", is_flag=True, help="Print a table with tabs between columns.")
def command(
    pattern: str,
    index: Path,
    langs: tuple[str, ...],
    to: tuple[str, ...],
    limit: int,
    everything: bool,
    offset: int,
    order: str,
    gap: int,
    exact: bool,
    loose: bool,
    only_translated: bool,
    origins: tuple[str, ...],
    as_json: bool,
    as_tsv: bool,
) -> int:
    """Show where PATTERN stands, in context, with the translations beneath.

    PATTERN is words that follow each other: за* *ть *мэ* за*ть are words that begin, end or go on
    so, "хотел|хочет" is either word, ? exactly one word, * up to --gap words, all within one
    sentence. Letter case, punctuation and the spelling of the palochka do not count. Quote
    PATTERN, since the shell has its own idea of stars.

    Occurrences are all counted, from each word that a match can start with, however few lines are
    shown.
    """
    from searchkbd.api import open_index

    if as_json and as_tsv:
        raise click.UsageError("--json and --tsv: choose one")
    with open_index(index, map_vectors=False) as opened:
        note_absent((*langs, *to), opened.languages)
        where = {
            "langs": langs, "to": to, "gap": gap, "order": order,
            "only_translated": only_translated, "origins": origins,
        }  # fmt: skip
        with counted_progress("Examining occurrences", "occurrences") as progress:
            found = opened.concordance(
                pattern, **where, exact=exact, loose=loose, progress=progress
            )
        wanted = None if everything else limit
        if as_json:
            print_json(found.to_dict(wanted, offset))
        elif as_tsv:
            _print_table(found, wanted, offset, to or tuple(opened.languages))
        else:
            _print_text(found, wanted, offset)
        if not found.occurrences:
            note(f"Nothing found.{_advice(opened, pattern, where, exact, loose)}")
        elif found.partly_sorted:
            note(
                f"note: only the first {len(found.first):,} of {found.occurrences:,} occurrences "
                "are in order; narrow the search to have them all"
            )
    return 0


def _print_text(found: Concordance, limit: int | None, offset: int) -> None:
    from searchkbd.cli.kwic import print_lines

    counts = ", ".join(
        f"{lang} {count:,}" if len(found.languages) > 1 else lang
        for lang, count in found.languages.items()
    )
    if counts:
        sentences = plural(found.sentences, "sentence")
        occurrences = plural(found.occurrences, "occurrence")
        click.secho(f"{occurrences} in {sentences} ({counts})", bold=True)
    lines = found.lines(limit, offset)
    while page := list(islice(lines, _PAGE)):
        print_lines(page)


def _print_table(
    found: Concordance, limit: int | None, offset: int, langs: tuple[str, ...]
) -> None:
    """Columns id, left, match, right and a language each; several translations into one language
    are separated by an (escaped) line feed."""
    langs = tuple(dict.fromkeys(langs))
    click.echo("\t".join(("id", "left", "match", "right", *langs)))
    for line in found.lines(limit, offset):
        translations = (
            "\n".join(t.text for t in line.translations if t.lang == lang) for lang in langs
        )
        columns = (line.id, line.left, line.match, line.right, *translations)
        click.echo("\t".join(map(_escaped, columns)))


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _advice(
    opened: Index, pattern: str, where: dict[str, object], exact: bool, loose: bool
) -> str:
    """What to try next, when that would find something."""
    if exact:
        option, kind, found = "Without --exact", "", opened.concordance(pattern, **where)
    elif not loose:
        option, kind = "With --loose", " (a missing palochka forgiven)"
        found = opened.concordance(pattern, **where, loose=True)
    else:
        return ""
    if not found.occurrences:
        return ""
    return f" {option}{kind}: {plural(found.occurrences, 'occurrence')}."
