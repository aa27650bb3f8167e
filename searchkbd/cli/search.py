"""``searchkbd search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.options import (
    LANGUAGE,
    index_option,
    json_option,
    recall_option,
)
from searchkbd.cli.output import note, note_absent, print_json, wrapped
from searchkbd.search.hit import SearchMode, SearchResult

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec


@click.command()
@click.argument("query", required=False)
@index_option
@index_encoder_options
@click.option(
    "--lang", "langs", type=LANGUAGE, multiple=True,
    help="Only hits in this language; may be given several times.",
)
@click.option(
    "--from", "query_lang", type=LANGUAGE,
    help="Language of the query; detected when not given.",
)
@click.option(
    "-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="N",
    help="Number of hits.",
)
@click.option(
    "--mode", type=click.Choice([mode.value for mode in SearchMode]),
    default=SearchMode.FUSED.value, show_default=True,
    help="semantic: by meaning; lexical: by words and parts of words; fused: both.",
)
@recall_option
@json_option
def command(
    query: str | None,
    index: Path,
    encoder: EncoderSpec | None,
    langs: tuple[str, ...],
    query_lang: str | None,
    k: int,
    mode: str,
    recall: str,
    as_json: bool,
) -> int:
    """Search an index for sentences that mean QUERY, or share its words, in any language.

    Each hit is shown with its score, its similarity in meaning (≈, a cosine) and its translations
    beneath it. Without QUERY, queries are read from
    standard input, one a line, and answered in order (one JSON object a line with --json).
    """
    from searchkbd.api import open_index

    vectors = mode != SearchMode.LEXICAL.value
    with open_index(
        index, encoder if vectors else None, map_vectors=vectors, map_texts=False
    ) as opened:
        note_absent(langs, opened.languages)

        def run(texts: list[str]) -> list[SearchResult]:
            return opened.search_batch(
                texts, langs=langs, query_lang=query_lang, k=k, mode=mode, recall=recall
            )

        if query is not None:
            _show(run([query])[0], as_json, lines=False)
            return 0
        from searchkbd.cli.batch import answer_lines

        return answer_lines(
            run,
            lambda text: SearchResult(text, query_lang or "und", SearchMode(mode), ()),
            lambda result: _show(result, as_json, lines=True),
        )


def _show(result: SearchResult, as_json: bool, *, lines: bool) -> None:
    if as_json:
        print_json(result.to_dict(), lines=lines)
        return
    if lines:
        click.secho(f"» {result.query}", bold=True)
    if not result.hits:
        note("Nothing found." + (
            " Try --mode fused." if result.mode is SearchMode.LEXICAL else ""
        ))
    width = max([3, *(len(t.lang) for h in result.hits for t in (h, *h.translations))])
    for hit in result.hits:
        near = "" if hit.similarity is None else f"≈{max(hit.similarity, 0):.2f}  "
        head = f"{hit.rank:>3}. {hit.score:.3f}  {near}{hit.lang:<{width}} "
        click.echo(head + wrapped(hit.text, len(head), result.query))
        for translation in hit.translations:
            pad = " " * (len(head) - width - 1)
            text = wrapped(translation.text, len(head), result.query)
            click.echo(pad + click.style(f"{translation.lang:<{width}} ", dim=True) + text)
