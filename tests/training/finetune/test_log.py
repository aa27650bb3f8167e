"""The log: whole rows whatever happens, none of them twice."""

from __future__ import annotations

import csv
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.training.finetune.log import COLUMNS, LogError, LogRow, TrainingLog, read_log

FIGURES = ["kbd-ru_accuracy@1", "ru-kbd_accuracy@1"]


def started(path, figures=FIGURES) -> TrainingLog:
    log = TrainingLog(path, figures)
    log.start()
    return log


def trained(step: int, **values) -> LogRow:
    return LogRow(step, step / 10, 2.0 * step, **values)


def test_rows_are_read_back(tmp_path):
    log = started(tmp_path / "log.csv")
    assert log.rows() == [] and log.seconds == 0
    rows = [
        LogRow(0, 0.0, 0.0, figures={"kbd-ru_accuracy@1": 0.25}),
        LogRow(10, 0.5, 3.5, 2.5, 5e-5, 0.125),
        LogRow(20, 1.0, 7.0, 1.5, 2.5e-5, 0.25, dict.fromkeys(FIGURES, 0.5)),
    ]
    for row in rows:
        log.append(row)
    assert log.rows() == read_log(log.path) == rows
    assert log.seconds == 7.0
    with open(log.path, encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == [*COLUMNS, *FIGURES]
    assert table[1]["loss"] == "2.5" and table[1]["kbd-ru_accuracy@1"] == ""


def test_rows_of_one_step_are_one(tmp_path):
    log = started(tmp_path / "log.csv")
    log.append(LogRow(5, 0.5, 3.0, 2.0, 1e-5, 1.0))
    log.append(LogRow(5, 0.5, 4.0, figures={FIGURES[0]: 0.75}))
    log.append(LogRow(5, 0.5, 4.5, figures={FIGURES[1]: 0.5}))
    figures = {FIGURES[0]: 0.75, FIGURES[1]: 0.5}
    assert log.rows() == [LogRow(5, 0.5, 4.5, 2.0, 1e-5, 1.0, figures)]


def test_a_loss_that_is_no_number_is_logged(tmp_path):
    log = started(tmp_path / "log.csv")
    log.append(trained(1, loss=math.nan, grad_norm=math.inf))
    (row,) = log.rows()
    assert math.isnan(row.loss) and row.grad_norm == math.inf


FINITE = st.floats(-1e6, 1e6)
VALUES = st.fixed_dictionaries(
    {"loss": st.none() | FINITE, "learning_rate": st.none() | st.floats(0, 1)},
    optional={"figures": st.dictionaries(st.sampled_from(FIGURES), st.floats(0, 1))},
)


@settings(max_examples=80)
@given(
    values=st.lists(st.tuples(st.integers(1, 5), VALUES), max_size=12),
    checkpoint=st.integers(0, 12),
    kill=st.integers(0, 10_000),
)
def test_a_killed_and_resumed_log_is_that_of_an_unbroken_run(
    tmp_path_factory, values, checkpoint, kill
):
    """Killed at any byte after a checkpoint, and all steps after the checkpoint logged again."""
    folder = tmp_path_factory.mktemp("log")
    rows, step = [], 0
    for ahead, given_values in values:
        rows.append(trained(step := step + ahead, **given_values))
    whole = started(folder / "whole.csv")
    sizes = [whole.path.stat().st_size]
    for row in rows:
        whole.append(row)
        sizes.append(whole.path.stat().st_size)
    content = whole.path.read_bytes()

    logged = min(checkpoint, len(rows))  # rows that were there when the checkpoint was written
    at = rows[logged - 1].step if logged else 0
    killed = TrainingLog(folder / "killed.csv", FIGURES)
    killed.path.write_bytes(content[: max(kill % (len(content) + 1), sizes[logged])])
    killed.resume(at)
    assert [row.step for row in killed.rows()] == [row.step for row in rows[:logged]]
    for row in rows[logged:]:
        killed.append(row)
    assert killed.path.read_bytes() == content


def test_resuming_leaves_no_trace_of_a_torn_row(tmp_path):
    log = started(tmp_path / "log.csv")
    log.append(trained(10, loss=1.0))
    whole = log.path.read_bytes()
    with open(log.path, "ab") as file:
        file.write(b"20,2.0,4")
    assert [row.step for row in log.rows()] == [10]
    log.resume(10)
    assert log.path.read_bytes() == whole
    assert sorted(tmp_path.iterdir()) == [log.path]


def test_a_lost_log_is_begun_anew(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", FIGURES)
    log.resume(30)
    log.append(trained(40))
    assert [row.step for row in log.rows()] == [40]


def test_other_columns_are_another_training(tmp_path):
    started(tmp_path / "log.csv", ["ru-en_accuracy@1"])
    with pytest.raises(LogError, match="other columns; start anew with --restart"):
        TrainingLog(tmp_path / "log.csv", FIGURES).resume(10)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "first line"),
        (b"a,b\n1,2\n", "first line"),
        (b"\xff\xfe\n", "damaged"),
        (",".join(COLUMNS).encode() + b"\n1,0.5\n", "line 2: damaged .2 cells, not 6"),
        (",".join(COLUMNS).encode() + b"\n1,0.5,x,,,\n", "line 2: damaged"),
        (",".join(COLUMNS).encode() + b"\n1,,3,,,\n", "line 2: damaged .no epoch"),
        (",".join(COLUMNS).encode() + b"\none,1,3,,,\n", "line 2: damaged"),
    ],
)
def test_what_is_no_log_is_named(tmp_path, content, message):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(LogError, match=f"log.csv.*{message}"):
        read_log(path)


def test_a_figure_without_a_column_is_refused(tmp_path):
    log = started(tmp_path / "log.csv")
    with pytest.raises(ValueError, match="no column ru-en_accuracy@1"):
        log.append(trained(1, figures={"ru-en_accuracy@1": 1.0}))
    assert log.rows() == []
