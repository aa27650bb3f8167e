"""``searchkbd delete``."""

from __future__ import annotations

from pathlib import Path

import click

from searchkbd.cli.options import LANGUAGE, index_option, json_option
from searchkbd.cli.output import note, plural, print_json, wrapped

SHOWN = 20


@click.command()
@index_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="The sentence with this id.")
@click.option(
    "--group", "groups", multiple=True, metavar="NAME",
    help="All sentences of this translation group.",
)
@click.option(
    "--origin", "origins", multiple=True, metavar="PATTERN",
    help='Sentences from this origin; "mt:*" is every origin that begins so.',
)
@click.option(
    "--query", metavar="WORDS",
    help="Sentences that have all of these words, whole or inside longer ones.",
)
@click.option(
    "--lang", "langs", type=LANGUAGE, multiple=True, help="Of all these, only in this language."
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@json_option
def command(
    index: Path,
    ids: tuple[str, ...],
    groups: tuple[str, ...],
    origins: tuple[str, ...],
    query: str | None,
    langs: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Delete sentences from an index: by id, group, origin or words.

    Different options narrow the choice, a repeated one widens it. Nothing is encoded again, and
    an interrupted deletion leaves the index as it was. Look first with --dry-run.
    """
    from searchkbd.index.editing import delete_rows
    from searchkbd.index.reader import IndexReader
    from searchkbd.index.selection import Selection, selected

    if not (ids or groups or origins or query):
        raise click.UsageError("say what to delete: --id, --group, --origin or --query")
    selection = Selection(ids, groups, origins, query, langs)
    shown = []
    doomed: list[str] = []
    with IndexReader(index) as reader, reader.damage_reported():
        for sentence in selected(reader, selection):
            doomed.append(sentence.id)
            if dry_run and len(shown) < SHOWN:
                shown.append(sentence)
    absent = [name for name in ids if name not in set(doomed)]
    if not dry_run and doomed:
        deletion = delete_rows(index, doomed)
        count, languages, emptied = deletion.sentences, deletion.languages, deletion.groups
    else:
        count, languages, emptied = len(doomed), {}, 0
    if as_json:
        print_json({
            "index": str(index), "dry_run": dry_run, "sentences": count, "languages": languages,
            "groups": emptied, "ids": doomed if dry_run else [], "absent": absent,
        })  # fmt: skip
    elif dry_run:
        for sentence in shown:
            head = f"  {sentence.lang:<3}  {sentence.id}  "
            click.echo(head + wrapped(sentence.text, len(head), query))
        if count > len(shown):
            click.echo(f"  … and {plural(count - len(shown), 'other')}")
        click.echo(f"{index}: {plural(count, 'sentence')} would be deleted")
    else:
        per_language = ", ".join(f"{lang} {n:,}" for lang, n in languages.items())
        click.echo(
            f"{index}: {plural(count, 'sentence')} deleted"
            + (f" ({per_language})" if languages else "")
        )
    for name in absent:
        note(f"no sentence chosen has the id {name!r}")
    return 1 if absent else 0
