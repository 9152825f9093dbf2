"""Times a landmark model on a backend: inside the sandbox and outside, by test_speed.py."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import open_session

RUNS = 150


def main(backend: str, threads: str) -> None:
    """Write the median of many runs, and on what it ran."""
    model = store.load("light")
    with open_session(backend, model, threads=int(threads), derive=derive) as session:
        session.input[:] = np.random.default_rng(0).random(session.input.shape, np.float32)
        seconds = []
        for _ in range(RUNS):
            begin = time.perf_counter()
            session.run()
            seconds.append(time.perf_counter() - begin)
        told = {"ms": 1000 * float(np.median(seconds)), "on": str(session.describe())}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
