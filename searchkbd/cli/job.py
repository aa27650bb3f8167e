"""What a build is asked to do, also as JSON, from which it can be repeated."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchkbd.cli.options import encoder_option
from searchkbd.cli.reading import READING, cut_options, reading_options
from searchkbd.cli.rejects import rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions

STDIN = "-"
_HUB = "hf:"

_RECORDED = (*READING, "origin", "min_similarity", "percentile")
"""Fields of ``ReadOptions`` that an option of the command line sets."""


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
    encoder: str | None
    penalty: int | None
    rejects: Path | None
    workers: int
    cache: bool

    @property
    def reads_stdin(self) -> bool:
        """Whether it cannot be repeated."""
        return STDIN in self.files

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` makes the same build of, from any working directory."""
        reading = {name: getattr(self.reading, name) for name in _RECORDED}
        if self.reading.links is not None:
            reading["links"] = os.path.abspath(self.reading.links)
        return {
            "mode": self.mode,
            "files": [name if name.startswith(_HUB) else _absolute(name) for name in self.files],
            "names": list(self.names),
            "reading": {**reading, "columns": dict(self.reading.columns)},
            "encoder": self.encoder and _encoder(self.encoder),
            "penalty": self.penalty,
            "rejects": None if self.rejects is None else _absolute(self.rejects),
            "workers": self.workers,
            "cache": self.cache,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> BuildJob:
        """Return the build that ``to_json`` described; raises ValueError for anything else."""
        from searchkbd.corpus.options import ReadOptions

        try:
            reading = dict(said["reading"])
            pair = reading["langs"]
            if set(reading) != set(_RECORDED) or said["mode"] not in ("new", "add", "replace"):
                raise ValueError("other fields")
            return cls(
                mode=said["mode"],
                files=tuple(map(_string, said["files"])),
                names=tuple(map(_string, said["names"])),
                reading=ReadOptions(**{
                    **reading,
                    "langs": None if pair is None else (_string(pair[0]), _string(pair[1])),
                    "take": tuple(map(_string, reading["take"])),
                    "columns": {_string(k): _string(v) for k, v in reading["columns"].items()},
                }),  # fmt: skip
                encoder=None if said["encoder"] is None else _string(said["encoder"]),
                penalty=None if said["penalty"] is None else int(said["penalty"]),
                rejects=None if said["rejects"] is None else Path(_string(said["rejects"])),
                workers=int(said["workers"]),
                cache=bool(said["cache"]),
            )
        except (TypeError, KeyError, AttributeError, IndexError) as error:
            raise ValueError(f"no build: {error}") from error


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
    encoder_option,
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
    click.option(
        "--no-cache", is_flag=True,
        help="Neither read the embedding cache nor write to it (see searchkbd cache).",
    ),
    rejects_option,
)  # fmt: skip


def _absolute(file: str | Path) -> str:
    return str(file) if str(file) == STDIN else os.path.abspath(file)


def _encoder(spec: str) -> str:
    from searchkbd.encoders import available

    return spec if spec in available() else os.path.abspath(spec)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value
