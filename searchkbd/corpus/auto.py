"""Language identification of sentences that came without a language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from searchkbd.corpus.rows import UNIDENTIFIED
from searchkbd.corpus.sentence import UNDETERMINED, Reject, Sentence

_BATCH = 512


def with_languages(items: Iterable[Sentence | Reject]) -> Iterator[Sentence | Reject]:
    """Yield *items* in their order, the missing languages filled in.

    A text in none of the known languages gets :data:`UNDETERMINED`.
    """
    batch: list[Sentence | Reject] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield from _filled(batch)
            batch = []
    yield from _filled(batch)


def _filled(batch: list[Sentence | Reject]) -> Iterator[Sentence | Reject]:
    from searchkbd.text.identify import identify_batch

    missing = [at for at, item in enumerate(batch) if getattr(item, "lang", None) == UNIDENTIFIED]
    if missing:
        found = identify_batch([batch[at].text for at in missing])
        for at, identification in zip(missing, found, strict=True):
            lang = identification.lang
            batch[at] = replace(batch[at], lang=UNDETERMINED if lang == "other" else lang)
    yield from batch
