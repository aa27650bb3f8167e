"""Search by meaning and translation memory for Kabardian and its neighbours.

>>> import searchkbd
>>> index = searchkbd.open_index("indexes/demo")
>>> for hit in index.search("Где школа?", langs=["kbd"], k=5):
...     print(hit.text)
>>> encoder = searchkbd.load_encoder()
>>> vectors = encoder.encode(["Сэ еджапIэм сокIуэ."])  # float32 [n, dim], unit length
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Index", "load_encoder", "open_index"]

if TYPE_CHECKING:
    from searchkbd.api import Index, open_index
    from searchkbd.encoders import load_encoder


def __getattr__(name: str):
    # Imported where used: the command line shows its help without numpy or FAISS.
    if name in ("Index", "open_index"):
        from searchkbd import api

        return getattr(api, name)
    if name == "load_encoder":
        from searchkbd.encoders import load_encoder

        return load_encoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
