"""The pairs that were read: their texts on disk, what is known of each in arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.hashing import key_hash
from searchkbd.mining.spool import Spool
from searchkbd.pairs.options import Langs
from searchkbd.pairs.reading import Pair
from searchkbd.pairs.texts import text_key

_LONGEST = 2**16 - 1

# Number of the languages, whether a machine made it; lengths of the text keys in characters; hashes
# of search keys and of text keys.
_ARRAYS = {
    "stratum": "H", "machine": "B", "length_a": "H", "length_b": "H",
    "search_a": "q", "search_b": "q", "text_a": "q", "text_b": "q",
}  # fmt: skip


class PairTable:
    """Pairs in the order in which they are added; memory holds 50 bytes for each. A context.

    Texts are compared by 64-bit hashes of their keys: among ten million, the chance that any two
    different ones are taken for the same is 1 in 370,000.
    """

    def __init__(self) -> None:
        self.rows = Spool()
        self.langs: list[Langs] = []
        """Languages by their number, ``stratum``."""
        self.files: list[str] = []
        self._strata: dict[Langs, int] = {}
        self._file_numbers: dict[str, int] = {}
        self._arrays = {name: array(code) for name, code in _ARRAYS.items()}

    def __enter__(self) -> PairTable:
        return self

    def __exit__(self, *error: object) -> None:
        self.rows.__exit__(*error)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, pair: Pair, key_a: str, key_b: str) -> None:
        """Add *pair*, whose texts have these search keys."""
        if pair.langs not in self._strata:
            self._strata[pair.langs] = len(self.langs)
            self.langs.append(pair.langs)
        stratum = self._strata[pair.langs]
        file = pair.place.file
        if file not in self._file_numbers:
            self._file_numbers[file] = len(self.files)
            self.files.append(file)
        text_a, text_b = text_key(key_a), text_key(key_b)
        values = (
            stratum, pair.machine, min(len(text_a), _LONGEST), min(len(text_b), _LONGEST),
            key_hash(key_a), key_hash(key_b), key_hash(text_a), key_hash(text_b),
        )  # fmt: skip
        for column, value in zip(self._arrays.values(), values, strict=True):
            column.append(value)
        self.rows.append({
            "stratum": stratum, "a": pair.text_a, "b": pair.text_b, "group": pair.group,
            "origin": pair.origin, "file": self._file_numbers[file], "line": pair.place.line,
            "keys": [text_a, text_b],
        })  # fmt: skip

    def column(self, name: str) -> NDArray:
        """Return what is known of each pair: see _ARRAYS."""
        return np.array(self._arrays[name])

    def numbered(self, rows: NDArray[np.integer]) -> tuple[NDArray, NDArray, NDArray]:
        """Return the different texts of *rows* as numbers from 0: those of the first sides and of
        the second, int64 ``[len(rows)]`` each, and where each is found, 2 × row + side."""
        both = np.stack([self.column("text_a")[rows], self.column("text_b")[rows]], axis=1)
        _, first, numbers = np.unique(both.reshape(-1), return_index=True, return_inverse=True)
        numbers = numbers.reshape(-1, 2)
        return numbers[:, 0], numbers[:, 1], 2 * rows[first // 2] + first % 2

    def hashes(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the hash of the text key at each of *places*, int64 ``[len(places)]``."""
        both = np.stack([self.column("text_a"), self.column("text_b")], axis=1)
        return both[places // 2, places % 2]

    def keys(self, places: NDArray[np.integer]) -> Iterator[str]:
        """Yield the text key at each of *places* as ``numbered`` gives them, in their order."""
        for place in places.tolist():
            yield self.rows[place // 2]["keys"][place % 2]
