"""Distractors: texts in the target language that are nobody's translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.text.forms import search_key

MAX_DISTRACTORS = 20_000


def read_distractors(
    path: str | Path,
    limits: Mapping[str, int],
    options: ReadOptions | None = None,
    *,
    on_reject: Callable[[Reject], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, list[str]]:
    """Return language → the first different texts of a file, as many as *limits* says.

    Texts differ when their search keys do. The file is read until there is enough of every
    language; a language that it lacks is not among the keys. Raises CorpusError when the file
    cannot be read or has no sentence in any of the languages.
    """
    found: dict[str, dict[str, str]] = {}
    wanted = {lang for lang, limit in limits.items() if limit > 0}
    for item in read_corpus(path, options):
        if isinstance(item, Reject):
            if on_reject:
                on_reject(item)
            continue
        if progress:
            progress(item.source.line)
        if item.lang in wanted:
            texts = found.setdefault(item.lang, {})
            texts.setdefault(search_key(item.text), item.text)
            if len(texts) == limits[item.lang]:
                wanted.remove(item.lang)
                if not wanted:
                    break
    if not found:
        raise CorpusError(
            f"{shown(str(path))}: no distractors, the file has no sentence in "
            f"{', '.join(limits)}"
        )
    return {lang: list(texts.values()) for lang, texts in found.items()}
