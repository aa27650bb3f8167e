"""What only the database can tell of an occurrence: its translations, its origin, its spelling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.concordance.match import NOTHING, Matches, find
from searchkbd.concordance.pattern import Pattern
from searchkbd.index.reader import IndexReader
from searchkbd.index.tokens import Tokens, build_words
from searchkbd.text.spans import word_spans

_BATCH = 500  # SQLite allows 999 parameters in its oldest supported builds

Tick = Callable[[], None]
"""Called before each batch of sentences; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sentences count: those with a translation (into one of ``to``, if any is given),
    those of one of ``origins``. False when it lets everything pass."""

    to: tuple[str, ...]
    translated: bool
    origins: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.translated or bool(self.origins)

    def passing(
        self, reader: IndexReader, rows: NDArray[np.int64], tick: Tick = lambda: None
    ) -> NDArray[np.int64]:
        """Return those of *rows* that pass."""
        conditions: list[str] = []
        parameters: list[str] = []
        if self.translated:
            wanted = "t.row != s.row AND t.lang != s.lang"
            if self.to:
                wanted = f"t.row != s.row AND t.lang IN ({_marks(self.to)})"
                parameters += self.to
            conditions.append(
                "EXISTS (SELECT 1 FROM sentences t"
                f" WHERE t.group_row = s.group_row AND {wanted})"
            )
        if self.origins:
            conditions.append(
                f"s.origin_row IN (SELECT row FROM origins WHERE name IN ({_marks(self.origins)}))"
            )
            parameters += self.origins
        passing: list[int] = []
        for start in range(0, len(rows), _BATCH):
            tick()
            batch = rows[start : start + _BATCH].tolist()
            sql = (
                f"SELECT s.row FROM sentences s WHERE s.row IN ({_marks(batch)})"
                f" AND {' AND '.join(conditions)}"
            )
            passing += (row for (row,) in reader.connection.execute(sql, [*batch, *parameters]))
        return np.array(passing, dtype=np.int64)


def only_written(
    reader: IndexReader,
    rows: NDArray[np.int64],
    tokens: Tokens,
    matches: Matches,
    pattern: Pattern,
    tick: Tick = lambda: None,
) -> Matches:
    """Return the occurrences of *pattern* as it is written, letter case, palochka and all.

    They are looked for in the texts of the sentences of *matches*, in which the pattern occurs by
    its keys. *rows* are those of the sentences of *tokens*.
    """
    sentences = np.unique(matches.sentences)
    parts: list[Matches] = [NOTHING]
    for start in range(0, len(sentences), _BATCH):
        tick()
        batch = sentences[start : start + _BATCH]
        stored = reader.sentences(rows[batch])
        texts = [stored[row].text for row in rows[batch].tolist()]
        written = Tokens(build_words([_written_words(text, pattern) for text in texts]))
        found = find(written, pattern, written=True)
        shift = tokens.starts[batch].astype(np.int64) - written.starts[:-1]
        parts.append(
            Matches(
                found.starts + shift[found.sentences],
                found.ends + shift[found.sentences],
                batch[found.sentences],
            )
        )
    return Matches(
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.ends for part in parts]),
        np.concatenate([part.sentences for part in parts]),
    )


def _written_words(text: str, pattern: Pattern) -> list[str]:
    """The words of *text* as they are written; none when *pattern* cannot be among them."""
    # Looking for its letters first is much quicker than taking the text apart.
    letters = (words for block in pattern.blocks for words in block.words)
    if not all(any(all(p in text for p in word.written) for word in words) for words in letters):
        return []
    return [text[start:end] for start, end in word_spans(text)]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
