"""MediaPipe, each version in an environment of its own, made on demand and kept."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from edgehands import folders
from edgehands.benchmarks.clips import cache_folder
from edgehands.models import store

_PIP_TIMEOUT = 1200.0  # seconds: about 200 MB on a slow line
_PYTHONS = ("python3.12", "python3.11", "python3.10", "python3.13")
_TEST = "import venv, ensurepip"

# What MediaPipe Tasks calls the two models inside its bundle.
_BUNDLE = {"hand_detector.tflite": "palm-full", "hand_landmarks_detector.tflite": "full"}


class NoPeerError(Exception):
    """An environment cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A version of MediaPipe."""

    name: str
    """Of its folder."""
    requirement: str
    """For pip."""


SOLUTIONS = Package("mediapipe-0.10.21", "mediapipe==0.10.21")
"""The last release but a few that has `mp.solutions`."""
NEWEST = Package("mediapipe-newest", "mediapipe")
"""The newest at the time the environment was made; remove its folder to get a newer one."""


def environment(package: Package) -> Path:
    """Return the Python of an environment with `package`, making it if need be.

    Raises:
        NoPeerError: there is no wheel for any Python here, or no network.
    """
    folder = cache_folder() / "peers" / package.name
    ready, python = folder / "ready.json", folder / "bin" / "python"
    if ready.exists() and _works(python):
        return python
    reasons = []
    for candidate in _interpreters():
        shutil.rmtree(folder, ignore_errors=True)
        reason = _make(folder, candidate, package)
        if not reason:
            ready.write_text(json.dumps({"requirement": package.requirement}), encoding="ascii")
            return python
        reasons.append(reason)
    shutil.rmtree(folder, ignore_errors=True)
    raise NoPeerError(reasons[0] if reasons else "no Python here can make environments")


def bundle() -> Path:
    """Return a hand_landmarker.task made of the two models that EdgeHands runs.

    Raises:
        ModelError: a model is missing: `edgehands models fetch`.
    """
    models = {name: store.load(model) for name, model in _BUNDLE.items()}
    mark = "-".join(model.sha256[:8] for model in models.values())
    path = cache_folder() / "peers" / f"hand_landmarker-{mark}.task"
    if not path.exists():
        content = io.BytesIO()
        # MediaPipe maps the members where they lie, so they must not be compressed.
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for name, model in models.items():
                archive.writestr(name, model.data)
        folders.write_whole(path, content.getvalue())
    return path


def _make(folder: Path, python: str, package: Package) -> str:
    """Make an environment; return why not, or nothing."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "20"]
    for command in ([python, "-m", "venv", str(folder)], [*pip, package.requirement]):
        try:
            done = subprocess.run(  # noqa: S603 - every word is ours
                command, capture_output=True, text=True, check=False, timeout=_PIP_TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return f"pip took more than {_PIP_TIMEOUT:.0f} s"
        if done.returncode:
            return _reason(done.stderr) or f"{python} failed with exit code {done.returncode}"
    return ""


def _reason(said: str) -> str:
    """Return pip's last error, without the list of all versions there are."""
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else said.strip()[-200:]


def _interpreters() -> list[str]:
    """Return this Python, then every other that works: there is not a wheel for each."""
    others = [path for name in _PYTHONS if (path := shutil.which(name)) and _works(Path(path))]
    return list(dict.fromkeys([sys.executable, *others]))


def _works(python: Path) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            [str(python), "-c", _TEST], capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
