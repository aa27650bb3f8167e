"""What a build is asked to do, also as JSON, from which it can be repeated."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchkbd.cli.encoder_options import index_encoder_options, spec_json, spec_of
from searchkbd.cli.options import no_cache_option
from searchkbd.cli.reading import cut_options, reading_options
from searchkbd.cli.rejects import rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders.spec import EncoderSpec

_STDIN = "-"

_READING: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("lang", "format", "delimiter", "encoding", "links", "split", "revision", "origin"), str
    ),
    **dict.fromkeys(("langs", "take"), (list, tuple)),
    **dict.fromkeys(("min_similarity", "percentile"), (int, float)),
    **dict.fromkeys(("header", "repair"), bool),
    "columns": dict,
}
"""Fields of ``ReadOptions`` that an option sets, and what each is in JSON where it is not null."""


@dataclass(frozen=True, slots=True)
class BuildJob:
    """A build, but for its index.

    ``mode`` is ``new``, ``add`` or ``replace``; ``names`` are what the user called ``files``, by
    which ids are made; ``encoder`` None is the index's own, or the one that ships; ``rejects``
    None is the default place of the report.
    """

    mode: str
    files: tuple[str, ...]
    names: tuple[str, ...]
    reading: ReadOptions
    encoder: EncoderSpec | None
    penalty: int | None
    rejects: Path | None
    workers: int
    cache: bool

    @property
    def reads_stdin(self) -> bool:
        """Whether it cannot be repeated."""
        return _STDIN in self.files

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` makes the same build of, from any working directory."""
        reading = {name: getattr(self.reading, name) for name in _READING}
        if self.reading.links is not None:
            reading["links"] = _absolute(self.reading.links)
        return {
            "mode": self.mode,
            "files": list(map(_absolute, self.files)),
            "names": list(self.names),
            "reading": {**reading, "columns": dict(self.reading.columns)},
            "encoder": spec_json(self.encoder),
            "penalty": self.penalty,
            "rejects": None if self.rejects is None else _absolute(self.rejects),
            "workers": self.workers,
            "cache": self.cache,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> BuildJob:
        """Return the build that ``to_json`` described; raises ValueError for anything else."""
        try:
            if said["mode"] not in ("new", "add", "replace"):
                raise ValueError(f"{said['mode']!r} is no mode")
            return cls(
                mode=said["mode"],
                files=_strings(said["files"]),
                names=_strings(said["names"]),
                reading=_read_options(said["reading"]),
                encoder=spec_of(said["encoder"]),
                penalty=None if said["penalty"] is None else int(said["penalty"]),
                rejects=None if said["rejects"] is None else Path(_string(said["rejects"])),
                workers=int(said["workers"]),
                cache=bool(said["cache"]),
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no build: {error}") from error


def _read_options(said: dict[str, Any]) -> ReadOptions:
    from searchkbd.corpus.options import ReadOptions

    if set(said) != set(_READING):
        raise ValueError("other options")
    for name, kind in _READING.items():
        if said[name] is not None and not isinstance(said[name], kind):
            raise ValueError(f"{name}: {said[name]!r}")
    langs = said["langs"] and _strings(said["langs"])
    if langs is not None and len(langs) != 2:
        raise ValueError(f"langs: {langs!r}")
    columns = dict(zip(_strings(said["columns"]), _strings(said["columns"].values()), strict=True))
    return ReadOptions(**{
        **said, "langs": langs, "take": _strings(said["take"]), "columns": columns,
    })  # fmt: skip


def job_options(command: Callable) -> Callable:
    """Give *command* the options of a build; it gets them as *job*, without files and mode."""

    @functools.wraps(command)
    def wrapped(**values):
        reading = dataclasses.replace(
            values.pop("reading"),
            **{name: values.pop(name) for name in ("origin", "min_similarity", "percentile")},
        )
        job = BuildJob(
            mode="new", files=(), names=(), reading=reading, cache=not values.pop("no_cache"),
            **{name: values.pop(name) for name in ("encoder", "penalty", "rejects", "workers")},
        )  # fmt: skip
        return command(job=job, **values)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_OPTIONS = (
    index_encoder_options,
    reading_options,
    cut_options,
    click.option("--origin", metavar="NAME", help="Origin of sentences that name none."),
    click.option(
        "--penalty", type=click.IntRange(0, 100), metavar="N",
        help="What the translation memory takes off the quality of matches of the origins in these "
        "FILEs.",
    ),
    click.option(
        "--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
        help="Processes that encode; each takes memory of its own.",
    ),
    no_cache_option,
    rejects_option,
)  # fmt: skip


def _absolute(file: str | Path) -> str:
    from searchkbd.corpus.read import HUB

    name = str(file)
    return name if name == _STDIN or name.startswith(HUB) else os.path.abspath(name)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _strings(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(_string, values))
