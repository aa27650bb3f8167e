"""``searchkbd edit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.options import index_option, json_option, no_cache_option
from searchkbd.cli.output import note, print_json, wrapped

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec


@click.command()
@click.argument("sentence_id", metavar="ID")
@click.argument("text", required=False)
@index_option
@index_encoder_options
@click.option("--origin", metavar="NAME", help="Where the sentence is from now.")
@no_cache_option
@json_option
def command(
    sentence_id: str,
    text: str | None,
    index: Path,
    encoder: EncoderSpec | None,
    origin: str | None,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Give the sentence with this ID another TEXT, another origin, or both.

    Only this sentence is encoded. Ids are in the --json of search and tm lookup, and in exports.
    Inline tags that the sentence had go with the old text.
    """
    from searchkbd.api import open_encoder
    from searchkbd.cli.encoding import remembering
    from searchkbd.index.editing import edit_sentence
    from searchkbd.index.reader import IndexReader

    if text is None and origin is None:
        raise click.UsageError("give the new TEXT, or --origin")
    with IndexReader(index) as reader, reader.damage_reported():
        loaded = open_encoder(reader, encoder)
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
