"""Pieces with a palochka for the vocabulary of a WordPiece model such as LaBSE.

LaBSE saw next to no text with a palochka, so it cuts the letter щӏ (щI as the model reads it)
into щ and I, and a word into more pieces than one of a language that it knows. The letters are
added to the vocabulary itself. Added tokens of the tokenizers library, the easy way, would be cut
out of every text before the words are looked at: what stands after one would begin a word anew,
without ``##``, and be other pieces than it was. As entries of the vocabulary they take part in the
longest-match search like all others.

Every added piece has a palochka beside a Cyrillic letter, or is a true one (U+04CF), so a text
without is cut as before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from searchkbd.encoders.base import EncoderError
from searchkbd.text.forms import is_cyrillic

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# "ӏ" stands for the palochka. The letters of the alphabet that have one, longest first.
LETTERS = ("кӏу", "ӏу", "кӏ", "лӏ", "пӏ", "тӏ", "фӏ", "цӏ", "щӏ", "ӏ")
_MARK = "ӏ"

SUBWORD = 16
"""Letters of a learned piece at most."""


@dataclass(frozen=True)
class AddedPieces:
    """What was added to a vocabulary, and pieces of the words of the texts before and after."""

    pieces: tuple[str, ...]
    words: int
    """Words with a palochka in the texts, each as often as it stands there."""
    before: int
    after: int

    @property
    def per_word(self) -> tuple[float, float]:
        """Mean pieces of a word with a palochka, before and after; NaN when there are none."""
        if not self.words:
            return float("nan"), float("nan")
        return self.before / self.words, self.after / self.words


@dataclass(frozen=True)
class _WordPiece:
    """A vocabulary, and how it cuts a word."""

    vocab: Mapping[str, int]
    prefix: str
    unknown: str
    max_chars: int

    def cut(self, word: str, inside: bool = False) -> list[str]:
        """Return the pieces of *word*, longest match first; *inside*: it continues a word."""
        pieces: list[str] = []
        start = 0
        while start < len(word):
            prefix = self.prefix if inside or start else ""
            end = len(word)
            while end > start and prefix + word[start:end] not in self.vocab:
                end -= 1
            if end == start or len(word) > self.max_chars:
                return [self.unknown]
            pieces.append(prefix + word[start:end])
            start = end
        return pieces

    def parts(self, piece: str) -> list[str]:
        """Return the pieces of the vocabulary that *piece*, which is none, is cut into."""
        inside = piece.startswith(self.prefix)
        return self.cut(piece[len(self.prefix) * inside :], inside)


def add_palochka_pieces(
    model: SentenceTransformer,
    texts: Iterable[str],
    palochka: str | None,
    *,
    subwords: int = 0,
) -> AddedPieces:
    """Add the Kabardian letters with a palochka to the vocabulary of *model*, in place.

    Each at the start and inside of a word, in small, title and capital case, written *palochka*;
    besides them up to *subwords* longer pieces with a palochka, learned from *texts*: as in byte
    pair encoding, neighbours that stand together most often are joined first. *texts* are as the
    model reads them; those of other languages do no harm. The row of a new piece in the table of
    embeddings is the mean of the rows of the pieces that it was cut into. Pieces that are there
    already are left alone.

    Raises EncoderError when the model's tokenizer is not a WordPiece one, or when it never puts
    the palochka and a letter into one piece.
    """
    tokenizer = model.tokenizer
    state = _state(tokenizer)
    settings = state["model"]
    base = _WordPiece(
        settings["vocab"], settings["continuing_subword_prefix"], settings["unk_token"],
        settings["max_input_chars_per_word"],
    )  # fmt: skip
    mark = _mark(tokenizer, palochka)
    words = _words(tokenizer, texts, mark)
    letters = _letters(tokenizer, palochka, mark)
    spelled = dict.fromkeys(start + letter for letter in letters for start in ("", base.prefix))
    new = {piece: None for piece in spelled if piece not in base.vocab}
    special = (token["id"] for token in state["added_tokens"])
    first = 1 + max(chain(base.vocab.values(), special))
    wider = _extended(base, new, first)
    if subwords:
        new.update(dict.fromkeys(_learn(words, wider, mark, subwords)))
        wider = _extended(base, new, first)
    added = AddedPieces(
        tuple(new), words.total(), _pieces_of(words, base), _pieces_of(words, wider)
    )
    if new:
        settings["vocab"] = dict(wider.vocab)
        _grow(model, [[base.vocab[part] for part in base.parts(piece)] for piece in new], first)
        _replace(tokenizer, state)
    return added


def _state(tokenizer) -> dict:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state = json.loads(backend.to_str()) if backend is not None else {}
    if state.get("model", {}).get("type") != "WordPiece":
        raise EncoderError(
            "palochka pieces can be added to a WordPiece vocabulary only, as LaBSE's is; "
            "leave --palochka-pieces away for this model"
        )
    return state


def _replace(tokenizer, state: dict) -> None:
    from tokenizers import Tokenizer

    # The wrapper of transformers has no public way to change the vocabulary of what it wraps.
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(state, ensure_ascii=False))


def _extended(base: _WordPiece, new: Iterable[str], first: int) -> _WordPiece:
    vocab = {**base.vocab, **{piece: first + at for at, piece in enumerate(new)}}
    return _WordPiece(vocab, base.prefix, base.unknown, base.max_chars)


def _mark(tokenizer, palochka: str | None) -> str:
    """Return the palochka as it stands in words; raise where it stands in none."""
    if palochka is None:
        raise EncoderError(
            "palochka pieces need one spelling of the palochka, and this model reads texts as "
            "they are: say which with --palochka"
        )
    words = _split(tokenizer, f"щ{palochka}э")
    if len(words) != 1 or len(words[0]) != 3:
        raise EncoderError(
            f"the tokenizer of this model parts words at {palochka!r}: no piece can hold it; "
            "choose another --palochka, or leave --palochka-pieces away"
        )
    return words[0][1]


def _letters(tokenizer, palochka: str, mark: str) -> list[str]:
    found: dict[str, None] = {}
    for letter in LETTERS:
        for cased in (letter, letter.capitalize(), letter.upper()):
            spelled = cased.replace(_MARK, palochka).replace(_MARK.upper(), palochka)
            found.update(dict.fromkeys(_split(tokenizer, spelled)))
    if not is_cyrillic(mark):  # a Latin I alone is a piece of Latin words
        found.pop(mark, None)
    return list(found)


def _split(tokenizer, text: str) -> list[str]:
    backend = tokenizer.backend_tokenizer
    normal = backend.normalizer.normalize_str(text) if backend.normalizer else text
    return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)]


def _words(tokenizer, texts: Iterable[str], mark: str) -> Counter[str]:
    """Count the words of *texts* in which *mark* stands beside a Cyrillic letter."""
    found: Counter[str] = Counter()
    for text in texts:
        if mark in text:
            found.update(word for word in _split(tokenizer, text) if _has_palochka(word, mark))
    return found


def _has_palochka(word: str, mark: str) -> bool:
    """Return whether *mark* stands beside a Cyrillic letter, so is a palochka, in *word*."""
    return mark in word and any(
        mark in pair and any(is_cyrillic(char) for char in pair if char != mark)
        for pair in zip(word, word[1:], strict=False)
    )


def _pieces_of(words: Counter[str], vocabulary: _WordPiece) -> int:
    return sum(count * len(vocabulary.cut(word)) for word, count in words.items())


def _learn(words: Counter[str], wider: _WordPiece, mark: str, count: int) -> list[str]:
    """Return up to *count* pieces with a palochka: the joins that save the most pieces.

    Ties go to the piece that comes first in the order of its letters.
    """
    cuts = {word: wider.cut(word) for word in words}
    pairs: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], set[str]] = {}

    def tally(word: str, sign: int) -> None:
        for pair in zip(cuts[word], cuts[word][1:], strict=False):
            joined = _join(pair, wider.prefix)
            if _has_palochka(joined, mark) and len(joined) <= SUBWORD + len(wider.prefix):
                pairs[pair] += sign * words[word]
                places.setdefault(pair, set()).add(word)

    for word in words:
        tally(word, 1)
    learned: list[str] = []
    while len(learned) < count and pairs:
        most = max(pairs.values())
        if most < 2:
            break
        pair = min(pair for pair, times in pairs.items() if times == most)
        joined = _join(pair, wider.prefix)
        if joined not in wider.vocab:
            learned.append(joined)
        for word in places.pop(pair):
            tally(word, -1)
            cuts[word] = _joined(cuts[word], pair, joined)
            tally(word, 1)
        del pairs[pair]
    return list(dict.fromkeys(learned))


def _join(pair: tuple[str, str], prefix: str) -> str:
    return pair[0] + pair[1][len(prefix) :]


def _joined(cut: Sequence[str], pair: tuple[str, str], joined: str) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(cut):
        if tuple(cut[at : at + 2]) == pair:
            out.append(joined)
            at += 2
        else:
            out.append(cut[at])
            at += 1
    return out


def _grow(model: SentenceTransformer, rows: Sequence[Sequence[int]], first: int) -> None:
    """Append a row to the table of embeddings for each of *rows*: the mean of the old ones."""
    import torch

    transformer = model.transformers_model
    table = transformer.get_input_embeddings().weight.detach()
    means = torch.stack([table[list(parts)].mean(dim=0) for parts in rows])
    last = first + len(rows)
    with torch.random.fork_rng(devices=[]):  # the rows that it makes up are not kept
        # A table may have more rows than there are pieces.
        transformer.resize_token_embeddings(max(len(table), last), mean_resizing=False)
    with torch.no_grad():
        transformer.get_input_embeddings().weight[first:last] = means
