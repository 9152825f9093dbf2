"""Settings that the Python API takes and the config file spells out, checked in one place."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

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
    """Seconds between detector runs while some, but not all, hands are tracked."""
    idle_after: Seconds = 1.0
    """Seconds without a hand after which the detector runs less often."""
    idle_interval: Seconds = 0.2
    """Seconds between its runs then, unless the picture changes: the longest that a hand waits."""
    second_pass: bool = False
    """Static mode: measure again in the region of the first answer, for a lower error."""
    smoothing_min_cutoff: Positive = 1.0
    """One Euro: cut-off of a still hand, Hz. Lower is steadier."""
    smoothing_beta: Annotated[float, Meta(ge=0.0)] = 5.0
    """One Euro: how much the cut-off rises with speed, Hz per palm size per second."""


class GestureRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a pose counts as a gesture. One per gesture, all with the same defaults."""

    enabled: bool = True
    min_score: Share = 0.5
    """Poses below this score do not count."""
    enter_delay: Seconds = 0.15
    """Seconds the pose must be held before its start event."""
    exit_delay: Seconds = 0.2
    """Seconds the pose must be gone before its end event."""


def checked(settings: SettingsT) -> SettingsT:
    """Return `settings` if every value is of its type and in its range.

    Raises:
        UsageError: naming the field and the bound.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(settings), type(settings))
    except msgspec.ValidationError as error:
        raise UsageError(f"{type(settings).__name__}: {error}") from error
