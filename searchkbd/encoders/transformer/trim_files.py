"""The files of a model with fewer pieces: tables sliced, numbers of pieces changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import TensorFileError, map_tensors

WORD_TABLE = "word_embeddings.weight"
# What has a row for each piece: the table, and the head of masked language modelling.
_BY_PIECE = (
    WORD_TABLE, "predictions.bias", "predictions.decoder.weight", "predictions.decoder.bias",
)  # fmt: skip
_BLOCK = 16 << 20  # bytes read at once
_ALIGNMENT = 8  # of the first array, as the safetensors library has it
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)

OnBytes = Callable[[int], None]
"""Told bytes as they are written."""


@dataclass(frozen=True)
class Slice:
    """The weights of one safetensors file, some arrays of which have a row for each piece.

    ``rows``: of these arrays, 0 when there are none; ``row_bytes``: of all of them together, for
    one piece; ``has_table``: whether the word table is among them.
    """

    path: Path
    rows: int
    row_bytes: int
    has_table: bool

    @classmethod
    def of(cls, path: Path) -> Slice:
        """Look at the header of *path*; raises EncoderError for a damaged file."""
        try:
            arrays = map_tensors(path).arrays
        except (OSError, TensorFileError) as error:
            raise EncoderError(f"{path}: damaged ({error}); fetch the model again") from error
        by_piece = {name: array for name, array in arrays.items() if name.endswith(_BY_PIECE)}
        rows = {len(array) for array in by_piece.values()}
        if len(rows) > 1 or 0 in rows:
            raise EncoderError(f"{path}: damaged, {', '.join(by_piece)} differ in length")
        size = sum(array.nbytes for array in by_piece.values())
        count = rows.pop() if rows else 0
        table = any(name.endswith(WORD_TABLE) for name in by_piece)
        return cls(path, count, size // count if count else 0, table)

    def write(self, target: Path, kept: NDArray[np.int64], on_bytes: OnBytes) -> None:
        """Write to *target* the file with only the rows *kept* (ascending) of these arrays.

        A block at a time is in memory. Raises OSError.
        """
        with self.path.open("rb") as source, target.open("xb") as out:
            length = int.from_bytes(source.read(8), "little")
            header: dict[str, Any] = json.loads(source.read(length))
            metadata = header.pop("__metadata__", None)
            # In the order in which they lie in the file.
            entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
            sliced, place = {}, 0
            for name, entry in entries:
                shape = list(entry["shape"])
                size = entry["data_offsets"][1] - entry["data_offsets"][0]
                if name.endswith(_BY_PIECE):
                    size = size // shape[0] * len(kept)
                    shape[0] = len(kept)
                sliced[name] = {**entry, "shape": shape, "data_offsets": [place, place + size]}
                place += size
            said = {} if metadata is None else {"__metadata__": metadata}
            text = json.dumps({**said, **sliced}, separators=(",", ":"), ensure_ascii=False)
            data = text.encode()
            data += b" " * (-len(data) % _ALIGNMENT)
            out.write(len(data).to_bytes(8, "little") + data)
            for name, entry in entries:
                source.seek(8 + length + entry["data_offsets"][0])
                size = entry["data_offsets"][1] - entry["data_offsets"][0]
                if name.endswith(_BY_PIECE):
                    row = size // entry["shape"][0]
                    blocks = _rows(source, row, entry["shape"][0], kept)
                else:
                    blocks = _blocks(source, size)
                for block in blocks:
                    out.write(block)
                    on_bytes(len(block))


def _blocks(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        block = source.read(min(size, _BLOCK))
        if not block:
            raise OSError("the file became shorter while it was read")
        yield block
        size -= len(block)


def _rows(source: BinaryIO, size: int, count: int, kept: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the rows *kept*, of *size* bytes each, of the *count* ones that begin here."""
    step = max(1, _BLOCK // size)
    for first in range(0, count, step):
        many = min(step, count - first)
        block = b"".join(_blocks(source, many * size))
        low, high = np.searchsorted(kept, (first, first + many))
        yield np.frombuffer(block, np.uint8).reshape(many, size)[kept[low:high] - first].tobytes()


def renumbered_tokenizer(shape: dict[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """Return tokenizer.json with the pieces in *numbers* (old to new) only.

    Raises EncoderError where what adds a text's start and end is none of BERT's two ways.
    """
    model = shape["model"]
    vocabulary = {
        piece: numbers[old] for piece, old in model["vocab"].items() if old in numbers
    }
    added = [{**one, "id": numbers[one["id"]]} for one in shape.get("added_tokens") or []]
    ends = shape.get("post_processor")
    if ends is not None:
        if ends["type"] == "TemplateProcessing":
            special = {
                token: {**said, "ids": [numbers[old] for old in said["ids"]]}
                for token, said in ends["special_tokens"].items()
            }
            ends = {**ends, "special_tokens": special}
        elif ends["type"] == "BertProcessing":
            both = {end: [ends[end][0], numbers[ends[end][1]]] for end in ("sep", "cls")}
            ends = {**ends, **both}
        else:
            raise EncoderError(f"tokenizer.json: {ends['type']} is not known for WordPiece")
    padding = shape.get("padding")
    if padding is not None:
        padding = {**padding, "pad_id": numbers[padding["pad_id"]]}
    return {
        **shape, "added_tokens": added, "post_processor": ends, "padding": padding,
        "model": {**model, "vocab": vocabulary},
    }  # fmt: skip


def renumbered_config(config: dict[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """Return config.json for the pieces in *numbers* (old to new)."""
    ids = {
        name: numbers.get(old)
        for name, old in config.items()
        if name.endswith("_token_id") and isinstance(old, int)
    }
    return {**config, **ids, "vocab_size": len(numbers)}


def renumbered_settings(settings: dict[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """Return tokenizer_config.json for the pieces in *numbers* (old to new)."""
    added = settings.get("added_tokens_decoder")
    if not isinstance(added, dict):
        return settings
    kept = {str(numbers[int(old)]): said for old, said in added.items() if int(old) in numbers}
    return {**settings, "added_tokens_decoder": kept}


def with_section(card: str, section: str) -> str:
    """Return a model card with *section* first after its front matter, which stays as it was."""
    front = _FRONT_MATTER.match(card)
    head = front.group() if front else ""
    rest = card[len(head) :].strip("\n")
    parts = (head, section.strip("\n") + "\n", rest and rest + "\n")
    return "\n".join(part for part in parts if part)
