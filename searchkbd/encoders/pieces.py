"""The tokenizer of the teacher: texts to numbers of pieces.

The library (sentencepiece) takes a tenth of a second to open, since it builds an index of all
128,000 pieces: most of what a first query costs. The pieces of a short text are found without it,
in a table of hashed pieces mapped from the cache directory. Where the table cannot say for certain
what the library would, the library is asked.
"""

from __future__ import annotations

import contextlib
import string
from array import array
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.hashing import BASE, code_points, hash_all, spread
from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors
from searchkbd.encoders.use_weights import Source, cache_directory, sweep

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

_CACHED = "use-pieces-"
_LAYOUT = "1"
"""Changes with what a table holds."""
_PATIENCE = 2_000
"""Characters after which looking pieces up has taken about as long as opening the library."""

_SPACE = "\u2581"
_LAST_LETTER = 0x52F
"""End of the Cyrillic blocks; what comes before is Latin, Greek and Cyrillic."""

# Without the underscore, which only pieces of special meaning have.
_PUNCTUATION = frozenset(string.punctuation) - {"_"} | frozenset("«»—–“”„’‘")


class Tokenizer:
    """Turns texts into the numbers of their pieces, with those of a text's start and end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._path = cache_directory() / f"{_CACHED}{_LAYOUT}-{source.identity}.safetensors"
        self._looked_up = 0  # characters

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Return the pieces of each text. Raises EncoderError when the library cannot open."""
        size = sum(map(len, texts))
        if "_library" not in self.__dict__ and self._looked_up + size <= _PATIENCE:
            self._looked_up += size
            table = self._table
            found = [] if table is None else [table.encode(text) for text in texts]
            known = [pieces for pieces in found if pieces is not None]
            if len(known) == len(texts):
                return known
        return self._library.encode(texts, add_bos=True, add_eos=True, num_threads=1)

    @cached_property
    def _table(self) -> PieceTable | None:
        try:
            return PieceTable.open(self._path)
        except (OSError, TensorFileError):
            return None  # not written yet, or damaged: opening the library writes it

    @cached_property
    def _library(self) -> SentencePieceProcessor:
        from sentencepiece import SentencePieceProcessor

        try:
            library = SentencePieceProcessor(model_file=str(self._source.tokenizer))
        except (OSError, RuntimeError) as error:
            raise EncoderError(f"cannot read {self._source.tokenizer.name}: {error}") from error
        if self._table is None:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                PieceTable.of(library).write(self._path)
                sweep(self._path, _CACHED)
        return library


@dataclass(frozen=True)
class PieceTable:
    """The pieces of a unigram model, found by a hash of their characters.

    ``hashes`` uint64 [n], ascending; ``ids`` int32 and ``scores`` float32 [n]; ``plain`` uint32,
    the code points that normalisation leaves as they are and that are pieces by themselves;
    ``limits`` int32 [3], the numbers of a text's start and end and the characters of the longest
    piece.
    """

    hashes: NDArray[np.uint64]
    ids: NDArray[np.int32]
    scores: NDArray[np.float32]
    plain: NDArray[np.uint32]
    limits: NDArray[np.int32]

    @classmethod
    def of(cls, library: SentencePieceProcessor) -> PieceTable:
        """Take the pieces, and what normalisation does to single characters, from the library."""
        every = list(range(library.get_piece_size()))
        pieces = library.id_to_piece(every)
        scores = np.array(library.get_score(every), dtype=np.float32)
        # Pieces of special meaning have no score.
        ids = np.flatnonzero(scores < 0)
        normal = [pieces[place] for place in ids.tolist()]
        plain = [
            ord(piece)
            for piece in normal
            if len(piece) == 1 and _may_be_plain(piece)
            and library.normalize(piece) == _SPACE + piece
        ]  # fmt: skip
        hashes = hash_all(normal)
        order = np.argsort(hashes)
        return cls(
            hashes[order],
            ids[order].astype(np.int32),
            scores[ids[order]],
            np.array(sorted(plain), dtype=np.uint32),
            np.array([library.bos_id(), library.eos_id(), max(map(len, normal))], dtype=np.int32),
        )

    @classmethod
    def open(cls, path: Path) -> PieceTable:
        """Map a file; raises OSError or TensorFileError when there is none, or it is damaged."""
        file = map_tensors(path)
        hashes, plain = file.take("hashes", "u8", None), file.take("plain", "u4", None)
        if not len(hashes) or not len(plain):
            raise TensorFileError(f"{path.name}: no pieces")
        return cls(
            hashes,
            file.take("ids", "i4", len(hashes)),
            file.take("scores", "f4", len(hashes)),
            plain,
            file.take("limits", "i4", 3),
        )

    def write(self, path: Path) -> None:
        """Write the file that ``open`` maps, atomically; raises OSError."""
        write_tensors(path, dict(vars(self)))

    def encode(self, text: str) -> list[int] | None:
        """Return the pieces of *text*, None when it has characters that are not plain.

        The most probable pieces of a unigram model (Kudo 2018), found by the algorithm of
        Viterbi. Sums are rounded to 32 bits, and of equal ones the first counts, as in the
        library.
        """
        first, last, longest = self.limits.tolist()
        spaced = "".join(_SPACE + word for word in text.split(" ") if word)
        if not spaced:
            return [first, last]
        codes = code_points(spaced)
        plain = self.plain[np.minimum(np.searchsorted(self.plain, codes), len(self.plain) - 1)]
        if not ((plain == codes) | (codes == ord(_SPACE))).all() or _SPACE in text:
            return None

        best = array("f", [0.0]) * (len(spaced) + 1)
        came = [(-1, -1)] * (len(spaced) + 1)  # where the last piece starts, and which it is
        for start, matches in enumerate(self._matches(codes, longest)):
            so_far = best[start]
            for end, piece, score in matches:
                if came[end][0] < 0 or so_far + score > best[end]:
                    best[end] = so_far + score
                    came[end] = (start, piece)
        pieces = [last]
        end = len(spaced)
        while end:
            end, piece = came[end]
            if end < 0:
                return None  # a damaged table: each plain character is a piece
            pieces.append(piece)
        return [first, *reversed(pieces)]

    def _matches(
        self, codes: NDArray[np.uint64], longest: int
    ) -> list[list[tuple[int, int, float]]]:
        """Return for each place of a text the pieces there, short ones first: end, id, score."""
        size = len(codes)
        values = np.zeros(size + 1, dtype=np.uint64)
        hashes = np.zeros((longest, size), dtype=np.uint64)
        for n in range(min(longest, size)):
            values = values[: size - n] * BASE + codes[n:]
            hashes[n, : size - n] = spread(values)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        lengths, starts = np.nonzero((self.hashes[at] == hashes) & (hashes != 0))
        place = at[lengths, starts]
        found: list[list[tuple[int, int, float]]] = [[] for _ in range(size)]
        ends = (starts + lengths + 1).tolist()
        rows = zip(
            starts.tolist(), ends, self.ids[place].tolist(), self.scores[place].tolist(),
            strict=True,
        )  # fmt: skip
        for start, end, piece, score in rows:
            found[start].append((end, piece, score))
        return found


def _may_be_plain(char: str) -> bool:
    return char in _PUNCTUATION or (char.isalnum() and ord(char) <= _LAST_LETTER)
