"""What the tests of readers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Reject, Sentence

Read = Callable[..., tuple[list[Sentence], list[Reject]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write *content* to the file *name* and read it back: its sentences and its rejects."""

    def write_and_read(
        content: str | bytes, name: str = "in.tsv", **options: object
    ) -> tuple[list[Sentence], list[Reject]]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        items = list(read_corpus(path, ReadOptions(**options)))
        return (
            [item for item in items if isinstance(item, Sentence)],
            [item for item in items if isinstance(item, Reject)],
        )

    return write_and_read
