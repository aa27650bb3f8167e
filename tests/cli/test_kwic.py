"""Concordance lines on a terminal."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.cli import kwic
from searchkbd.concordance.result import Line
from searchkbd.search.hit import Translation


def line(left, match, right, *translations):
    text = left + match + right
    return Line(
        "i", "ru", text, len(left), len(left) + len(match), "g", "o",
        tuple(Translation(f"{lang}-1", lang, each) for lang, each in translations),
    )  # fmt: skip


def printed(capsys, monkeypatch, width, *lines):
    monkeypatch.setattr(kwic.shutil, "get_terminal_size", lambda: os.terminal_size((width, 24)))
    capsys.readouterr()
    kwic.print_lines(lines)
    return capsys.readouterr().out.splitlines()


def test_matches_stand_in_one_column(capsys, monkeypatch):
    out = printed(
        capsys, monkeypatch, 60,
        line("Он ", "хотел", ", но забыл!", ("kbd", "Щӏалэр къалэм кӏуащ."), ("en", "He wanted.")),
        line("Моя\u0301 ", "хотела", " тебя"),
        line("", "хочет", ""),
        line("Это очень длинное предложение, в котором он опять ", "хотел", " и не смог" * 9),
    )  # fmt: skip
    kwic_lines = [each for each in out if not each.startswith("    kbd") and "en " not in each]
    columns = [
        kwic.cells(each[: at]) for each in kwic_lines for at in [each.find("хот")] if at >= 0
    ]
    assert columns == [24, 24, 24] and out[4] == " " * 24 + "хочет"
    assert out[5].startswith("…") and out[5].endswith("…")
    assert out[1:3] == ["    kbd  Щӏалэр къалэм кӏуащ.", "    en   He wanted."]
    assert all(kwic.cells(each) <= 60 for each in out)


@pytest.mark.parametrize("width", [20, 33, 80])
@given(
    parts=st.lists(
        st.tuples(st.text(max_size=60), st.text(min_size=1, max_size=60), st.text(max_size=60)),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_no_line_is_wider_than_the_terminal(width, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kwic.shutil, "get_terminal_size", lambda: os.terminal_size((width, 24)))
        out: list[str] = []
        patch.setattr(kwic.click, "echo", out.append)
        patch.setattr(kwic.click, "style", lambda text, **_: text)
        kwic.print_lines([line(*each) for each in parts])
    assert len(out) == len(parts)
    for each in out:
        assert kwic.cells(each) <= width
        assert not any(unicodedata.category(char) == "Cc" for char in each)


def test_texts_cannot_steer_the_terminal(capsys, monkeypatch):
    (out,) = printed(capsys, monkeypatch, 60, line("a\x1b[31m\tb\n", "x\x07", "\x9b2J"))
    assert out == "a\ufffd[31m b x\ufffd\ufffd2J"


@pytest.mark.parametrize(
    ("text", "width"), [("щӏалэ", 5), ("я\u0301", 1), ("a\u00adb", 2), ("漢字", 4), ("", 0)]
)
def test_columns(text, width):
    assert kwic.cells(text) == width
