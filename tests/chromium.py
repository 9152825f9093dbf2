"""A real browser for tests: Debian's Chromium without a window, over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

PROGRAM = shutil.which("chromium")
_PATIENCE = 30.0  # seconds for anything: the machine may be busy


class Chromium:
    """One browser with one page, opened with `async with`.

    Args:
        folder: for its profile.
    """

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        """Errors and warnings on the page's console, and exceptions that nobody caught."""
        self.requests: list[str] = []
        """Every URL that was asked for, WebSockets too."""
        self._folder = folder / "chromium"
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> Self:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [
                *(PROGRAM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0"),
                *("--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-extensions"),
                *("--disable-background-networking", "--disable-component-update"),
                f"--user-data-dir={self._folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        port = int((await self._wait_for_port()).split()[0])
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            (page,) = [each for each in await answer.json() if each["type"] == "page"]
        self._socket = await self._session.ws_connect(
            page["webSocketDebuggerUrl"], max_msg_size=1 << 26
        )
        self._reading = asyncio.create_task(self._read())
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()
        await self._session.close()
        await asyncio.wait([self._reading])
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def open(
        self, url: str, *, width: int = 1280, height: int = 900, mobile: bool = False
    ) -> None:
        """Go to a page in a window of this size and wait until it has loaded."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )
        await self.send("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def prefer(self, **features: str) -> None:
        """Let media features have these values, such as prefers_color_scheme="dark"."""
        given = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ]
        await self.send("Emulation.setEmulatedMedia", features=given)

    async def evaluate(self, code: str) -> Any:
        """Return what an expression of the page's JavaScript is; promises are waited for."""
        answer = await self.send(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{code[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, code: str, seconds: float = _PATIENCE) -> Any:
        """Wait until an expression is true and return it."""
        end = asyncio.get_running_loop().time() + seconds
        while not (value := await self.evaluate(code)):
            assert asyncio.get_running_loop().time() < end, f"never true: {code}"
            await asyncio.sleep(0.05)
        return value

    async def key(self, key: str, *, shift: bool = False) -> None:
        """Press a key where the focus is."""
        code = {"Tab": 9, "Enter": 13, " ": 32, "Delete": 46, "ArrowLeft": 37, "ArrowRight": 39}
        told = {"key": key, "code": key, "modifiers": 8 * shift}
        told["windowsVirtualKeyCode"] = code.get(key, 0)
        if key in ("Enter", " "):
            told["text"] = {"Enter": "\r"}.get(key, key)
        for kind in ("keyDown", "keyUp"):
            await self.send("Input.dispatchKeyEvent", type=kind, **told)

    async def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse, move it and let it go, in pixels of the window."""
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        for kind, (x, y) in (
            ("mousePressed", start),
            ("mouseMoved", middle),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def picture(self, *, whole: bool = False) -> bytes:
        """Return what the window shows, or the whole page, as PNG."""
        answer = await self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        return base64.b64decode(answer["data"])

    async def send(self, method: str, **parameters: Any) -> Any:
        """Send one command and return its answer."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await asyncio.wait_for(self._answers[number], _PATIENCE)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers[told["id"]].set_result(told)
            else:
                self._notice(told["method"], told["params"])

    def _notice(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(told["url"])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.problems.append(str([each.get("value") for each in told["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(told["exceptionDetails"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.problems.append(told["entry"]["text"])

    async def _wait_for_port(self) -> str:
        file = self._folder / "DevToolsActivePort"
        for _ in range(int(_PATIENCE / 0.05)):
            if file.exists() and (text := file.read_text()).strip():
                return text
            await asyncio.sleep(0.05)
        raise AssertionError("chromium did not start")
