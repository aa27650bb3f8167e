"""Running commands, in this process (fast) or in one of their own (the real end of a process)."""

from __future__ import annotations

import functools
import io
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from searchkbd import encoders
from searchkbd.cli.main import run as run_command
from searchkbd.index.checksums import CATALOG_KEY, catalog_checksum

ROOT = Path(__file__).resolve().parents[2]

SENTENCES = {
    "water": {
        "kbd": "Псыр щIыIэщ.", "ru": "Вода холодная.", "en": "The water is cold.",
        "fr": "L'eau est froide.", "tr": "Su soğuk.",
    },
    "bread": {
        "kbd": "Щакхъуэр хуабэщ.", "ru": "Хлеб тёплый.", "en": "The bread is warm.",
        "fr": "Le pain est chaud.", "tr": "Ekmek sıcak.",
    },
    "rain": {
        "kbd": "Уэшх къошх.", "ru": "Идёт дождь.", "en": "It is raining.",
        "fr": "Il pleut.", "tr": "Yağmur yağıyor.",
    },
    "train": {"ru": "Поезд опоздал.", "en": "The train was late."},
}  # fmt: skip
"""What most tests build their index from: group → language → text."""


@pytest.fixture(scope="session")
def texts() -> dict[str, dict[str, str]]:
    return SENTENCES


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.err

    def __iter__(self):
        return iter((self.code, self.out, self.err))


def table(rows: list[tuple[str, ...]], header: str = "id\tlang\ttext\tgroup") -> str:
    return "".join("\t".join(row) + "\n" for row in [(header,), *rows])


@pytest.fixture(scope="session")
def sentences_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("input") / "small.tsv"
    rows = [
        (f"{group}-{lang}", lang, text, group)
        for group, texts in SENTENCES.items()
        for lang, text in texts.items()
    ]
    path.write_text(table(rows), "utf-8")
    return path


@pytest.fixture(scope="session", autouse=True)
def one_encoder():
    """Commands run in this process share one encoder: its weights are read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_encoder", functools.cache(encoders.load_encoder))
        yield


@pytest.fixture(scope="session")
def small_index(tmp_path_factory, sentences_file) -> Path:
    """An index of SENTENCES; tests must not write to it."""
    directory = tmp_path_factory.mktemp("indexes") / "small"
    assert run_command(["build", str(sentences_file), "--index", str(directory)]) == 0
    return directory


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., Result]:
    """Run a command in this process: run("search", "вода", "--index", path, stdin=None)."""

    def run(*arguments: object, stdin: bytes | str = b"") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        capsys.readouterr()
        code = run_command([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write a file of the test's own: write("name.tsv", "text" or bytes)."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def command(*arguments: object, before: str = "") -> list[str]:
    """A command line; *before* is Python that is run first, in the same process."""
    run = ["-c", f"{before}\nfrom searchkbd.cli.main import main\nmain()"]
    return [sys.executable, *(run if before else ["-m", "searchkbd"]), *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """The variables of a process: the cache of the tests, and nothing else that is ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEARCHKBD") or name == "SEARCHKBD_CACHE"
    }
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


@pytest.fixture
def process() -> Callable[..., Result]:
    """Run a command in a process of its own; *prefix* goes before it, *more* to subprocess."""

    def process(
        *arguments: object, stdin: bytes = b"", prefix: tuple[str, ...] = (), env=None, **more
    ) -> Result:
        done = subprocess.run(
            [*prefix, *command(*arguments)], input=stdin, capture_output=True, timeout=120,
            env=environment(**(env or {})), **more,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return process


@pytest.fixture
def start() -> Callable[..., subprocess.Popen]:
    """Start a command and return its process; what still runs at the end is killed.

    *before* is as of ``command``, the others go to subprocess.
    """
    started: list[subprocess.Popen] = []

    def start(
        *arguments: object, stdin=subprocess.DEVNULL, before: str = "", **streams
    ) -> subprocess.Popen:
        # Where the tests run in the background, SIGINT may be ignored, and that is inherited.
        started.append(
            subprocess.Popen(
                command(*arguments, before=before), stdin=stdin, env=environment(),
                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )  # fmt: skip
        )
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()
        for stream in (one.stdout, one.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def mount(tmp_path) -> Callable[[str], Path]:
    """Mount a small file system: mount("size=2m"); skips where that is not allowed."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True
            )
        except OSError as error:
            pytest.skip(f"no mount command: {error}")
        if done.returncode:
            pytest.skip(f"mounting needs rights that we do not have: {done.stderr.decode()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def edit_meta() -> Callable[..., None]:
    """Change what an index says of itself, as if it had been so: edit_meta(index, dim="…")."""

    def edit_meta(index: Path, **values: str) -> None:
        connection = sqlite3.connect(index / "index.db")
        with connection:
            for key, value in values.items():
                connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = ?",
                (catalog_checksum(connection), CATALOG_KEY),
            )
        connection.close()

    return edit_meta
