"""Results as messages for the page, made in the page's own thread: numbers, and a small picture.

A message is the length of its JSON (4 bytes, little-endian), the JSON, and a JPEG or nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from edgehands.explain.judge import Judge
from edgehands.gestures.fingers import read_fingers
from edgehands.replay import interpreter_of
from edgehands.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.control import Control
    from edgehands.explain.spans import Need, Span
    from edgehands.hand import Hand, ImageArray
    from edgehands.outputs import Result
    from edgehands.recording import Header
    from edgehands.web.feed import Feed, Sample

WIDTH = 640
"""Pixels of the picture's longer side at most: enough to aim a camera by."""
_QUALITY = 72
_SHOWN_NEEDS = 4
_READ_EVERY = 2
"""Pictures: what fingers and poses do is read less often than it is drawn, as people read slower
than they see."""


class Painter:
    """Makes one camera's messages.

    Args:
        feed: the camera's.
        header: its name and everything that its gestures are made of.
        control: of the run, whose rules the explanations follow.
        pixels: whether the camera's picture may be shown.
    """

    def __init__(self, feed: Feed, header: Header, control: Control, *, pixels: bool) -> None:
        self._feed = feed
        self._header = header
        self._control = control
        self._pixels = pixels
        interpreter = interpreter_of(header)
        self._steering = Steering(control, interpreter, header.events.sensitivity)
        self._judge = Judge(interpreter, self._steering.rules)
        self._number = 0
        self._read: dict[int, dict[str, Any]] = {}
        self._of: dict[int, str | None] = {}
        """The gestures of the hands that were read: others are read at once."""

    def message(self, result: Result) -> bytes:
        """Return the message about a result."""
        self._steering.follow()
        self._number += 1
        height, width = result.frame.image.shape[:2]
        report = result.report
        told = {
            "camera": self._header.camera,
            "time": result.frame.time,
            "size": (width, height),
            "paused": not self._control.enabled,
            "sensitivity": self._control.sensitivity,
            "hands": self._hands(result),
            "detection": report.detection if report else None,
            "duty": report.duty_cycle if report else None,
            "dropped": result.dropped,
            "samples": [_rounded(sample) for sample in self._feed.samples()],
        }
        text = msgspec.json.encode(told)
        picture = _jpeg(result.frame.image) if self._pixels else b""
        return struct.pack("<I", len(text)) + text + picture

    def _hands(self, result: Result) -> list[dict[str, Any]]:
        now = {hand.id: result.gestures.get(hand.id) for hand in result.hands}
        if self._number % _READ_EVERY == 1 or now != self._of:
            self._of = now
            self._read = {hand.id: self._reading(hand, result) for hand in result.hands}
        return [
            {
                "id": hand.id,
                "side": hand.handedness,
                "side_score": round(hand.handedness_score, 3),
                "presence": round(hand.presence, 3),
                "gesture": result.gestures.get(hand.id),
                "points": np.round(hand.landmarks.astype(np.float64), 1).ravel().tolist(),
                **self._read[hand.id],
            }
            for hand in result.hands
        ]

    def _reading(self, hand: Hand, result: Result) -> dict[str, Any]:
        """Return what is slower to find out: fingers, and what a pose lacks."""
        tuning = self._control.tuning
        mirrored = tuning.mirrored if tuning else self._header.mirrored
        fingers = read_fingers(hand, mirrored=mirrored)
        shown, block = result.gestures.get(hand.id), result.blocks.get(hand.id)
        span = self._judge.span(hand, shown, block, result.frame.time)
        return {
            "fingers": {name: finger.state for name, finger in fingers.items()},
            "why": _why(span),
        }


def _why(span: Span) -> dict[str, Any]:
    return {
        "verdict": span.verdict,
        "gesture": span.gesture,
        "score": round(span.scores[0], 3),
        "reason": span.reason,
        "needs": [_need(need) for need in span.unmet()[:_SHOWN_NEEDS]],
    }


def _need(need: Need) -> Mapping[str, object]:
    return {
        "what": need.what,
        "measure": need.measure,
        "value": round(need.high, 3),
        "needed": need.needed,
        "unit": need.unit,
    }


def _rounded(sample: Sample) -> list[float]:
    return [round(float(value), 2) for value in sample]


def _jpeg(image: ImageArray) -> bytes:
    """Return a small copy of an RGB image, as JPEG."""
    height, width = image.shape[:2]
    scale = min(1.0, WIDTH / max(height, width))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    else:
        small = image
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)
    return encoded.tobytes()
