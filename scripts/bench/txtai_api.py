"""txtai's own API on the sentences and the vectors of an index of searchkbd; serve.py runs this.

    peers/bin/python scripts/bench/txtai_api.py SENTENCES OUT [--tuned]
    PYTHONPATH=.:scripts/bench ALLOW_RESOLVE_TRANSFORM=True CONFIG=OUT/app.yml \\
        peers/bin/uvicorn txtai.api:app

SENTENCES is a directory that serve.py made: texts.json (a list), vectors.npy and queries.npy
(float32, unit length) and nearest.npy (the exact ten nearest rows of each query). The first command
makes the index, as it comes (inverted lists of float32, a sixteenth of them read), or with
half-precision lists of which so many are read that recall@10 on the queries reaches 0.99. Queries
are encoded by ``encode`` below: searchkbd's encoder, by way of txtai's external vectors.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

TARGET = 0.99
_NEAREST = 10


def encode(texts: list[str]) -> np.ndarray:
    """Return float32 [n, dim], as a search of searchkbd encodes its queries."""
    from searchkbd.api import detect_languages

    # txtai normalises in place.
    return np.array(_encoder().encode(texts, detect_languages(texts)), dtype=np.float32)


@cache
def _encoder() -> Any:
    from searchkbd.encoders import load_encoder
    from searchkbd.service.encoder import SharedEncoder

    return SharedEncoder(load_encoder())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sentences", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tuned", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    embeddings = built(options.sentences, options.tuned)
    recall = found(embeddings, options.sentences)
    if options.tuned:
        recall = tune(embeddings, options.sentences)
    embeddings.config["transform"] = None  # a function cannot be saved
    embeddings.save(str(options.out / "index"))
    config = {
        "path": str(options.out / "index"),
        "embeddings": {"method": "external", "transform": "txtai_api.encode"},
    }
    (options.out / "app.yml").write_text(json.dumps(config))  # JSON is YAML
    print(json.dumps({"recall": recall}))


def built(sentences: Path, tuned: bool) -> Any:
    from txtai import Embeddings

    vectors = iter(np.load(sentences / "vectors.npy", mmap_mode="r"))

    def given(texts: list[str]) -> np.ndarray:
        return np.stack(list(islice(vectors, len(texts))))  # it asks for them as they come

    faiss = {"components": "IVF,SQfp16"} if tuned else {}
    embeddings = Embeddings(method="external", transform=given, content=True, faiss=faiss)
    texts = json.loads((sentences / "texts.json").read_text("utf-8"))
    embeddings.index((row, text, None) for row, text in enumerate(texts))
    return embeddings


def tune(embeddings: Any, sentences: Path) -> float:
    """Read the fewest lists, by thirty-seconds of them, that reach the target; return recall."""
    lists = embeddings.ann.backend.nlist
    recall = 0.0
    for share in (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32):
        embeddings.config["faiss"]["nprobe"] = max(1, round(lists * share / 32))
        recall = found(embeddings, sentences)
        if recall >= TARGET:
            break
    return recall


def found(embeddings: Any, sentences: Path) -> float:
    """Return recall@10: the share of the exact nearest that are found."""
    queries = np.load(sentences / "queries.npy")
    nearest = np.load(sentences / "nearest.npy")
    hits = [
        len({row for row, _ in embeddings.ann.search(query[None].copy(), _NEAREST)[0]} & set(exact))
        for query, exact in zip(queries, nearest.tolist(), strict=True)
    ]
    return sum(hits) / (_NEAREST * len(queries))


if __name__ == "__main__":
    main()
