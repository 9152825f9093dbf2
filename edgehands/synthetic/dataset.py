"""The accuracy set: random pictures of hands, each known by a seed and a number."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from edgehands.synthetic import anatomy, pose
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.cache import cached
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.pose import GESTURES, UPRIGHT
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor, draw
from edgehands.synthetic.sensor import Sensor, from_png, to_png
from edgehands.synthetic.skin import TONES, Look
from edgehands.synthetic.surface import FOREARM_LENGTH
from edgehands.synthetic.truth import Truth

if TYPE_CHECKING:
    from edgehands.hand import ImageArray
    from edgehands.synthetic.skin import Colour

TUNING_SEED = 20_231
"""For choosing thresholds and models, as often as you like."""
REPORTING_SEED = 77_003
"""For the figures that are published; nothing is ever chosen on it."""

CAMERA = Camera()

_PALM_LENGTH = 92.0
"""Millimetres from the wrist to the middle finger's MCP, about."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of the set."""

    image: ImageArray
    """uint8 [480, 640, 3] RGB."""
    hands: list[Truth]
    """One or two, from left to right."""
    tags: dict[str, str]
    """What was drawn: "view" (palm, back, side) of the first hand, "background", "tone"."""

    @property
    def gesture(self) -> str:
        """Of the first hand."""
        return self.hands[0].gesture


class AccuracySet(Sequence[Sample]):
    """Samples 0 to count - 1 of a seed; each is drawn when it is first asked for, then kept."""

    def __init__(self, seed: int, count: int) -> None:
        self.seed = seed
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        number = index % self._count
        name = f"accuracy/{self.seed}/{number:05d}.npz"
        return _unpack(cached(name, lambda: _pack(draw_sample(self.seed, number))))


def accuracy_set(seed: int, count: int) -> AccuracySet:
    """Return the first `count` samples of a seed, as a sequence that holds none of them in memory.

    Args:
        seed: `TUNING_SEED`, `REPORTING_SEED` or your own.
        count: A longer set starts with the samples of a shorter one.
    """
    return AccuracySet(seed, count)


def draw_sample(seed: int, number: int) -> Sample:
    """Draw one sample; the same seed and number give the same bytes."""
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(BACKGROUNDS)))
    backdrop = background(kind, CAMERA.width, CAMERA.height, rng)
    light = _random_light(rng)
    tone = float(rng.uniform(0, len(TONES) - 1))
    look = Look(_tone(tone), _random_sleeve(rng))
    person = anatomy.varied(anatomy.ADULT, rng)
    gestures = [*GESTURES, ""]
    first = gestures[number % len(gestures)]
    if rng.random() < 0.2:
        shots = _random_pair(rng, (first, str(rng.choice(gestures))), person, look)
    else:
        side = bool(rng.random() < 0.5)
        shots = [_random_actor(rng, first, person, look, left=side, room=(0.0, 1.0))]
    sensor = Sensor(
        blur=float(rng.uniform(0.3, 1.0)),
        noise=float(rng.uniform(0.0, 0.025)),
        exposure=float(rng.uniform(0.75, 1.3)),
    )
    actors = [actor for actor, _ in shots]
    image = draw(actors, CAMERA, backdrop, light=light, sensor=sensor, rng=rng)
    truths = [actor.truth(CAMERA) for actor in actors]
    tags = {"view": shots[0][1], "background": kind, "tone": f"{tone:.1f}"}
    return Sample(image, truths, tags)


def _random_light(rng: np.random.Generator) -> Light:
    direction = (
        float(rng.uniform(-1, 1)),
        float(rng.uniform(-1.2, 0.3)),
        float(rng.uniform(-1.2, -0.3)),
    )
    warm = float(rng.uniform(-0.1, 0.12))
    return Light(
        direction,
        strength=float(rng.uniform(0.5, 1.1)),
        colour=(1.0 + warm, 1.0, 1.0 - warm),
        ambient=float(rng.uniform(0.3, 0.6)),
    )


def _tone(place: float) -> Colour:
    """Return a skin tone between two neighbours of `TONES`."""
    low = min(int(place), len(TONES) - 2)
    share = place - low
    r, g, b = (a + (b - a) * share for a, b in zip(TONES[low], TONES[low + 1], strict=True))
    return r, g, b


def _random_sleeve(rng: np.random.Generator) -> Colour | None:
    if rng.random() < 0.5:
        return None
    grey = rng.uniform(0.02, 0.5)
    r, g, b = (float(value) for value in grey * rng.uniform(0.6, 1.4, 3))
    return r, g, b


_VIEWS = {"palm": (0.0, 30.0), "back": (180.0, 30.0), "side": (-65.0, 20.0)}
"""Yaw, and how far it may be off, of the three sides that a hand shows."""


def _random_actor(
    rng: np.random.Generator,
    gesture: str,
    person: anatomy.Anatomy,
    look: Look,
    *,
    left: bool,
    room: tuple[float, float],
) -> tuple[Actor, str]:
    """Return a hand of this gesture that lies in its part of the picture's width, and its view."""
    view = str(rng.choice(list(_VIEWS), p=(0.5, 0.4, 0.1)))
    held = pose.varied(_pose_of(gesture, rng), rng)
    middle, off = _VIEWS[view]
    yaw = middle + float(rng.uniform(-off, off))
    upright = UPRIGHT.get(gesture, 0.0) * (-1 if view == "back" else 1) * (-1 if left else 1)
    roll = upright + float(rng.uniform(-35, 35))
    pitch = float(rng.uniform(-20, 20))
    width = (room[1] - room[0]) * CAMERA.width
    # The detector sees the picture at 192 pixels: palms much smaller than these are not its trade.
    palm = float(rng.uniform(74, 130 if width > 400 else 95))

    def actor(position: tuple[float, float, float]) -> Actor:
        # A left hand turns the other way, so that both sides show the same views.
        turn = Placement(position, -yaw if left else yaw, pitch, roll, left)
        return Actor(turn, held, gesture, person, look)

    depth = CAMERA.focal * _PALM_LENGTH / palm
    box = actor((0.0, 0.0, depth)).truth(CAMERA).landmarks[:, :2]
    low, high = box.min(axis=0), box.max(axis=0)
    margin = 0.25 * palm
    start = np.array([room[0] * CAMERA.width, 0.0]) + margin - low
    end = np.array([room[1] * CAMERA.width, CAMERA.height]) - margin - high
    share = rng.uniform(0, 1, 2)
    shift = np.where(end > start, start + share * (end - start), (start + end) / 2)
    x, y = (float(value) * depth / CAMERA.focal for value in shift)
    return actor((x, y, depth)), view


def _random_pair(
    rng: np.random.Generator, gestures: tuple[str, str], person: anatomy.Anatomy, look: Look
) -> list[tuple[Actor, str]]:
    """Return both hands of a person side by side, neither behind the other's arm."""
    left = bool(rng.random() < 0.5)
    while True:
        a = _random_actor(rng, gestures[0], person, look, left=left, room=(0.0, 0.5))
        b = _random_actor(rng, gestures[1], person, look, left=not left, room=(0.5, 1.0))
        if _clear_of_arm(a[0], b[0]) and _clear_of_arm(b[0], a[0]):
            return [a, b]


def _clear_of_arm(hand: Actor, other: Actor) -> bool:
    """Whether no landmark of `hand` lies on the other's forearm in the picture."""
    elbow = np.array([[0.0, 0.0, 0.0], [0.0, FOREARM_LENGTH, 0.0]]) @ other.skeleton().forearm.T
    start, end = CAMERA.project(
        np.maximum(other.placement.to_camera(elbow), (-np.inf, -np.inf, 50.0))
    )
    points = hand.truth(CAMERA).landmarks[:, :2]
    along = ((points - start) @ (end - start) / np.sum((end - start) ** 2)).clip(0, 1)
    gap = np.linalg.norm(points - start - along[:, None] * (end - start), axis=1)
    return bool(gap.min() > 50.0 * CAMERA.focal / other.placement.position[2])


def _pose_of(gesture: str, rng: np.random.Generator) -> pose.Pose:
    """Return the gesture's pose; for "", one on the way between two."""
    if gesture:
        return GESTURES[gesture]
    start, end = (GESTURES[str(name)] for name in rng.choice(list(GESTURES), 2, replace=False))
    return pose.interpolate(start, end, float(rng.uniform(0.3, 0.7)))


def _pack(sample: Sample) -> bytes:
    labels = {
        "gestures": [hand.gesture for hand in sample.hands],
        "handedness": [hand.handedness for hand in sample.hands],
        "tags": sample.tags,
    }
    buffer = io.BytesIO()
    np.savez(
        buffer,
        png=to_png(sample.image),
        landmarks=np.stack([hand.landmarks for hand in sample.hands]),
        world=np.stack([hand.world_landmarks for hand in sample.hands]),
        labels=np.array(json.dumps(labels)),
    )
    return buffer.getvalue()


def _unpack(blob: bytes) -> Sample:
    with np.load(io.BytesIO(blob)) as stored:
        labels = json.loads(str(stored["labels"]))
        image = from_png(stored["png"])
        hands = [
            Truth(landmarks, world, side, gesture)
            for landmarks, world, side, gesture in zip(
                stored["landmarks"],
                stored["world"],
                labels["handedness"],
                labels["gestures"],
                strict=True,
            )
        ]
    return Sample(image, hands, labels["tags"])
