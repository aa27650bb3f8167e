"""How exactly a model is computed: full precision, bfloat16 products, or eight-bit weights."""

from __future__ import annotations

from searchkbd.encoders.base import EncoderError

AUTO = "auto"
FP32 = "fp32"
BF16 = "bf16"
INT8 = "int8"
PRECISIONS = (AUTO, FP32, BF16, INT8)


class PrecisionError(EncoderError, ValueError):
    """A precision that does not exist, or that this model or machine cannot have."""


def check_precision(precision: str) -> str:
    """Return *precision*; raises PrecisionError when there is none of that name."""
    if precision not in PRECISIONS:
        raise PrecisionError(f"precisions are {', '.join(PRECISIONS)}, not {precision!r}")
    return precision
