"""The live page as a run has it: a feed for each camera, and what makes pictures of them.

The loop only leaves its newest result here. Copying, encoding and explaining are done in another
thread, sending in a third, and none of it while nobody watches.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError
from edgehands.settings import GestureRules
from edgehands.web.desk import Desk
from edgehands.web.feed import Feed
from edgehands.web.token import find_token, how_to_make
from edgehands.web_settings import parse_address

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from edgehands.config import Config
    from edgehands.control import Control
    from edgehands.recording import Header
    from edgehands.web.pictures import Painter

_log = logging.getLogger(__name__)
_DEFAULT = GestureRules()


class LivePage:
    """Opens the page; closing it ends all of its threads.

    Args:
        config: the whole of it.
        control: through which the page changes settings.
        place: the file of the config, to save them in.

    Raises:
        ConfigError: an address that others can reach, without a token.
        DeviceError: an address that cannot be listened on.
        RuntimeMissingError: aiohttp is not installed.
    """

    def __init__(self, config: Config, control: Control, place: Path | None = None) -> None:
        self._config = config.web
        address = parse_address(config.web.address)
        token = find_token(config.web)
        if token is None and not address.is_loopback:
            raise ConfigError(
                f"others can reach the live page on {address}: it needs a token; "
                f"{how_to_make('web-token')}, then token_file in [web]"
            )
        from edgehands.web.server import Server

        self._control = control
        self._desk = Desk(config, control, place)
        self._feeds: dict[str, Feed] = {}
        self._painters: dict[str, Painter] = {}
        self._fresh = threading.Event()
        self._closing = threading.Event()
        self._failed = False
        self._server = Server(config.web, address, token, self._desk, self._feeds)
        self.url = f"http://{address._replace(port=self._server.port)}/"
        """Where a browser on this machine finds it."""
        self._thread = threading.Thread(
            target=self._paint_all, name="edgehands-page-pictures", daemon=True
        )
        self._thread.start()
        _log.info("live page at %s", self.url)

    def feed(self, header: Header) -> Feed:
        """Return the output that a camera's results go to."""
        from edgehands.replay import interpreter_of
        from edgehands.web.pictures import Painter

        feed = Feed(header, self._fresh.set)
        interpreter = interpreter_of(header)
        self._desk.know({name: interpreter.rules.get(name, _DEFAULT) for name in interpreter.names})
        self._painters[header.camera] = Painter(feed, self._control, pixels=self._config.pixels)
        self._feeds[header.camera] = feed
        return feed

    def close(self) -> None:
        """Tell the open pages that it is over, and stop."""
        self._closing.set()
        self._fresh.set()
        self._thread.join(1.0)
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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
                    _log.exception("the live page cannot show everything:")
                self._failed = True
            self._closing.wait(max(0.0, begin + 1 / self._config.fps - time.monotonic()))

    def _paint(self) -> None:
        for camera, painter in [*self._painters.items()]:
            result = self._feeds[camera].take()
            if result is not None:
                self._server.offer(camera, painter.message(result))
        self._server.wake()
