"""A model of exactly LaBSE's size and modules with random weights, to measure speed and memory by.

    python scripts/bench/random_labse.py --out labse-random [--data ../shared/data]

501,153 pieces, 12 layers of 768, 471 million numbers, 1.9 GB. With --data the most frequent pieces
are learnt from its corpus, so that texts are cut into about as many as by a trained vocabulary;
without, words are cut into letters. The rest of the vocabulary is made up.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

PIECES = 501_153
LEARNT = 200_000
MAX_TOKENS = 256
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    print(make(options.out, options.data))


def make(
    directory: Path,
    data: Path | None = None,
    *,
    layers: int = 12,
    width: int = 768,
    pieces: int = PIECES,
    unknown: Collection[str] = (),
) -> Path:
    """Save the model to *directory* and return that; the sizes are for smaller ones.

    Of the languages *unknown* no pieces are learnt; their texts are cut into letters, or what
    other languages have.

    First weights of LaBSE's size are too small for a narrow model, which learns nothing from them:
    they grow as widths shrink.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel, BertTokenizerFast

    directory.mkdir(parents=True, exist_ok=True)
    bert = directory / "bert"
    tokenizer = BertTokenizerFast(
        tokenizer_object=_tokenizer(data, pieces, unknown), do_lower_case=False,
        model_max_length=MAX_TOKENS,
    )  # fmt: skip
    tokenizer.save_pretrained(bert)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=pieces, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=width // 64, intermediate_size=4 * width,
        initializer_range=0.02 * (768 / width) ** 0.5,
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
    model.save_pretrained(str(directory), create_model_card=False)
    for path in bert.iterdir():
        path.unlink()
    bert.rmdir()
    return directory


def _tokenizer(data: Path | None, size: int, unknown: Collection[str]):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    def plain(model: models.WordPiece) -> Tokenizer:
        made = Tokenizer(model)
        made.normalizer = normalizers.BertNormalizer(lowercase=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return made

    learning = plain(models.WordPiece(unk_token="[UNK]"))
    learning.train_from_iterator(
        chain(_letters(), _texts(data, unknown) if data else ()),
        trainers.WordPieceTrainer(
            vocab_size=min(LEARNT, size), special_tokens=list(SPECIAL), show_progress=False
        ),
    )
    learnt = learning.get_vocab()
    pieces = sorted(learnt, key=learnt.get)
    number = 0
    while len(pieces) < size:
        made_up = f"##q{number:x}z"
        number += 1
        if made_up not in learnt:
            pieces.append(made_up)
    vocabulary = {piece: at for at, piece in enumerate(pieces)}
    tokenizer = plain(
        models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )  # fmt: skip
    return tokenizer


def _texts(data: Path, unknown: Collection[str]) -> Iterator[str]:
    """Yield the texts of the corpus below *data*, the palochka as LaBSE-kbd reads it."""
    from searchkbd.text.forms import model_input

    with (data / "corpus" / "large.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["lang"] not in unknown:
                yield model_input(row["text"], "I") if row["lang"] == "kbd" else row["text"]


def _letters() -> Iterator[str]:
    """Yield every Latin and Cyrillic letter and ASCII sign, alone and inside a word."""
    for code in (*range(0x21, 0x7F), *range(0xC0, 0x250), *range(0x400, 0x530)):
        yield chr(code) * 2


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
