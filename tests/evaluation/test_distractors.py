"""Texts that are nobody's translation."""

from __future__ import annotations

import pytest

from searchkbd.corpus.sentence import CorpusError
from searchkbd.evaluation.distractors import read_distractors

ROWS = (
    "id\tlang\ttext\n1\tru\tДом\n2\tru\tдом\n3\ten\tHouse\n4\tru\t…\n5\tru\tСад\n6\tru\tЛес\n"
    "7\tfr\tMaison\n"
)


def test_the_first_different_texts_of_each_language(tmp_path):
    (tmp_path / "c.tsv").write_text(ROWS, "utf-8")
    rejects, lines = [], []
    found = read_distractors(
        tmp_path / "c.tsv", {"ru": 2, "en": 1, "tr": 5},
        on_reject=rejects.append, progress=lines.append,
    )  # fmt: skip
    assert found == {"ru": ["Дом", "Сад"], "en": ["House"]}
    assert [reject.place.line for reject in rejects] == [5] and lines[-1] == 8


def test_no_more_is_read_than_needed(tmp_path):
    (tmp_path / "c.tsv").write_text(ROWS, "utf-8")
    lines = []
    read_distractors(tmp_path / "c.tsv", {"ru": 1, "en": 1}, progress=lines.append)
    assert lines[-1] == 4


def test_a_file_in_other_languages_is_an_error(tmp_path):
    (tmp_path / "c.tsv").write_text(ROWS, "utf-8")
    with pytest.raises(CorpusError, match=r"c\.tsv: no distractors.*tr, kbd"):
        read_distractors(tmp_path / "c.tsv", {"tr": 5, "kbd": 5})
