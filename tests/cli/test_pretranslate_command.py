"""``tm pretranslate``: the analysis, its JSON, exit codes, and where the file goes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

PO = """\
msgid ""
msgstr ""
"Language: \\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "The water is cold."
msgstr ""

msgid "The water is not cold."
msgstr ""

msgid "The water is cold."
msgstr ""

msgid "Kept"
msgstr "Старое"
"""


@pytest.fixture
def fill(run, small_index):
    return lambda path, *more: run(
        "tm", "pretranslate", path, "--index", small_index, "--to", "kbd", *more
    )


@pytest.fixture
def po(write):
    pytest.importorskip("translate")
    return write("a.po", PO)


def test_a_file_is_filled_and_analysed(fill, po, tmp_path):
    out = tmp_path / "b.po"
    code, printed, err = fill(po, "-o", out, "--min-quality", 75)
    assert (code, err) == (0, "")
    assert 'msgstr "Псыр щIыIэщ."' in out.read_text("utf-8")
    lines = printed.splitlines()
    assert lines[0].split() == ["match", "segments", "words", "percent"]
    assert lines[2].split() == ["exact", "100", "1", "4", "30.8"]
    assert lines[3].split() == ["repetitions", "1", "4", "30.8"]
    assert [line for line in lines if line.startswith("total")][0].split() == ["total", "3", "13"]
    assert f"{out}: 2 segments translated, 1 filled to be reviewed" in printed
    assert "1  with a translation that was there" in printed
    assert max(map(len, lines)) < 80 or str(out) in max(lines, key=len)
    assert po.read_text("utf-8") == PO


def test_the_shape_of_json(fill, po, tmp_path):
    code, printed, _ = fill(po, "-o", tmp_path / "b.po", "--json")
    shape = json.loads(printed)
    assert list(shape) == [
        "file", "output", "from", "to", "min_quality", "segments", "words", "rows", "translated",
        "review", "semantic", "tags_lost", "kept", "others", "rejected",
    ]  # fmt: skip
    assert (shape["from"], shape["to"], shape["segments"], shape["words"]) == ("en", "kbd", 3, 13)
    rows = {row["match"]: row for row in shape["rows"]}
    assert list(rows) == [
        "101", "100", "repetitions", "95-99", "85-94", "75-84", "50-74", "semantic", "none",
    ]  # fmt: skip
    assert rows["100"] == {"match": "100", "segments": 1, "words": 4, "percent": 30.8}
    assert rows["75-84"]["segments"] == 1  # counted, but below --min-quality
    assert (shape["translated"], shape["review"], shape["kept"]) == (2, 0, 1)


def test_a_dry_run_writes_nothing(fill, po, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, printed, _ = fill(po, "--dry-run", "--json")
    assert (code, json.loads(printed)["output"]) == (0, None)
    assert json.loads(printed)["translated"] == 2
    assert "would be translated" in fill(po, "--dry-run").out
    assert sorted(tmp_path.iterdir()) == before


def test_standard_output_is_the_file_alone(fill, write):
    path = write("a.tsv", "en\nThe water is cold.\n")
    code, printed, err = fill(path, "-o", "-")
    assert code == 0 and "exact 100" in err
    assert printed.splitlines()[1] == "The water is cold.\tПсыр щIыIэщ.\texact\t100"


def test_the_file_itself_is_replaced_only_by_force(fill, po, tmp_path):
    link = tmp_path / "link.po"
    link.symlink_to(po)
    for out in (po, link):
        code, printed, err = fill(po, "-o", out)
        assert (code, printed) == (2, "") and "--force" in err
    assert po.read_text("utf-8") == PO
    assert fill(po, "-o", po, "--force").code == 0
    assert "Псыр щIыIэщ." in po.read_text("utf-8")


def test_what_cannot_be_read_is_told_with_its_place(fill, write, tmp_path):
    path = write("a.tsv", "en\tkbd\nThe water is cold.\nIt is raining.\t\n")
    code, _, err = fill(path, "-o", tmp_path / "b.tsv")
    assert code == 1 and f"{path}:2: wrong column count" in err
    assert "Уэшх къошх." in (tmp_path / "b.tsv").read_text("utf-8")
    report = tmp_path / "rejects.tsv"
    assert fill(path, "--dry-run", "--rejects", report).code == 1
    assert "wrong column count" in report.read_text("utf-8")


def test_by_meaning_with_the_encoder_that_ships(fill, write):
    path = write("a.tsv", "en\nThe bread is still warm today.\n")
    assert json.loads(fill(path, "--dry-run", "--json").out)["semantic"] == 0
    shape = json.loads(fill(path, "--dry-run", "--json", "--semantic").out)
    assert (shape["semantic"], shape["review"], shape["translated"]) == (1, 1, 0)


def test_penalty_and_pivot(fill, write):
    path = write("a.tsv", "ru\nВода холодная.\n")
    shape = json.loads(fill(path, "--dry-run", "--json", "--penalty", "small*=20").out)
    assert {row["match"]: row["segments"] for row in shape["rows"]}["75-84"] == 1
    assert fill(path, "--dry-run", "--pivot", "en", "--no-pivot").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "-o OUT"),
        (["-o", "x.tsv", "--dry-run"], "leave -o out"),
        (["-o", "-", "--json"], "--json"),
        (["--dry-run", "--min-quality", "49"], "--min-quality"),
        (["--dry-run", "--from", "kbd"], "both kbd"),
        (["--dry-run", "--from", "xx"], "'xx'"),
    ],
)
def test_what_cannot_be_done(fill, write, arguments, said):
    code, printed, err = fill(write("a.tsv", "en\nx\n"), *arguments)
    assert (code, printed) == (2, "") and said in err


def test_a_file_that_is_not_there(fill, tmp_path):
    for name in ("a.po", "a.xlf", "a.tmx", "a.tsv"):
        code, printed, err = fill(tmp_path / name, "--dry-run")
        assert (code, printed) == (2, "") and "does not exist" in err
    assert "--format" in fill(tmp_path / "a.doc", "--dry-run").err


def test_languages_that_the_index_has_not(run, small_index, write):
    path = write("a.tsv", "en\nThe water is cold.\n")
    code, _, err = run(
        "tm", "pretranslate", path, "--index", small_index, "--to", "de", "--dry-run"
    )
    assert code == 0 and "no sentences in de" in err


def test_without_translate_toolkit(fill, po, monkeypatch):
    for name in list(sys.modules):
        if name == "translate" or name.startswith("translate."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "translate", None)
    code, _, err = fill(po, "--dry-run")
    assert code == 2 and "pip install 'searchkbd[formats]'" in err


def test_a_full_disk_leaves_nothing_behind(process, small_index, write, tmp_path):
    """A limit on the size of files fails a write half-way, as a full disk does."""
    path = write("a.tsv", "en\n" + "The water is cold.\n" * 20_000)
    out = tmp_path / "out.tsv"
    out.write_text("of before")
    limit = 200_000
    code, _, err = process(
        "tm", "pretranslate", path, "--to", "kbd", "--index", small_index, "-o", out,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert code == 2 and str(out) in err
    assert out.read_text() == "of before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.tsv", "out.tsv"]


def test_help_imports_nothing_slow():
    probe = (
        "import sys; from searchkbd.cli.main import run; run(['tm', 'pretranslate', '-h']);"
        "slow = {'lxml', 'translate', 'numpy', 'faiss', 'rich'} & set(sys.modules);"
        "sys.exit(f'imported: {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
