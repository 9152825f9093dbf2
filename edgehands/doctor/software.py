"""Config, models, OpenCV, backends: what was installed, and whether it runs."""

from __future__ import annotations

import importlib
import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgehands import probe, verdict
from edgehands.config import Config
from edgehands.config_files import load
from edgehands.doctor.findings import Finding
from edgehands.errors import (
    DeviceError,
    EdgeHandsError,
    ModelError,
    RuntimeMissingError,
    UsageError,
)
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import (
    AUTO_ORDER,
    BACKENDS,
    backend_names,
    default_threads,
    load_backend,
    readable,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgehands.config import TrackerConfig
    from edgehands.doctor.findings import Machine
    from edgehands.inference import ModelFile

BASE_BACKEND = "tflite"
"""Comes with EdgeHands: without it something is wrong; without others, nothing is."""

_MIN_FREE_MB = 100
_TIMED_RUNS = 20


def check_config(path: Path | None) -> tuple[Config, list[Finding]]:
    """The config file, if one is named; the defaults where it has a mistake."""
    if path is None:
        return Config(), []
    try:
        config = load(path)
    except EdgeHandsError as error:
        first, *more = str(error).splitlines()
        return Config(), [
            Finding(
                "config",
                "error",
                first + (f" (and {len(more)} more)" if more else ""),
                "nothing starts with this config",
                f"mend it, then look again: edgehands doctor --config {path}",
                error.exit_code,
            )
        ]
    return config, [Finding("config", "ok", str(path))]


def check_models(tracker: TrackerConfig) -> list[Finding]:
    """The model files: those that will be used must be right, others only unaltered."""
    try:
        needed = needed_models(tracker)
    except UsageError as error:
        return [
            Finding(
                "models",
                "error",
                str(error),
                "nothing runs with this config",
                "edgehands models list",
                ModelError.exit_code,
            )
        ]
    problems, present = [], []
    for state in store.check(tracker.models):
        if state.status == "ok":
            present.append(state)
        else:
            problems.append(_model_problem(state, needed=state.model.id in needed))
    if any(problem.is_problem for problem in problems):
        return problems
    folders = dict.fromkeys(str(state.path.parent) for state in present if state.path)
    names = ", ".join(state.model.id for state in present)
    return [*problems, Finding("models", "ok", f"{names}: hashes right, in {', '.join(folders)}")]


def needed_models(tracker: TrackerConfig) -> tuple[str, str]:
    """Return the ids of the landmark and palm model that will be opened."""
    landmarks, _, palm = store.whole_catalog(tracker.models).resolve(
        tracker.model, tracker.palm_model
    )
    return landmarks.id, palm.id


def _model_problem(state: store.ModelState, *, needed: bool) -> Finding:
    model = state.model
    if state.status == "missing":
        what = f"the model {model.id} is missing ({model.file})"
    elif state.status == "altered" and state.path:
        size = state.path.stat().st_size
        what = f"the model {model.id} has a wrong SHA-256 ({state.path}, {size} bytes)"
    else:
        what = f"the model {model.id} cannot be read ({state.path})"
    folder = f" --models {state.path.parent}" if state.path else ""
    return Finding(
        "models",
        # One that is not there and not asked for is no problem.
        "error" if needed else "note" if state.status == "missing" else "warning",
        what,
        "no hand can be found without it"
        if needed
        else f"it cannot be chosen with --model {model.id}",
        f"edgehands models fetch{folder}",
        ModelError.exit_code if needed else 0,
    )


def check_disk(machine: Machine, tracker: TrackerConfig) -> list[Finding]:
    """Room for models where they are put."""
    try:
        folder = store.destination(tracker.models)
        megabytes = machine.free_bytes(folder) // 1_000_000
    except (EdgeHandsError, OSError) as error:
        return [Finding("disk", "note", f"nobody knows where models would go: {error}")]
    if megabytes >= _MIN_FREE_MB:
        return [Finding("disk", "ok", f"{megabytes} MB free for {folder}")]
    return [
        Finding(
            "disk",
            "warning",
            f"only {megabytes} MB are free for {folder}",
            "models and what is built from them may not fit",
            f"see what is large: du -xh {folder.anchor} | sort -h | tail",
        )
    ]


def check_opencv() -> list[Finding]:
    """OpenCV, which cuts the crops and reads the cameras."""
    try:
        cv2 = importlib.import_module("cv2")
        version, information = cv2.__version__, cv2.getBuildInformation()
    except Exception as error:  # noqa: BLE001 (a broken binary raises whatever it likes)
        return [
            Finding(
                "opencv",
                "error",
                f"OpenCV does not load ({' '.join(str(error).split())})",
                "no picture can be read and no crop cut",
                "pip install opencv-python-headless, or apt install python3-opencv where the "
                "venv sees system packages",
                DeviceError.exit_code,
            )
        ]
    has_gstreamer = re.search(r"GStreamer:\s+YES", information) is not None
    return [Finding("opencv", "ok", f"{version}, GStreamer {'yes' if has_gstreamer else 'no'}")]


def check_backends(
    tracker: TrackerConfig, watch: Callable[[str], None] | None = None
) -> list[Finding]:
    """Open and time the landmark model on every backend, each in a process of its own."""
    try:
        model = store.load(needed_models(tracker)[0], tracker.models)
    except EdgeHandsError:
        return [Finding("backends", "off", "not tried: the models come first")]
    names = [name for name in backend_names() if name != "replay"]
    asked = {tracker.backend, tracker.palm_backend or "auto"} - {"auto", "replay"}
    tried = []
    for name in (*names, *sorted(asked - set(names))):
        if watch is not None:
            watch(f"trying {name}")
        tried.append(_backend(name, model, tracker, needed=name in asked))
    findings = [finding for finding, _ in tried]
    if not any(works for _, works in tried):
        # The first is the one that comes with EdgeHands: mend that.
        findings[0] = replace(
            findings[0],
            level="error",
            means="nothing runs the models on this machine",
            exit_code=DeviceError.exit_code,
        )
    return findings


def _backend(
    name: str, model: ModelFile, tracker: TrackerConfig, *, needed: bool
) -> tuple[Finding, bool]:
    """Try one; the second value says whether it ran."""
    threads = tracker.threads or default_threads()
    options = tracker.backend_options if needed else {}
    tried: probe.Trial | None = None
    error: EdgeHandsError | None
    try:
        load_backend(name)
        file = readable(model, name, partial(derive, folder=tracker.models))
        tried = probe.probe(name, file, threads=threads, options=options, timed_runs=_TIMED_RUNS)
    except EdgeHandsError as problem:
        error = problem
    else:
        error = tried.error
    told = tried.description if tried else None
    if tried is None or tried.outcome != "ok" or told is None:
        reason = str(error) if error else tried.message if tried else "no answer"
        return _backend_problem(name, reason, error, needed=needed), False
    median_ms = 1000 * float(np.median(tried.run_seconds[-_TIMED_RUNS:]))
    line = (
        f"{name}: {told.runtime} {told.version}, {told.device}, {told.precision}; "
        f"{model.id} {median_ms:.1f} ms, opened in {tried.open_seconds or 0:.1f} s"
    )
    if "no XNNPACK" not in told.device:
        return Finding("backends", "ok", line), True
    slow = Finding(
        "backends",
        "warning",
        f"{name} runs without XNNPACK: {median_ms:.1f} ms for {model.id}",
        "it could be 8 times as fast",
        "see whether /proc/cpuinfo can be read: head /proc/cpuinfo; a service needs ProcSubset=all",
    )
    return slow, True


def _backend_problem(
    name: str, reason: str, error: EdgeHandsError | None, *, needed: bool
) -> Finding:
    what = reason if reason.startswith(name) else f"{name}: {reason}"
    entry = BACKENDS.get(name)
    install = entry.install if entry and isinstance(error, RuntimeMissingError) else ""
    if needed:
        means = f"the config names {name}, and nothing runs without it"
        code = ModelError.exit_code if isinstance(error, UsageError) else DeviceError.exit_code
        mend = install or f"see why: edgehands -vv verify --backend {name}; or name another one"
        return Finding("backends", "error", what, means, mend, code)
    if isinstance(error, DeviceError) and name != BASE_BACKEND:
        return Finding("backends", "off", what)
    return Finding(
        "backends",
        "warning",
        what,
        "it must not be used here" if error is None else "it cannot be used here",
        install or f"see why: edgehands -vv verify --backend {name}",
    )


def check_auto(tracker: TrackerConfig) -> list[Finding]:
    """What `auto` will take, and whether what `tune` found still holds."""
    if changes := verdict.outdated():
        return [
            Finding(
                "auto",
                "warning",
                f"what `edgehands tune` found does not hold any more: {', '.join(changes)}",
                f"auto takes the first that works of {', '.join(AUTO_ORDER)}",
                "edgehands tune",
            )
        ]
    kept = verdict.load()
    choices = []
    with suppress(EdgeHandsError):  # what is wrong with a model stands elsewhere
        files = [store.load(name, tracker.models) for name in needed_models(tracker)]
        choices = [kept.choice(file.sha256) for file in files] if kept else []
    told = [
        f"{choice.model} on {choice.backend}, {choice.threads} threads, {choice.median_ms:.1f} ms"
        for choice in choices
        if choice
    ]
    if told and kept:
        return [Finding("auto", "ok", f"{'; '.join(told)} (`edgehands tune`, {kept.made[:10]})")]
    return [
        Finding(
            "auto",
            "ok",
            f"the first that works of {', '.join(AUTO_ORDER)}; `edgehands tune` finds the fastest",
        )
    ]
