"""Searching an index for a pattern: every occurrence is found and counted, no sentence is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from searchkbd.concordance.filters import Filter, only_written
from searchkbd.concordance.match import Matches, find
from searchkbd.concordance.pattern import Parts, Pattern, parse_pattern
from searchkbd.concordance.result import Concordance, FileMatches, Options, Order
from searchkbd.errors import IndexDamagedError
from searchkbd.index.reader import IndexReader
from searchkbd.index.texts import TextFile
from searchkbd.index.tokens import Tokens

MAX_SORTED = 10_000
"""Occurrences that are put in order; the others follow as the index has them."""

_CONTEXT = 3  # words beside the match that an order goes by

Progress = Callable[[int, int], None]
"""Called with occurrences examined one by one, and how many there are: while they are looked for,
with zeros before each text file, then before each batch of sentences. It may raise, which ends the
search."""


def search(
    reader: IndexReader, text: str, options: Options, progress: Progress = lambda done, total: None
) -> Concordance:
    """Find every occurrence of the pattern *text* (searchkbd.concordance.pattern).

    Filters (exact spelling, translations, origins) look at each sentence in the database, so
    what they need time for is the number of occurrences; *progress* is told. Raises PatternError
    for a pattern that cannot be looked for.
    """
    files = [
        (file, _tokens(reader, file))
        for file in reader.text_files
        if not options.langs or file.lang in options.langs
    ]

    def known(parts: Parts) -> bool:
        return any(len(tokens.terms(parts, loose=options.loose)) for _, tokens in files)

    pattern = parse_pattern(text, gap=options.gap, known=known)
    found = []
    for file, tokens in files:
        progress(0, 0)
        matches = _living(file, find(tokens, pattern, loose=options.loose))
        if len(matches):
            found.append(FileMatches(file.lang, file.rows, tokens, matches))
    found = _filtered(reader, found, pattern, options, progress)
    return Concordance(pattern.text, options, reader, tuple(found), _first(found, options.order))


def _living(file: TextFile, matches: Matches) -> Matches:
    """Return the matches in sentences that have not been deleted."""
    return matches if file.live is None else matches.where(file.live[matches.sentences])


def _tokens(reader: IndexReader, file: TextFile) -> Tokens:
    try:
        return Tokens(file.arrays)
    except KeyError as error:
        raise IndexDamagedError(
            f"{reader.directory}: a text file has no array named {error}; "
            "rebuild the index with --replace"
        ) from error


def _filtered(
    reader: IndexReader,
    found: list[FileMatches],
    pattern: Pattern,
    options: Options,
    progress: Progress,
) -> list[FileMatches]:
    wanted = Filter(options.to, options.only_translated, options.origins)
    if not (wanted or options.exact):
        return found
    kept = []
    done, total = 0, sum(len(file.matches) for file in found)
    for file in found:
        matches, tick = file.matches, partial(progress, done, total)
        if wanted:
            rows = file.rows[matches.sentences]
            matches = matches.where(np.isin(rows, wanted.passing(reader, np.unique(rows), tick)))
        if options.exact:
            matches = only_written(reader, file.rows, file.tokens, matches, pattern, tick)
        if len(matches):
            kept.append(replace(file, matches=matches))
        done += len(file.matches)
        progress(done, total)
    return kept


def _first(found: Sequence[FileMatches], order: Order) -> tuple[int, ...]:
    """The numbers of the first MAX_SORTED occurrences, in *order*; none when there is none."""
    if order is Order.NONE:
        return ()
    keys = [
        {
            Order.LEFT: (left[::-1], match, right),
            Order.RIGHT: (right, match, left[::-1]),
            Order.MATCH: (match, right, left[::-1]),
        }[order]
        for left, match, right in islice(_contexts(found), MAX_SORTED)
    ]
    return tuple(sorted(range(len(keys)), key=keys.__getitem__))


def _contexts(found: Sequence[FileMatches]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """The words before, in and after each occurrence, within its sentence."""
    for file in found:
        tokens, matches = file.tokens, file.matches
        for start, end, sentence in zip(
            matches.starts.tolist(), matches.ends.tolist(), matches.sentences.tolist(), strict=True
        ):
            first, last = int(tokens.starts[sentence]), int(tokens.starts[sentence + 1])
            yield (
                tokens.words(max(first, start - _CONTEXT), start),
                tokens.words(start, end),
                tokens.words(end, min(last, end + _CONTEXT)),
            )
