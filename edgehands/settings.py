"""Settings that the Python API takes and the config file spells out, checked in one place."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from edgehands.errors import UsageError

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, Meta(ge=0.0)]
Positive = Annotated[float, Meta(gt=0.0)]
Text = Annotated[str, Meta(pattern=r"\S", description="text in quotes (not empty)")]
TopicName = Annotated[
    str,
    Meta(
        # Python's $ alone lets a line end through.
        pattern=r"^[a-z0-9_]+$(?!\n)",
        description="text in quotes (small letters, digits and _)",
    ),
]

Area: TypeAlias = tuple[Share, Share, Share, Share]
"""Left, top, right and bottom as shares of the picture's width and height."""
Zone = Annotated[Area, Meta(description="four numbers from 0 to 1: [left, top, right, bottom]")]


TICK = 1e-6
"""Seconds by which sums of frame times may miss a whole number of intervals by rounding."""

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


class TrackerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number of the tracker. The defaults are MediaPipe's where MediaPipe has one."""

    min_palm_score: Share = 0.5
    """A palm below this is not followed up (palm_detection_cpu.pbtxt, min_score_thresh)."""
    min_presence: Share = 0.5
    """A hand is kept while its presence is above this (hand_landmark_cpu.pbtxt, threshold)."""
    association_iou: Share = 0.5
    """A new palm whose region overlaps a tracked one by more is the same hand
    (hand_landmark_tracking_cpu.pbtxt, min_similarity_threshold)."""
    palm_model: str | None = None
    """Which palm detector; None takes the one that the catalog pairs with the landmark model."""
    palm_backend: str | None = None
    """Backend of the palm detector; None uses the landmark model's, device and options included."""
    palm_device: str | None = None
    """As `device`, for a palm detector on a backend of its own."""
    palm_backend_options: dict[str, str] = {}
    """As `backend_options`, for a palm detector on a backend of its own."""
    precision: Literal["fp32", "int8"] = "fp32"
    """Arithmetic asked of the backend; int8 runs files made by `edgehands models build int8`."""
    device: str | None = None
    """Which of the backend's devices, such as "GPU" for openvino; None takes its usual one."""
    backend_options: dict[str, str] = {}
    """The backend's own options, for example `delegate` for tflite."""
    models: str | None = None
    """Folder of the model files; None searches the usual places."""
    search_interval: Seconds = 0.2
    """Seconds between detector runs while some, but not all, hands are tracked. Such a run is off
    the frame's path: it joins the next frame."""
    idle_after: Seconds = 0.5
    """Seconds without a hand after which the detector runs less often."""
    idle_interval: Seconds = 0.25
    """Seconds between its runs then, unless the picture changes: the longest that a hand waits."""
    hint_score: Share = 0.2
    """A palm of at least this score, though too little to count, makes the detector look in every
    frame again for a second."""
    id_memory: Seconds = 1.0
    """Seconds for which a lost hand keeps its id, should it appear again near by."""
    search_tiles: Annotated[int, Meta(ge=1, le=4)] = 1
    """For small and far hands: the detector looks in turn at the whole picture and at this many
    tiles along each side, magnified. 1 is the whole picture alone."""
    still_frames: Annotated[int, Meta(ge=0, le=30)] = 2
    """Frames in a row for which a hand that has not moved is not measured again; 0 measures in
    every frame, as does a tracker without smoothing."""
    second_pass: bool = False
    """Static mode: measure again in the region of the first answer, for a lower error."""
    smoothing_min_cutoff: Positive = 0.5
    """One Euro: cut-off of a still hand, Hz. Lower is steadier."""
    smoothing_beta: Annotated[float, Meta(ge=0.0)] = 5.0
    """One Euro: how much the cut-off rises with speed, Hz per palm size per second."""


class GestureRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a gesture counts and how often it is told; the same defaults for every gesture.

    What keeps a gesture from starting (side, zone, refractory time) never ends one under way.
    """

    enabled: bool = True
    min_score: Share = 0.5
    """A gesture below this score does not count."""
    max_speed: Positive = 0.9
    """Palm sizes a second that hand and fingers may move at while a pose starts: a sign is held
    still. Motions are none of this."""
    enter_delay: Seconds = 0.2
    """Seconds the pose must be held before its start event."""
    exit_delay: Seconds = 0.2
    """Seconds the pose must be gone before its end event."""
    hold_interval: Seconds = 1.0
    """Seconds between hold events while the gesture lasts; 0 for none."""
    refractory: Seconds = 0.3
    """Seconds after its end before the gesture may start again with that hand."""
    side: Literal["any", "left", "right"] = "any"
    """Which hand may start it."""
    zone: Zone | None = None
    """Where the palm must be to start it: [left, top, right, bottom] as shares of the picture's
    width and height; None is anywhere."""
    value_rate: Positive = 10.0
    """Value events a second at most, for gestures that stream a value."""


Culture = Literal["american", "european", "chinese"]


class EventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When hands and gestures become events, for all gestures together."""

    enter_delay: Seconds = 0.1
    """Seconds a hand must be seen before it counts as having entered."""
    leave_delay: Seconds = 0.3
    """Seconds a hand must be missing before it counts as having left; one that is back sooner goes
    on with its gesture."""
    sensitivity: Share = 0.5
    """0 to 1, at the start of a run: above the middle, gestures begin at lower scores than their
    min_score, down to half of it; below, they need higher ones."""
    culture: Culture = "american"
    """Whose way of counting gives events their number."""
    arming: str | None = None
    """A static gesture that must be held before any other counts; None needs none."""
    arming_delay: Seconds = 0.5
    """Seconds it must be held: its start event says that others count now."""
    armed_for: Positive = 10.0
    """Seconds without any gesture after which it must be held again."""


def checked(settings: SettingsT) -> SettingsT:
    """Return `settings` if every value is of its type and in its range.

    Raises:
        UsageError: naming the field and the bound.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(settings), type(settings))
    except msgspec.ValidationError as error:
        raise UsageError(f"{type(settings).__name__}: {error}") from error


def zone_mistake(zone: object) -> str | None:
    """Return what is wrong with the order of four numbers that are a zone, or None."""
    if not isinstance(zone, list | tuple) or len(zone) != 4:
        return None
    if not all(isinstance(edge, int | float) for edge in zone):
        return None
    left, top, right, bottom = zone
    if left < right and top < bottom:
        return None
    return f"expected [left, top, right, bottom] with left < right and top < bottom, got {[*zone]}"
