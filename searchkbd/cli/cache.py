"""``searchkbd cache``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import json_option
from searchkbd.cli.output import file_size, note, plural, print_json

if TYPE_CHECKING:
    from searchkbd.cache.tidy import EncoderUsage, Removal

_DAY = 86_400 * 10**9  # ns


@click.command()
@click.option(
    "--prune", is_flag=True,
    help="Remove what was not used for longest, until the bound is kept; make few files of many "
    "small ones.",
)
@click.option(
    "--older-than", type=click.FloatRange(min=0), metavar="DAYS",
    help="Remove what was not used for so many days.",
)
@click.option("--clear", is_flag=True, help="Remove all embeddings and exported models.")
@click.option(
    "--encoder", metavar="FINGERPRINT",
    help="Show, and remove, embeddings of this encoder only.",
)
@json_option
def command(
    prune: bool, older_than: float | None, clear: bool, encoder: str | None, as_json: bool
) -> int:
    """Show what the embedding cache holds, or remove some of it.

    Builds keep the vectors of sentences in it, by encoder, so that an interrupted build goes on
    where it was and the next one encodes only what is new. Beside it lie models of
    sentence-transformers as they were exported to be fast, which --clear removes too. Nothing is
    lost with either but time.

    The cache is in the user's cache directory, or in SEARCHKBD_CACHE, and the embeddings are kept
    below 2 GB, or below SEARCHKBD_CACHE_MAX (500M, 4G; 0 turns them off). What a running build
    has cached is not removed.
    """
    from searchkbd.cache.place import embeddings_path, max_bytes
    from searchkbd.cache.tidy import usage
    from searchkbd.encoders.transformer.export import exports_directory
    from searchkbd.encoders.use_weights import cache_directory

    if clear and (prune or older_than is not None):
        raise click.UsageError("--clear removes everything; leave out --prune and --older-than")
    root, bound = cache_directory(), max_bytes()
    entries, models = usage(root), _exports(encoder)
    if encoder is not None and not models and all(entry.encoder != encoder for entry in entries):
        has = ", ".join(entry.encoder for entry in entries) or "nothing is cached"
        raise click.UsageError(f"nothing is cached of the encoder {encoder!r}; there is: {has}")
    removal = None
    if clear:
        for path, _ in models:
            path.unlink(missing_ok=True)
        models = []
    if prune or clear or older_than is not None:
        removal = _remove(root, bound, prune=prune, older_than=older_than, encoder=encoder)
        entries = usage(root)
    shown = [entry for entry in entries if encoder in (None, entry.encoder)]
    if as_json:
        print_json({
            "directory": str(embeddings_path(root)),
            "max_bytes": bound,
            "bytes": sum(entry.bytes for entry in entries),
            "sentences": sum(entry.sentences for entry in entries),
            "encoders": [_shape(entry) for entry in shown],
            "models": {
                "directory": str(exports_directory()), "files": len(models),
                "bytes": sum(size for _, size in models),
            },
            "removed": asdict(removal) if removal else None,
        })  # fmt: skip
    else:
        if removal:
            click.echo(f"{plural(removal.files, 'file')} removed, {file_size(removal.bytes)}")
        _show(embeddings_path(root), bound, entries, shown)
        if models:
            size = file_size(sum(size for _, size in models))
            files = plural(sum(path.suffix == ".xml" for path, _ in models), "exported model")
            click.echo(f"\n{exports_directory()}: {files}, {size}")
    if removal and removal.in_use:
        note(
            f"{plural(removal.in_use, 'file')} kept, as a build is running that may need them; "
            "run this again when it is done"
        )
    damaged = sum(entry.damaged for entry in shown)
    if damaged:
        note(f"{plural(damaged, 'file')} damaged: searchkbd cache --prune removes them")
    return 1 if damaged or (removal and removal.in_use) else 0


def _exports(encoder: str | None) -> list[tuple[Path, int]]:
    """Return the files of exported models, of all encoders or one, and their sizes."""
    from searchkbd.encoders.transformer.export import exports

    return [(path, path.stat().st_size) for path in exports(encoder)]


def _remove(
    root: Path, bound: int, *, prune: bool, older_than: float | None, encoder: str | None
) -> Removal:
    from searchkbd.cache.place import encoder_folders
    from searchkbd.cache.tidy import merge_small, remove_chunks, sweep
    from searchkbd.cli.progress import counted_progress

    removal = sweep(root)
    since = None if older_than is None else time.time_ns() - int(older_than * _DAY)
    if not prune or since is not None:
        removal += remove_chunks(root, unused_since_ns=since, encoder=encoder)
    if prune:
        removal += remove_chunks(root, down_to=bound, encoder=encoder)
        with counted_progress("Merging", "files") as progress:
            for folder in encoder_folders(root, encoder):
                merge_small(folder, progress)
    return removal


def _show(
    place: Path, bound: int, entries: Sequence[EncoderUsage], shown: Sequence[EncoderUsage]
) -> None:
    sentences = sum(entry.sentences for entry in entries)
    size = file_size(sum(entry.bytes for entry in entries))
    most = f"of at most {file_size(bound)}" if bound else "the cache is off"
    click.echo(f"{place}: {plural(sentences, 'sentence')}, {size} ({most})")
    if not shown:
        return
    rows = [("encoder", "sentences", "size", "last used")]
    for entry in shown:
        used = _time(entry.used_ns)
        rows.append((entry.encoder, f"{entry.sentences:,}", file_size(entry.bytes), used))
    name, count, size, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    click.echo()
    for at, row in enumerate(rows):
        line = f"  {row[0]:<{name}}  {row[1]:>{count}}  {row[2]:>{size}}  {row[3]}"
        click.secho(line, bold=at == 0)


def _shape(entry: EncoderUsage) -> dict[str, object]:
    """Return the JSON of one encoder."""
    shape = asdict(entry)
    shape["used"] = _time(shape.pop("used_ns"))
    return shape


def _time(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // 10**9, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
