"""Which encoder is asked for, and how it is to be computed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from searchkbd.encoders.base import Encoder, settings_of


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What ``load_encoder`` is asked for; None leaves it to the index, the model or the machine.

    ``name``: the name of an encoder, or its directory; ``precision``: auto, fp32, bf16 or int8;
    ``palochka``: how the model is given the palochka, see ``ModelFiles``.
    """

    name: str | None = None
    precision: str | None = None
    palochka: str | None = None

    @classmethod
    def of(cls, encoder: Encoder) -> EncoderSpec:
        """Return what loads *encoder* again, in another process."""
        return cls(encoder.name, **settings_of(encoder))

    @property
    def settings(self) -> dict[str, str]:
        """What is asked for besides the name."""
        given = asdict(self)
        del given["name"]
        return {name: value for name, value in given.items() if value is not None}
