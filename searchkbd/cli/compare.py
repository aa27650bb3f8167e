"""``searchkbd compare``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchkbd.cli.encoder_options import EncoderType
from searchkbd.cli.options import LANGUAGE, DirectoryType, json_option, recall_option
from searchkbd.cli.output import note, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import reading_options
from searchkbd.cli.rejects import ToldRejects, shown_rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders.base import Encoder
    from searchkbd.evaluation.asking import Asked
    from searchkbd.evaluation.comparison import Comparison, Differing
    from searchkbd.evaluation.contents import Contents
    from searchkbd.evaluation.queries import QueryFile, Questions
    from searchkbd.index.codes import Recall
    from searchkbd.index.reader import IndexReader


@click.command()
@click.argument("index_a", type=DirectoryType())
@click.argument("index_b", type=DirectoryType())
@click.argument("queries", metavar="QUERIES")
@click.option(
    "--to", type=LANGUAGE, multiple=True,
    help="Search only in this language; may be given several times. When not given, in those that "
    "the query's answers are known in, or else in all that both indexes have.",
)
@click.option(
    "-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="N",
    help="How many hits of each are compared.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=10_000, show_default=True, metavar="N",
    help="Of more queries, draw N by chance.",
)
@click.option(
    "--show", type=click.IntRange(min=0), default=10, show_default=True, metavar="N",
    help="How many of the queries that are answered differently are shown.",
)
@click.option(
    "--encoder-a", type=EncoderType(), metavar="NAME|DIR",
    help="Where the encoder of INDEX_A is now, if it has moved.",
)
@click.option(
    "--encoder-b", type=EncoderType(), metavar="NAME|DIR",
    help="Where the encoder of INDEX_B is now, if it has moved.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=20190604, show_default=True, metavar="N",
    help="Seed of what is drawn by chance: queries, and the samples of the intervals.",
)
@recall_option
@reading_options
@shown_rejects_option
@json_option
def command(
    index_a: Path,
    index_b: Path,
    queries: str,
    to: tuple[str, ...],
    k: int,
    limit: int,
    show: int,
    encoder_a: str | None,
    encoder_b: str | None,
    seed: int,
    recall: str,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Compare what two indexes of the same sentences, made by two encoders, find by meaning.

    QUERIES is any file that "build" reads, or - for standard input; of plain text each line is a
    query, whose language is detected unless --lang says it. Both indexes are asked every query.
    Always said: how far their hits agree. Where the right answers are known, also which of the
    two finds them: they are the translations that QUERIES gives, or else those that the indexes
    have of the same sentence.

    In brackets, 95 % bootstrap intervals of the difference; p is that of a sign test. Rows that
    cannot be used are listed and the exit code is 1. See docs/evaluation.md.
    """
    from searchkbd.corpus.options import AUTO
    from searchkbd.evaluation.asking import RANKS
    from searchkbd.evaluation.comparison import compare
    from searchkbd.evaluation.contents import compare_contents
    from searchkbd.evaluation.measures import require
    from searchkbd.evaluation.queries import questions
    from searchkbd.index.codes import Recall
    from searchkbd.index.reader import IndexReader

    if rejects and rejects.resolve() == Path(queries).resolve():
        raise click.BadParameter(f"{rejects} is an input file", param_hint="'--rejects'")
    with ExitStack() as opened:
        readers = tuple(opened.enter_context(IndexReader(index)) for index in (index_a, index_b))
        encoders = [_encoder(*of) for of in zip(readers, (encoder_a, encoder_b), strict=True)]
        with ToldRejects(rejects) as rejected, Stages() as stages:
            reading = replace(reading, lang=reading.lang or AUTO)
            file = _read(queries, reading, rejected, stages)
        drawn = file.drawn(limit, seed)
        if len(drawn) < len(file.queries):
            note(f"note: {len(drawn):,} of {len(file.queries):,} queries drawn (--limit)")
        contents = compare_contents(*readers)
        if not contents.alike:
            _note_contents(contents)
        absent = [lang for lang in to if 0 in contents.languages.get(lang, (0, 0))]
        with Stages() as stages:
            asked = questions(drawn, readers, to, stages.stage("Looking answers up", "queries"))
        if absent:
            note(f"note: not in both indexes, and not searched: {', '.join(absent)}")
        _note_answers(asked)
        if asked.with_answers:
            require("ir_measures")
        described = [_described(*of) for of in zip(readers, encoders, strict=True)]
        said = _ask_both(readers, encoders, asked, max(k, RANKS), Recall(recall))
    comparison = compare(asked.asked, *said, k=k, seed=seed)
    sides = [
        {
            **side,
            "found": comparison.found[number],
            "only": comparison.only[number],
            "encode_ms": round(1000 * said[number].encode_seconds / len(drawn), 3),
            "search_ms": round(1000 * said[number].search_seconds / len(drawn), 3),
        }
        for number, side in enumerate(described)
    ]
    shown = _shares(comparison.differing, show)
    if as_json:
        print_json(_shape(sides, k, file, asked, rejected.count, contents, comparison, shown))
    else:
        from searchkbd.cli.comparison import show_comparison

        show_comparison(sides, k, len(drawn), comparison, shown)
    return 1 if rejected.count else 0


def _encoder(reader: IndexReader, name: str | None) -> Encoder:
    from searchkbd.api import open_encoder
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.index.reader import check_encoder

    encoder = open_encoder(reader, EncoderSpec(name))
    check_encoder(reader.meta, encoder, reader.directory)
    return encoder


def _read(
    queries: str, options: ReadOptions, rejected: ToldRejects, stages: Stages
) -> QueryFile:
    from searchkbd.corpus.files import corpora
    from searchkbd.evaluation.queries import read_queries

    ((file, read_as),) = corpora([queries], options)
    return read_queries(
        file, read_as, on_reject=rejected.add, progress=stages.stage("Reading", "lines")
    )


def _ask_both(
    readers: Sequence[IndexReader],
    encoders: list[Encoder],
    asked: Questions,
    depth: int,
    recall: Recall,
) -> list[Asked]:
    """Ask either index; *encoders* is emptied, since two models may not fit into memory."""
    from searchkbd.evaluation.asking import ask

    said = []
    with Stages() as stages:
        for side, reader in enumerate(readers):
            progress = stages.stage(f"Asking {'AB'[side]}", "queries")
            said.append(
                ask(
                    reader, encoders.pop(0), asked.asked, side, depth=depth, recall=recall,
                    progress=progress,
                )
            )  # fmt: skip
    return said


def _described(reader: IndexReader, encoder: Encoder) -> dict[str, Any]:
    return {
        "index": str(reader.directory),
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "sentences": sum(reader.sentences_per_language.values()),
    }


def _note_contents(contents: Contents) -> None:
    """Say that differences may not be the encoder's."""
    about = "" if contents.exact else "about "
    # Rounded down: what is not all must not look like it.
    share = int(contents.share * 1000) / 10
    note(
        "note: the indexes do not hold the same sentences, so that not all that differs is due to "
        f"their encoders: {about}{share:.1f} % are in both"
    )
    uneven = [
        f"{lang} {a:,} and {b:,}" for lang, (a, b) in contents.languages.items() if a != b
    ]
    if uneven:
        note(f"  sentences of A and B: {', '.join(uneven)}")


def _note_answers(asked: Questions) -> None:
    if asked.left_out:
        whose = "1 query" if asked.left_out == 1 else f"{asked.left_out:,} queries"
        note(f"note: the answers to {whose} are not in both indexes; left out of the accuracy")
    if not asked.with_answers:
        note("note: no right answers are known, so that nothing tells which index is right; give "
             "queries with their translations, or sentences of the indexes")  # fmt: skip


def _shares(differing: Sequence[Differing], count: int) -> list[Differing]:
    """Return the first of those that only A answers right and the first of the others, about as
    many of either."""
    a = [each for each in differing if each.right == "a"]
    others = [each for each in differing if each.right != "a"]
    of_a = min(len(a), max(count - len(others), (count + 1) // 2))
    return a[:of_a] + others[: count - of_a]


def _shape(
    sides: Sequence[dict[str, Any]],
    k: int,
    file: QueryFile,
    asked: Questions,
    rejected: int,
    contents: Contents,
    comparison: Comparison,
    shown: Sequence[Differing],
) -> dict[str, Any]:
    return {
        "a": sides[0],
        "b": sides[1],
        "k": k,
        "queries": len(asked.asked),
        "drawn_from": len(file.queries),
        "repeated": file.repeated,
        "rejected": rejected,
        "contents": {
            "share": round(contents.share, 6),
            "exact": contents.exact,
            "languages": {lang: list(of) for lang, of in contents.languages.items()},
        },
        "agreement": comparison.agreement.to_dict(),
        "with_answers": asked.with_answers,
        "left_out": asked.left_out,
        "accuracy": [row.to_dict() for row in comparison.accuracy],
        "differing": [each.to_dict() for each in shown],
    }
