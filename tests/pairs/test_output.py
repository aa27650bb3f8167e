"""The directory of pairs: there whole or not at all, and never in the place of other things."""

from __future__ import annotations

import pytest

from searchkbd.corpus.sentence import CorpusError
from searchkbd.pairs.output import COLUMNS, OutputDirectory, check_directory

ROW = dict(zip(COLUMNS, ("kbd", "ru", "a\tb", 'c\r\n"d', "g", "x"), strict=True))


def write(out, text="new"):
    with OutputDirectory(out) as directory:
        directory.pairs("train", iter([ROW]))
        directory.text("README.md", text)
    return directory


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_and_what_a_tsv_cannot_hold(tmp_path):
    out = tmp_path / "out"
    assert write(out).respaced == 2
    assert (out / "train.tsv").read_bytes() == (
        b'lang_a\tlang_b\ttext_a\ttext_b\tgroup\torigin\nkbd\tru\ta b\tc "d\tg\tx\n'
    )
    assert names(tmp_path) == ["out"]


def test_a_failure_leaves_what_was_there(tmp_path):
    out = tmp_path / "out"
    write(out, "old")
    with pytest.raises(KeyboardInterrupt), OutputDirectory(out) as directory:
        directory.text("README.md", "new")
        raise KeyboardInterrupt
    assert (out / "README.md").read_text() == "old" and names(tmp_path) == ["out"]
    write(out)
    assert (out / "README.md").read_text() == "new" and names(tmp_path) == ["out"]


def test_what_is_not_replaced(tmp_path):
    out = tmp_path / "out"
    check_directory(out, False)
    out.mkdir()
    check_directory(out, False)
    write(out)
    check_directory(out, True)
    with pytest.raises(CorpusError, match="--replace"):
        check_directory(out, False)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(CorpusError, match=r"other things \(notes.txt\)"):
        check_directory(out, True)
    with pytest.raises(CorpusError, match="not a directory"):
        check_directory(out / "notes.txt", True)
    with pytest.raises(CorpusError, match="not there; make it"):
        check_directory(tmp_path / "no" / "out", False)
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(CorpusError, match="not a directory"):
        check_directory(tmp_path / "link", True)
