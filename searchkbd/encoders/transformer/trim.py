"""A copy of a model whose vocabulary keeps only the pieces of the user's languages.

LaBSE's 501,153 pieces are of 109 languages, and their table is 82 % of its bytes. A text whose
pieces are all kept gets the same vector, to the bit; other words fall back to smaller pieces.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import searchkbd
from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import sync_directory
from searchkbd.encoders.transformer.configs import read_object
from searchkbd.encoders.transformer.description import (
    CONFIG,
    FORMAT,
    OWN,
    SHARDS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    ModelFiles,
    describe,
)
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.encoders.transformer.survey import PREFIX, Survey, Unseen, always_kept
from searchkbd.encoders.transformer.trim_files import (
    Slice,
    renumbered_config,
    renumbered_settings,
    renumbered_tokenizer,
    with_section,
)
from searchkbd.encoders.transformer.wordpiece import VOCABULARY, load_library

if TYPE_CHECKING:
    import tokenizers

_CARD = "README.md"
_ADDED = "added_tokens.json"
_BATCH = 2_000  # texts
_BLOCK = 16 << 20  # bytes
_SPARE = 50_000_000  # bytes of disk that stay free
# The same weights for other libraries, with the whole vocabulary.
_FOREIGN = frozenset({
    ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data", ".pt", ".pth", ".ckpt", ".mlmodel",
})  # fmt: skip
_FOREIGN_FOLDERS = frozenset({"onnx", "openvino", "coreml"})


@dataclass(frozen=True)
class Trimmed:
    """What was made.

    ``bytes``: of weights and tokenizer; ``tokens``: running pieces of the texts that were given,
    ``tokens_kept`` of them of kinds that are kept; ``langs``: of the texts, the most frequent
    first; ``left_out``: files that were not copied, being weights that searchkbd does not read.
    """

    pieces_before: int
    pieces: int
    bytes_before: int
    bytes: int
    sentences: int
    tokens: int
    tokens_kept: int
    unseen: tuple[Unseen, ...]
    langs: tuple[str, ...]
    left_out: tuple[str, ...]


class Trimming:
    """A model about to be trimmed: ``read`` texts, then ``write`` the model.

    Raises EncoderError for a model whose tokenizer is not WordPiece, or does not fit its weights.
    """

    def __init__(self, files: ModelFiles) -> None:
        self._files = files
        self._folder = files.tokenizer.parent
        self._library = _word_piece(files)
        self._pieces: dict[str, int] = self._library.get_vocab(with_added_tokens=True)
        self._slices = {path: Slice.of(path) for path in files.weights}
        rows = {one.rows for one in self._slices.values() if one.rows}
        tables = sum(one.has_table for one in self._slices.values())
        if tables != 1 or len(rows) != 1 or len({*self._pieces.values()}) < len(self._pieces):
            raise EncoderError(f"{files.name}: cannot tell which row of its weights a piece has")
        (self._rows,) = rows
        if max(self._pieces.values()) >= self._rows:
            raise EncoderError(
                f"{files.name}: damaged, its tokenizer has more pieces than its weights have rows "
                f"({self._rows:,}); fetch the model again"
            )
        self._survey = Survey(self._library, self._rows)
        self._samples: list[str] = []

    def read(self, sentences: Iterable[tuple[str, str]]) -> None:
        """Count the pieces of *sentences*: texts as they are stored, and their languages."""
        texts: list[str] = []
        langs: list[str] = []
        for text, lang in sentences:
            text = model_text(text, lang, self._files.palochka)
            texts.append(text.lower() if self._files.lower_case else text)
            langs.append(lang)
            if len(texts) == _BATCH:
                self._count(texts, langs)
                texts, langs = [], []
        if texts:
            self._count(texts, langs)

    @property
    def sentences(self) -> int:
        """How many were read."""
        return self._survey.langs.total()

    def _count(self, texts: list[str], langs: list[str]) -> None:
        self._samples = self._samples or texts
        self._survey.add(texts, langs)

    def write(
        self,
        out: Path,
        corpora: Sequence[str],
        *,
        min_count: int = 1,
        on_bytes: Callable[[int, int], None] = lambda done, total: None,
    ) -> Trimmed:
        """Write the model to *out*, which must not exist or be empty: all of it, or nothing.

        Kept are the pieces that occur *min_count* times. *corpora* names the texts in the model's
        card; *on_bytes* is told bytes written and bytes in all. Raises EncoderError and OSError.
        """
        settings = read_object(self._folder / TOKENIZER_CONFIG)
        always = np.zeros(self._rows, dtype=np.bool_)
        always[list(always_kept(self._library, settings))] = True
        counts = self._survey.counts
        kept = np.flatnonzero(always | (counts >= min_count))
        numbers = {old: new for new, old in enumerate(kept.tolist())}
        made = Trimmed(
            pieces_before=len(self._pieces), pieces=len(kept),
            bytes_before=self._files.bytes, bytes=0,
            sentences=self.sentences, tokens=int(counts.sum()),
            tokens_kept=int(counts[kept].sum()),
            unseen=tuple(self._survey.unseen(always, min_count)),
            langs=tuple(lang for lang, _ in self._survey.langs.most_common()),
            left_out=tuple(path.as_posix() for path in self._names() if _is_foreign(path)),
        )  # fmt: skip
        rewritten = self._rewritten(numbers)
        rewritten[Path(_CARD)] = self._card(made, corpora, min_count)
        with _aside(out) as new:
            self._copy(new, kept, rewritten, on_bytes)
            made = Trimmed(**{**vars(made), "bytes": describe(out.name, new).bytes})
            self._check(new / self._folder.relative_to(self._files.directory), numbers)
        return made

    def _names(self) -> Iterator[Path]:
        """Yield the files of the model, relative to its directory."""
        root = self._files.directory
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                yield name

    def _rewritten(self, numbers: dict[int, int]) -> dict[Path, str]:
        """Return what the small files say that have numbers of pieces in them, by name."""
        root, folder = self._files.directory, self._folder
        texts: dict[Path, str] = {}

        def say(path: Path, shape: Any, indent: int | None = 2) -> None:
            text = json.dumps(shape, ensure_ascii=False, indent=indent) + "\n"
            texts[path.relative_to(root)] = text

        if self._files.tokenizer.name == TOKENIZER:
            shape = json.loads(self._files.tokenizer.read_bytes())
            say(self._files.tokenizer, renumbered_tokenizer(shape, numbers), None)
        vocabulary = folder / VOCABULARY
        if vocabulary.exists():
            pieces = self._library.get_vocab(with_added_tokens=False)
            left = sorted((numbers[old], piece) for piece, old in pieces.items() if old in numbers)
            texts[vocabulary.relative_to(root)] = "".join(f"{piece}\n" for _, piece in left)
        say(folder / CONFIG, renumbered_config(read_object(folder / CONFIG), numbers))
        settings = folder / TOKENIZER_CONFIG
        if settings.exists():
            say(settings, renumbered_settings(read_object(settings), numbers))
        added = folder / _ADDED
        if added.exists():
            old = read_object(added)
            say(added, {token: numbers[one] for token, one in old.items() if one in numbers})
        shards = folder / SHARDS
        if shards.exists():
            index = read_object(shards)
            index.get("metadata", {}).pop("total_size", None)
            say(shards, index)
        langs = [lang for lang, _ in self._survey.langs.most_common()]
        own = {"format": FORMAT, "palochka": self._files.palochka, "languages": langs}
        say(root / OWN, own)
        return texts

    def _card(self, made: Trimmed, corpora: Sequence[str], min_count: int) -> str:
        card = self._files.directory / _CARD
        text = card.read_text("utf-8", "replace") if card.is_file() else ""
        files = self._files
        source = files.repo or files.directory.name
        if files.revision:
            source += f" ({files.revision})"
        often = "" if min_count == 1 else f", at least {min_count} times"
        section = f"""
## Trimmed vocabulary

searchkbd {searchkbd.__version__} (`searchkbd models trim`) made this model of `{source}`. Of its
{made.pieces_before:,} pieces {made.pieces:,} are kept: those that occur{often} in
{made.sentences:,} sentences of {", ".join(corpora)}, and all special tokens and single characters.
Nothing else was changed: a text whose pieces are all kept gets the same vector as from the whole
model; other words are split into smaller pieces.
"""
        if made.unseen:
            section += """
What that does to sentences that had no say in what is kept (a tenth of the sentences, measured
with the pieces of the other nine):

| language | sentences | split as before |
|---|--:|--:|
"""
        for one in made.unseen:
            section += f"| {one.lang} | {one.texts:,} | {one.unchanged / one.texts:.1%} |\n"
        return with_section(text, section)

    def _copy(
        self,
        new: Path,
        kept: NDArray[np.int64],
        rewritten: dict[Path, str],
        on_bytes: Callable[[int, int], None],
    ) -> None:
        root = self._files.directory
        copied = [name for name in self._names() if not _is_foreign(name) and name not in rewritten]
        sizes = [(root / name).stat().st_size for name in copied]
        removed = sum(one.row_bytes for one in self._slices.values()) * (self._rows - len(kept))
        total = sum(sizes) - removed + sum(len(text.encode()) for text in rewritten.values())
        free = shutil.disk_usage(new).free
        if total + _SPARE > free:
            raise EncoderError(
                f"the trimmed model needs {total / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free "
                f"in {new.parent}; make room, or take another place: --out DIR"
            )
        done = 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            on_bytes(done, total)

        for name in copied:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            one = self._slices.get(root / name)
            if one is not None and one.rows:
                one.write(new / name, kept, told)
            else:
                with (root / name).open("rb") as source, (new / name).open("xb") as target:
                    while block := source.read(_BLOCK):
                        target.write(block)
                        told(len(block))
        for name, text in rewritten.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(text, "utf-8", newline="\n")

    def _check(self, folder: Path, numbers: dict[int, int]) -> None:
        """Compare the new tokenizer with the old one, on texts whose pieces are all kept."""
        library = load_library(folder)
        both = zip(
            self._library.encode_batch_fast(self._samples),
            library.encode_batch_fast(self._samples),
            strict=True,
        )
        for old, new in both:
            if {*old.ids} <= numbers.keys() and [numbers[one] for one in old.ids] != new.ids:
                raise EncoderError(
                    f"{self._files.name}: its tokenizer splits texts otherwise when it has fewer "
                    "pieces, so it cannot be trimmed"
                )


def check_output(out: Path, files: ModelFiles) -> None:
    """Raise EncoderError when a model cannot be written to *out* because of what is there."""
    if out.exists() and not out.is_dir():
        raise EncoderError(f"{out}: a file, not a directory")
    if out.is_dir() and any(out.iterdir()):
        raise EncoderError(f"{out}: is not empty; name a new directory: --out DIR")
    if files.directory.resolve() in out.resolve().parents:
        raise EncoderError(f"{out}: is inside the model's own directory; take another place")


def _word_piece(files: ModelFiles) -> tokenizers.Tokenizer:
    library = load_library(files.tokenizer.parent)
    kind = type(library.model).__name__
    if kind != "WordPiece" or library.model.continuing_subword_prefix != PREFIX:
        raise EncoderError(
            f"{files.name}: its tokenizer is {kind}; only WordPiece, as LaBSE has it, is trimmed"
        )
    return library


def _is_foreign(name: Path) -> bool:
    return name.suffix in _FOREIGN or not _FOREIGN_FOLDERS.isdisjoint(name.parts[:-1])


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """Yield a directory beside *out* that becomes it when the context ends, unless by an error."""
    out = Path(os.path.abspath(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
    new.mkdir()
    try:
        yield new
        for path in new.rglob("*"):
            if path.is_file():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        sync_directory(new)
        if out.is_dir():
            out.rmdir()  # empty
        new.rename(out)
        sync_directory(out.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)
