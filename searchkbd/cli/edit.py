"""``searchkbd edit``."""

from __future__ import annotations

from pathlib import Path

import click

from searchkbd.cli.options import encoder_option, index_option, json_option, no_cache_option
from searchkbd.cli.output import note, print_json, wrapped


@click.command()
@click.argument("sentence_id", metavar="ID")
@click.argument("text", required=False)
@index_option
@encoder_option
@click.option("--origin", metavar="NAME", help="Where the sentence is from now.")
@no_cache_option
@json_option
def command(
    sentence_id: str,
    text: str | None,
    index: Path,
    encoder: str | None,
    origin: str | None,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Give the sentence with this ID another TEXT, another origin, or both.

    Only this sentence is encoded. Ids are in the --json of search and tm lookup, and in exports.
    Inline tags that the sentence had go with the old text.
    """
    from searchkbd.api import load_index_encoder
    from searchkbd.cli.encoding import remembering
    from searchkbd.encoders import load_encoder
    from searchkbd.index.editing import edit_sentence
    from searchkbd.index.reader import IndexReader

    if text is None and origin is None:
        raise click.UsageError("give the new TEXT, or --origin")
    with IndexReader(index) as reader, reader.damage_reported():
        loaded = load_encoder(encoder) if encoder else load_index_encoder(reader)
        had_tags = reader.connection.execute(
            "SELECT markup IS NOT NULL FROM sentences WHERE id = ?", (sentence_id,)
        ).fetchone()
    with remembering(loaded, cache=not no_cache) as cached:
        stored = edit_sentence(index, sentence_id, cached, text=text, origin=origin)
    if as_json:
        print_json({
            "index": str(index), "id": stored.id, "lang": stored.lang, "text": stored.text,
            "group": stored.group, "origin": stored.origin, "date": stored.date,
        })  # fmt: skip
    else:
        head = f"{stored.id}  {stored.lang}  "
        click.echo(head + wrapped(stored.text, len(head)))
    if text is not None and had_tags and had_tags[0]:
        note("note: the sentence had inline tags, which are gone")
    return 0
