"""The tokenizer of a model: texts to numbers of pieces, as transformers gives them.

The library (tokenizers) takes a third of a second and more to read the half million pieces of
LaBSE: most of what a first query costs. The pieces of short texts are looked up in a table mapped
from the cache directory (``mapped_wordpiece.py``). Where the table cannot say for certain what the
library would, the library is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import TensorFileError
from searchkbd.encoders.transformer.configs import read_object
from searchkbd.encoders.transformer.mapped_wordpiece import MappedWordPiece
from searchkbd.encoders.use_weights import cache_directory, sweep

if TYPE_CHECKING:
    import tokenizers

_LAYOUT = "1"
"""Changes with what a table holds."""
TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.txt"
_SETTINGS = "tokenizer_config.json"
_CONFIG = "config.json"


class Tokenizer:
    """Turns texts into the numbers of their pieces, with those of a text's start and end."""

    def __init__(self, directory: Path, max_tokens: int) -> None:
        self._directory = directory
        self._max_tokens = max_tokens
        self._prefix, self._path = _table_path(directory)

    def encode(self, texts: Sequence[str], *, bulk: bool = False) -> list[list[int]]:
        """Return the pieces of each text, cut to the length of the model.

        The library is opened for texts that the table is not certain of, and for all with *bulk*:
        it takes 200 MB for the pieces of LaBSE, and is seven times as fast (58,000 texts a
        second), which counts only beside a GPU. Raises EncoderError when it cannot read the
        tokenizer.
        """
        if not bulk and "_library" not in self.__dict__:
            found = [self._look_up(text) for text in texts]
            known = [pieces for pieces in found if pieces is not None]
            if len(known) == len(texts):
                return known
        batch = self._library.encode_batch_fast([_clean(text) for text in texts])
        return [one.ids for one in batch]

    def _look_up(self, text: str) -> list[int] | None:
        return None if self._table is None else self._table.encode(text, self._max_tokens)

    @cached_property
    def _table(self) -> MappedWordPiece | None:
        try:
            return MappedWordPiece.open(self._path)
        except (OSError, TensorFileError):
            return None  # not written yet, or damaged: opening the library writes it

    @cached_property
    def _library(self) -> tokenizers.Tokenizer:
        library = load_library(self._directory)
        if self._table is None:
            table = MappedWordPiece.of(library)
            if table is not None:
                with contextlib.suppress(OSError):
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    table.write(self._path)
                    sweep(self._path, self._prefix)
        library.enable_truncation(self._max_tokens)
        return library


def open_tokenizer(directory: Path, max_tokens: int) -> Tokenizer:
    """Return the tokenizer in *directory*, that of the model's transformer; nothing is read yet
    but the times of its files.

    Texts are cut to *max_tokens* pieces. Raises EncoderError when there is none.
    """
    return Tokenizer(directory, max_tokens)


def load_library(directory: Path) -> tokenizers.Tokenizer:
    """Return the tokenizer in *directory* as the library has it, without padding or truncation.

    It is tokenizer.json, or built from vocab.txt; for BERT's the settings in tokenizer_config.json
    go before what tokenizer.json says, as in transformers. Raises EncoderError.
    """
    try:
        from tokenizers import Tokenizer as Library
        from tokenizers import models
    except ImportError as error:
        raise EncoderError(
            'the tokenizer needs a package: pip install "searchkbd[transformers]"'
        ) from error

    path = _source(directory)
    settings = read_object(directory / _SETTINGS)
    try:
        if path.name == TOKENIZER:
            library = Library.from_file(str(path))
        else:
            unknown = _token(settings, "unk_token", "[UNK]")
            library = Library(models.WordPiece.from_file(str(path), unk_token=unknown))
    except Exception as error:  # the library raises no class of its own
        raise EncoderError(f"{path}: damaged ({error}); fetch the model again") from error
    library.no_padding()
    library.no_truncation()
    if isinstance(library.model, models.WordPiece) and _is_bert(directory, settings):
        _set_up_bert(library, settings, path)
    return library


def _set_up_bert(library: tokenizers.Tokenizer, settings: dict[str, Any], path: Path) -> None:
    """Do to *library* what ``transformers.BertTokenizer`` does to any tokenizer that it loads."""
    from tokenizers import AddedToken, normalizers, pre_tokenizers, processors

    library.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
        strip_accents=settings.get("strip_accents"),
        lowercase=bool(settings.get("do_lower_case", True)),
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {
        name: _token(settings, f"{name}_token", f"[{name.upper()}]")
        for name in ("unk", "sep", "pad", "cls", "mask")
    }
    ids = {name: library.token_to_id(token) for name, token in names.items()}
    missing = [names[name] for name, number in ids.items() if number is None and name != "mask"]
    if missing:
        raise EncoderError(f"{path}: {', '.join(missing)} is not in the vocabulary")
    library.add_special_tokens(
        [AddedToken(token, special=True) for name, token in names.items() if ids[name] is not None]
    )
    library.post_processor = processors.TemplateProcessing(
        single=f"{names['cls']} $A {names['sep']}",
        pair=f"{names['cls']} $A {names['sep']} $B:1 {names['sep']}:1",
        special_tokens=[(names[name], ids[name]) for name in ("cls", "sep")],
    )


def _source(directory: Path) -> Path:
    for name in (TOKENIZER, VOCABULARY):
        if (directory / name).is_file():
            return directory / name
    raise EncoderError(
        f"{directory}: no {TOKENIZER}, and no {VOCABULARY}; fetch the model again, or load it with "
        "sentence-transformers and save it"
    )


def _is_bert(directory: Path, settings: dict[str, Any]) -> bool:
    """Return whether transformers takes its BertTokenizer for the model in *directory*."""
    if not (directory / TOKENIZER).is_file():
        return True  # only BERT's is built from vocab.txt
    declared = settings.get("tokenizer_class")
    if declared is None:
        config = read_object(directory / _CONFIG)
        declared = config.get("tokenizer_class")
        if declared is None:
            return config.get("model_type") in ("bert", "distilbert")
    return str(declared).removesuffix("Fast") in ("BertTokenizer", "DistilBertTokenizer")


def _token(settings: dict[str, Any], name: str, default: str) -> str:
    token = settings.get(name) or default
    return str(token["content"] if isinstance(token, dict) else token)


def _table_path(directory: Path) -> tuple[str, Path]:
    """Return how the names of the tables of this tokenizer begin, and where that of today is.

    Reading the tokenizer only to learn that it is the same would take longer than all the rest:
    it is known by its place, size and time of change.
    """
    source = _source(directory)
    try:
        real = os.path.realpath(source)
        status = os.stat(real)
    except OSError as error:
        raise EncoderError(f"{source}: {error.strerror}") from error
    settings = read_object(directory / _SETTINGS)
    state = [status.st_size, status.st_mtime_ns, _is_bert(directory, settings), settings]
    prefix = f"wordpiece-{_short_hash(real)}-"
    name = f"{prefix}{_LAYOUT}-{_short_hash(json.dumps(state, sort_keys=True))}.safetensors"
    return prefix, cache_directory() / name


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _clean(text: str) -> str:
    # Lone surrogates are no text: the library, which reads UTF-8, refuses them.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
