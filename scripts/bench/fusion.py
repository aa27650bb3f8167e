"""Measure what fused search adds to, or takes from, nearest neighbours across languages.

    python scripts/bench/fusion.py --data ../shared/data --index fusion

Development pairs, Kabardian and Russian, are put into an index beside the dictionary sentences of
``corpus/large.tsv``, each half in a group of its own, so that no look-up by group gives the answer.
Each half is then searched for with the other, hits limited to the other's language.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.encoders import load_encoder
from searchkbd.index import hubs
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import Mode, build_index
from searchkbd.search import engine
from searchkbd.search.hit import SearchMode

WEIGHT = hubs.WEIGHT
SETTINGS = {
    "nearest neighbours, hubs and all": (SearchMode.SEMANTIC, None),
    "nearest neighbours without hubs": (SearchMode.SEMANTIC, None),
    "fused, no translations of near sentences": (SearchMode.FUSED, 2.0),
    "fused, translations of all near sentences": (SearchMode.FUSED, -1.0),
    "fused, translations of paraphrases (0.8)": (SearchMode.FUSED, 0.8),
    "fused, as it is": (SearchMode.FUSED, engine.PARAPHRASE),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    options = parser.parse_args()
    encoder = load_encoder()
    halves = [s.text for s in read_corpus(options.data / "dev" / "sentences_kbd_ru.tsv")]
    pairs = list(zip(halves[::2], halves[1::2], strict=True))
    build_index(options.index, corpus(options.data, pairs), encoder, mode=Mode.REPLACE)
    print("| | kbd→ru @1 / @10 | ru→kbd @1 / @10 |")
    print("|---|---|---|")
    with IndexReader(options.index) as reader:
        for name, (mode, threshold) in SETTINGS.items():
            hubs.WEIGHT = 0.0 if name.endswith("hubs and all") else WEIGHT
            if threshold is not None:
                engine.PARAPHRASE = threshold
            cells = []
            for source, target in (("kbd", "ru"), ("ru", "kbd")):
                asked = [pair[source == "ru"] for pair in pairs]
                wanted = [pair[target == "ru"] for pair in pairs]
                results = engine.search(
                    reader, encoder, asked, [source] * len(asked), k=10, langs=[target], mode=mode
                )
                texts = [[hit.text for hit in result.hits] for result in results]
                first = sum(t[0] == w for t, w in zip(texts, wanted, strict=True)) / len(pairs)
                ten = sum(w in t for t, w in zip(texts, wanted, strict=True)) / len(pairs)
                cells.append(f"{first:.3f} / {ten:.3f}")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def corpus(data: Path, pairs: list[tuple[str, str]]) -> Iterator[Sentence]:
    """Yield the halves of *pairs*, and the corpus without its journal."""
    for number, pair in enumerate(pairs):
        for lang, text in zip(("kbd", "ru"), pair, strict=True):
            place = Place("dev", number)
            name = f"dev-{number}-{lang}"
            yield Sentence(name, lang, text, name, "dev", None, place)
    for item in read_corpus(data / "corpus" / "large.tsv"):
        if isinstance(item, Sentence) and item.lang in ("kbd", "ru") and ":" not in item.origin:
            yield item


if __name__ == "__main__":
    main()
