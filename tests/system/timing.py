"""Times a landmark model on a backend: inside the sandbox and outside, by test_speed.py.

Two of these run at the same time and take turns by the clock, on one core: what slows the machine
down slows down both.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import open_session

SLOT = 0.2
"""Seconds of a turn, by the clock that all processes share."""
_FULL = 0.8  # share of a turn after which no run begins that would last into the other's
_WARM = 20


def main(backend: str, turn: str, seconds: str) -> None:
    """Write on what it ran, and the median milliseconds of each of its turns by their numbers.

    Args:
        backend: its name.
        turn: 0 for the even turns, 1 for the odd ones.
        seconds: how long to go on.
    """
    model = store.load("light")
    cpu, wall = {}, {}
    with open_session(backend, model, threads=1, derive=derive) as session:
        session.input[:] = np.random.default_rng(0).random(session.input.shape, np.float32)
        for _ in range(_WARM):
            session.run()
        end = time.monotonic() + float(seconds)
        while (now := time.monotonic()) < end:
            slot = int(now / SLOT)
            if slot % 2 != int(turn):
                time.sleep((slot + 1) * SLOT - now)
                continue
            session.run()  # the other one has had the caches
            runs = []
            while time.monotonic() < (slot + _FULL) * SLOT:
                begin = time.perf_counter(), time.process_time()
                session.run()
                runs.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
            if runs:
                wall[slot], cpu[slot] = (1000 * np.median(runs, axis=0)).tolist()
        on = str(session.describe())
    json.dump({"on": on, "cpu": cpu, "wall": wall}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
