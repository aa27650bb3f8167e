"""Mining two files: the sentences of each in one language, each text once, and the pairs found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import AUTO, ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.encoders.base import Encoder
from searchkbd.mining.bitext import MAX, Bitext, mine, neighbourhoods
from searchkbd.mining.margin import MARGIN_NEIGHBOURS, RATIO
from searchkbd.mining.rows import check_output, number, write_rows
from searchkbd.mining.spool import Spool
from searchkbd.mining.texts import TextSet
from searchkbd.mining.vectors import VectorStore
from searchkbd.text.forms import search_key

ORIGIN = "mined"
COLUMNS = (
    "lang_a", "lang_b", "text_a", "text_b", "id_a", "id_b", "origin", "similarity", "margin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SideSummary:
    """A collection: sentences in its language, the different ones, those in other languages."""

    file: str
    lang: str
    sentences: int
    different: int
    others: int


@dataclass(frozen=True, slots=True)
class MineSummary:
    """What mining did; ``respaced``: cells in which a TSV could not hold a tab or line break."""

    sides: tuple[SideSummary, SideSummary]
    pairs: int
    respaced: int


def mine_files(
    paths: tuple[str | Path, str | Path],
    langs: tuple[str, str],
    out: str,
    encoder: Encoder,
    options: ReadOptions | None = None,
    *,
    scoring: str = RATIO,
    retrieval: str = MAX,
    neighbours: int = MARGIN_NEIGHBOURS,
    threshold: float | None = None,
    unique: bool = False,
    on_reject: Callable[[Reject], None],
    on_encoded: Callable[[int], None] | None = None,
    on_searched: Callable[[int, int], None] | None = None,
) -> MineSummary:
    """Write to *out* the pairs of a sentence of each of two files that :func:`mine` finds.

    The first file gives its sentences in ``langs[0]``, the second in ``langs[1]``; text that names
    no language is in that one. Sentences with one search key are one. *langs* are normalized
    codes. *on_encoded* gets the number of sentences encoded of both files, *on_searched* (done,
    in all).

    Memory: some 250 bytes a sentence and 450 MB, the encoder included; sentences and vectors are
    in temporary files.
    Raises CorpusError when a file cannot be read or has no sentence in its language, and ValueError
    for one language twice.
    """
    if langs[0] == langs[1]:
        raise ValueError(f"two different languages are needed, not {langs[0]} twice")
    check_output(out, map(str, paths))
    with _Side(langs[0], encoder) as a, _Side(langs[1], encoder) as b:
        a.read(paths[0], options or ReadOptions(), on_reject, on_encoded)
        told = on_encoded and (lambda done: on_encoded(len(a.rows) + done))
        b.read(paths[1], options or ReadOptions(), on_reject, told)
        near = neighbourhoods(a.vectors, b.vectors, neighbours, on_searched)
        found = mine(near, scoring, retrieval, threshold=threshold, unique=unique)
        respaced = write_rows(out, COLUMNS, _rows(a, b, found))
        return MineSummary((a.summary(paths[0]), b.summary(paths[1])), len(found), respaced)


class _Side:
    """The different sentences of a file in one language: on disk, and so are their vectors."""

    def __init__(self, lang: str, encoder: Encoder) -> None:
        self.lang = lang
        self._encoder = encoder
        self.vectors = VectorStore(encoder.dim)
        self.rows = Spool()
        self._sentences = 0
        self._others = 0

    def __enter__(self) -> _Side:
        return self

    def __exit__(self, *error: object) -> None:
        self.vectors.__exit__(*error)
        self.rows.__exit__(*error)

    def read(
        self,
        path: str | Path,
        options: ReadOptions,
        on_reject: Callable[[Reject], None],
        progress: Callable[[int], None] | None,
    ) -> None:
        if options.lang != AUTO:
            # "langs" is about tables of two columns of text, and would make a table of plain text.
            options = replace(options, lang=self.lang)
        options = replace(options, langs=None)
        texts = TextSet(self._encoder, self.vectors, progress=progress)
        for item in read_corpus(path, options):
            if isinstance(item, Reject):
                on_reject(item)
            elif item.lang != self.lang:
                self._others += 1
            else:
                self._sentences += 1
                if texts.add(item.lang, item.text, search_key(item.text)) == len(self.rows):
                    self.rows.append({"id": item.id, "text": item.text})
        texts.finish()
        if not len(self.rows):
            others = f", {self._others:,} in other languages" if self._others else ""
            raise CorpusError(
                f"{shown(str(path))}: no sentence in {self.lang}{others}; "
                "--langs A,B names the language of either file, in their order"
            )

    def summary(self, path: str | Path) -> SideSummary:
        return SideSummary(
            shown(str(path)), self.lang, self._sentences, len(self.rows), self._others
        )


def _rows(a: _Side, b: _Side, found: Bitext) -> Iterator[dict[str, Any]]:
    values = (found.x, found.y, found.cosines, found.scores)
    for x, y, cosine, score in zip(*(each.tolist() for each in values), strict=True):
        one, other = a.rows[x], b.rows[y]
        yield {
            "lang_a": a.lang, "lang_b": b.lang, "text_a": one["text"], "text_b": other["text"],
            "id_a": one["id"], "id_b": other["id"], "origin": ORIGIN,
            "similarity": number(cosine), "margin": number(score),
        }  # fmt: skip
