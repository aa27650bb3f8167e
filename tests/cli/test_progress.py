"""Progress of builds on a terminal: how far, how fast and how long still."""

from __future__ import annotations

import contextlib
import gzip
import os
import re

import pytest

pty = pytest.importorskip("pty")

NOW = """
from searchkbd.cli import progress
from searchkbd.index import writer
progress.PATIENCE = 0.0
writer.ENCODE_BATCH = 50
"""
ROWS = "lang\ttext\n" + "".join(f"ru\tСнег и вода {n}.\n" for n in range(800))
UNIT = (
    '<tu>\n<tuv xml:lang="ru"><seg>Снег {0}.</seg></tuv>\n'
    '<tuv xml:lang="tr"><seg>Kar {0}.</seg></tuv>\n</tu>\n'
)
TMX = '<tmx version="1.4"><header srclang="ru"/><body>\n{}</body></tmx>\n'.format(
    "".join(UNIT.format(n) for n in range(200))
)


@pytest.fixture
def on_terminal(start):
    """Run a command with a terminal for its standard error; return what that showed."""

    def on_terminal(*arguments: object) -> str:
        terminal, theirs = pty.openpty()
        process = start(*arguments, before=NOW, stderr=theirs)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux says so that it was closed
            while piece := os.read(terminal, 1 << 16):
                shown += piece
        os.close(terminal)
        assert process.wait(60) == 0, shown.decode()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())

    return on_terminal


@pytest.mark.parametrize(("name", "content"), [("a.tsv", ROWS), ("a.tmx", TMX)])
def test_rate_and_time_left_where_the_size_is_known(on_terminal, write, tmp_path, name, content):
    shown = on_terminal("build", write(name, content), "--index", tmp_path / "i")
    shares = [int(share) for share in re.findall(r"(\d+)% [\d.,]+ lines/s", shown)]
    assert shares == sorted(shares) and shares[-1] >= 99
    assert any(0 < share < 99 for share in shares)
    assert re.search(r"lines/s \d:\d\d:\d\d", shown)


def test_a_rate_where_it_is_not(on_terminal, write, tmp_path):
    file = write("a.tsv.gz", gzip.compress(ROWS.encode()))
    shown = on_terminal("build", file, "--index", tmp_path / "i")
    assert re.search(r"[\d.,]+ sentences/s", shown) and "%" not in shown


def test_a_file_of_one_line_is_not_measured_by_lines(on_terminal, write, tmp_path):
    file = write("a.tmx", TMX.replace("\n", ""))
    shown = on_terminal("build", file, "--index", tmp_path / "i")
    assert "sentences/s" in shown and "%" not in shown
