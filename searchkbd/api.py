"""The Python interface: an open index that can be searched and used as a translation memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from searchkbd.errors import EncoderMismatchError
from searchkbd.index.codes import Recall
from searchkbd.index.info import IndexInfo, index_info
from searchkbd.index.reader import IndexReader, check_encoder
from searchkbd.search.engine import search
from searchkbd.search.hit import Hit, SearchMode, SearchResult
from searchkbd.search.sentence import SentenceDetails, sentence_details
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import normalize_language

if TYPE_CHECKING:
    from searchkbd.concordance.result import Concordance, Order
    from searchkbd.encoders.base import Encoder
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.memory.match import Lookup
    from searchkbd.memory.query import LookupOptions, Query

_Choice = TypeVar("_Choice", SearchMode, Recall)

MAX_QUERY_CHARS = 20_000
"""Longer queries are refused: no sentence is that long, and work grows with the length."""


class Index:
    """An open index; make it with :func:`open_index`. A context manager.

    It sees the index as it was when opened, whatever is written to it later.
    """

    def __init__(
        self, reader: IndexReader, encoder: Encoder | None = None, spec: EncoderSpec | None = None
    ) -> None:
        """Without *encoder*, it is the one that *spec* or the index names."""
        self._reader = reader
        self._encoder = encoder
        self._spec = spec
        if encoder is not None:
            self._check(encoder)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the snapshot."""
        self._reader.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder that the index was built with, loaded when first needed.

        Raises EncoderMismatchError when the encoder of that name or directory is not there, or
        is another one now.
        """
        if self._encoder is None:
            encoder = load_index_encoder(self._reader, self._spec)
            self._check(encoder)
            self._encoder = encoder
        return self._encoder

    @property
    def reader(self) -> IndexReader:
        """The snapshot itself, for what this class has no method for."""
        return self._reader

    @property
    def languages(self) -> dict[str, int]:
        """How many sentences each language has, most first."""
        return dict(self._reader.sentences_per_language)

    def info(self) -> IndexInfo:
        """Count what the index holds."""
        with self._reader.damage_reported():
            return index_info(self._reader)

    def search(
        self,
        query: str,
        *,
        langs: Collection[str] | None = None,
        query_lang: str | None = None,
        k: int = 10,
        mode: SearchMode | str = SearchMode.FUSED,
        recall: Recall | str = Recall.BALANCED,
    ) -> tuple[Hit, ...]:
        """Return up to *k* hits for *query*, best first.

        *langs* limits the languages of hits; *query_lang* is detected when not given. *recall*
        says how sure the nearest in meaning are to be found in a language of many sentences:
        ``fast``, ``balanced`` or ``exact``. Raises ValueError for an empty or overlong query, an
        unknown language, mode or recall, or *k* < 1.
        """
        return self.search_batch(
            [query], langs=langs, query_lang=query_lang, k=k, mode=mode, recall=recall
        )[0].hits

    def search_batch(
        self,
        queries: Sequence[str],
        *,
        langs: Collection[str] | None = None,
        query_lang: str | None = None,
        k: int = 10,
        mode: SearchMode | str = SearchMode.FUSED,
        recall: Recall | str = Recall.BALANCED,
    ) -> list[SearchResult]:
        """Search for each of *queries*; they are encoded together, which is faster."""
        mode = _member(SearchMode, mode, "search mode")
        recall = _member(Recall, recall, "recall")
        if isinstance(langs, str):
            langs = [langs]
        _check_k(k)
        texts = [_checked(query) for query in queries]
        if query_lang is not None:
            query_langs = [normalize_language(query_lang)] * len(texts)
        else:
            query_langs = detect_languages(texts)
        hit_langs = None if not langs else list(dict.fromkeys(map(normalize_language, langs)))
        encoder = None if mode is SearchMode.LEXICAL else self.encoder
        with self._reader.damage_reported():
            return search(
                self._reader, encoder, texts, query_langs,
                k=k, langs=hit_langs, mode=mode, recall=recall,
            )  # fmt: skip

    def look_up(
        self,
        segments: Sequence[str | Query],
        source_lang: str,
        target_lang: str,
        *,
        k: int | None = None,
        min_quality: int | None = None,
        min_similarity: float | None = None,
        recall: Recall | str | None = None,
        options: LookupOptions | None = None,
    ) -> list[Lookup]:
        """Look each segment up in the translation memory (searchkbd.memory.lookup.look_up).

        A :class:`~searchkbd.memory.query.Query` gives the context of a segment, *options* all
        that can be chosen (:class:`~searchkbd.memory.query.LookupOptions`); *k*, *min_quality*,
        *min_similarity* and *recall* hold before theirs. Raises ValueError for an empty or
        overlong segment, an unknown language or recall, *k* < 1, or when both languages are the
        same.
        """
        from searchkbd.memory.lookup import look_up
        from searchkbd.memory.query import LookupOptions, Query

        chosen = {
            "k": k, "min_quality": min_quality, "min_similarity": min_similarity, "recall": recall,
        }  # fmt: skip
        options = replace(
            options or LookupOptions(), **{n: v for n, v in chosen.items() if v is not None}
        )
        _check_k(options.k)
        options = replace(options, recall=_member(Recall, options.recall, "recall"))
        source, target = normalize_language(source_lang), normalize_language(target_lang)
        if source == target:
            raise ValueError(f"source and target language are both {source}")
        queries = [
            replace(query, text=_checked(query.text))
            for query in (s if isinstance(s, Query) else Query(s) for s in segments)
        ]
        encoder = self.encoder if options.semantic else None
        with self._reader.damage_reported():
            return look_up(self._reader, encoder, queries, source, target, options=options)

    def concordance(
        self,
        pattern: str,
        *,
        langs: Collection[str] = (),
        to: Collection[str] = (),
        gap: int = 5,
        order: Order | str = "none",
        exact: bool = False,
        loose: bool = False,
        only_translated: bool = False,
        origins: Collection[str] = (),
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Concordance:
        """Find every occurrence of *pattern* (searchkbd.concordance.pattern) in sentences of
        *langs*, or of all languages; its lines have their translations into *to*, or into all.

        ``*`` stands for up to *gap* words. *exact* compares texts as they are written, *loose*
        forgives a missing palochka. Raises ValueError for a pattern that cannot be looked for
        and for options that contradict each other.
        """
        from searchkbd.concordance.result import Options, Order
        from searchkbd.concordance.search import search

        options = Options(
            langs=tuple(dict.fromkeys(map(normalize_language, langs))),
            to=tuple(dict.fromkeys(map(normalize_language, to))),
            gap=gap,
            exact=exact,
            loose=loose,
            order=Order(order),
            only_translated=only_translated,
            origins=tuple(origins),
        )
        with self._reader.damage_reported():
            return search(self._reader, pattern, options, progress)

    def sentence(self, id: str) -> SentenceDetails | None:
        """Return all that is known of the sentence with this id, None when there is none."""
        with self._reader.damage_reported():
            return sentence_details(self._reader, id)

    def _check(self, encoder: Encoder) -> None:
        check_encoder(self._reader.meta, encoder, self._reader.directory)


def load_index_encoder(reader: IndexReader, spec: EncoderSpec | None = None) -> Encoder:
    """Return the encoder that an index names, which may have changed since.

    What *spec* says of how it is computed goes before what the index was built with: eight bits
    are used again, other precisions are left to the machine at hand, and the palochka is that of
    the index. Raises EncoderMismatchError when it is not there, saying which one is wanted.
    """
    from searchkbd.encoders import EncoderError, EncoderSpec, UnknownEncoderError, load_encoder
    from searchkbd.index.reader import encoder_settings

    name, fingerprint = reader.meta["encoder"], reader.meta["fingerprint"]
    built = encoder_settings(reader.meta)
    precision = "int8" if built.get("precision") == "int8" else None
    spec = spec or EncoderSpec()
    try:
        return load_encoder(
            EncoderSpec(name, spec.precision or precision, spec.palochka or built.get("palochka"))
        )
    except EncoderError as error:
        missing = isinstance(error, UnknownEncoderError)
        raise EncoderMismatchError(
            f"{reader.directory} was built with the encoder {name} ({fingerprint}), which "
            f"{'is not there any more' if missing else 'cannot be used'}: {error}\n"
            "If it is elsewhere, say where: --encoder DIR"
        ) from error


def open_encoder(reader: IndexReader, spec: EncoderSpec | None = None) -> Encoder:
    """Return the encoder that *spec* names, or the index's own computed as *spec* says.

    Raises as ``load_encoder`` and ``load_index_encoder`` do.
    """
    from searchkbd.encoders import load_encoder

    if spec is None or spec.name is None:
        return load_index_encoder(reader, spec)
    return load_encoder(spec)


def open_index(
    directory: str | Path,
    encoder: Encoder | EncoderSpec | str | Path | None = None,
    *,
    map_vectors: bool = True,
    map_texts: bool = True,
    any_thread: bool = False,
) -> Index:
    """Open the index at *directory* for reading.

    *encoder* is needed only when the index's own was moved since: an encoder, or the name or
    directory by which ``load_encoder`` finds it; or to say how it is to be computed
    (``EncoderSpec(precision="int8")``).

    Without *map_vectors* the vector files, which meaning is searched by, are opened when first
    needed, and without *map_texts* the text files, which translation memory and concordance
    read: quicker for who does not need them. With *any_thread* the index may be handed from one
    thread to another, never to two at a time.

    Raises IndexNotFoundError, IndexDamagedError or, when *encoder* is given and is not the one
    it was built with, EncoderMismatchError; EncoderError when it cannot be loaded.
    """
    from searchkbd.encoders.spec import EncoderSpec

    spec = None
    if isinstance(encoder, EncoderSpec) and encoder.name is None:
        spec, encoder = encoder, None
    elif isinstance(encoder, (str, Path, EncoderSpec)):
        from searchkbd.encoders import load_encoder

        encoder = load_encoder(encoder)
    reader = IndexReader(directory, any_thread=any_thread)
    try:
        if map_vectors:
            _ = reader.partitions
        if map_texts:
            _ = reader.text_files
        return Index(reader, encoder, spec)
    except BaseException:
        reader.close()
        raise


def detect_languages(texts: Sequence[str]) -> list[str]:
    """Return the language code of each text, ``und`` where it is none that is known."""
    from searchkbd.text.identify import identify_batch

    return ["und" if found.lang == "other" else found.lang for found in identify_batch(texts)]


def has_words(text: str) -> bool:
    """Return whether *text* has a letter or a digit, without which nothing can be searched."""
    return any(char.isalnum() for char in text)


def _member(kind: type[_Choice], value: _Choice | str, what: str) -> _Choice:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(each.value for each in kind)
        raise ValueError(f"no {what} {value!r}; there is: {names}") from None


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a query must be a string, not {type(text).__name__}")
    text = stored_form(text)
    if not text:
        raise ValueError("the text to look for is empty")
    if len(text) > MAX_QUERY_CHARS:
        raise ValueError(f"the text has {len(text)} characters, {MAX_QUERY_CHARS} are the most")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("the text is not valid Unicode (is it UTF-8?)")
    if not has_words(text):
        raise ValueError(f"{text[:40]!r} has no letter or digit to look for")
    return text


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
