"""EdgeHands: hand tracking and gesture events on small computers.

    from edgehands import HandTracker, open_camera

    with HandTracker(model="full") as tracker, open_camera("/dev/video0") as camera:
        for frame in camera:
            hands = tracker.update(frame.image, frame.time)

Importing this package loads nothing else; each name below is loaded at its first use.
"""

from __future__ import annotations

import importlib
import os.path
from typing import TYPE_CHECKING

from edgehands._version import __version__

if TYPE_CHECKING:
    from edgehands.cameras import open_camera, open_steady_camera
    from edgehands.drawing import draw_hands
    from edgehands.errors import EdgeHandsError
    from edgehands.frame import Frame
    from edgehands.hand import Hand, Landmark, Palm, Roi
    from edgehands.report import FrameReport
    from edgehands.settings import TrackerSettings
    from edgehands.tracker import HandTracker

__all__ = [
    "EdgeHandsError",
    "Frame",
    "FrameReport",
    "Hand",
    "HandTracker",
    "Landmark",
    "Palm",
    "Roi",
    "TrackerSettings",
    "__version__",
    "draw_hands",
    "open_camera",
    "open_steady_camera",
]

if os.path.isfile(os.path.join(os.path.dirname(__file__), "models")):  # noqa: PTH113, PTH118, PTH120
    raise ImportError(
        f"in {os.path.dirname(__file__)}, links became text files: clone again with "  # noqa: PTH120
        "`git -c core.symlinks=true clone`, on a file system that has links"
    )

_HOMES = {
    "EdgeHandsError": "edgehands.errors",
    "Frame": "edgehands.frame",
    "FrameReport": "edgehands.report",
    "Hand": "edgehands.hand",
    "HandTracker": "edgehands.tracker",
    "draw_hands": "edgehands.drawing",
    "Landmark": "edgehands.hand",
    "Palm": "edgehands.hand",
    "Roi": "edgehands.hand",
    "TrackerSettings": "edgehands.settings",
    "open_camera": "edgehands.cameras",
    "open_steady_camera": "edgehands.cameras",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'edgehands' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return __all__
