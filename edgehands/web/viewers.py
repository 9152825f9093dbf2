"""Who looks at the page: to each the newest picture that it is quick enough for, and all events."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgehands.web.feed import Feed

MOST_VIEWERS = 8
STALLED_SECONDS = 10.0
"""A viewer that takes nothing for so long is gone."""
IDLE_CODE = 4001
"""Close code: nobody has touched the page for too long."""

_NOTHING = b""
_CANCEL_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class Viewer:
    """One open page."""

    socket: web.WebSocketResponse
    camera: str
    touched: float
    on_touch: Callable[[], object]
    watches: bool = True
    """Its window can be seen."""
    told: int = 0
    """Number of the last event that it was sent."""
    state: tuple[str, str] | None = None
    """Of its camera, as it was told."""
    message: bytes = _NOTHING
    """The newest, not yet sent: overtaken by the next one."""
    notices: dict[str, Any] = field(default_factory=dict)
    """What else is to be told, by its kind: the newest of each."""
    fresh: asyncio.Event = field(default_factory=asyncio.Event)


class Viewers:
    """All open pages. Everything here runs in the server's thread.

    Args:
        feeds: the cameras, by name.
        idle: seconds after which an untouched page is closed; 0 never.
        welcome: what a page is told first.
    """

    def __init__(
        self, feeds: Mapping[str, Feed], idle: float, welcome: Callable[[], dict[str, Any]]
    ) -> None:
        self._feeds = feeds
        self._idle = idle
        self._welcome = welcome
        self._viewers: set[Viewer] = set()

    def introduce(self, feeds: Mapping[str, Feed]) -> None:
        """Go on with other cameras: all pages begin anew."""
        self._feeds = feeds
        for viewer in self._viewers:
            if viewer.camera not in feeds:
                viewer.camera = next(iter(feeds), "")
            viewer.told, viewer.state, viewer.message = 0, None, _NOTHING
            viewer.notices["welcome"] = self._welcome()
            viewer.fresh.set()
        self._count_watchers()

    def __len__(self) -> int:
        return len(self._viewers)

    def offer(self, camera: str, message: bytes) -> None:
        """Give a picture to all that look at this camera."""
        for viewer in self._viewers:
            if viewer.camera == camera and viewer.watches:
                viewer.message = message
                viewer.fresh.set()

    def wake(self) -> None:
        """Let all see whether there are new events, or an end."""
        for viewer in self._viewers:
            viewer.fresh.set()

    def tell(self, kind: str, what: object) -> None:
        """Tell all pages something; of one kind only the newest counts."""
        for viewer in self._viewers:
            viewer.notices[kind] = what
            viewer.fresh.set()

    async def serve(
        self, socket: web.WebSocketResponse, transport: Any, on_touch: Callable[[], object]
    ) -> None:
        """Look after one page until it goes; `on_touch` is called when somebody touches it."""
        camera, notices = next(iter(self._feeds), ""), {"welcome": self._welcome()}
        viewer = Viewer(socket, camera, time.monotonic(), on_touch, notices=notices)
        self._viewers.add(viewer)
        self._count_watchers()
        viewer.fresh.set()
        sending = asyncio.create_task(self._send_all(viewer, transport))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or not self._hear(viewer, message.data):
                    break
        finally:
            self._viewers.discard(viewer)
            self._count_watchers()
            # Before Python 3.12, wait_for forgets to be cancelled at the moment that it is done.
            while not sending.done():
                sending.cancel()
                await asyncio.wait([sending], timeout=_CANCEL_SECONDS)

    async def close(self, why: str) -> None:
        """Tell all pages the last there is, and end them."""
        viewers = [*self._viewers]
        self.tell("ended", True)
        await asyncio.gather(*map(self._send, viewers), return_exceptions=True)
        closing = [
            viewer.socket.close(code=WSCloseCode.GOING_AWAY, message=why.encode())
            for viewer in viewers
        ]
        await asyncio.gather(*closing, return_exceptions=True)

    def _hear(self, viewer: Viewer, text: str) -> bool:
        """Take what a page says; False if it makes no sense."""
        try:
            said = msgspec.json.decode(text, type=dict[str, str | bool])
        except msgspec.DecodeError:
            return False
        camera, watches = said.get("camera"), said.get("watches")
        if isinstance(camera, str) and camera in self._feeds:
            viewer.camera, viewer.message = camera, _NOTHING
            viewer.told, viewer.state = 0, None
        if isinstance(watches, bool):
            viewer.watches = watches
        if said.get("touched") is True:
            viewer.touched = time.monotonic()
            viewer.on_touch()
        self._count_watchers()
        viewer.fresh.set()
        return True

    def _count_watchers(self) -> None:
        watched = {viewer.camera for viewer in self._viewers if viewer.watches}
        for name, feed in self._feeds.items():
            feed.watched = name in watched

    async def _send_all(self, viewer: Viewer, transport: Any) -> None:
        while True:
            await viewer.fresh.wait()
            viewer.fresh.clear()
            if self._idle and time.monotonic() - viewer.touched > self._idle:
                await viewer.socket.close(code=IDLE_CODE, message=b"nobody touched this page")
                return
            try:
                await asyncio.wait_for(self._send(viewer), STALLED_SECONDS)
            except (TimeoutError, asyncio.TimeoutError, ConnectionError, RuntimeError):
                transport.abort()
                return

    async def _send(self, viewer: Viewer) -> None:
        message, viewer.message = viewer.message, _NOTHING
        notices, viewer.notices = viewer.notices, {}
        feed = self._feeds.get(viewer.camera)
        if feed is not None:
            events = [event for number, event in feed.events if number > viewer.told]
            if events:
                viewer.told = feed.events[-1][0]
                notices["events"] = events
            if feed.state != viewer.state:
                viewer.state = feed.state
                notices["camera_state"] = feed.state
        if notices:
            await viewer.socket.send_str(msgspec.json.encode(notices).decode())
        if message:
            await viewer.socket.send_bytes(message)
