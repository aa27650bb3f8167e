"""Encoders: text to unit vectors, found by name."""

from __future__ import annotations

from searchkbd.encoders.base import Encoder, EncoderError, Vectors

DEFAULT = "embedded"

__all__ = ["DEFAULT", "Encoder", "EncoderError", "Vectors", "available", "load_encoder"]


def available() -> tuple[str, ...]:
    """Return the names that ``load_encoder`` knows."""
    return ("embedded",)


def load_encoder(name: str = DEFAULT) -> Encoder:
    """Return the encoder called *name*; its weights are opened when first needed.

    Raises ValueError for an unknown name.
    """
    if name == "embedded":
        from searchkbd.encoders.embedded import EmbeddedEncoder

        return EmbeddedEncoder()
    raise ValueError(f"no encoder is called {name!r}; there is: {', '.join(available())}")
