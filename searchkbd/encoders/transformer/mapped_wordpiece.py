"""The pieces of a WordPiece vocabulary in a mapped table: texts to numbers without the library.

A word is the longest piece that it begins with, then the longest one that goes on from there, and
so on (Schuster & Nakajima 2012; Devlin et al. 2019). What is a word, a space, or a character that
stands alone is asked of the library once for each character, when the table is made.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.hashing import BASE, code_points, hash_all, spread
from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors

if TYPE_CHECKING:
    import tokenizers

_PREFIX = "##"
"""Begins a piece that continues a word."""

# Of a character: nothing certain; part of a word; a word by itself; between words.
_UNCERTAIN, _LETTER, _ALONE, _SPACE = range(4)
_WORD = re.compile(b"%c+|%c" % (_LETTER, _ALONE))
_CHARACTERS = 0x10000
"""Characters whose kind is known: those of the basic plane, so no emoji. The last stands for all
that are beyond."""

_ADDED = "added"


@dataclass(frozen=True)
class MappedWordPiece:
    """The pieces of a WordPiece model, found by a hash of their characters.

    ``hashes`` uint64 [n], ascending; ``ids`` int32 [n]; ``kinds`` uint8 [65536], what each
    character is; ``limits`` int32 [5]: the numbers of a text's start, its end and an unknown word,
    the characters of the longest word that is not unknown and of the longest piece. ``added``: the
    tokens that are looked for before a text is split into words.
    """

    hashes: NDArray[np.uint64]
    ids: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    limits: NDArray[np.int32]
    added: tuple[str, ...]

    @classmethod
    def of(cls, library: tokenizers.Tokenizer) -> MappedWordPiece | None:
        """Take what there is to know from *library*; None when it does other things as well.

        It must be a WordPiece model with the normalisation of BERT that keeps case and accents,
        its splitting, and one token at each end of a text.
        """
        frame = _frame(library)
        if frame is None:
            return None
        vocabulary = library.get_vocab(with_added_tokens=False)
        unknown = vocabulary.get(library.model.unk_token)
        if unknown is None:
            return None
        kinds = _kinds(library)
        added = tuple(token.content for token in library.get_added_tokens_decoder().values())
        codes = np.minimum(code_points("".join(added)), _CHARACTERS - 1)
        if not np.isin(kinds[codes], (_LETTER, _ALONE)).all():
            return None  # normalisation might make such a token of another text
        continues = np.array([piece.startswith(_PREFIX) for piece in vocabulary])
        bare = [
            piece.removeprefix(_PREFIX) if going_on else piece
            for piece, going_on in zip(vocabulary, continues.tolist(), strict=True)
        ]
        hashes = hash_all(bare, continues.astype(np.uint64))
        order = np.argsort(hashes)
        if (np.diff(hashes[order]) == 0).any():
            return None
        limits = [*frame, unknown, library.model.max_input_chars_per_word, max(map(len, bare))]
        return cls(
            hashes[order],
            np.fromiter(vocabulary.values(), np.int32, len(vocabulary))[order],
            kinds,
            np.array(limits, dtype=np.int32),
            added,
        )

    @classmethod
    def open(cls, path: Path) -> MappedWordPiece:
        """Map a file; raises OSError or TensorFileError when there is none, or it is damaged."""
        file = map_tensors(path)
        hashes = file.take("hashes", "u8", None)
        try:
            added = json.loads(file.metadata[_ADDED])
        except (KeyError, TypeError, ValueError) as error:
            raise TensorFileError(f"{path.name}: no added tokens") from error
        if not len(hashes) or not (
            isinstance(added, list) and all(isinstance(token, str) and token for token in added)
        ):
            raise TensorFileError(f"{path.name}: no pieces, or no added tokens")
        return cls(
            hashes,
            file.take("ids", "i4", len(hashes)),
            file.take("kinds", "u1", _CHARACTERS),
            file.take("limits", "i4", 5),
            tuple(added),
        )

    def write(self, path: Path) -> None:
        """Write the file that ``open`` maps, atomically; raises OSError."""
        arrays = {name: value for name, value in vars(self).items() if name != _ADDED}
        write_tensors(path, arrays, {_ADDED: json.dumps(self.added)})

    def encode(self, text: str, max_tokens: int) -> list[int] | None:
        """Return the pieces of *text*, *max_tokens* at most with those of its start and end.

        None where it is not certain which the library gives.
        """
        first, last, unknown, longest_word, longest_piece = self.limits.tolist()
        codes = code_points(text)
        kinds = self.kinds[np.minimum(codes, _CHARACTERS - 1)]
        if not kinds.all() or any(token in text for token in self.added):
            return None
        words = [match.span() for match in _WORD.finditer(kinds.tobytes())]
        room = max(max_tokens - 2, 0)
        words = words[:room]  # each is one piece at the least
        known = [(start, end) for start, end in words if end - start <= longest_word]
        lengths, numbers = self._longest(codes, known, longest_piece)
        pieces: list[int] = []
        for start, end in words:
            before = len(pieces)
            while start < end:
                if not lengths[start]:
                    pieces[before:] = [unknown]
                    break
                pieces.append(numbers[start])
                start += lengths[start]
        return [first, *pieces[:room], last]

    def _longest(
        self, codes: NDArray[np.uint64], words: list[tuple[int, int]], longest: int
    ) -> tuple[list[int], list[int]]:
        """Return of the longest piece at each place of *words* the characters (0: none) and id."""
        size = len(codes)
        left = np.zeros(size, dtype=np.intp)  # characters until the word ends
        values = np.ones(size, dtype=np.uint64)
        for start, end in words:
            left[start:end] = np.arange(end - start, 0, -1)
            values[start] = 0
        places, sizes, hashes = [], [], []
        at = np.flatnonzero(left)
        values = values[at]
        for n in range(longest):
            inside = left[at] > n
            at = at[inside]
            if not len(at):
                break
            values = values[inside] * BASE + codes[at + n]
            places.append(at)
            sizes.append(np.full(len(at), n + 1))
            hashes.append(spread(values))
        lengths, numbers = np.zeros(size, dtype=np.intp), np.zeros(size, dtype=np.intp)
        if places:
            wanted = np.concatenate(hashes)
            row = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
            found = self.hashes[row] == wanted
            place = np.concatenate(places)[found]
            # Of several pieces at one place the last, which is the longest, stays.
            lengths[place] = np.concatenate(sizes)[found]
            numbers[place] = self.ids[row[found]]
        return lengths.tolist(), numbers.tolist()


def _frame(library: tokenizers.Tokenizer) -> tuple[int, int] | None:
    """Return the numbers of a text's start and end; None when the model is not as it must be."""
    from tokenizers import models

    model = library.model
    if not isinstance(model, models.WordPiece) or model.continuing_subword_prefix != _PREFIX:
        return None
    normal = _state(library.normalizer)
    if (
        normal.get("type") != "BertNormalizer"
        or normal.get("lowercase")
        or normal.get("strip_accents")
        or _state(library.pre_tokenizer).get("type") != "BertPreTokenizer"
        or library.encode_special_tokens
    ):
        return None
    ends = _state(library.post_processor)
    if ends.get("type") == "BertProcessing":
        return ends["cls"][1], ends["sep"][1]
    if ends.get("type") != "TemplateProcessing":
        return None
    match ends["single"]:
        case [{"SpecialToken": start}, {"Sequence": {"id": "A"}}, {"SpecialToken": end}]:
            first, last = (ends["special_tokens"][token["id"]]["ids"] for token in (start, end))
            return (first[0], last[0]) if len(first) == len(last) == 1 else None
    return None


def _state(part: object) -> dict:
    """Return the settings of a part of the library as in tokenizer.json, {} of one not there."""
    return json.loads(part.__getstate__()) if part is not None else {}


def _kinds(library: tokenizers.Tokenizer) -> NDArray[np.uint8]:
    """Ask the library what each character is: normalisation and splitting look at one at a time."""
    kinds = np.full(_CHARACTERS, _UNCERTAIN, dtype=np.uint8)
    normalise, split = library.normalizer.normalize_str, library.pre_tokenizer.pre_tokenize_str
    for code in range(_CHARACTERS - 1):
        if 0xD800 <= code < 0xE000:  # surrogates, no characters
            continue
        char = chr(code)
        normal = normalise(char)
        if not normal:  # left out
            continue
        words = [word for word, _ in split(f"a{normal}a")]
        if words == [f"a{char}a"]:
            kinds[code] = _LETTER
        elif words == ["a", char, "a"]:
            kinds[code] = _ALONE
        elif words == ["a", "a"]:
            kinds[code] = _SPACE
    return kinds
