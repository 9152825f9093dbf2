"""Drawn hands that arrive as from a live camera, for trying everything without one."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

import edgehands.cameras.opencv  # noqa: F401 (the scene is drawn with it: say so if it is missing)
from edgehands.cameras.live import LiveCamera
from edgehands.errors import UsageError
from edgehands.frame import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator

    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

DEFAULT_FPS = 30.0
DEFAULT_WIDTH, DEFAULT_HEIGHT = 640, 480
REPORT_SECONDS = 2.0


class Scene(Protocol):
    """Something that can be filmed."""

    def frame_at(self, time: float) -> tuple[ImageArray, object]:
        """Return the picture at `time` seconds, and the truth about it, which a camera lacks."""


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> SyntheticCamera:
    """Open the endless show of `edgehands.synthetic`; `synthetic:?seed=3` is another background.

    The first time on a machine this draws the hands, which takes half a minute.

    Raises:
        UsageError: a parameter other than `seed`, or a seed that is no whole number from 0.
    """
    seed = _seed(address)
    from edgehands.synthetic.stream import SyntheticStream

    scene = SyntheticStream(
        width=width or DEFAULT_WIDTH,
        height=height or DEFAULT_HEIGHT,
        seed=seed,
        progress=_reporter(),
    )
    return SyntheticCamera(scene, fps=fps or DEFAULT_FPS)


def _seed(address: str) -> int:
    parameters = dict(parse_qsl(address.removeprefix("?"), keep_blank_values=True))
    seed = parameters.pop("seed", "0")
    if parameters or (address and "=" not in address) or not (seed.isascii() and seed.isdigit()):
        raise UsageError(f"camera 'synthetic:{address}': write synthetic: or synthetic:?seed=3")
    return int(seed)


def _reporter() -> Callable[[float], None]:
    """Return what says how far the drawing is, where it takes long enough to wonder."""
    last = time.monotonic()

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_SECONDS:
            last = time.monotonic()
            logger.info("drawing hands, once on this machine: %.0f %%", 100 * share)

    return report


class SyntheticCamera(LiveCamera):
    """Films a scene in real time: one that renders too slowly gives fewer frames, not late ones.

    Frame k has the time k / fps, so what is seen at a time does not depend on the machine; which
    frames are seen does.
    """

    def __init__(self, scene: Scene, *, fps: float = DEFAULT_FPS) -> None:
        self.source = "synthetic:"
        self.fps = fps
        self._scene = scene
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        start = time.monotonic()
        index = 0
        while not stop.wait(max(0.0, start + index / self.fps - time.monotonic())):
            image, _ = self._scene.frame_at(index / self.fps)
            yield Frame(image=image, time=index / self.fps, captured=start + index / self.fps)
            index = max(index + 1, int((time.monotonic() - start) * self.fps))
