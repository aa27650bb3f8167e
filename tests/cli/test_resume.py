"""``build --resume``: builds that were really killed go on, and encode nothing twice."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from searchkbd.cache.tidy import usage
from searchkbd.cli.job import BuildJob
from searchkbd.cli.reading import _NAMES
from searchkbd.cli.resume import BuildNote
from searchkbd.corpus.options import ReadOptions
from searchkbd.encoders.spec import EncoderSpec
from searchkbd.encoders.use_weights import cache_directory
from searchkbd.index import writer
from searchkbd.index.reader import IndexReader

WORDS = ["дом", "река", "вода", "хлеб", "стол", "рука", "школа", "поезд", "снег", "ветер"]
ROWS = 2000
SMALL_STEPS = """
from searchkbd.cache import store
from searchkbd.index import writer
store.FLUSH_SECONDS = 0.0  # cached batch by batch, and these are small
writer.ENCODE_BATCH = 200
"""
NOTE = "building.json"

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")


def rows(name: str, count: int = ROWS) -> str:
    """Sentences that no other test has."""
    return "".join(
        f"ru\t{name}, {WORDS[n % 10]} {WORDS[n // 10 % 10]} {n}.\n" for n in range(count)
    )


def cached() -> int:
    return sum(entry.sentences for entry in usage(cache_directory()))


def stored(index: Path) -> set[tuple[str, str, str]]:
    with IndexReader(index) as reader:
        return set(reader.connection.execute("SELECT id, lang, text FROM sentences"))


def wait_until(process, happened) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@posix
@pytest.mark.parametrize("mode", ["build", "add", "replace"])
def test_a_killed_build_goes_on(run, start, write, sentences_file, tmp_path, mode):
    index = tmp_path / "i"
    if mode != "build":
        run("build", sentences_file, "--index", index)
    old = stored(index) if mode == "add" else set()
    file = write("many.tsv", "lang\ttext\n" + rows(mode))
    before = cached()
    process = start(
        mode, file.name, "--origin", "книга", "--index", index, cwd=tmp_path, before=SMALL_STEPS
    )
    wait_until(process, lambda: cached() - before >= 400)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = cached() - before
    assert 400 <= done < ROWS
    assert (index / NOTE).exists()

    code, out, err = run("build", "--resume", "--index", index, "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert (shape["added"], shape["cached"], shape["encoded"]) == (ROWS, done, ROWS - done)
    new = stored(index) - old
    assert len(new) == ROWS and old <= stored(index)
    assert ("many.tsv:2", "ru", f"{mode}, дом дом 0.") in new
    assert not (index / NOTE).exists()
    assert run("verify", "--index", index).code == 0
    hits = json.loads(run("search", f"{mode}, дом дом 0.", "--index", index, "--json").out)["hits"]
    assert hits[0]["id"] == "many.tsv:2" and hits[0]["origin"] == "книга"


@posix
def test_an_interrupted_build_says_how_to_go_on(run, start, tmp_path):
    """From another directory, two files of one name keep the ids that they would have had."""
    index = tmp_path / "an index"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.tsv").write_text("lang\ttext\n" + rows(f"int {folder}"), "utf-8")
    process = start(
        "build", "a/x.tsv", "b/x.tsv", "--index", "an index", cwd=tmp_path, before=SMALL_STEPS
    )
    wait_until(process, (index / NOTE).exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "interrupted" in err.decode()
    assert "searchkbd build --resume --index 'an index'" in err.decode()
    assert [path.name for path in index.iterdir()] == [NOTE]

    assert run("build", "--resume", "--index", index).code == 0
    assert {id_ for id_, _, _ in stored(index)} == {
        f"{folder}/x.tsv:{n + 2}" for folder in ("a", "b") for n in range(ROWS)
    }


@posix
def test_standard_input_cannot_be_resumed(run, start, tmp_path):
    index = tmp_path / "i"
    process = start(
        "build", "-", "--lang", "ru", "--index", index, stdin=-1, before=SMALL_STEPS
    )
    process.stdin.write("".join(f"Снег {n}.\n" for n in range(2000)).encode())
    process.stdin.flush()
    wait_until(process, (index / "index.db").exists)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "interrupted" in err.decode()
    assert "searchkbd build --resume" not in err.decode()
    assert not (index / NOTE).exists()
    code, _, err = run("build", "--resume", "--index", index)
    assert code == 2 and "nothing to resume" in err and "standard input" in err


@posix
def test_a_refused_build_leaves_the_note_of_the_running_one(
    run, start, write, sentences_file, tmp_path
):
    index = tmp_path / "i"
    file = write("many.tsv", "lang\ttext\n" + rows("busy"))
    process = start("build", file, "--index", index, before=SMALL_STEPS)
    wait_until(process, (index / NOTE).exists)
    process.send_signal(signal.SIGSTOP)
    before = (index / NOTE).read_bytes()
    for arguments in (["build", sentences_file], ["build", "--resume"]):
        code, _, err = run(*arguments, "--index", index)
        assert code == 2 and str(process.pid) in err
        assert (index / NOTE).read_bytes() == before
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not (index / NOTE).exists() and len(stored(index)) == ROWS


@pytest.mark.parametrize(
    ("content", "options"),
    [("…\n", ["--lang", "ru"]), ("id\tlang\ttext\n", []), ("Снег.\n", [])],
    ids=["nothing accepted", "no rows", "no language"],
)
def test_a_build_that_fails_leaves_no_note(run, write, sentences_file, tmp_path, content, options):
    file = write("a.tsv" if "\t" in content else "a.txt", content)
    assert run("build", file, *options, "--index", tmp_path / "new").code == 2
    assert not (tmp_path / "new").exists()
    index = tmp_path / "i"
    run("build", sentences_file, "--index", index)
    assert run("replace", file, *options, "--index", index).code == 2
    assert not (index / NOTE).exists() and len(stored(index)) == 17


def test_killed_after_the_commit(run, sentences_file, tmp_path, monkeypatch):
    """What a process leaves that ends between its commit and the removal of the note."""
    index = tmp_path / "i"
    with monkeypatch.context() as patch:
        patch.setattr(BuildNote, "_remove", lambda self: None)
        run("build", sentences_file, "--index", index)
    assert (index / NOTE).exists()
    code, _, err = run("build", "--resume", "--index", index)
    assert code == 2 and "had been stored" in err and not (index / NOTE).exists()
    with monkeypatch.context() as patch:
        patch.setattr(BuildNote, "_remove", lambda self: None)
        run("add", sentences_file, "--index", index)
    code, out, _ = run("build", "--resume", "--index", index, "--json")
    assert (code, json.loads(out)["added"], json.loads(out)["merged"]) == (0, 0, 17)
    assert not (index / NOTE).exists()


def test_interrupted_after_the_commit(run, sentences_file, tmp_path, monkeypatch):
    def interrupted(directory, progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "maintain", interrupted)
    code, _, err = run("build", sentences_file, "--index", tmp_path / "i")
    assert code == 2 and "interrupted" in err and "complete" in err
    assert not (tmp_path / "i" / NOTE).exists() and len(stored(tmp_path / "i")) == 17


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 1}', '{"format": 2}', "\x00" * 50, "[" * 100_000],
    ids=["empty", "cut", "list", "blank", "bare", "newer", "zeros", "nested"],
)
def test_a_damaged_note(run, write, tmp_path, text):
    (tmp_path / "i").mkdir()
    write("i/building.json", text)
    code, _, err = run("build", "--resume", "--index", tmp_path / "i")
    assert code == 2 and NOTE in err and "FILEs" in err
    # It is ours nevertheless: a new build goes over it.
    file = write("a.txt", "Снег.\n")
    assert run("build", file, "--lang", "ru", "--index", tmp_path / "i").code == 0
    assert not (tmp_path / "i" / NOTE).exists()


def test_a_note_cannot_make_the_report_replace_a_file(run, write, sentences_file, tmp_path):
    precious = write("precious.txt", "mine\n")
    (tmp_path / "i").mkdir()
    job = made(files=(str(sentences_file),), rejects=precious)
    write("i/building.json", json.dumps({"format": 2, "token": "", **job.to_json()}))
    code, _, err = run("build", "--resume", "--index", tmp_path / "i")
    assert code == 2 and str(precious) in err
    assert precious.read_text() == "mine\n"


def test_nothing_to_resume(run, small_index, tmp_path):
    for index in (small_index, tmp_path / "none"):
        code, out, err = run("build", "--resume", "--index", index)
        assert (code, out) == (2, "") and "nothing to resume" in err and str(index) in err


@pytest.mark.parametrize("more", [["a.tsv"], ["--add"], ["--workers", "2"], ["--lang", "ru"]])
def test_resume_takes_no_other_options(run, tmp_path, more):
    code, _, err = run("build", "--resume", *more, "--index", tmp_path / "i")
    assert code == 2 and "--resume" in err and more[0].split(".")[0].upper()[:4] in err.upper()


def made(**values) -> BuildJob:
    files = values.pop("files", ("/data/a.tsv",))
    return BuildJob(**{
        "mode": "new", "files": files, "names": files, "reading": ReadOptions(), "encoder": None,
        "penalty": None, "rejects": None, "workers": 1, "cache": True, **values,
    })  # fmt: skip


@pytest.mark.parametrize(
    "job",
    [
        made(),
        made(
            mode="add", files=("hf:owner/name", "/a/б.tsv"), encoder=EncoderSpec("embedded"),
            penalty=0,
        ),
        made(
            mode="replace", names=("a.tsv",), encoder=EncoderSpec("/enc", "int8", "ӏ"),
            rejects=Path("/r.tsv"), workers=3, cache=False,
            reading=ReadOptions(
                lang="kbd", langs=("kbd", "ru"), columns={"text": "фраза"}, delimiter=";",
                header=False, format="csv", encoding="cp1251", repair=False, origin="o",
                links="/l.csv", take=("kbd", "ru"), min_similarity=0.5, percentile=75.0,
                split="train", revision="v1",
            ),
        ),
    ],
)  # fmt: skip
def test_a_job_comes_back_from_json(job):
    assert BuildJob.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_paths_are_made_absolute_and_every_option_is_kept(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "enc").mkdir()
    said = made(
        files=("a.tsv", "hf:o/n"), encoder=EncoderSpec("enc"), rejects=Path("r.tsv"),
        reading=ReadOptions(links="l.csv"),
    ).to_json()  # fmt: skip
    here = Path.cwd()
    assert said["files"] == [str(here / "a.tsv"), "hf:o/n"] and said["names"] == ["a.tsv", "hf:o/n"]
    assert said["encoder"] == {"name": str(here / "enc")} and said["rejects"] == str(here / "r.tsv")
    assert said["reading"]["links"] == str(here / "l.csv")
    assert set(said["reading"]) == {*_NAMES, "origin", "min_similarity", "percentile"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "other"), ("files", [1]), ("names", None), ("reading", {}), ("encoder", 3),
        ("encoder", {"name": 3}), ("encoder", {"x": "y"}),
        ("penalty", "x"), ("rejects", 1), ("workers", None),
    ],
)  # fmt: skip
def test_a_job_of_other_types_is_refused(field, value):
    with pytest.raises(ValueError):
        BuildJob.from_json({**made().to_json(), field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("lang", 1), ("langs", ["ru"]), ("langs", "ru"), ("take", None), ("columns", [])],
)
def test_reading_options_of_other_types_are_refused(field, value):
    said = made().to_json()
    said["reading"][field] = value
    with pytest.raises(ValueError):
        BuildJob.from_json(said)
