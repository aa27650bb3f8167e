"""The options that say which encoder, and how it is to be computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec

PRECISIONS = ("auto", "fp32", "bf16", "int8")
PALOCHKAS = ("I", "\u04cf", "\u04c0", "1", "l", "i", "|", "!", "keep")

_KINDS = (
    '"embedded", which needs nothing else; "labse-kbd", "labse" or another model of '
    "sentence-transformers (see searchkbd models); or the directory of one, or of what searchkbd "
    "train has made."
)


class EncoderType(click.ParamType):
    """The name of an encoder or its directory; which of them is found out by load_encoder."""

    name = "NAME|DIR"

    def convert(self, value, param, ctx):
        if not str(value):
            self.fail("the name is empty", param, ctx)
        return value


_HOW = (
    click.option(
        "--precision", type=click.Choice(PRECISIONS),
        help="How a model of sentence-transformers is computed: auto takes bf16 where the "
        "processor has it, else fp32; int8 is faster, and misses some neighbours.",
    ),
    click.option(
        "--palochka", type=click.Choice(PALOCHKAS), metavar="CHAR",
        help='How such a model is given the palochka, or "keep" for as it is written. When not '
        "given, as the model was trained: I for LaBSE-kbd.",
    ),
)  # fmt: skip


def _with_spec(command: Callable, encoder: Callable) -> Callable:
    """Give *command* the options; it gets them as one ``EncoderSpec``, *encoder*, or None."""

    @functools.wraps(command)
    def wrapped(**values):
        from searchkbd.encoders.spec import EncoderSpec

        spec = EncoderSpec(
            values.pop("encoder"), values.pop("precision"), values.pop("palochka")
        )
        return command(encoder=None if spec == EncoderSpec() else spec, **values)

    for option in reversed((encoder, *_HOW)):
        wrapped = option(wrapped)
    return wrapped


def index_encoder_options(command: Callable) -> Callable:
    """Give *command* the options of the encoder of an index; *encoder* None is its own."""
    return _with_spec(command, click.option(
        "--encoder", "encoder", type=EncoderType(), envvar="SEARCHKBD_ENCODER", show_envvar=True,
        metavar="NAME|DIR",
        help=f"Encoder: {_KINDS} When not given, the index's own; embedded for a new index.",
    ))  # fmt: skip


def encoder_options(command: Callable) -> Callable:
    """Give *command* the options of an encoder, embedded by default."""
    return _with_spec(command, click.option(
        "--encoder", "encoder", type=EncoderType(), default="embedded", show_default=True,
        envvar="SEARCHKBD_ENCODER", show_envvar=True, metavar="NAME|DIR",
        help=f"Encoder: {_KINDS}",
    ))  # fmt: skip


def settings_shown(settings: Mapping[str, str]) -> str:
    """Return what follows the dimensions of an encoder in a line that describes it."""
    palochka, precision = settings.get("palochka"), settings.get("precision")
    return (f", palochka {palochka}" if palochka else "") + (f", {precision}" if precision else "")


def spec_of(said: object) -> EncoderSpec | None:
    """Return the encoder that JSON (of ``spec_json``) says; raises ValueError for anything else."""
    from searchkbd.encoders.spec import EncoderSpec

    if said is None:
        return None
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        raise ValueError(f"{said!r} is no encoder")
    return EncoderSpec(**said)


def spec_json(spec: EncoderSpec | None) -> dict[str, str] | None:
    """Return *spec* as JSON that does not depend on the working directory."""
    from searchkbd.encoders import located

    if spec is None:
        return None
    name = {} if spec.name is None else {"name": located(spec.name)}
    return {**name, **spec.settings}
