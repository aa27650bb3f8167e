"""Translation units of files: the sentences of a row, or of a group that goes over many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, groupby
from pathlib import Path

from searchkbd.corpus.files import corpora
from searchkbd.corpus.groups import PREFIX
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.text.languages import LANGUAGES

Unit = tuple[Sentence, ...]
"""Sentences that are translations of each other; one sentence where a file has no groups."""

Pair = tuple[Sentence, Sentence]

_ORDER = {lang: number for number, lang in enumerate(LANGUAGES)}


def read_units(
    paths: Iterable[str | Path],
    options: ReadOptions | None = None,
    *,
    on_reject: Callable[[Reject], None],
    progress: Callable[[int], None] | None = None,
) -> Iterator[Unit]:
    """Yield the units of files of any format that ``read_corpus`` reads.

    Sentences of one row are a unit, given as soon as it is read: a row is a unit of its own even if
    it shares its group with others. Rows of one sentence are collected by group to the end of
    the last file, since a group may go on anywhere; memory then grows with them, some 1 kB each.
    *on_reject* gets what could not be used, *progress* the lines of a file read so far. Raises
    CorpusError when a file cannot be read.
    """
    groups: dict[str, list[Sentence]] = {}
    for path, own in corpora(list(map(str, paths)), options or ReadOptions()):
        # Several units of an exchange format may stand on one line.
        sentences = _sentences(path, own, on_reject)
        for (place, _), row in groupby(sentences, lambda s: (s.source, s.group)):
            unit = tuple(row)
            if progress:
                progress(place.line)
            if len(unit) == 1 and not unit[0].group.startswith(PREFIX):
                groups.setdefault(unit[0].group, []).extend(unit)
            else:
                yield unit
    for sentences in groups.values():
        yield tuple(sentences)


def pairs_of(unit: Unit, on_reject: Callable[[Reject], None]) -> Iterator[Pair]:
    """Yield each two sentences of *unit* that differ in language, in the order of a row.

    A group over many rows has no order of its own: there our languages come in theirs. Sentences
    without a partner go to *on_reject*.
    """
    if len({sentence.lang for sentence in unit}) == 1:
        reason = "no translation: " + (
            "both texts are in one language" if len(unit) > 1 else "no sentence in another language"
        )
        for sentence in unit:
            on_reject(Reject(sentence.source, reason, sentence.text))
        return
    if len({sentence.source for sentence in unit}) > 1:
        unit = tuple(sorted(unit, key=lambda s: language_order(s.lang)))
    yield from ((a, b) for a, b in combinations(unit, 2) if a.lang != b.lang)


def language_order(lang: str) -> tuple[int, str]:
    """Return the key by which languages are sorted: ours first, in their order."""
    return _ORDER.get(lang, len(_ORDER)), lang


def _sentences(
    path: str, options: ReadOptions, on_reject: Callable[[Reject], None]
) -> Iterator[Sentence]:
    for item in read_corpus(path, options):
        if isinstance(item, Reject):
            on_reject(item)
        else:
            yield item
