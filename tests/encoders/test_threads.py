"""The number of BLAS threads is limited inside a block and restored after the last one."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from searchkbd.encoders.threads import one_thread


def counts() -> list[int]:
    """Threads of numpy's BLAS; other packages bring their own, which encoding does not use."""
    np.ones((2, 2)) @ np.ones((2, 2))
    libraries = ThreadpoolController().select(user_api="blas").info()
    return [each["num_threads"] for each in libraries if "numpy" in each["filepath"]]


@pytest.fixture
def before() -> list[int]:
    found = counts()
    if max(found, default=1) < 2:
        pytest.skip("numpy's BLAS has one thread here anyway")
    return found


def test_nested_blocks(before):
    with one_thread():
        assert set(counts()) == {1}
        with one_thread():
            assert set(counts()) == {1}
        assert set(counts()) == {1}
    assert counts() == before


def test_it_is_restored_after_an_error(before):
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert counts() == before


def test_blocks_of_several_threads_leave_no_limit_behind(before):
    inside = []

    def work() -> None:
        for _ in range(30):
            with one_thread():
                inside.append(counts())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(inside) == 120
    assert {count for each in inside for count in each} == {1}
    assert counts() == before
