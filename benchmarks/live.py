"""What an open live page costs the loop: closed, skeleton and picture in turns, in one run.

`python -m edgehands.benchmarks.live` follows two drawn hands at 1280×720 and 30 frames a second
with Full on tflite. Two pages hang on the loop, one with pixels and one without; a viewer in a
process of its own opens one, the other or none for two seconds each, again and again. In the end it
opens the page with pixels and reads nothing. Figures go to benchmarks/results/live.{json,md}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.benchmarks.vs_mediapipe.scenarios import SCENARIOS
from edgehands.cameras import open_camera
from edgehands.config import CameraConfig, TrackerConfig
from edgehands.control import Control
from edgehands.frame import Frame
from edgehands.outputs.queue import EventQueue
from edgehands.recording import Header
from edgehands.service.hub import Hub
from edgehands.service.pipeline import Pipeline
from edgehands.summary import Summary
from edgehands.tracker import HandTracker
from edgehands.web.feed import Shown
from edgehands.web.live import LivePage
from edgehands.web_settings import WebConfig

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

RESULTS = Path(__file__).parent / "results"

_FPS = 30
_TURN = 60  # frames
_SETTLING = 12  # frames of a turn that do not count: the viewer comes or goes
_ROUNDS = 30
_STALLED_SECONDS = 20
_STATES = ("closed", "skeleton", "picture")

# Reads "PORT READS" on a line, opens the page there and discards what comes, or does not read.
_VIEWER = r"""
import select, socket, sys
page = None
while True:
    ready, _, _ = select.select([sys.stdin, *([page] if page else [])], [], [])
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if page:
            page.close()
        if not line:
            break
        port, reads = map(int, line.split())
        page = None
        if port:
            page = socket.create_connection(("127.0.0.1", port))
            page.sendall(
                b"GET /live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n"
                b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % (port, port)
            )
            if not reads:
                page = None if select.select([sys.stdin], [], [], 1e6) else None
    elif page and not page.recv(1 << 20):
        page = None
"""


class _Loop:
    """A loop as a service has it, with frames from memory and two pages."""

    def __init__(self, opened: ExitStack) -> None:
        (scenario,) = (each for each in SCENARIOS if each.name == "drawn-2")
        with open_camera(str(scenario.clip(None))) as camera:
            images = [frame.image for frame in islice(camera, 40, 40 + _TURN)]
        self._images = cycle([*images, *reversed(images)])  # no jump at the end
        control = Control()
        camera_config = CameraConfig(source="synthetic:")
        header = Header(run="live", camera=camera_config.name, live=True)
        shown = [Shown(header, camera_config, TrackerConfig())]
        self.pages = {}
        for state, pixels in (("skeleton", False), ("picture", True)):
            config = WebConfig(enabled=True, address="127.0.0.1:0", pixels=pixels)
            self.pages[state] = LivePage(config, shown, control)
            opened.callback(self.pages[state].close)
        queue = EventQueue((), live=True)
        opened.callback(queue.close)
        hub = Hub(queue, lambda: None, outputs=tuple(self.pages.values()), control=control)
        tracker = opened.enter_context(HandTracker("full", "tflite"))
        self._pipeline = Pipeline(header, tracker, hub, Summary())
        self._begin = time.monotonic()
        self._count = 0

    def frame(self) -> float:
        """Wait for the time of the next frame, look at it, and return the milliseconds."""
        self._count += 1
        due = self._begin + self._count / _FPS
        time.sleep(max(0.0, due - time.monotonic()))
        frame = Frame(self._image(), self._count / _FPS, time.monotonic())
        begin = time.perf_counter()
        hands = self._pipeline.look(frame)
        took = 1000 * (time.perf_counter() - begin)
        if self._count > _TURN and hands != 2:
            raise SystemExit(f"frame {self._count} has {hands} hands, not 2: no fair measure")
        return took

    def _image(self) -> ImageArray:
        return next(self._images)


class _Viewer:
    """A browser's place, in a process of its own, which costs next to nothing."""

    def __init__(self, opened: ExitStack) -> None:
        command = [sys.executable, "-c", _VIEWER]
        self._process = opened.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: S603
        )
        opened.callback(self._close)

    def open(self, page: LivePage | None, *, reads: bool = True) -> None:
        """Look at this page and no other."""
        port = int(page.url.rstrip("/").rpartition(":")[2]) if page else 0
        assert self._process.stdin is not None  # noqa: S101 (for the type checker)
        self._process.stdin.write(f"{port} {int(reads)}\n")
        self._process.stdin.flush()

    def _close(self) -> None:
        self._process.kill()


def main() -> None:
    """Measure, print, keep."""
    with ExitStack() as opened:
        loop, viewer = _Loop(opened), _Viewer(opened)
        for _ in range(2 * _TURN):
            loop.frame()
        times: dict[str, list[list[float]]] = {state: [] for state in _STATES}
        cpu: dict[str, list[float]] = {state: [] for state in _STATES}
        for round_ in range(_ROUNDS):
            for turn in range(len(_STATES)):
                state = _STATES[(turn + round_) % len(_STATES)]
                viewer.open(loop.pages.get(state))
                taken, spent = _turn(loop)
                times[state].append(taken)
                cpu[state].append(spent)
        stalled = _stall(loop, viewer)
    results = {
        "states": {state: _figures(times[state], cpu[state]) for state in _STATES},
        "added_p50_ms": {state: _added(times, state) for state in _STATES[1:]},
        "stalled": stalled,
        "fps": _FPS,
        "page_fps": WebConfig().fps,
        "frames": _ROUNDS * (_TURN - _SETTLING),
        "cores": os.cpu_count(),
    }
    (RESULTS / "live.json").write_text(json.dumps(results, indent=2) + "\n")
    text = _table(results)
    (RESULTS / "live.md").write_text(text)
    print(text)


def _turn(loop: _Loop) -> tuple[list[float], float]:
    """Return what each frame took, ms, and what all threads spent, in ms of CPU a second."""
    for _ in range(_SETTLING):
        loop.frame()
    begin, spent = time.monotonic(), time.process_time()
    taken = [loop.frame() for _ in range(_TURN - _SETTLING)]
    return taken, 1000 * (time.process_time() - spent) / (time.monotonic() - begin)


def _stall(loop: _Loop, viewer: _Viewer) -> dict[str, float]:
    """Open a page and read nothing: memory before and after, and what frames take."""
    viewer.open(None)
    _turn(loop)
    before = _memory_mb()
    viewer.open(loop.pages["picture"], reads=False)
    taken = [loop.frame() for _ in range(_STALLED_SECONDS * _FPS)]
    return {
        "seconds": _STALLED_SECONDS,
        "p50_ms": round(float(np.median(taken)), 2),
        "grown_mb": round(_memory_mb() - before, 1),
    }


def _figures(taken: list[list[float]], cpu: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(float(np.median(taken)), 2),
        "p99_ms": round(float(np.percentile(taken, 99)), 2),
        "cpu_ms_a_second": round(float(np.median(cpu)), 1),
    }


def _added(times: dict[str, list[list[float]]], state: str) -> dict[str, Any]:
    """Return by how much p50 rises in a round, at its median and its quartiles, ms."""
    pairs = zip(times[state], times["closed"], strict=True)
    differences = [float(np.median(mine) - np.median(closed)) for mine, closed in pairs]
    low, middle, high = np.percentile(differences, (25, 50, 75))
    return {"median": round(middle, 2), "quartiles": [round(low, 2), round(high, 2)]}


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _table(results: dict[str, Any]) -> str:
    stalled = results["stalled"]
    rows = "\n".join(
        _row(state, row, results["added_p50_ms"].get(state))
        for state, row in results["states"].items()
    )
    return f"""# What an open live page costs

Two drawn hands, 1280×720, {results["fps"]} frames a second, Full on tflite; the page at \
{results["page_fps"]:g} pictures a second.
Closed, skeleton and picture in turns of two seconds, {results["frames"]} frames each, on \
{results["cores"]} x86-64 cores. Made by
`python -m edgehands.benchmarks.live`.

| page | p50 a frame | p99 | p50 against closed, same round | CPU of the process |
|---|---|---|---|---|
{rows}

A viewer that reads nothing for {stalled["seconds"]} s: p50 {stalled["p50_ms"]} ms, memory \
{stalled["grown_mb"]:+.1f} MB; it is dropped after ten seconds.
"""


def _row(state: str, row: dict[str, float], added: dict[str, Any] | None) -> str:
    against = "–"
    if added:
        low, high = added["quartiles"]
        against = f"{added['median']:+.2f} ms (half of the rounds {low:+.2f} to {high:+.2f})"
    cpu = f"{row['cpu_ms_a_second'] / 10:.1f} % of a core"
    return f"| {state} | {row['p50_ms']} ms | {row['p99_ms']} ms | {against} | {cpu} |"


if __name__ == "__main__":
    main()
