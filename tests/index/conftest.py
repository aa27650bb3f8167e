"""What all tests of the index need."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Codes of some hundred vectors are made a hundred times as fast by one thread: more of them
    wait for each other, and longer when the machine is busy."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)
