"""The directory of a model of sentence-transformers: read, checked and described, never loaded.

What could run code of the model's author (pickled weights, ``auto_map``, module classes of its
own) is refused, and so is what the library would do and searchkbd does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.transformer.configs import (
    dense_config,
    max_tokens,
    normalize_config,
    pooling_config,
    positive,
    read_json,
    read_object,
)

MODULES = "modules.json"
CONFIG = "config.json"
OWN = "searchkbd.json"
"""Written by searchkbd into the models that it makes: palochka and languages."""

SENTENCE_CONFIG = "sentence_bert_config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"

FORMAT = 1
"""Of ``searchkbd.json``; raised when an older searchkbd could not read it any more."""

PALOCHKAS = ("I", "\u04cf", "\u04c0", "1", "l", "i", "|", "!")
"""The spellings that a model can be given."""

_LIBRARY = "sentence_transformers."
_TOKENIZERS = (
    TOKENIZER, "vocab.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model",
)  # fmt: skip
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")
_SHAPES = {"Pooling": pooling_config, "Dense": dense_config, "Normalize": normalize_config}
_WITH_WEIGHTS = ("Transformer", "Dense")
_LIBRARY_CONFIG = "config_sentence_transformers.json"
_ADAPTER = "adapter_config.json"

SETTINGS = frozenset({
    MODULES, CONFIG, OWN, SENTENCE_CONFIG, TOKENIZER_CONFIG, _LIBRARY_CONFIG, _ADAPTER, SHARDS,
})  # fmt: skip
"""The files that are read here. Without one of them a model would be read otherwise than it was
saved, and most often with no other sign of it."""


@dataclass(frozen=True)
class Module:
    """One step from text to vector.

    *kind* is the last part of its type in modules.json: ``Transformer``, ``Pooling``, ``Dense``,
    ``Normalize``, or another of sentence-transformers. *config* is that of today's version for the
    last three (see ``configs.py``), else what the module's file says.
    """

    kind: str
    path: Path
    config: dict[str, Any]


@dataclass(frozen=True)
class ModelFiles:
    """A model on disk. *name* is what ``load_encoder`` finds it by: the name that was given, or
    the absolute path of the directory."""

    name: str
    directory: Path
    repo: str | None
    revision: str | None
    """The commit of the hub."""
    modules: tuple[Module, ...]
    assumed: bool
    """modules.json is not there: transformer and mean pooling, as sentence-transformers has it."""
    config: dict[str, Any]
    """config.json of the transformer."""
    dim: int
    max_tokens: int
    """Of a text, special ones included; what is beyond is not read."""
    lower_case: bool
    """Texts are put in lower case, besides what the tokenizer does."""
    palochka: str | None
    """The spelling that the model reads; None: texts are given to it as they are."""
    languages: tuple[str, ...]
    """What searchkbd trained it on; empty where that is not told."""
    tokenizer: Path
    weights: tuple[Path, ...]
    bytes: int

    @cached_property
    def fingerprint(self) -> str:
        """Identity (16 hex digits) of what the vectors depend on; not where the model lies, nor
        how it was saved. Reads the weights, when they have not been read before."""
        from searchkbd.encoders.transformer.fingerprint import fingerprint

        return fingerprint(self)


class LackingFileError(EncoderError):
    """A file of the model is not there."""

    def __init__(self, path: Path, root: Path) -> None:
        self.file = path.relative_to(root).as_posix()
        super().__init__(
            f"{root}: not a whole model of sentence-transformers, its {self.file} is missing; "
            "copy it again from where it came from"
        )


def holds_model(directory: Path) -> bool:
    """Return whether *directory* looks like that of a model."""
    return (directory / MODULES).exists() or (directory / CONFIG).exists()


def describe(name: str, directory: Path) -> ModelFiles:
    """Return the model in *directory* under *name*; raises EncoderError as ``find_model``."""
    root = _root(directory)
    if not directory.is_dir():
        raise EncoderError(f"{directory}: a file, not the directory of a model")
    if not holds_model(directory):
        raise EncoderError(
            f"{directory}: no model of sentence-transformers (it has no {MODULES}, no {CONFIG})"
        )
    kinds, assumed = _kinds(directory, root)
    kind, transformer = kinds[0]
    if kind != "Transformer":
        raise EncoderError(f"{directory}: begins with a {kind}; only with a Transformer it is used")
    config = _config(transformer / CONFIG, directory)
    sentence = read_object(transformer / SENTENCE_CONFIG)
    tokenizer_config = read_object(transformer / TOKENIZER_CONFIG)
    _refuse_what_is_not_done(directory, transformer, sentence, tokenizer_config)
    dim = positive(config, transformer / CONFIG, "hidden_size", "dim", "d_model")
    if assumed:
        pooling = {"embedding_dimension": dim, "pooling_mode": "mean"}
        modules = (
            Module("Transformer", transformer, sentence),
            Module("Pooling", directory, pooling_config(pooling, directory)),
        )
    else:
        modules = tuple(
            Module(kind, path, _module_config(kind, path, directory)) for kind, path in kinds
        )
    weights = tuple(file for kind, path in kinds for file in _weights(kind, path, directory, root))
    tokenizer = _tokenizer(transformer, directory, root)
    palochka, languages = _own(directory / OWN)
    return ModelFiles(
        name=name, directory=directory, repo=None, revision=None, modules=modules,
        assumed=assumed, config=config, dim=_dim(dim, modules, directory),
        max_tokens=max_tokens(sentence, tokenizer_config, config),
        lower_case=bool(sentence.get("do_lower_case")), palochka=palochka, languages=languages,
        tokenizer=tokenizer, weights=weights,
        bytes=sum(path.stat().st_size for path in (*weights, tokenizer)),
    )  # fmt: skip


def _root(directory: Path) -> Path:
    """Return the directory that no file of the model may lead out of."""
    real = directory.resolve()
    in_cache = real.parent.name == "snapshots" and (real.parents[1] / "blobs").is_dir()
    return real.parents[1] if in_cache else real


def _kinds(directory: Path, root: Path) -> tuple[list[tuple[str, Path]], bool]:
    """Return kind and folder of each module, and whether they are assumed."""
    path = directory / MODULES
    try:
        listed = read_json(path)
    except FileNotFoundError:
        return [("Transformer", directory)], True
    kinds = []
    if not isinstance(listed, list) or not listed:
        raise EncoderError(f"{path}: damaged, not a list of modules")
    for entry in listed:
        kind = entry.get("type") if isinstance(entry, dict) else None
        place = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or not isinstance(place, str):
            raise EncoderError(f"{path}: damaged, a module without type or path")
        if not kind.startswith(_LIBRARY):
            raise EncoderError(
                f"{directory}: its module {kind} is code of its own, which is never run"
            )
        folder = directory / place
        if Path(place).is_absolute() or ".." in Path(place).parts or not _inside(folder, root):
            raise EncoderError(f"{path}: the module path {place!r} leads out of the model")
        kinds.append((kind.rpartition(".")[2], folder))
    return kinds, False


def _config(path: Path, directory: Path) -> dict[str, Any]:
    if not path.exists():
        raise LackingFileError(path, directory)
    return read_object(path)


def _refuse_what_is_not_done(
    directory: Path, transformer: Path, sentence: dict[str, Any], tokenizer: dict[str, Any]
) -> None:
    """Raise EncoderError for what would run code, or give other vectors than the library does."""
    if "auto_map" in tokenizer or "auto_map" in read_object(transformer / CONFIG):
        raise EncoderError(f"{directory}: needs code of its own (auto_map), which is never run")
    if (transformer / _ADAPTER).exists():
        raise EncoderError(
            f"{directory}: an adapter, not a whole model; merge it with its base and save that"
        )
    task = sentence.get("transformer_task", "feature-extraction")
    if task != "feature-extraction" or sentence.get("tokenizer_name_or_path"):
        raise EncoderError(f"{transformer / SENTENCE_CONFIG}: not a model of text to vectors")
    path = directory / _LIBRARY_CONFIG
    library = read_object(path)
    prompts, chosen = library.get("prompts"), library.get("default_prompt_name")
    if chosen and isinstance(prompts, dict) and prompts.get(chosen):
        raise EncoderError(f"{path}: puts {prompts[chosen]!r} before each text; not supported")
    if library.get("truncate_dim"):
        raise EncoderError(f"{path}: cuts its vectors (truncate_dim); not supported")


def _module_config(kind: str, path: Path, directory: Path) -> dict[str, Any]:
    file = path / (SENTENCE_CONFIG if kind == "Transformer" else CONFIG)
    if kind in ("Pooling", "Dense") and not file.exists():
        raise LackingFileError(file, directory)
    shape = _SHAPES.get(kind)
    config = read_object(file)
    return shape(config, file) if shape else config


def _weights(kind: str, path: Path, directory: Path, root: Path) -> Iterator[Path]:
    """Yield the files of a module's weights, safetensors only."""
    names = [WEIGHTS]
    if kind == "Transformer" and not (path / WEIGHTS).exists() and (path / SHARDS).exists():
        names = _shards(path / SHARDS)
    for name in names:
        file = path / name
        if file.exists():
            if not _inside(file, root):
                raise EncoderError(f"{file}: a link that leads out of the model; not followed")
            yield file
            continue
        pickled = next((old for old in _PICKLED if (path / old).exists()), None)
        if pickled is not None and name == WEIGHTS:
            raise EncoderError(
                f"{path / pickled}: weights as a pickle, which can run any code, are never read; "
                f"what is needed is {WEIGHTS}"
            )
        if kind in _WITH_WEIGHTS:
            raise LackingFileError(file, directory)


def _shards(index: Path) -> list[str]:
    """Return the files that an index of weights names."""
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise EncoderError(f"{index}: damaged, it has no weight_map")
    files = sorted(set(map(str, names.values())))
    for name in files:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise EncoderError(f"{index}: {name!r} is not the name of a safetensors file beside it")
    return files


def _tokenizer(transformer: Path, directory: Path, root: Path) -> Path:
    for name in _TOKENIZERS:
        path = transformer / name
        if path.exists():
            if not _inside(path, root):
                raise EncoderError(f"{path}: a link that leads out of the model; not followed")
            return path
    raise LackingFileError(transformer / TOKENIZER, directory)


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def _dim(dim: int, modules: tuple[Module, ...], directory: Path) -> int:
    """Return the length of the vectors that *modules* make of token vectors of length *dim*."""
    pooled = False
    for module in modules[1:]:
        if module.kind == "Pooling":
            takes = module.config["embedding_dimension"]
            gives, pooled = takes * len(module.config["pooling_mode"]), True
        elif module.kind == "Dense":
            takes, gives = module.config["in_features"], module.config["out_features"]
        else:
            continue
        if takes != dim:
            raise EncoderError(f"{module.path}: made for {takes} dimensions, it is given {dim}")
        dim = gives
    if not pooled:
        raise EncoderError(f"{directory}: has no Pooling, so it makes no vector of a text")
    return dim


def _own(path: Path) -> tuple[str | None, tuple[str, ...]]:
    """Return the palochka and the languages that ``searchkbd.json`` tells."""
    shape = read_object(path)
    if not shape:
        return None, ()
    palochka, languages = shape.get("palochka"), shape.get("languages", [])
    if shape.get("format") != FORMAT:
        raise EncoderError(f"{path}: format {shape.get('format')!r}, searchkbd reads {FORMAT}")
    if palochka not in (None, *PALOCHKAS) or not isinstance(languages, list):
        raise EncoderError(f"{path}: damaged (palochka, languages)")
    return palochka, tuple(map(str, languages))
