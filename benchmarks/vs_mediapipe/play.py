"""One run of one hand tracker over one clip, in a process of its own; prints its cost as JSON.

The same file measures everybody, so it runs in environments that have no EdgeHands: outside the
class `EdgeHands` it needs the standard library, numpy and OpenCV only. Its argument is a `Job` as
JSON, the last line of its output an `Account`.
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from time import monotonic, perf_counter, process_time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Points = npt.NDArray[np.float32]

_CHECKED = range(1, 6)  # frames whose pixels are hashed: warm-up, and not the first, which is timed


@dataclass(frozen=True)
class Job:
    """What to run."""

    peer: str
    """A key of `PEERS`."""
    clip: str
    started: float
    """`time.monotonic()` just before this process was started."""
    max_hands: int = 2
    frames: int = 300
    """How many at most."""
    warm_up: int = 10
    """Frames at the start that no figure but `first_ms` counts."""
    landmarks: str = ""
    """The .npz file to write the hands into; none by default."""
    options: dict[str, Any] = field(default_factory=dict)
    """The peer's own."""


@dataclass(frozen=True)
class Account:
    """What it cost."""

    ms: list[float]
    """From a frame in RGB to its hands, each frame after the warm-up."""
    cpu_ms: float
    """Of all threads, decoding too, over those frames."""
    rss_mb: float
    """Highest resident memory of the process."""
    first_ms: float
    """From the start of the process to the first frame's hands."""
    pixels: int
    """A checksum of some decoded frames."""
    about: dict[str, Any]
    """What ran: versions, and what the peer says of itself."""


class Label(NamedTuple):
    """What a peer calls a hand."""

    id: int
    """Of the track; -1 where the peer has no ids."""
    right: bool
    """Whether it is said to be a right hand."""


class Peer(Protocol):
    """A hand tracker."""

    def see(self, image: Image, time: float) -> Any:
        """Take the next frame, RGB, and return what was found, in the peer's own form."""

    def points(self, found: Any, width: int, height: int) -> list[Points]:
        """Return the landmarks of each hand, [21, 2] pixels."""

    def labels(self, found: Any) -> list[Label]:
        """Return what each hand is called."""

    def about(self) -> dict[str, Any]:
        """Say what ran."""

    def close(self) -> None:
        """Free it."""


class Decoding:
    """Nobody: what a run costs that only decodes."""

    def __init__(self, job: Job) -> None:
        pass

    def see(self, image: Image, time: float) -> None:
        """Look away."""

    def points(self, found: None, width: int, height: int) -> list[Points]:  # noqa: ARG002
        """Return nothing."""
        return []

    def labels(self, found: None) -> list[Label]:  # noqa: ARG002
        """Return nothing."""
        return []

    def about(self) -> dict[str, Any]:
        """Say nothing."""
        return {}

    def close(self) -> None:
        """Do nothing."""


class Solutions:
    """MediaPipe's legacy `mp.solutions.hands`."""

    def __init__(self, job: Job) -> None:
        import mediapipe

        self._version = mediapipe.__version__
        self._hands = mediapipe.solutions.hands.Hands(max_num_hands=job.max_hands)

    def see(self, image: Image, time: float) -> Any:  # noqa: ARG002
        """Process a frame."""
        image.flags.writeable = False  # as MediaPipe's own example does, to spare it a copy
        return self._hands.process(image)

    def points(self, found: Any, width: int, height: int) -> list[Points]:
        """Return the landmarks in pixels."""
        hands = found.multi_hand_landmarks or []
        return [_pixels(hand.landmark, width, height) for hand in hands]

    def labels(self, found: Any) -> list[Label]:
        """Return the sides; this MediaPipe takes every image for a mirror's."""
        sides = [hand.classification[0].label for hand in found.multi_handedness or []]
        return [Label(-1, side == "Left") for side in sides]

    def about(self) -> dict[str, Any]:
        """Say the version."""
        return {"mediapipe": self._version}

    def close(self) -> None:
        """Close the graph."""
        self._hands.close()


class Tasks:
    """MediaPipe Tasks' HandLandmarker for video; the option `bundle` is its .task file."""

    def __init__(self, job: Job) -> None:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        self._version = mediapipe.__version__
        self._image: Callable[..., Any] = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        self._landmarker = vision.HandLandmarker.create_from_options(
            vision.HandLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=job.options["bundle"]),
                running_mode=vision.RunningMode.VIDEO,
                num_hands=job.max_hands,
            )
        )

    def see(self, image: Image, time: float) -> Any:
        """Process a frame."""
        wrapped = self._image(image_format=self._format, data=image)
        return self._landmarker.detect_for_video(wrapped, round(time * 1000))

    def points(self, found: Any, width: int, height: int) -> list[Points]:
        """Return the landmarks in pixels."""
        return [_pixels(hand, width, height) for hand in found.hand_landmarks]

    def labels(self, found: Any) -> list[Label]:
        """Return the sides."""
        return [Label(-1, hand[0].category_name == "Right") for hand in found.handedness]

    def about(self) -> dict[str, Any]:
        """Say the version."""
        return {"mediapipe": self._version}

    def close(self) -> None:
        """Close the graph."""
        self._landmarker.close()


class EdgeHands:
    """EdgeHands; options: `backend`, and `settings`, fields of TrackerSettings."""

    def __init__(self, job: Job) -> None:
        import edgehands
        from edgehands.settings import TrackerSettings

        self._version = edgehands.__version__
        self._tracker = edgehands.HandTracker(
            backend=job.options.get("backend", "auto"),
            max_hands=job.max_hands,
            settings=TrackerSettings(**job.options.get("settings", {})),
        )
        self._stages: dict[str, list[float]] = {}

    def see(self, image: Image, time: float) -> Any:
        """Process a frame."""
        return self._tracker.update(image, time)

    def points(self, found: Any, width: int, height: int) -> list[Points]:  # noqa: ARG002
        """Return the landmarks in pixels."""
        return [np.asarray(hand.landmarks[:, :2], np.float32) for hand in found]

    def labels(self, found: Any) -> list[Label]:
        """Return ids and sides."""
        return [Label(hand.id, hand.handedness == "right") for hand in found]

    def about(self) -> dict[str, Any]:
        """Say the version, the runtime, and how often the detector ran."""
        return {
            "edgehands": self._version,
            "runs_on": self._tracker.describe(),
            "duty_cycle": self._tracker.last.duty_cycle,
        }

    def close(self) -> None:
        """Close the tracker."""
        self._tracker.close()


PEERS: dict[str, Callable[[Job], Peer]] = {
    "decode": Decoding,
    "solutions": Solutions,
    "tasks": Tasks,
    "edgehands": EdgeHands,
}


def play(job: Job) -> Account:
    """Run a job in this process."""
    peer = PEERS[job.peer](job)
    times: list[float] = []
    found: list[Any] = []
    first_ms = cpu_begin = 0.0
    pixels = width = height = 0
    for index, (time, image) in enumerate(_frames(job)):
        if index == job.warm_up:
            cpu_begin = process_time()
        begin = perf_counter()
        found.append(peer.see(image, time))
        times.append((perf_counter() - begin) * 1000)
        if index == 0:
            first_ms = (monotonic() - job.started) * 1000
            height, width = image.shape[:2]
        if index in _CHECKED:
            pixels = zlib.crc32(image.tobytes(), pixels)
    cpu_ms = (process_time() - cpu_begin) * 1000
    rss_mb = _peak_rss_mb()
    # Everybody's answers are unpacked after the last clock has stopped.
    if job.landmarks:
        labels = [peer.labels(each) for each in found]
        _write([peer.points(each, width, height) for each in found], Path(job.landmarks), labels)
    about = {"python": sys.version.split()[0], "opencv": _cv2().__version__, **peer.about()}
    peer.close()
    return Account(times[job.warm_up :], cpu_ms, rss_mb, first_ms, pixels, about)


def read_landmarks(path: Path) -> list[Points]:
    """Return [hands, 21, 2] pixels for each frame of a file that a run wrote."""
    with np.load(path) as arrays:
        ends = np.cumsum(arrays["hands"])
        return np.split(arrays["landmarks"], ends[:-1])


def read_labels(path: Path) -> list[list[Label]]:
    """Return what each hand was called, for each frame of a file that a run wrote."""
    with np.load(path) as arrays:
        labels = iter([Label(int(track), bool(right)) for track, right in arrays["labels"]])
        return [list(islice(labels, int(count))) for count in arrays["hands"]]


def _write(frames: list[list[Points]], path: Path, labels: Sequence[Sequence[Label]] = ()) -> None:
    hands = [hand for frame in frames for hand in frame]
    landmarks = np.stack(hands) if hands else np.empty((0, 21, 2))
    called = [label for frame in labels for label in frame]
    np.savez(
        path,
        hands=np.array([len(frame) for frame in frames]),
        landmarks=landmarks.astype(np.float32),
        labels=np.array(called, np.int64).reshape(-1, 2),
    )


def _frames(job: Job) -> Iterator[tuple[float, Image]]:
    """Yield time in seconds and picture in RGB."""
    cv2 = _cv2()
    capture = cv2.VideoCapture(job.clip)
    fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
    for index in range(job.frames):
        there, image = capture.read()
        if not there:
            break
        yield index / fps, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    capture.release()


def _cv2() -> Any:
    import cv2

    return cv2


def _pixels(landmarks: Any, width: int, height: int) -> Points:
    return np.array([(point.x * width, point.y * height) for point in landmarks], np.float32)


def _peak_rss_mb() -> float:
    # getrusage would answer with the parent's peak, if that was higher when it forked.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(play(Job(**json.loads(sys.argv[1]))))))
