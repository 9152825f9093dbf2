"""A matrix product: what this machine can reach, and how fast it is at the moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIDE = 384
"""Three such matrices fit into a small processor's second-level cache."""
OPERATIONS = 2 * SIDE**3

# Of numpy's own library, then of those that other builds of numpy use; read at its import. Each
# thread multiplies for itself: their own threads wait for one another, which measures the waiting.
ENVIRONMENT = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
"""Variables that a process needs which measures."""


def products(threads: int, seconds: float) -> list[float]:
    """Multiply on so many threads at once for about so long; the seconds of every product."""
    with ThreadPoolExecutor(threads) as pool:
        taken = pool.map(_products, [seconds] * threads)
        return [each for some in taken for each in some]


def _products(seconds: float) -> list[float]:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, SIDE, SIDE), np.float32)
    out = np.empty_like(a)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (before := time.perf_counter()) < end or not taken:
        np.matmul(a, b, out=out)
        taken.append(time.perf_counter() - before)
    return taken
