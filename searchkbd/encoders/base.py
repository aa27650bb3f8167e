"""What every encoder is: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import SearchkbdError

Vectors = NDArray[np.float32]
"""float32 ``[n, dim]``, each row of unit length."""


class EncoderError(SearchkbdError, RuntimeError):
    """An encoder cannot be used: a missing or damaged file, or a missing package."""


class UnknownEncoderError(EncoderError, ValueError):
    """No encoder has the name or directory that was given."""


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors whose inner product is their similarity of meaning."""

    @property
    def name(self) -> str:
        """The name under which ``load_encoder`` finds this encoder."""
        ...

    @property
    def dim(self) -> int:
        """Number of dimensions of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Short hex string; equal fingerprints give vectors that can be compared.

        An index remembers it. The vectors are equal but for the precision in which they were
        computed, where an encoder has several (see ``settings_of``).
        """
        ...

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """Return float32 ``[len(texts), dim]``, unit rows, in the order of *texts*.

        *langs* holds a language code for each text; None, whole or for one text, leaves it to
        language identification. A row does not depend on the rest of the batch, up to rounding
        of the last float32 digits. Raises TypeError for a bare string and ValueError when
        *langs* has another length than *texts*.
        """
        ...


def settings_of(encoder: Encoder) -> dict[str, str]:
    """Return the settings, besides its name, that ``load_encoder`` needs to load it again.

    Encoders that have any say so in a property ``settings``: ``palochka`` and ``precision``.
    """
    return dict(getattr(encoder, "settings", {}))


def check_batch(
    texts: Sequence[str], langs: Sequence[str | None] | None
) -> tuple[list[str], list[str | None] | None]:
    """Return *texts* and *langs* as lists; raise as ``Encoder.encode`` says."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a sequence of strings, not one string")
    if isinstance(langs, (str, bytes)):
        raise TypeError("langs must be a sequence of language codes, not one string")
    batch = list(texts)
    for text in batch:
        if not isinstance(text, str):
            raise TypeError(f"a text must be a string, not {type(text).__name__}")
    if langs is None:
        return batch, None
    codes = list(langs)
    if len(codes) != len(batch):
        raise ValueError(f"{len(batch)} texts but {len(codes)} language codes")
    return batch, codes
