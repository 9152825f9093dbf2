"""The page's server: an event loop in a thread of its own, small answers, strict about who asks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edgehands._version import __version__
from edgehands.errors import EdgeHandsError, RuntimeMissingError, UsageError
from edgehands.web.guard import HEADERS, Names, is_own_origin
from edgehands.web.listener import IDLE_SECONDS, Connections, listen
from edgehands.web.sessions import COOKIE, Sessions

try:
    from aiohttp import web

    from edgehands.web.viewers import MOST_VIEWERS, Viewers
except ImportError as error:
    raise RuntimeMissingError(
        f"the live page needs aiohttp ({error}): run `pip install aiohttp`, "
        "or for the service `sudo edgehands service install`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from socket import socket

    from edgehands.web.desk import Desk
    from edgehands.web.feed import Feed
    from edgehands.web_settings import Address, WebConfig

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_OWN_SITES = ("same-origin", "none")
"""What a browser says of a request that no other page has caused."""
_LONGEST_BODY = 16_384  # bytes: all settings of all gestures
_LONGEST_WORD = 1024  # bytes of what a page says over its socket
_HEARTBEAT = 15.0
_CLOSE_SECONDS = 3.0


class Server:
    """Serves the page until it is closed.

    Args:
        config: the table [web].
        address: where to listen.
        token: what a browser has to show; None lets everybody in.
        desk: the settings.
        feeds: the cameras by name.

    Raises:
        DeviceError: the address cannot be listened on.
    """

    def __init__(
        self,
        config: WebConfig,
        address: Address,
        token: str | None,
        desk: Desk,
        feeds: Mapping[str, Feed],
    ) -> None:
        self._config = config
        self._names = Names(config.hosts, is_loopback=address.is_loopback)
        self._sessions = Sessions(token, config.idle_timeout)
        self._desk = desk
        self._feeds = feeds
        self._files = _read_files()
        self._listening = listen(address)
        self.port = int(self._listening.getsockname()[1])
        """Where it listens: that of the address, or the one that was free."""
        self._loop = asyncio.new_event_loop()
        self._viewers = Viewers(feeds, config.idle_timeout, self._welcome)
        self._connections: Connections | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="edgehands-page", daemon=True)
        self._thread.start()

    def offer(self, camera: str, message: bytes) -> None:
        """Give a picture to all that look at a camera; from any thread."""
        self._call(self._viewers.offer, camera, message)

    def wake(self) -> None:
        """Let the pages look for events; from any thread."""
        self._call(self._viewers.wake)

    def tell(self, kind: str, what: object) -> None:
        """Tell all pages something; from any thread."""
        self._call(self._viewers.tell, kind, what)

    def introduce(self, feeds: Mapping[str, Feed]) -> None:
        """Go on with other cameras; from any thread."""
        self._feeds = feeds
        self._call(self._viewers.introduce, feeds)

    def close(self) -> None:
        """End all connections and the thread."""
        self._call(self._stop.set)
        self._thread.join(_CLOSE_SECONDS)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # it has ended, and with it whoever would have been told
            self._loop.call_soon_threadsafe(function, *arguments)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve(self._listening))
        except Exception:  # noqa: BLE001 (whatever it is, the loop must go on)
            said = "the live page has ended; everything else goes on:"
            _log.exception(said, extra={"code": "EH1512"})
        finally:
            self._loop.close()
            self._listening.close()

    async def _serve(self, listening: socket) -> None:
        runner = web.AppRunner(
            self._app(),
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_SECONDS,
            shutdown_timeout=_CLOSE_SECONDS / 3,
        )
        await runner.setup()
        assert runner.server is not None  # noqa: S101 (setup makes it)
        self._connections = connections = Connections(runner.server)
        tasks = [
            asyncio.create_task(connections.accept(listening)),
            asyncio.create_task(connections.sweep()),
        ]
        try:
            await self._stop.wait()
            with suppress(TimeoutError, asyncio.TimeoutError):  # a viewer that takes nothing
                await asyncio.wait_for(self._viewers.close("the run has ended"), _CLOSE_SECONDS / 3)
        finally:
            for task in tasks:
                task.cancel()
            connections.close()
            await runner.cleanup()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=_CLOSE_SECONDS / 3)

    def _app(self) -> web.Application:
        app = web.Application(
            middlewares=[self._keep_count, self._check], client_max_size=_LONGEST_BODY
        )
        app.on_response_prepare.append(_add_headers)
        for path in self._files:
            app.router.add_get(path, self._file)
        app.router.add_get("/live", self._live)
        app.router.add_get("/settings", self._settings)
        app.router.add_post("/settings", self._change)
        app.router.add_post("/save", self._save)
        app.router.add_post("/login", self._login)
        return app

    @web.middleware
    async def _keep_count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        transport, connections = request.transport, self._connections
        if transport is None or connections is None:
            raise web.HTTPServiceUnavailable
        connections.busy(transport)
        try:
            return await handler(request)
        finally:
            connections.idle(transport)

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = self._refusal(request)
        return refusal if refusal is not None else await handler(request)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Refuse who asks under another name, from another page, or without the token."""
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if not self._names.may_ask(host, _local_address(request)):
            return _refusal(421, "this server has no such name: put it into hosts in [web]")
        if request.path in self._files:
            return None
        changes = request.method != "GET" or request.path == "/live"
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if (changes and not is_own_origin(origin, host)) or site not in _OWN_SITES:
            return _refusal(403, "only this server's own page may ask for this")
        if request.method == "POST" and request.content_type != "application/json":
            return _refusal(415, "expected application/json")
        secret = request.cookies.get(COOKIE)
        if request.path != "/login" and not self._sessions.lets_in(secret, time.monotonic()):
            return _refusal(401, "show the token first")
        return None

    async def _file(self, request: web.Request) -> web.Response:
        kind, content = self._files[request.path]
        return web.Response(body=content, content_type=kind, charset="utf-8")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            return _refusal(503, f"{MOST_VIEWERS} pages are open already: close one")
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT, max_msg_size=_LONGEST_WORD, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        secret = request.cookies.get(COOKIE)
        await self._viewers.serve(
            socket, request.transport, lambda: self._sessions.lets_in(secret, time.monotonic())
        )
        return socket

    async def _settings(self, _: web.Request) -> web.Response:
        return _json(self._desk.state())

    async def _change(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        if self._config.read_only:
            return _refusal(403, "settings cannot be changed here: read_only in [web]")
        try:
            self._desk.change(body)
        except UsageError as error:
            return _refusal(422, str(error))
        state = self._desk.state()
        self._viewers.tell("settings", state)
        return _json(state)

    async def _save(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        if self._config.read_only:
            return _refusal(403, "settings cannot be changed here: read_only in [web]")
        try:
            wish = msgspec.json.decode(body, type=dict[str, bool])
            # Reading, checking and writing a file takes a while: not in this thread.
            saving = asyncio.to_thread(self._desk.save, write=wish.get("write", False))
            saved = await saving
        except (msgspec.DecodeError, EdgeHandsError) as error:
            return _refusal(422, str(error))
        self._viewers.tell("settings", self._desk.state())
        return _json(saved._asdict())

    async def _login(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        now = time.monotonic()
        if self._sessions.is_shut(now):
            return _refusal(429, "too many wrong tokens: wait a minute")
        try:
            token = msgspec.json.decode(body, type=dict[str, str]).get("token", "")
        except msgspec.DecodeError:
            token = ""
        secret = self._sessions.begin(token, now)
        if secret is None:
            return _refusal(401, "that is not the token")
        answer = _json({})
        answer.set_cookie(
            COOKIE,
            secret,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=request.headers.get("Origin", "").startswith("https:"),
        )
        return answer

    async def _body(self, request: web.Request) -> bytes:
        """Return a request's body; a long one is refused unread, a slow one given up."""
        try:
            return await asyncio.wait_for(request.read(), IDLE_SECONDS)
        except (TimeoutError, asyncio.TimeoutError, OSError):
            raise web.HTTPRequestTimeout from None

    def _welcome(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "cameras": [*self._feeds],
            "pixels": self._config.pixels,
            "read_only": self._config.read_only,
            "settings": self._desk.state(),
        }


def _read_files() -> dict[str, tuple[str, bytes]]:
    """Return the page's files by their paths: only these are ever served."""
    files = {
        f"/{path.name}": (_TYPES[path.suffix], path.read_bytes())
        for path in _PAGE.iterdir()
        if path.suffix in _TYPES
    }
    return {"/": files["/index.html"], **files}


def _local_address(request: web.Request) -> str | None:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if isinstance(name, tuple) else None


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _json(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")


def _refusal(status: int, why: str) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode({"error": why}),
        content_type="application/json",
        headers={"Connection": "close"},
    )
