"""The settings of a model's modules in one shape, whichever version of the library wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchkbd.encoders.base import EncoderError

_MAX_JSON = 4 << 20  # bytes; some tokenizer_config.json list thousands of added tokens

# In the order in which sentence-transformers joins their vectors.
_OLD_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_POOLING_MODES = frozenset(_OLD_POOLING.values())

_SENTENCE = "sentence_embedding"

# What a transformer's config.json says of training, generation, or the file itself: two saves of
# one model may differ in it.
_NOT_OF_VECTORS = frozenset({
    "_name_or_path", "architectures", "transformers_version", "dtype", "torch_dtype", "use_cache",
    "initializer_range", "gradient_checkpointing", "tie_word_embeddings", "is_decoder",
    "add_cross_attention", "bos_token_id", "eos_token_id", "sep_token_id", "output_past",
    "problem_type", "directionality", "pooler_fc_size", "pooler_num_attention_heads",
    "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "id2label", "label2id",
})  # fmt: skip

# Families that count positions from the padding index, 1, on: two less than config.json says.
_OFFSET_POSITIONS = frozenset({"xlm-roberta", "roberta", "camembert", "xlm-roberta-xl"})


def read_json(path: Path) -> Any:
    """Return the JSON of *path*; raises FileNotFoundError, and EncoderError where it is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_JSON + 1)
        if len(raw) > _MAX_JSON:
            raise EncoderError(f"{path}: larger than {_MAX_JSON:,} bytes; not read")
        return json.loads(raw)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EncoderError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: damaged, not JSON ({error})") from error


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of *path*, or an empty one where there is no such file."""
    try:
        shape = read_json(path)
    except FileNotFoundError:
        return {}
    if not isinstance(shape, dict):
        raise EncoderError(f"{path}: damaged, not a JSON object")
    return shape


def positive(config: Mapping[str, Any], path: Path, *names: str) -> int:
    """Return the first of *names* that *config* (of the file *path*) has, a whole number above 0.
    """
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    raise EncoderError(f"{path}: {names[0]} is missing or no whole number above 0")


def pooling_config(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return ``{"embedding_dimension": int, "pooling_mode": [str, ...], "include_prompt": bool}``.

    Both the old switches (``pooling_mode_cls_token``…) and the one word of today are read.
    """
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [mode for key, mode in _OLD_POOLING.items() if config.get(key)] or ["mean"]
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or not modes or not _POOLING_MODES.issuperset(map(str, modes)):
        raise EncoderError(f"{path}: pooling_mode {modes!r} is not one of sentence-transformers")
    return {
        "embedding_dimension": positive(
            config, path, "embedding_dimension", "word_embedding_dimension"
        ),
        "pooling_mode": modes,
        "include_prompt": bool(config.get("include_prompt", True)),
    }


def dense_config(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return ``in_features``, ``out_features``, ``bias``, ``activation_function`` (a class of
    torch by its full name), ``use_residual`` and the names of what is read and written."""
    activation = config.get("activation_function", "torch.nn.modules.activation.Tanh")
    if not isinstance(activation, str) or not activation.startswith("torch.nn."):
        raise EncoderError(f"{path}: the activation {activation!r} is code of its own; not used")
    return {
        "in_features": positive(config, path, "in_features"),
        "out_features": positive(config, path, "out_features"),
        "bias": bool(config.get("bias", True)),
        "activation_function": activation,
        "use_residual": bool(config.get("use_residual", False)),
        **_names(config),
    }


def normalize_config(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the names of what is read and written."""
    return _names(config)


def max_tokens(
    sentence: Mapping[str, Any], tokenizer: Mapping[str, Any], config: Mapping[str, Any]
) -> int:
    """Return the tokens of a text that the model reads, special ones included, of the settings
    in sentence_bert_config.json, tokenizer_config.json and config.json; never more than its
    positions, where they are numbered, and 512 where nothing tells."""
    said = [sentence.get("max_seq_length") or tokenizer.get("model_max_length")]
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and positions > 2:  # -1 in XLNet: no end
        said.append(positions - 2 * (config.get("model_type") in _OFFSET_POSITIONS))
    # A tokenizer without a limit says 10^30.
    limits = [int(n) for n in said if isinstance(n, (int, float)) and 0 < n < 1 << 24]
    return min(limits, default=512)


def vector_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a transformer's config.json its vectors depend on."""
    kept = {key: value for key, value in config.items() if key not in _NOT_OF_VECTORS}
    kept = {key: value for key, value in kept.items() if value is not None and "dropout" not in key}
    if kept.get("position_embedding_type") == "absolute":  # the default; not written any more
        del kept["position_embedding_type"]
    return kept


def _names(config: Mapping[str, Any]) -> dict[str, str]:
    read = config.get("module_input_name") or _SENTENCE
    return {
        "module_input_name": str(read),
        "module_output_name": str(config.get("module_output_name") or read),
    }
