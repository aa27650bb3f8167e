"""One BLAS thread for small work.

Handing a matrix product of a few rows to several threads costs more than the product; on a
machine with other load it took 13 to 60 ms where one thread took 4.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

# The number of threads belongs to the process. If two blocks overlapped, the one that ends last
# would restore what it found, the other's limit; so they wait for each other (milliseconds).
_lock = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the block with one BLAS thread; one such block runs at a time, nested ones apart."""
    with _lock, _controller().limit(limits=1, user_api="blas"):
        yield


def blas_threads() -> int:
    """Return how many threads a matrix product takes now (``OMP_NUM_THREADS`` lowers it)."""
    return max([1, *(each["num_threads"] for each in _controller().info()
                     if each["user_api"] == "blas")])  # fmt: skip


@lru_cache(maxsize=1)
def _controller():
    # It finds the libraries that are loaded by now, hence this import.
    import numpy  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
