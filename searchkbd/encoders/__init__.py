"""Encoders: text to unit vectors, found by name or directory."""

from __future__ import annotations

from pathlib import Path

from searchkbd.encoders.base import Encoder, EncoderError, Vectors

DEFAULT = "embedded"

__all__ = [
    "DEFAULT", "Encoder", "EncoderError", "UnknownEncoderError", "Vectors", "available",
    "load_encoder",
]  # fmt: skip


class UnknownEncoderError(EncoderError, ValueError):
    """No encoder has the name or directory that was given."""


def available() -> tuple[str, ...]:
    """Return the names that ``load_encoder`` knows."""
    return ("embedded",)


def load_encoder(spec: str | Path = DEFAULT) -> Encoder:
    """Return the encoder called *spec*, or the one in the directory *spec*.

    A name goes before a directory of that name (``./embedded`` is the directory). Weights are
    opened when first needed. Raises UnknownEncoderError (a ValueError) when there is neither, and
    EncoderError for a directory that holds no encoder or a damaged one.
    """
    if spec == "embedded":
        from searchkbd.encoders.embedded import EmbeddedEncoder

        return EmbeddedEncoder()
    if str(spec) and Path(spec).exists():
        from searchkbd.encoders.directory import DirectoryEncoder

        return DirectoryEncoder(spec)
    raise UnknownEncoderError(
        f"no encoder is called {str(spec)!r}, and no directory is; there is: "
        f"{', '.join(available())}, or the directory of one made by: searchkbd train student"
    )
