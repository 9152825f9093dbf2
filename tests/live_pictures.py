"""The pictures of docs/live.md, made anew: `python -m tests.live_pictures`.

They need Chromium (apt install chromium) and half a minute.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.synthetic import DEMO_CLIP
from tests.chromium import Chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"
LARGEST = 300_000  # bytes

TWO_GESTURES = (
    "document.querySelectorAll('.hand[data-gesture]:not([data-gesture=\"\"])').length > 1"
)
HAND = "!!document.querySelector('.gesture:not(.none)')"
AREAS = """
fetch("/settings", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    masks: { camera: [[0.78, 0.05, 0.97, 0.42]] },
    gestures: { call_me: { zone: [0.06, 0.12, 0.6, 0.94] } },
    sensitivity: 0.65,
  }),
}).then((answer) => answer.ok)
"""


def main() -> None:
    """Take them all."""
    asyncio.run(_take_all())


async def _take_all() -> None:
    with tempfile.TemporaryDirectory() as folder, _page("--pixels") as page:
        async with Chromium(Path(folder)) as browser:
            await browser.prefer(prefers_color_scheme="light")
            await browser.open(page, width=1280, height=836)
            await _take(browser, "live.png", TWO_GESTURES)
            await browser.open(page, width=390, height=844, mobile=True)
            await _take(browser, "live-phone.png", TWO_GESTURES)
    with tempfile.TemporaryDirectory() as folder, _page("--skeleton") as page:
        async with Chromium(Path(folder)) as browser:
            await browser.prefer(prefers_color_scheme="dark")
            await browser.open(page, width=1280, height=1390)
            await browser.evaluate(AREAS)
            await _take(browser, "live-dark.png", HAND)


async def _take(browser: Chromium, name: str, when: str) -> None:
    await asyncio.sleep(7)  # until the charts are full
    await browser.until(when)
    content = await browser.picture()
    if len(content) > LARGEST:
        raise SystemExit(f"{name} has {len(content)} bytes: more than {LARGEST}")
    (DOCS / name).write_bytes(content)
    print(f"{DOCS / name}  {len(content) // 1000} kB", flush=True)  # noqa: T201


@contextmanager
def _page(*options: str) -> Iterator[str]:
    """Show the demo's clip and yield the page's address."""
    command = [sys.executable, "-m", "edgehands", "live", "--web-address", "127.0.0.1:0", *options]
    with (
        _config() as config,
        subprocess.Popen(
            [*command, "--config", str(config)], stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        try:
            yield next(found[0] for line in lines if (found := re.search(r"http://\S+/", line)))
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def _config() -> Iterator[Path]:
    """Yield a config of the pictures' own, whatever this machine has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edgehands.toml")
        path.write_text(f'[[camera]]\nsource = "loop:{DEMO_CLIP}"\n')
        yield path


if __name__ == "__main__":
    main()
