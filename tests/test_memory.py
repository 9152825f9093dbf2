"""A tracker runs for years: it must not grow, and what is closed must be free."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("models")]

# In a process of its own, where nothing else grows.
PRELUDE = """
import json, sys
from itertools import islice
from pathlib import Path
from edgehands import HandTracker, open_camera
from edgehands.settings import TrackerSettings
from edgehands.synthetic import DEMO_CLIP

def resident_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

with open_camera(str(DEMO_CLIP)) as camera:
    images = [frame.image for frame in islice(camera, 60, 360)]

def follow(tracker, frames, start=0):
    return sum(len(tracker.update(images[n % 300], n / 30)) for n in range(start, start + frames))
"""

REAL = """
with HandTracker("light", "tflite") as tracker:
    follow(tracker, 500)
    before = resident_mb()
    hands = follow(tracker, 2000, start=500)
    print(json.dumps([hands, resident_mb() - before]))
"""

REPLAYED = """
record = {"file": sys.argv[1], "record_from": "tflite"}
with HandTracker("light", "replay", settings=TrackerSettings(backend_options=record)) as tracker:
    follow(tracker, 300)
replay = {"file": sys.argv[1], "loop": "yes"}
with HandTracker("light", "replay", settings=TrackerSettings(backend_options=replay)) as tracker:
    follow(tracker, 2000)
    before = resident_mb()
    hands = follow(tracker, 20000, start=2000)
    print(json.dumps([hands, resident_mb() - before]))
"""

REOPENED = """
def once():
    with HandTracker("light", "tflite") as tracker:
        return follow(tracker, 3)

for _ in range(100):  # the heap's own size settles by then
    once()
before = resident_mb()
hands = sum(once() for _ in range(50))
print(json.dumps([hands, resident_mb() - before]))
"""


def growth(script: str, *arguments: str) -> tuple[int, float]:
    command = [sys.executable, "-c", PRELUDE + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    hands, mb = json.loads(done.stdout)
    return hands, mb


def test_2000_frames_with_a_real_model_take_no_more_memory_than_500() -> None:
    hands, mb = growth(REAL)
    assert hands > 1500
    assert mb < 1


def test_20000_frames_of_a_recording_take_no_more_memory_than_2000(tmp_path: Path) -> None:
    hands, mb = growth(REPLAYED, str(tmp_path / "recording.npz"))
    assert hands > 5000
    assert mb < 1


def test_50_trackers_opened_and_closed_leave_nothing() -> None:
    hands, mb = growth(REOPENED)
    assert hands > 100
    assert mb < 5  # one of them holds 40
