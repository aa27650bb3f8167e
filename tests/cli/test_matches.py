"""Differences on a terminal and off it."""

from __future__ import annotations

import sys

import click
import pytest

from searchkbd.cli.matches import explained, wrapped_pieces
from searchkbd.memory.quality import Score, Term

PIECES = [("equal", "Мой брат "), ("delete", "сегодня"), ("insert", "завтра"), ("equal", " спит")]


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


def test_colours_on_a_terminal(terminal):
    shown = wrapped_pieces(PIECES, 4)
    assert click.style("сегодня", fg="red", strikethrough=True) in shown
    assert click.style("завтра", fg="green", bold=True) in shown
    lines = click.unstyle(shown).split("\n    ")
    assert lines == ["Мой брат", "сегоднязавтра спит"]
    assert all(len(line) <= 20 for line in lines)


def test_marks_elsewhere(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert wrapped_pieces(PIECES, 4) == "Мой брат [-сегодня-]{+завтра+} спит"


def test_a_word_longer_than_the_line_is_cut(terminal):
    shown = click.unstyle(wrapped_pieces([("insert", "ы" * 50)], 4))
    assert shown.replace("\n    ", "") == "ы" * 50
    assert max(map(len, shown.split("\n    "))) == 20


def test_explanations():
    assert explained(Score(0, 5)) == "100 (0 edits in 5 letters)"
    score = Score(0, 5, penalties=(Term("mt", 10),), context="key")
    assert explained(score) == "100 (0 edits in 5 letters) − 10 mt + 1 same key = 91"
    assert explained(Score(1, 5, (Term("numbers", 2),))).startswith("80 (1 edit in 5 letters) − 2")
