"""A model of exactly LaBSE's four modules, made in a second: BERT, CLS pooling, dense, normalise.

Two layers instead of twelve, and a vocabulary trained on the phrasebook; random weights.
"""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import model_input

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_TOKENS = 256


def phrasebook_texts() -> list[str]:
    """Return the texts of the phrasebook as a model with the palochka ``I`` reads them."""
    return [model_input(item.text, "I") for item in read_corpus(PHRASEBOOK, ReadOptions())]


def vocabulary_of(words: Counter[str], size: int) -> list[str]:
    """Return *size* pieces at most: all characters, and what saves most of them.

    Not by the library's trainer, which gives another vocabulary each time.
    """
    characters = sorted(set("".join(words)))
    saved: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for stop in range(start + 2, len(word) + 1):
                piece = word[start:stop]
                saved["##" + piece if start else piece] += count * (len(piece) - 1)
    kept = [*SPECIAL, *characters, *(f"##{one}" for one in characters)]
    best = sorted(saved, key=lambda piece: (-saved[piece], piece))
    return kept + best[: max(0, size - len(kept))]


def make_tiny_labse(
    directory: Path,
    texts: Iterable[str] | None = None,
    *,
    layers: int = 2,
    width: int = 64,
    vocabulary: int = 3000,
    seed: int = 0,
) -> Path:
    """Save the model to *directory*, as sentence-transformers does, and return it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = Counter(
        word
        for text in (phrasebook_texts() if texts is None else texts)
        for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    )
    pieces = {piece: number for number, piece in enumerate(vocabulary_of(words, vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )  # fmt: skip
    directory.mkdir(parents=True, exist_ok=True)
    bert = directory / "bert"
    with contextlib.redirect_stderr(io.StringIO()):  # bars of the libraries
        BertTokenizerFast(
            tokenizer_object=tokenizer, do_lower_case=False, model_max_length=MAX_TOKENS
        ).save_pretrained(bert)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            config = BertConfig(
                vocab_size=tokenizer.get_vocab_size(), hidden_size=width, num_hidden_layers=layers,
                num_attention_heads=4, intermediate_size=4 * width, max_position_embeddings=512,
            )  # fmt: skip
            BertModel(config).save_pretrained(bert)
            model = SentenceTransformer(
                modules=[
                    modules.Transformer(str(bert), max_seq_length=MAX_TOKENS),
                    modules.Pooling(width, pooling_mode="cls"),
                    modules.Dense(width, width, activation_function=torch.nn.Tanh()),
                    modules.Normalize(),
                ],
                device="cpu",
            )
        model.save(str(directory / "model"))
    return directory / "model"
