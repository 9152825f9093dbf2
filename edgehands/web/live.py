"""The live page as a run has it: an output that takes what all cameras' loops find.

The loops only leave their newest result here. Copying, encoding and explaining are done in another
thread, sending in a third, and none of it while nobody watches.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edgehands.outputs import Output
from edgehands.web.desk import Desk
from edgehands.web.feed import Feed
from edgehands.web.token import needed_token
from edgehands.web_settings import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edgehands.control import Control
    from edgehands.events import Event
    from edgehands.health import CameraState
    from edgehands.outputs import Result
    from edgehands.web.feed import Shown
    from edgehands.web.pictures import Painter
    from edgehands.web_settings import WebConfig

_log = logging.getLogger(__name__)


class LivePage(Output):
    """Opens the page; closing it ends all of its threads.

    Args:
        config: the table [web].
        shown: the cameras.
        control: through which the page changes settings.
        place: the file of the config, to save them in.

    Raises:
        ConfigError: an address that others can reach, without a token.
        DeviceError: an address that cannot be listened on.
        RuntimeMissingError: aiohttp is not installed.
    """

    def __init__(
        self,
        config: WebConfig,
        shown: Sequence[Shown],
        control: Control,
        place: Path | None = None,
    ) -> None:
        address = parse_address(config.address)
        token = needed_token(config, address)
        from edgehands.web.server import Server

        self._config = config
        self._control = control
        self._desk = Desk(control, place)
        self._fresh = threading.Event()
        self._closing = threading.Event()
        self._failed = False
        self._feeds: Mapping[str, Feed] = {}
        self._painters: Mapping[str, Painter] = {}
        self._prepare(shown)
        self._server = Server(config, address, token, self._desk, self._feeds)
        self.url = f"http://{address._replace(port=self._server.port)}/"
        """Where a browser on this machine finds it."""
        self._thread = threading.Thread(
            target=self._paint_all, name="edgehands-page-pictures", daemon=True
        )
        self._thread.start()
        _log.info("live page at %s", self.url)

    def watch_over(self, shown: Sequence[Shown]) -> None:
        """Go on with what a config says that was read anew."""
        self._prepare(shown)
        self._server.introduce(self._feeds)

    def result(self, result: Result) -> None:
        """Leave the newest result of a camera here, while somebody watches."""
        if feed := self._feeds.get(result.camera):
            feed.result(result)

    def event(self, event: Event) -> None:
        """Keep an event for the page's list."""
        if feed := self._feeds.get(event.camera):
            feed.event(event)

    def camera(self, name: str, state: CameraState, reason: str | None) -> None:
        """Tell the page how a camera is doing."""
        if feed := self._feeds.get(name):
            feed.camera(state, reason or "")

    def config(self, problem: str | None) -> None:
        """Tell the page why the config file was not taken."""
        self._server.tell("config_problem", problem or "")

    def close(self) -> None:
        """Tell the open pages that it is over, and stop."""
        self._closing.set()
        self._fresh.set()
        self._thread.join(1.0)
        self._server.close()

    def _prepare(self, shown: Sequence[Shown]) -> None:
        from edgehands.web.pictures import Painter

        self._desk.begin(shown)
        names = [each.header.camera for each in shown]
        self._feeds = {name: self._feeds.get(name) or Feed(self._fresh.set) for name in names}
        self._painters = {
            each.header.camera: Painter(
                self._feeds[each.header.camera],
                each.header,
                self._control,
                pixels=self._config.pixels,
            )
            for each in shown
        }

    def _paint_all(self) -> None:
        """Make pictures of what is new, not more often than is wanted."""
        while not self._closing.is_set():
            self._fresh.wait()
            self._fresh.clear()
            begin = time.monotonic()
            try:
                self._paint()
            except Exception:  # noqa: BLE001 (the next one may be shown)
                if not self._failed:
                    said = "the live page cannot show everything:"
                    _log.exception(said, extra={"code": "EH1511"})
                self._failed = True
            self._closing.wait(max(0.0, begin + 1 / self._config.fps - time.monotonic()))

    def _paint(self) -> None:
        feeds = self._feeds
        for camera, painter in self._painters.items():
            result = feeds[camera].take() if camera in feeds else None
            if result is not None:
                self._server.offer(camera, painter.message(result))
        self._server.wake()
