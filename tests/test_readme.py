"""The README keeps its word: its event is the demo's, its files exist, its table is measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("models")
def test_the_event_shown_is_one_of_the_demo(tmp_path: Path) -> None:
    (shown,) = [json.loads(line) for line in README.splitlines() if line.startswith('{"event')]
    answer = subprocess.run(
        [sys.executable, "-m", "edgehands", "demo", "--frames", "60", "--out", str(tmp_path),
         "--backend", "tflite"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in answer.stdout.splitlines()]
    (real,) = [event for event in events if event["event_type"] == shown["event_type"]][:1]
    # Another CPU rounds otherwise: a frame and a hundredth are forgiven.
    assert real.pop("score") == pytest.approx(shown.pop("score"), abs=0.01)
    assert real.pop("ts") == pytest.approx(shown.pop("ts"), abs=0.041)
    del real["id"], shown["id"]
    assert real == shown


def test_every_file_linked_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing


def test_the_accuracy_table_is_the_measured_one() -> None:
    measured = (ROOT / "benchmarks" / "results" / "accuracy.md").read_text(encoding="utf-8")
    assert measured.strip() in README
