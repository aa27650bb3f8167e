"""A small memory, and files filled from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from searchkbd.api import open_index
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import Place, Reject, Sentence
from searchkbd.index.writer import build_index
from searchkbd.pretranslation.answers import MemoryOptions
from searchkbd.pretranslation.options import FileOptions
from searchkbd.pretranslation.run import pretranslate
from searchkbd.pretranslation.statistics import Summary

WATER, BREAD, RAIN = "Псыр щӏыӏэщ.", "Щакхъуэр хуабэщ.", "Уэшх къошх."

_UNITS = [
    ("water", "human", {"en": "The water is cold.", "kbd": WATER}, {}),
    ("bread", "mt:model", {"en": "The bread is warm.", "kbd": BREAD}, {}),
    ("rain", "human", {"en": "It is raining.", "kbd": RAIN}, {}),
    ("pupils", "human", {"en": "There are 20 pupils in the class.", "ru": "В классе 20 учеников."},
     {}),
    ("open-door", "human", {"en": "Open", "ru": "Открыть"}, {"context": "door"}),
    ("open-lid", "human", {"en": "Open", "ru": "Раскрыть"}, {"previous": "Lid", "next": ""}),
    ("cold", "human", {"en": "Cold and rainy day", "ru": "Холодный и дождливый день"}, {}),
]  # fmt: skip
_MARKED = {
    "en": ("Press the red key now.",
           'Press the <bpt i="1">&lt;b&gt;</bpt>red<ept i="1">&lt;/b&gt;</ept> key now.'),
    "ru": ("Сейчас нажмите красную клавишу.",
           'Сейчас нажмите <bpt i="1">&lt;b&gt;</bpt>красную<ept i="1">&lt;/b&gt;</ept> клавишу.'),
}  # fmt: skip


def _sentences() -> Iterator[Sentence]:
    def sentence(group, lang, text, origin, **more):
        more.setdefault("meta", None)
        return Sentence(f"{group}-{lang}", lang, text, group, origin, source=Place("t", 1), **more)

    for group, origin, texts, more in _UNITS:
        for lang, text in texts.items():
            yield sentence(group, lang, text, origin, **(more if lang == "en" else {}))
    for lang, (text, markup) in _MARKED.items():
        yield sentence("marked", lang, text, "human", markup=markup)


@dataclass(frozen=True)
class Filled:
    """What came out."""

    data: bytes
    summary: Summary
    rejects: list[Reject]

    @property
    def text(self) -> str:
        return self.data.decode()

    def row(self, name: str) -> int:
        return self.summary.rows[name].segments


Fill = Callable[..., Filled]


@pytest.fixture(scope="session")
def memory_index(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("pretranslation") / "i"
    build_index(directory, _sentences(), trigrams)
    with open_index(directory, trigrams) as index:
        yield index


@pytest.fixture
def fill(memory_index, tmp_path: Path) -> Fill:
    """Fill a file: fill(content, "in.po", target="kbd", min_quality=85, ...)."""

    def fill(
        content: str | bytes, name: str, *, target: str = "kbd", source: str | None = None,
        overwrite: bool = False, reading: ReadOptions | None = None, **memory,
    ) -> Filled:  # fmt: skip
        path, out = tmp_path / name, tmp_path / f"out-{name}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        rejects: list[Reject] = []
        summary = pretranslate(
            str(path), str(out),
            lambda queries, lang, options: memory_index.look_up(
                queries, lang, target, options=options
            ),
            FileOptions(target, source, overwrite, reading or ReadOptions()),
            MemoryOptions(**memory), on_reject=rejects.append,
        )  # fmt: skip
        return Filled(out.read_bytes(), summary, rejects)

    return fill
