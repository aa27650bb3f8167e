"""Which files are of which split."""

from __future__ import annotations

import pytest

from searchkbd.corpus.sentence import CorpusError
from searchkbd.corpus.splits import files_of_split

SHARDS = ["data/rus-00001-of-00002.parquet", "data/rus-00000-of-00002.parquet"]


@pytest.mark.parametrize(
    ("files", "split", "found"),
    [
        ([*SHARDS, "data/eng-00000-of-00001.parquet"], "rus", sorted(SHARDS)),
        (["rus/0000.parquet", "eng/0000.parquet"], "rus", ["rus/0000.parquet"]),
        (["rus/part-1.parquet", "rus/part-0.parquet"], "rus",
         ["rus/part-0.parquet", "rus/part-1.parquet"]),
        (["rus.parquet", "README.md", "rus.csv"], "rus", ["rus.parquet"]),
        (["data/rus.parquet", "data/eng.parquet"], "eng", ["data/eng.parquet"]),
        (["rus/train-00000-of-00001.parquet", "eng/train-00000-of-00001.parquet"], "rus",
         ["rus/train-00000-of-00001.parquet"]),
        (["rus/train-00000-of-00001.parquet"], "rus/train", ["rus/train-00000-of-00001.parquet"]),
        (["data/a-b-00000-of-00001.parquet", "data/b-00000-of-00001.parquet"], "b",
         ["data/b-00000-of-00001.parquet"]),
        (["data/train-00000-of-00001.parquet"], None, ["data/train-00000-of-00001.parquet"]),
    ],
)  # fmt: skip
def test_the_files_of_a_split(files, split, found):
    assert files_of_split(files, split, "hf:a/b") == found


@pytest.mark.parametrize(
    ("files", "split", "said"),
    [
        (["README.md"], "rus", "has no Parquet files"),
        (["rus.parquet", "eng.parquet"], None, r"several splits; choose one: .* \(eng, rus\)"),
        (["rus.parquet"], "fra", r"no split 'fra'; choose one: --split NAME \(rus\)"),
        (["rus/train.parquet", "eng/train.parquet"], "train", r"\(eng/train, rus/train\)"),
        (SHARDS[:1], "rus", "1 of the 2 files of the split rus are there"),
    ],
)
def test_what_is_no_split(files, split, said):
    with pytest.raises(CorpusError, match=f"hf:a/b:? .*{said}"):
        files_of_split(files, split, "hf:a/b")
