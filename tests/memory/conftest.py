"""Small memories of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import Mode, build_index


def sentence(id_: str, lang: str, text: str, group: str, origin: str = "o", **more) -> Sentence:
    more.setdefault("meta", None)
    return Sentence(id_, lang, text, group, origin, source=Place("t", 1), **more)


@pytest.fixture(scope="module")
def memory(tmp_path_factory, trigrams) -> Iterator[Callable[..., IndexReader]]:
    """Open a memory of sentences: memory(sentence, ...) or memory([...], penalty=20)."""
    with ExitStack() as stack:

        def memory(*sentences: Sentence, penalty: int | None = None, add: tuple = ()):
            directory = tmp_path_factory.mktemp("memory") / "i"
            build_index(directory, sentences, trigrams, penalty=penalty)
            if add:
                build_index(directory, add, trigrams, mode=Mode.ADD)
            return stack.enter_context(IndexReader(directory))

        yield memory
