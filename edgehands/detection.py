"""When the palm detector runs: the tracker's one saving, kept as a rule of its own.

Pure: frames tell it their time and picture, it answers with a reason or not at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, ImageArray
    from edgehands.settings import TrackerSettings

Reason: TypeAlias = Literal["no hand", "change", "hint", "search"]


class DetectionPolicy(Protocol):
    """Decides, frame by frame, whether detection is due."""

    def due(self, time: float, tracked: int, image: ImageArray) -> Reason | None:
        """Say why the detector must run now, with `tracked` hands still held; None when not.

        Args:
            time: seconds, rising.
            tracked: hands whose presence held in this frame.
            image: the frame, uint8 [H, W, 3].
        """

    def noticed(self, time: float, score: float) -> None:
        """Hear what the best palm of a detection scored, 0 to 1, be it too little to count."""


class EveryFrame:
    """In every frame: for single images."""

    def due(self, time: float, tracked: int, image: ImageArray) -> Reason | None:  # noqa: ARG002
        """Return always the same."""
        return "no hand"

    def noticed(self, time: float, score: float) -> None:
        """Need no hint."""


class SearchCadence:
    """Each state of the picture has its own haste.

    - No hand: at once and in every frame, for `idle_after` seconds. A hand that was lost is back in
      the same frame.
    - No hand for longer: every `idle_interval`, and at once when the picture changes more than it
      usually does. A hand that slips in below that is found at the next turn.
    - No hand, but a palm that scores too little to count, and more than lately: every frame for
      a second. The score of a hand that comes in slowly flickers about the threshold.
    - Some hands, others missing: every `search_interval`. MediaPipe detects in every frame then.

    With all hands in view it never runs.
    """

    def __init__(self, max_hands: int, settings: TrackerSettings) -> None:
        self._max_hands = max_hands
        self._settings = settings
        self._change = ChangeTest()
        self._last = -math.inf
        self._hinted = -math.inf
        self._peak = 0.0  # of recent hints
        self._heard = -math.inf
        self._empty_since: float | None = None

    def noticed(self, time: float, score: float) -> None:
        """Take a palm that scores too little for a hint, if it scores more than the last ones.

        A poster or a glove scores the same for ever: it must not keep the detector busy.
        """
        passed = time - self._heard
        self._heard = time
        if score >= max(self._settings.hint_score, self._peak + _HINT_RISES):
            self._hinted, self._peak = time, score
        else:  # down to what is seen now: what stays is no news, what goes is forgotten
            self._peak = min(self._peak, max(score, self._peak - _HINT_FADES * passed))

    def due(self, time: float, tracked: int, image: ImageArray) -> Reason | None:
        """Say why the detector must run now, or None."""
        reason = self._reason(time, tracked, image)
        if reason is not None:
            self._last = time
        return reason

    def _reason(self, time: float, tracked: int, image: ImageArray) -> Reason | None:
        waited = time - self._last + TICK
        if tracked:
            self._empty_since = None
            missing = tracked < self._max_hands
            return "search" if missing and waited >= self._settings.search_interval else None
        if self._empty_since is None:
            self._empty_since = time
            self._change.restart()
        changed = self._change(image, time)
        if time - self._empty_since < self._settings.idle_after:
            return "no hand"
        if waited >= self._settings.idle_interval:
            return "no hand"
        if time - self._hinted < _HINT_LASTS:
            return "hint"
        return "change" if changed else None


class ChangeTest:
    """Says when a picture differs from the one before by more than it lately did.

    It looks at some two thousand pixels: at the block that changed most, so that a small hand
    counts, and at the mean of all, so that a new scene counts even where traffic or leaves keep
    some blocks busy.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all; it takes two pictures to see what is usual."""
        self._before: FloatArray | None = None
        self._usual: FloatArray | None = None
        self._time = 0.0

    def __call__(self, image: ImageArray, time: float) -> bool:
        """Take the next picture (uint8 [H, W, 3]) and say whether it is a surprise."""
        now = _samples(image)
        before, passed = self._before, time - self._time
        self._before, self._time = now, time
        if before is None or before.shape != now.shape:
            return False
        blocks = _block_means(np.abs(now - before))
        change = np.array([blocks.max(), blocks.mean()], np.float32)
        if self._usual is None:
            self._usual = change
            return False
        surprise = bool((change > _LEAST_CHANGE + _UNUSUAL * self._usual).any())
        # The largest change of late, slowly forgotten.
        self._usual = np.maximum(change, self._usual * np.float32(math.exp(-passed / _MEMORY)))
        return surprise


_HINT_LASTS = 1.0
"""Seconds for which every frame is looked at after a hint."""
_HINT_RISES = 0.05
"""By how much a palm must score more than the last hint to be another one."""
_HINT_FADES = 0.05
"""How much of the last hint's score is forgotten in a second."""
_ROWS, _COLUMNS = 36, 64  # samples
_BLOCK = 6  # samples along a block's side, about a tenth of the picture's width
_LEAST_CHANGE = np.array([4, 2], np.float32)  # grey levels of 255: more than a sensor's noise
_UNUSUAL = 1.5  # times the largest change of late
_MEMORY = 2.0  # seconds after which a third of a change is still remembered


def _samples(image: ImageArray) -> FloatArray:
    """About 36 × 64 values of the green channel, which has most of the light."""
    rows, columns = max(1, image.shape[0] // _ROWS), max(1, image.shape[1] // _COLUMNS)
    return image[rows // 2 :: rows, columns // 2 :: columns, 1].astype(np.float32)


def _block_means(values: FloatArray) -> FloatArray:
    """Return means over squares of 6 × 6; a rest at an edge counts with the last whole one."""
    rows = np.arange(0, max(values.shape[0] - _BLOCK + 1, 1), _BLOCK)
    columns = np.arange(0, max(values.shape[1] - _BLOCK + 1, 1), _BLOCK)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    heights = np.diff(np.append(rows, values.shape[0]))
    widths = np.diff(np.append(columns, values.shape[1]))
    return np.asarray(sums / np.outer(heights, widths), np.float32)
