"""A live page without a camera: results that a test makes up, and requests of every kind."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from edgehands.config import CameraConfig, Config
from edgehands.control import Control
from edgehands.events import Event, EventHand
from edgehands.frame import Frame
from edgehands.hand import Hand, Roi
from edgehands.outputs import Result
from edgehands.recording import Header
from edgehands.report import FrameReport
from edgehands.web.feed import Shown
from edgehands.web.live import LivePage
from edgehands.web_settings import WebConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgehands.web.feed import Feed


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A page with one camera, and a loop that feeds it."""

    def __init__(self, page: LivePage, camera: str, control: Control) -> None:
        self.page = page
        self.feed: Feed = page._feeds[camera]
        self.control = control
        self.url = page.url
        self.port = urlsplit(page.url).port or 0

    def ask(
        self, path: str, body: object = None, *, method: str | None = None, **headers: str
    ) -> Answer:
        """Ask as the page itself would, but for the headers given: Host, Origin, …"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"}
        if content is not None:
            sent |= {"Origin": self.url[:-1], "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, content, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@contextmanager
def open_site(
    *,
    place: Path | None = None,
    config: Config | None = None,
    camera: str = "camera",
    **web: Any,
) -> Iterator[Site]:
    """Open a page on a port that is free."""
    if config is None:
        config = Config(camera=(CameraConfig(source="synthetic:", name=camera),))
    settings = WebConfig(**{"address": "127.0.0.1:0", "fps": 60.0, "enabled": True, **web})
    control = Control()
    header = Header(run="run", camera=camera, gestures=config.gestures)
    shown = [Shown(header, each, config.tracker) for each in config.camera]
    with closing(LivePage(settings, shown, control, place)) as page:
        yield Site(page, camera, control)


def result(
    image: Any = None, *, time_: float = 0.0, gestures: dict[int, str] | None = None
) -> Result:
    """One frame with one hand."""
    if image is None:
        image = np.zeros((360, 640, 3), np.uint8)
    report = FrameReport(time_, detection=None, stage_ms={"landmarks": 9.0, "gestures": 0.4})
    return Result(Frame(image, time_, time.monotonic()), [hand()], gestures or {}, report=report)


def hand() -> Hand:
    """A right hand, open."""
    x = np.array([0, -2, -4, -6, -8, -3, -3, -3, -3, -1, -1, -1, -1, 1, 1, 1, 1, 3, 3, 3, 3.0])
    y = np.array(
        [
            0,
            -2,
            -4,
            -6,
            -8,
            -8,
            -11,
            -13,
            -15,
            -8,
            -12,
            -14,
            -16,
            -8,
            -11,
            -13,
            -15,
            -7,
            -9,
            -11,
            -12.0,
        ]
    )
    points = np.stack([320 + 12 * x, 300 + 12 * y, 0 * x], axis=1).astype(np.float32)
    return Hand(
        id=1,
        landmarks=points,
        world_landmarks=(points - points.mean(axis=0)) / 1200,
        presence=0.98,
        handedness="right",
        handedness_score=0.97,
        roi=Roi(320, 200, 300, 0.0),
    )


def event(number: int, gesture: str = "open_palm") -> Event:
    """The start of a gesture."""
    return Event(
        event_type=gesture,
        gesture=gesture,
        phase="start",
        hand=EventHand(1, "right"),
        score=0.9,
        camera="camera",
        seq=number,
        id=f"run-{number:08d}",
        ts=float(number),
    )


@contextmanager
def loop(site: Site, rate: float = 100.0) -> Iterator[list[float]]:
    """Feed results from a thread as a tracker's loop does; yields how long each one took, s."""
    taken: list[float] = []
    stop = threading.Event()

    def run() -> None:
        image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
        while not stop.wait(1 / rate):
            begin = time.perf_counter()
            site.feed.result(result(image, time_=begin))
            taken.append(time.perf_counter() - begin)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()
