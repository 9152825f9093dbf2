"""Everybody in turns on the same clip, so that a busy minute hits them all."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from edgehands.benchmarks.vs_mediapipe import figures as arithmetic
from edgehands.benchmarks.vs_mediapipe import peers
from edgehands.benchmarks.vs_mediapipe.play import Account, Job, read_landmarks
from edgehands.errors import DeviceError, EdgeHandsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.benchmarks.vs_mediapipe.figures import Agreement, Figures, Frames
    from edgehands.benchmarks.vs_mediapipe.scenarios import Scenario

_TIMEOUT = 900.0  # seconds for one run
_TRIES = 3
_PAUSE = 2.0  # seconds before a run is done again
_TRIAL_FRAMES = 60
_TRIALS = 2
_SCRIPT = str(Path(__file__).with_name("play.py"))
_OURS = (sys.executable, "-m", "edgehands.benchmarks.vs_mediapipe.play")
_FASTER = ("openvino", "onnxruntime")
"""Backends that may beat tflite on a CPU; each is the name of its library too."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Who runs, and how it is started."""

    name: str
    peer: str
    """A key of `play.PEERS`."""
    command: tuple[str, ...] = _OURS
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether it is EdgeHands."""
        return self.peer == "edgehands"


@dataclass(frozen=True, slots=True)
class Rules:
    """How long and how often."""

    repeat: int = 3
    frames: int = 300
    warm_up: int = 10
    calm: float = 1.0
    """Share of the cores that others may take during a run; beyond, it is done again."""


@dataclass(slots=True)
class Result:
    """What one scenario brought."""

    scenario: str
    title: str
    frames: int = 0
    """Measured in each run, after the warm-up."""
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    """Of each contender, in the order of the rounds."""
    others: dict[str, list[float]] = field(default_factory=dict)
    """Share of the cores that other processes took during each of those runs."""
    figures: dict[str, Figures] = field(default_factory=dict)
    """The medians of the rounds."""
    ratios: dict[str, Figures] = field(default_factory=dict)
    """Of each of ours to the best of MediaPipe's in each figure."""
    p50_range: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest ratio of p50 among the rounds: how far noise reaches."""
    agreement: dict[str, dict[str, Agreement]] = field(default_factory=dict)
    """Of each contender with each of MediaPipe's."""
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Versions, and whose decoder gave the pixels that EdgeHands got."""


def edgehands(backend: str, settings: dict[str, Any] | None = None) -> Contender:
    """Return EdgeHands on a backend, all else at its default but `settings`."""
    extra = "".join(f", {key}={value}" for key, value in (settings or {}).items())
    options = {"backend": backend, "settings": settings or {}}
    return Contender(f"edgehands {backend}{extra}", "edgehands", options=options)


def mediapipe(skipped: Callable[[str], None]) -> list[Contender]:
    """Return both MediaPipes as far as they can run here; `skipped` is told why not."""
    found = []
    for name, peer, package in (
        ("solutions", "solutions", peers.SOLUTIONS),
        ("tasks", "tasks", peers.NEWEST),
    ):
        try:
            python = str(peers.environment(package))
            options = {"bundle": str(peers.bundle())} if peer == "tasks" else {}
        except (peers.NoPeerError, EdgeHandsError, OSError) as error:
            skipped(f"{package.requirement}: {error}")
        else:
            found.append(Contender(f"mediapipe {name}", peer, (python, _SCRIPT), options))
    return found


def fastest_backend(clip: Path, max_hands: int) -> str | None:
    """Return the fastest of the installed backends other than tflite, by short trials in turns."""
    backends = [name for name in _FASTER if importlib.util.find_spec(name)]
    job = Job("", str(clip), 0.0, max_hands, frames=_TRIAL_FRAMES)
    times = dict.fromkeys(backends, math.inf)
    for backend in backends * _TRIALS:
        times[backend] = min(times[backend], median(start(edgehands(backend), job).ms))
    return min(times, key=lambda name: times[name], default=None)


def start(contender: Contender, job: Job) -> Account:
    """Run a job in a process of its own.

    Raises:
        DeviceError: it failed; the message ends with its last words.
    """
    job = replace(job, peer=job.peer or contender.peer, options=contender.options)
    job = replace(job, started=monotonic())
    command = [*contender.command, json.dumps(asdict(job))]
    try:
        done = subprocess.run(  # noqa: S603 - every word is ours
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"{contender.name} took more than {_TIMEOUT:.0f} s") from error
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise DeviceError(f"{contender.name} failed on {job.clip}: {words[-1]}")
    return Account(**json.loads(done.stdout.splitlines()[-1]))


def compete(
    scenario: Scenario,
    clip: Path,
    contenders: Sequence[Contender],
    rules: Rules,
    step: Callable[[str], None],
) -> Result:
    """Run everybody over a clip, `rules.repeat` times in turns; `step` is told who is next."""
    result = Result(scenario.name, scenario.title)
    hands: dict[str, Frames] = {}
    job = Job("", str(clip), 0.0, scenario.max_hands, frames=rules.frames, warm_up=rules.warm_up)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hands.npz"
        for turn in range(rules.repeat):
            decoding: dict[tuple[str, ...], Account] = {}
            for contender in _rotated(contenders, turn):
                step(contender.name)
                if contender.command not in decoding:
                    decoding[contender.command] = start(contender, replace(job, peer="decode"))
                run, others = _calmly(contender, replace(job, landmarks=str(path)), rules.calm)
                cost = arithmetic.figures(run, decoding[contender.command])
                result.rounds.setdefault(contender.name, []).append(cost)
                result.others.setdefault(contender.name, []).append(others)
                result.about[contender.name] = {**run.about, "pixels": run.pixels}
                result.frames = len(run.ms)
                hands[contender.name] = read_landmarks(path)
    _conclude(result, contenders, hands)
    return result


def _calmly(contender: Contender, job: Job, calm: float) -> tuple[Account, float]:
    """Run a job, again if others were too busy; return the calmest run and their share.

    Whoever uses two cores loses more to a neighbour than whoever uses one.
    """
    runs: list[tuple[Account, float]] = []
    while len(runs) < _TRIES:
        before, begin = _others_seconds(), monotonic()
        run = start(contender, job)
        room = (monotonic() - begin) * (os.cpu_count() or 1)
        runs.append((run, max(0.0, _others_seconds() - before) / room))
        if runs[-1][1] <= calm:
            break
        sleep(_PAUSE)
    return min(runs, key=lambda each: each[1])


def _others_seconds() -> float:
    """Return the seconds that the machine's cores have worked, but not for our runs."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        user, nice, system, _idle, _wait, irq, soft, steal = map(int, file.readline().split()[1:9])
    busy = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return busy - ours.ru_utime - ours.ru_stime


def _rotated(contenders: Sequence[Contender], turn: int) -> list[Contender]:
    """Let another one begin in each round: nobody always follows the same one."""
    first = turn % len(contenders)
    return [*contenders[first:], *contenders[:first]]


def _conclude(result: Result, contenders: Sequence[Contender], hands: Mapping[str, Frames]) -> None:
    """Add medians, ratios and agreement."""
    result.figures = {each.name: arithmetic.middle(result.rounds[each.name]) for each in contenders}
    theirs = [each.name for each in contenders if not each.ours]
    if not theirs:
        return
    best = arithmetic.best([result.figures[name] for name in theirs])
    best_rounds = [
        arithmetic.best(list(turn))
        for turn in zip(*(result.rounds[name] for name in theirs), strict=True)
    ]
    for name in (each.name for each in contenders if each.ours):
        result.ratios[name] = arithmetic.ratios(result.figures[name], best)
        p50s = [
            ours.p50 / other.p50
            for ours, other in zip(result.rounds[name], best_rounds, strict=True)
        ]
        result.p50_range[name] = min(p50s), max(p50s)
    result.agreement = {
        each.name: {
            name: arithmetic.agreement(hands[each.name], hands[name])
            for name in theirs
            if name != each.name
        }
        for each in contenders
    }
