"""What peers.py compares: searchkbd and its peers, each used as its documentation says.

Every store gives back text and the text of the pair's other row, which is kept beside the text
where a store has no cheaper way (txtai, chromadb, LanceDB); bare FAISS gives row numbers. Vectors
are ready made: txtai gets them through its external vectors, searchkbd through an encoder that
looks them up. Imported in the environments of the peers: nothing of searchkbd at the top.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from vectors import NEAREST, DataSet

Found = tuple[int, str, str]
"""Row, text and the other row's text; both empty where the store has no text."""


class Store:
    """Built in one process, opened and searched in others with one setting each.

    ``fixed`` names settings that a search is measured with (None: as it comes), ``ladder`` has
    those, in rising order of recall, of which the first that reaches the target is measured.
    """

    fixed: Mapping[str, Any] = {"": None}
    ladder: Sequence[Any] = ()
    has_text = True

    def __init__(self, data: DataSet, place: Path) -> None:
        self.data = data
        self.place = place

    def build(self) -> None:
        raise NotImplementedError

    def open(self) -> None:
        raise NotImplementedError

    def use(self, setting: Any) -> None:
        """Search with *setting*, which is not None, from now on."""

    def search(self, query: np.ndarray) -> list[Found]:
        """Return the ten nearest of *query*, float32 [dim], best first."""
        raise NotImplementedError

    def _batches(self, size: int) -> Iterator[tuple[int, np.ndarray, list[tuple[str, str, str]]]]:
        """Yield first row, vectors and (language, text, other text) of *size* rows at a time."""
        texts = self.data.texts()
        for start, vectors in self.data.chunks():
            for at in range(0, len(vectors), size):
                part = vectors[at : at + size]
                yield start + at, part, list(islice(texts, len(part)))


class Faiss(Store):
    """Bare FAISS: exact, or fast-scan codes of *dims_per_code* dimensions each, refined in fp16."""

    has_text = False

    def __init__(self, data: DataSet, place: Path, dims_per_code: int = 0) -> None:
        super().__init__(data, place)
        self._spec = "Flat"
        if dims_per_code:
            self._spec = f"PQ{data.dim // dims_per_code}x4fs,Refine(SQfp16)"
            self.fixed = {}
            self.ladder = (2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # k_factor

    def build(self) -> None:
        import faiss

        index = faiss.index_factory(self.data.dim, self._spec, faiss.METRIC_INNER_PRODUCT)
        for start, vectors in self.data.chunks():
            if not start:
                index.train(vectors)
            index.add(vectors)
        faiss.write_index(index, str(self.place / "index.faiss"))

    def open(self) -> None:
        import faiss

        self._index = faiss.read_index(str(self.place / "index.faiss"), faiss.IO_FLAG_MMAP_IFC)

    def use(self, setting: Any) -> None:
        self._index.k_factor = setting

    def search(self, query: np.ndarray) -> list[Found]:
        return [(row, "", "") for row in self._index.search(query[None], NEAREST)[1][0].tolist()]


class FaissSqlite(Faiss):
    """An exact FAISS index and a table: what one writes in an afternoon."""

    has_text = True

    def build(self) -> None:
        super().build()
        with sqlite3.connect(self.place / "texts.db") as db:
            db.execute("CREATE TABLE rows (row INTEGER PRIMARY KEY, pair INTEGER, text TEXT)")
            texts = enumerate(text for _, text, _ in self.data.texts())
            db.executemany(
                "INSERT INTO rows VALUES (?, ?, ?)", ((row, row // 2, text) for row, text in texts)
            )
            db.execute("CREATE INDEX pairs ON rows (pair)")

    def open(self) -> None:
        super().open()
        self._db = sqlite3.connect(self.place / "texts.db")

    def search(self, query: np.ndarray) -> list[Found]:
        rows = [row for row, _, _ in super().search(query)]
        marks = ",".join("?" * len(rows))
        texts = dict(
            self._db.execute(
                "SELECT row, text FROM rows WHERE pair IN"
                f" (SELECT pair FROM rows WHERE row IN ({marks}))",
                rows,
            )
        )
        return [(row, texts[row], texts[row ^ 1]) for row in rows]


class Txtai(Store):
    """txtai with FAISS and its content database.

    As it comes it makes inverted lists of float32 and reads a sixteenth of them. Its settings have
    no number of candidates to refine, so codes are no use to it; of what it can be set to, lists of
    fp16 and reading more of them were the fastest at a recall of 0.99.
    """

    def __init__(self, data: DataSet, place: Path, tuned: bool = False) -> None:
        super().__init__(data, place)
        self._faiss = {}
        if tuned:
            self._faiss = {"components": "IVF,SQfp16"}
            self.fixed = {}
            shares = 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32  # of the lists, in thirty-seconds
            self.ladder = tuple(n / 32 for n in shares)

    def build(self) -> None:
        from txtai import Embeddings

        vectors = (vector for _, part in self.data.chunks() for vector in part)

        def given(texts: list[str]) -> np.ndarray:
            return np.stack(list(islice(vectors, len(texts))))  # it asks for them as they come

        embeddings = Embeddings(
            method="external", transform=given, content=True, faiss=self._faiss
        )
        texts = enumerate(self.data.texts())
        embeddings.index(
            (row, {"text": text, "other": other}, None) for row, (_, text, other) in texts
        )
        embeddings.config["transform"] = None  # a function cannot be saved
        embeddings.save(str(self.place / "index"))

    def open(self) -> None:
        from txtai import Embeddings

        def given(_: list[str]) -> np.ndarray:
            return self._query[None]

        self._query = np.empty(0, np.float32)
        self._embeddings = Embeddings()
        self._embeddings.load(str(self.place / "index"), config={"transform": given})

    def use(self, setting: Any) -> None:
        ann = self._embeddings.ann
        ann.config["faiss"]["nprobe"] = max(1, round(setting * ann.backend.nlist))

    def search(self, query: np.ndarray) -> list[Found]:
        self._query = query.copy()  # it normalises in place
        found = self._embeddings.search(
            "select id, text, other from txtai where similar('query')", NEAREST
        )
        return [(int(hit["id"]), hit["text"], hit["other"]) for hit in found]


class Chroma(Store):
    """chromadb: persistent, HNSW by inner product."""

    fixed = {"": 100}  # ef_search: its own choice
    ladder = (100, 200, 400, 800, 1600)

    def build(self) -> None:
        client = self._client()
        rows = client.create_collection(
            "rows", configuration={"hnsw": {"space": "ip"}}, embedding_function=None
        )
        for start, vectors, texts in self._batches(client.get_max_batch_size()):
            rows.add(
                ids=[str(row) for row in range(start, start + len(vectors))],
                embeddings=vectors,
                documents=[text for _, text, _ in texts],
                metadatas=[{"other": other} for _, _, other in texts],
            )

    def open(self) -> None:
        self._rows = self._client().get_collection("rows", embedding_function=None)

    def use(self, setting: Any) -> None:
        self._rows.modify(configuration={"hnsw": {"ef_search": setting}})
        self.open()  # before the first search: what has searched goes on as it was

    def search(self, query: np.ndarray) -> list[Found]:
        found = self._rows.query(
            query_embeddings=[query], n_results=NEAREST, include=["documents", "metadatas"]
        )
        columns = found["ids"][0], found["documents"][0], found["metadatas"][0]
        return [(int(row), text, more["other"]) for row, text, more in zip(*columns, strict=True)]

    def _client(self) -> Any:
        import chromadb

        settings = chromadb.config.Settings(anonymized_telemetry=False)
        return chromadb.PersistentClient(str(self.place), settings)


class Lance(Store):
    """LanceDB: exact, or with its inverted lists of product-quantised vectors.

    A setting is the number of lists read and how many times ten rows are compared in full.
    """

    def __init__(self, data: DataSet, place: Path, indexed: bool = False) -> None:
        super().__init__(data, place)
        self._indexed = indexed
        if indexed:
            self.ladder = ((20, 10), (50, 20), (100, 40), (200, 40), (400, 80), (1000, 160))

    def build(self) -> None:
        import lancedb
        import pyarrow as pa
        from lancedb.index import IvfPq

        schema = pa.schema(
            {"row": pa.int64(), "text": pa.string(), "other": pa.string(),
             "vector": pa.list_(pa.float32(), self.data.dim)}
        )  # fmt: skip

        def batches() -> Iterator[pa.RecordBatch]:
            for start, vectors, texts in self._batches(8192):
                flat = pa.array(vectors.reshape(-1))
                yield pa.record_batch(
                    [pa.array(range(start, start + len(vectors))),
                     pa.array([text for _, text, _ in texts]),
                     pa.array([other for _, _, other in texts]),
                     pa.FixedSizeListArray.from_arrays(flat, self.data.dim)],
                    schema=schema,
                )  # fmt: skip

        reader = pa.RecordBatchReader.from_batches(schema, batches())
        table = lancedb.connect(self.place).create_table("rows", reader)
        if self._indexed:
            table.create_index("vector", config=IvfPq(distance_type="dot"))

    def open(self) -> None:
        import lancedb

        self._table = lancedb.connect(self.place).open_table("rows")
        self._setting: Any = None

    def use(self, setting: Any) -> None:
        self._setting = setting

    def search(self, query: np.ndarray) -> list[Found]:
        asked = self._table.search(query).distance_type("dot").limit(NEAREST)
        if self._setting is not None:
            lists, more = self._setting
            asked = asked.nprobes(lists).refine_factor(more)
        found = asked.select(["row", "text", "other", "_distance"]).to_list()
        return [(hit["row"], hit["text"], hit["other"]) for hit in found]


class SemanticSearch(Store):
    """sentence-transformers' util.semantic_search: tensors and lists in memory."""

    def build(self) -> None:
        np.save(self.place / "vectors.npy", self.data.all())
        with open(self.place / "texts.json", "w", encoding="utf-8") as file:
            json.dump([text for _, text, _ in self.data.texts()], file, ensure_ascii=False)

    def open(self) -> None:
        import torch
        from sentence_transformers.util import dot_score, semantic_search

        self._tensor = torch.from_numpy
        self._vectors = torch.from_numpy(np.load(self.place / "vectors.npy"))
        self._texts = json.loads((self.place / "texts.json").read_text("utf-8"))
        # Not by cosine, its default: that normalises all vectors anew for each query.
        self._search = partial(semantic_search, top_k=NEAREST, score_function=dot_score)

    def search(self, query: np.ndarray) -> list[Found]:
        found = self._search(self._tensor(query[None]), self._vectors)[0]
        rows = [hit["corpus_id"] for hit in found]
        return [(row, self._texts[row], self._texts[row ^ 1]) for row in rows]


class Searchkbd(Store):
    """This project: Index.search by meaning, the query's vector given.

    Recall is of the ten nearest that it finds. What it shows is the best ten of the nearest hundred
    after those that are near to everything are held back, another order on purpose.
    """

    def build(self) -> None:
        from large import Replay, sentences

        from searchkbd.index.writer import build_index

        build_index(self.place / "index", sentences(self.data), Replay(self.data))

    def open(self) -> None:
        import searchkbd

        self._given = _Given()
        self._index = searchkbd.open_index(self.place / "index", self._given)

    def search(self, query: np.ndarray) -> list[Found]:
        self._given.vector = query
        hits = self._index.search("query", query_lang="en", k=NEAREST, mode="semantic")
        return [
            (int(hit.id[1:]), _plain(hit.text), _plain(hit.translations[0].text)) for hit in hits
        ]

    def nearest(self, query: np.ndarray) -> list[int]:
        """Return the rows of the ten nearest, before any are held back."""
        from searchkbd.search.semantic import nearest

        reader = self._index._reader
        ranked = nearest(reader, query[None], NEAREST)[0]
        stored = reader.sentences(r.row for r in ranked)
        return [int(stored[r.row].id[1:]) for r in ranked]


def _plain(text: str) -> str:
    """Return the text without the row that large.py ends it with."""
    return text.rpartition(" №")[0]


class _Given:
    """The embedded encoder, as an index knows it, with the vector of the text given beforehand."""

    def __init__(self) -> None:
        from searchkbd.encoders import load_encoder

        embedded = load_encoder()
        self.name, self.dim, self.fingerprint = embedded.name, embedded.dim, embedded.fingerprint
        self.vector = np.empty(0, np.float32)

    def encode(self, texts: Any, langs: Any = None) -> np.ndarray:
        return self.vector[None]


STORES: dict[str, Callable[[DataSet, Path], Store]] = {
    "searchkbd": Searchkbd,
    "FAISS Flat": Faiss,
    "FAISS PQ d/8": partial(Faiss, dims_per_code=8),
    "FAISS PQ d/4": partial(Faiss, dims_per_code=4),
    "FAISS Flat + SQLite": FaissSqlite,
    "txtai": Txtai,
    "txtai IVF,SQfp16": partial(Txtai, tuned=True),
    "chromadb": Chroma,
    "LanceDB exact": Lance,
    "LanceDB IVF_PQ": partial(Lance, indexed=True),
    "sentence-transformers": SemanticSearch,
}
