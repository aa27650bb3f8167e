"""Encoders: text to unit vectors, found by name or directory."""

from __future__ import annotations

import os
from pathlib import Path

from searchkbd.encoders.base import Encoder, EncoderError, UnknownEncoderError, Vectors
from searchkbd.encoders.spec import EncoderSpec

DEFAULT = "embedded"

__all__ = [
    "DEFAULT", "Encoder", "EncoderError", "EncoderSpec", "UnknownEncoderError", "Vectors",
    "available", "load_encoder", "located",
]  # fmt: skip


def available() -> tuple[str, ...]:
    """Return the short names that ``load_encoder`` knows."""
    from searchkbd.encoders.transformer.names import KNOWN

    return (DEFAULT, *(model.alias for model in KNOWN))


def located(name: str) -> str:
    """Return *name*, or the absolute path of the directory that it is the name of."""
    return os.path.abspath(name) if name not in available() and os.path.exists(name) else name


def load_encoder(
    spec: str | Path | EncoderSpec = DEFAULT,
    *,
    precision: str | None = None,
    palochka: str | None = None,
) -> Encoder:
    """Return the encoder that *spec* names: a short name (see ``available``), a directory, or a
    model of sentence-transformers by its name on the hub, ``owner/name``.

    A short name goes before a directory of that name (``./embedded`` is the directory). Nothing
    is downloaded. Weights are opened when first needed. *precision* and *palochka* are for models
    of sentence-transformers, and go before those of *spec*.

    Raises UnknownEncoderError (a ValueError) when there is no such encoder, or it was not
    downloaded yet, and EncoderError for a directory that holds none, a damaged one, and a setting
    that it does not have.
    """
    if not isinstance(spec, EncoderSpec):
        spec = EncoderSpec(str(spec))
    name = DEFAULT if spec.name is None else spec.name
    precision, palochka = precision or spec.precision, palochka or spec.palochka
    if not _is_model(name):
        if precision not in (None, "auto") or palochka:
            setting = "palochka" if palochka else "precision"
            raise EncoderError(
                f"{name}: its {setting} cannot be chosen; only models of sentence-transformers "
                "have one to choose"
            )
        return _own(name)
    from searchkbd.encoders.transformer.encoder import SentenceTransformerEncoder
    from searchkbd.encoders.transformer.files import find_model

    return SentenceTransformerEncoder(find_model(name, palochka), precision or "auto")


def _is_model(name: str) -> bool:
    """Return whether *name* is that of a model of sentence-transformers, here or not."""
    if name == DEFAULT:
        return False
    from searchkbd.encoders.transformer.names import hub_name

    if name not in available() and name and Path(name).exists():
        from searchkbd.encoders.transformer.files import holds_model

        return holds_model(Path(name))
    return hub_name(name) is not None


def _own(name: str) -> Encoder:
    if name == DEFAULT:
        from searchkbd.encoders.embedded import EmbeddedEncoder

        return EmbeddedEncoder()
    if name and Path(name).exists():
        from searchkbd.encoders.directory import DirectoryEncoder

        return DirectoryEncoder(name)
    raise UnknownEncoderError(
        f"no encoder is called {name!r}, and no directory is; there is: "
        f"{', '.join(available())}, a model of sentence-transformers by its name (owner/name), or "
        "the directory of a model or of what searchkbd train student has made"
    )
