"""What the service needs, every few seconds; and whether that grows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.soak.rig import Rig

QUIET_SECONDS = 20.0
"""After a fault, until figures of the steady state are taken again."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one moment."""

    seconds: float
    """Since it was ready."""
    rss_mb: float
    camera_rss_mb: float
    """Of the camera's process; 0 while there is none."""
    fds: int
    threads: int
    written: int
    """Bytes that it had the kernel write to disks so far."""
    frames: int
    delivered: int
    age_ms: float
    age_p99_ms: float
    quiet: bool
    """No fault now, nor lately."""


class Sampler(threading.Thread):
    """Takes samples until it is stopped."""

    def __init__(self, rig: Rig, begun: float, every: float) -> None:
        super().__init__(name="sampler", daemon=True)
        self.samples: list[Sample] = []
        self._rig = rig
        self._begun = begun
        self._every = every
        self._end = threading.Event()
        self._quiet_from = begun

    def trouble(self, *, over: bool) -> None:
        """Note that a fault begins, or is mended."""
        self._quiet_from = time.monotonic() + QUIET_SECONDS if over else float("inf")

    def stop(self) -> None:
        """Take no more."""
        self._end.set()
        self.join()

    def run(self) -> None:
        """Sample at even distances."""
        while not self._end.wait(self._every):
            if (sample := self._take()) is not None:
                self.samples.append(sample)

    def _take(self) -> Sample | None:
        health = self._rig.health()
        process = Path(f"/proc/{self._rig.process.pid}")
        if health is None or not self._rig.lives:
            return None
        now = time.monotonic()
        camera = self._rig.capture()
        status = _fields(process / "status")
        return Sample(
            seconds=round(now - self._begun, 1),
            rss_mb=status["VmRSS"] / 1024,
            camera_rss_mb=_rss(camera) / 1024 if camera else 0.0,
            fds=sum(1 for _ in (process / "fd").iterdir()),
            threads=status["Threads"],
            written=_fields(process / "io")["write_bytes"],
            frames=sum(camera.frames for camera in health.cameras),
            delivered=sum(output.delivered for output in health.outputs),
            age_ms=max((camera.age_ms or 0.0 for camera in health.cameras), default=0.0),
            age_p99_ms=max((camera.age_p99_ms or 0.0 for camera in health.cameras), default=0.0),
            quiet=now >= self._quiet_from,
        )


def slope_per_hour(times: Sequence[float], values: Sequence[float]) -> float:
    """Return how much `values` grow in an hour: Theil's and Sen's median of all slopes."""
    x, y = np.asarray(times), np.asarray(values)
    first, second = np.triu_indices(len(x), k=1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])) * 3600)


def _fields(path: Path) -> dict[str, int]:
    """The numbers of a file of /proc with one "name: number" in each line."""
    pairs = (line.partition(":")[::2] for line in path.read_text().splitlines())
    words = ((name, value.split()) for name, value in pairs)
    return {name: int(value[0]) for name, value in words if value and value[0].isdigit()}


def _rss(pid: int) -> int:
    try:
        return _fields(Path(f"/proc/{pid}/status")).get("VmRSS", 0)
    except OSError:
        return 0
