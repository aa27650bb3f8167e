"""Encoding in several processes: the same vectors, in order; no process is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders import Encoder, EncoderError, UnknownEncoderError
from searchkbd.encoders.workers import _PART_CHARS, WorkerPool, _parts

TEXTS = ["Где здесь школа?", "Сэ еджапIэм сокIуэ.", "", "Where is the second bus?", "слово " * 90,
         "Псы щIыIэ къызэт.", "Bu akşam misafirlerimiz gelecek.", "дахэ " * 30]  # fmt: skip
LANGS = ["ru", "kbd", "en", "en", "ru", "kbd", "tr", None]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="looks at processes by POSIX signals")


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(workers=2) as opened:
        yield opened


def test_it_is_the_same_encoder(pool, embedded):
    assert isinstance(pool, Encoder)
    for name in ("name", "dim", "fingerprint"):
        assert getattr(pool, name) == getattr(embedded, name)


def test_vectors_are_those_of_one_process_in_order(pool, embedded):
    texts, langs = TEXTS * 40, LANGS * 40
    assert len(list(_parts(texts, 2))) >= 4
    found = pool.encode(texts, langs)
    assert found.dtype == np.float32
    assert np.allclose(found, embedded.encode(texts, langs), atol=1e-6)
    assert np.allclose(pool.encode(texts), embedded.encode(texts), atol=1e-6)
    assert pool.encode([], []).shape == (0, 512)


def test_wrong_arguments_are_refused(pool):
    with pytest.raises(TypeError, match="sequence of strings"):
        pool.encode("one text")
    with pytest.raises(ValueError, match="2 texts but 1"):
        pool.encode(["a", "b"], ["ru"])
    with pytest.raises(ValueError, match="at least 1"):
        WorkerPool(workers=0)
    with pytest.raises(UnknownEncoderError, match="labs"):
        WorkerPool("labs", workers=2)


@given(sizes=st.lists(st.integers(0, 30_000), max_size=40), workers=st.integers(1, 5))
def test_parts_cover_the_batch_in_order(sizes, workers):
    batch = ["я" * size for size in sizes]
    parts = list(_parts(batch, workers))
    assert [text for part in parts for text in batch[part]] == batch
    assert all(batch[part] for part in parts)
    for part in parts:
        # Without its last text a part is below the limit.
        assert sum(len(text) + 1 for text in batch[part][:-1]) < _PART_CHARS[1]


def gone(pids: list[int], seconds: float = 20) -> bool:
    """Return whether all *pids* end within *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        shown = subprocess.run(["ps", "-o", "stat=", "-p", ",".join(map(str, pids))],
                               stdout=subprocess.PIPE, text=True, check=False).stdout  # fmt: skip
        if all(stat.startswith("Z") for stat in shown.split()):
            return True
        time.sleep(0.05)
    return False


def test_a_dead_worker_is_reported_and_nothing_runs_on():
    before = multiprocessing.active_children()
    with WorkerPool(workers=2) as pool:
        pool.encode(TEXTS * 40, LANGS * 40)
        mine = [process.pid for process in multiprocessing.active_children()
                if process not in before]  # fmt: skip
        assert len(mine) == 2
        os.kill(mine[0], signal.SIGKILL)
        with pytest.raises(EncoderError, match="worker process.*fewer than 2 workers"):
            for _ in range(50):
                pool.encode(TEXTS, LANGS)
        assert gone(mine)
        with pytest.raises(EncoderError, match="closed"):
            pool.encode(TEXTS, LANGS)


PROGRAM = """
import multiprocessing
from searchkbd.encoders.workers import WorkerPool
if __name__ == "__main__":
    with WorkerPool(workers=2) as pool:
        pool.encode(["Где школа? " * 9] * 200, ["ru"] * 200)
        print(*[process.pid for process in multiprocessing.active_children()], flush=True)
        while True:
            pool.encode(["Где школа? " * 9] * 200, ["ru"] * 200)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_program(tmp_path, ending):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    run = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip
    workers = [int(pid) for pid in run.stdout.readline().split()]
    assert len(workers) == 2
    assert not gone(workers, seconds=0.1)
    if ending == signal.SIGINT:
        os.killpg(run.pid, ending)  # as a terminal sends it
    else:
        run.kill()
    _, shown = run.communicate(timeout=60)
    assert gone(workers)
    if ending == signal.SIGINT:
        assert shown.count("Traceback") == 1, shown
        assert shown.rstrip().endswith("KeyboardInterrupt")
