"""The report of rejects."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.report import HEADER, RejectReport
from searchkbd.corpus.sentence import CorpusError, Place, Reject


def reject(raw: str, reason: str = "no text", line: int = 1) -> Reject:
    return Reject(Place("in.tsv", line), reason, raw)


def test_rejects_are_listed_and_counted_by_kind(tmp_path):
    with RejectReport(tmp_path / "out.tsv") as report:
        report.add(reject("a\tb", "wrong column count: 2 instead of 5", 4))
        report.add(reject("c", "wrong column count: 1 instead of 5", 9))
        report.add(reject("", line=12))
        assert not report.path.exists()  # not before it is whole
    assert report.count == 3
    assert report.by_reason == {"wrong column count": 2, "no text": 1}
    assert report.path.read_text(encoding="utf-8").splitlines() == [
        "file\tline\treason\ttext",
        "in.tsv\t4\twrong column count: 2 instead of 5\ta\\tb",
        "in.tsv\t9\twrong column count: 1 instead of 5\tc",
        "in.tsv\t12\tno text\t",
    ]
    assert list(tmp_path.iterdir()) == [report.path]


def unescaped(text: str) -> str:
    out, rest = "", iter(text)
    for char in rest:
        if char == "\\":
            char = next(rest)
            if char == "x":
                char = chr(int(next(rest) + next(rest), 16))
            else:
                char = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}[char]
        out += char
    return out


def test_a_report_cannot_drive_a_terminal(tmp_path):
    with RejectReport(tmp_path / "out.tsv") as report:
        report.add(reject("\x1b[31m\x07\x9b", "control character: U+001B"))
    assert report.path.read_text("utf-8").splitlines()[1].endswith("\t\\x1b[31m\\x07\\x9b")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="\\\t\n\rntrщ\u2028\x85", max_size=20))
def test_any_text_can_be_told_from_its_escapes(tmp_path, raw):
    with RejectReport(tmp_path / "out.tsv") as report:
        report.add(reject(raw))
    with open(report.path, encoding="utf-8", newline="") as file:
        header, line, end = file.read().split("\n")
    assert (header + "\n", end) == (HEADER, "")
    assert unescaped(line.split("\t")[3]) == raw


def test_half_a_surrogate_pair_can_be_written(tmp_path):
    with RejectReport(tmp_path / "out.tsv") as report:
        report.add(reject("x\ud800"))
    assert report.path.read_text(encoding="utf-8").endswith("x\\ud800\n")


def test_without_a_reject_there_is_no_file(tmp_path):
    with RejectReport(tmp_path / "out.tsv") as report:
        pass
    assert (report.count, list(tmp_path.iterdir())) == (0, [])


def test_the_report_of_an_earlier_run_is_replaced_or_removed(tmp_path):
    path = tmp_path / "out.tsv"
    for raw in ("first", "second"):
        with RejectReport(path) as report:
            report.add(reject(raw))
    assert path.read_text(encoding="utf-8").count("\n") == 2
    with RejectReport(path):
        pass
    assert not path.exists()


def test_a_file_that_is_no_report_is_not_removed(tmp_path):
    path = tmp_path / "corpus.tsv"
    path.write_text("id\tlang\ttext\n", encoding="utf-8")
    with RejectReport(path):
        pass
    assert path.exists()


def test_the_report_of_a_run_that_fails_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt), RejectReport(tmp_path / "out.tsv") as report:
        report.add(reject("x"))
        raise KeyboardInterrupt
    assert report.path.exists()


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    path = tmp_path / "missing" / "out.tsv"
    with pytest.raises(CorpusError, match="cannot be written.*--rejects"), RejectReport(path) as r:
        r.add(reject("x"))
