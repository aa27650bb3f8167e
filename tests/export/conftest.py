"""Building small indexes from files, and exporting them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Reject
from searchkbd.export.options import ExportOptions, ExportSummary, Filters
from searchkbd.export.run import export, format_by_name
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.index.writer import build_index


class Workshop:
    """A folder of files and of indexes made from them."""

    def __init__(self, folder: Path, encoder) -> None:
        self.folder = folder
        self.encoder = encoder
        self._numbers = itertools.count()
        self.rejects: list[Reject] = []

    def write(self, name: str, content: str) -> Path:
        """Write a file into a folder of its own; its name is in ids and origins."""
        path = self._new() / name
        path.write_text(content, "utf-8", newline="")
        return path

    def build(self, *files: Path, **options) -> Path:
        """Return a new index of *files*; what was rejected is in ``rejects``."""
        directory = self._new() / "index"
        items = (
            item
            for file in files
            for item in read_corpus(file, ReadOptions(repair=False, **options))
        )
        self.rejects = []
        build_index(directory, items, self.encoder, on_reject=self.rejects.append)
        return directory

    def export(self, index: Path, name: str, **options) -> tuple[Path, ExportSummary]:
        """Export *index* to a file *name*; keywords are those of Filters and ExportOptions."""
        out = self._new() / name
        how = {key: options.pop(key) for key in ("pairs", "xliff_version") if key in options}
        format_ = options.pop("format", None) or format_by_name(str(out))
        with IndexReader(index) as reader:
            summary = export(
                reader, str(out), format_, ExportOptions(Filters(**options), **how)
            )
        return out, summary

    @staticmethod
    def stored(index: Path) -> list[StoredSentence]:
        """Return every sentence of an index, in the order of groups."""
        with IndexReader(index) as reader:
            return list(reader.iterate())

    def _new(self) -> Path:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        return folder


@pytest.fixture
def workshop(tmp_path, trigrams) -> Workshop:
    return Workshop(tmp_path, trigrams)


@pytest.fixture(scope="session")
def shared_workshop(tmp_path_factory, trigrams) -> Workshop:
    """For property tests, whose examples share a fixture."""
    return Workshop(tmp_path_factory.mktemp("exports"), trigrams)


TABLE = """\
id\tlang\ttext\tgroup\torigin\tnote
w-kbd\tkbd\tПсыр щIыIэщ.\twater\thome:kitchen\t
w-ru\tru\tВода холодная.\twater\thome:kitchen\tchecked
w-en\ten\tThe water is cold.\twater\tmt:model\t
b-kbd\tkbd\tЩакхъуэр хуабэщ.\tbread\tmt:model\t
b-ru\tru\tХлеб тёплый.\tbread\thome:table\t
t-ru\tru\tПоезд опоздал.\ttrain\troad\t
t-en\ten\tThe train was late.\ttrain\troad\t
"""


@pytest.fixture
def table_index(workshop) -> Path:
    """An index of TABLE: three units, of which one has all of kbd, ru and en."""
    return workshop.build(workshop.write("table.tsv", TABLE))
