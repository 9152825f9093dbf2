"""The live page in a real browser: what it shows, what it lets one do, what it never does."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the live page needs: pip install 'edgehands[web]'")

from edgehands.config import CameraConfig, Config, load_config
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.recording import Header
from edgehands.web.feed import Shown
from tests.chromium import PROGRAM, Chromium
from tests.pages import Site, event, loop, open_site, result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Visit = Callable[[Chromium], Awaitable[None]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="no browser: apt install chromium"),
]

AXE = "axe-core@4.10.3"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def browse(folder: Path, visit: Visit) -> None:
    """Visit with a browser; afterwards its console must be empty."""

    async def run() -> None:
        async with Chromium(folder) as browser:
            await visit(browser)
            assert browser.problems == []

    asyncio.run(run())


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, fetched once into this user's cache by npm."""
    folder = Path.home() / ".cache" / "edgehands-tests"
    packed = folder / f"{AXE.replace('@', '-')}.tgz"
    if not packed.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm to fetch axe-core with: apt install npm")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", AXE, "--silent", "--pack-destination", str(folder)]
        elsewhere = tmp_path_factory.mktemp("npm")
        try:
            subprocess.run(command, cwd=elsewhere, capture_output=True, check=True, timeout=60)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm could not fetch {AXE}: is this machine offline?")
    with tarfile.open(packed) as archive:
        file = archive.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


async def violations(browser: Chromium, axe: str) -> list[str]:
    """Run axe on the page as it is now."""
    await browser.evaluate(f"{axe}; true")
    await browser.send("Page.setBypassCSP", enabled=True)
    code = f"axe.run(document, {{runOnly: {list(RULES)}, resultTypes: ['violations']}})"
    found = await browser.evaluate(f"{code}.then((done) => JSON.stringify(done.violations))")
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in json.loads(found)
    ]


SAMPLER = """
globalThis.seen = new Set();
setInterval(() => {
  for (const { dataset } of document.querySelectorAll(".hand")) {
    if (dataset.gesture) seen.add(`${dataset.hand} ${dataset.side} ${dataset.gesture}`);
  }
}, 20);
Date.now() / 1000
"""


@pytest.mark.usefixtures("models")
def test_the_page_shows_what_the_demo_says_on_stdout_and_asks_nobody_else(
    tmp_path: Path, axe: str
) -> None:
    command = [sys.executable, "-m", "edgehands", "demo", "--web-address", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as demo:
        assert demo.stderr is not None
        found = re.search(r"http://[\d.]+:\d+/", demo.stderr.readline())
        assert found
        url = found[0]

        async def visit(browser: Chromium) -> None:
            await browser.open(url)
            begin = await browser.evaluate(SAMPLER)
            await browser.until("document.querySelectorAll('#log li').length > 3")
            await asyncio.sleep(7)
            seen = set(await browser.evaluate("[...seen]"))
            end = await browser.evaluate("Date.now() / 1000")
            for scheme in ("light", "dark"):
                await browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
                assert await violations(browser, axe) == []
            demo.send_signal(signal.SIGTERM)
            await browser.until("document.getElementById('state').textContent === 'ended'")
            shown = await browser.evaluate(
                "[...document.querySelectorAll('#log li')].map(({ dataset }) => ({ ...dataset }))"
            )
            assert demo.stdout is not None
            told = [json.loads(line) for line in demo.stdout]
            assert_same(shown, told)
            assert_same_gestures(seen, told, begin + 1, end - 1)
            places = {re.sub(r"^\w+://([^/]+)/.*$", r"\1", place) for place in browser.requests}
            assert places == {url.removeprefix("http://").removesuffix("/")}

        browse(tmp_path, visit)
        assert demo.wait(10) == 0


def assert_same(shown: list[dict[str, str]], told: list[dict[str, Any]]) -> None:
    """Every event of stdout is on the page, the latest first; values share a line."""
    expected = [each for each in told if each["phase"] != "value"]
    listed = [each for each in reversed(shown) if not each["event"].endswith("_value")]
    assert [each["id"] for each in listed] == [each["id"] for each in expected]
    for mine, theirs in zip(listed, expected, strict=True):
        assert mine["event"] == theirs["event_type"]
        assert int(mine["hand"]) == theirs["hand"]["id"]
        assert float(mine["score"]) == theirs["score"]


def assert_same_gestures(
    seen: set[str], told: list[dict[str, Any]], begin: float, end: float
) -> None:
    """What the cards of the hands said are the static gestures that began on stdout."""
    poses = shipped_vocabulary()
    starts = [each for each in told if each["phase"] == "start" and each["gesture"] in poses]

    def named(each: dict[str, Any]) -> str:
        return f"{each['hand']['id']} {each['hand']['side']} {each['gesture']}"

    assert seen <= {named(each) for each in starts}
    assert {named(each) for each in starts if begin < each["ts"] < end} <= seen
    assert len(seen) > 2


def test_a_phone_has_room_for_everything_and_axe_finds_nothing(tmp_path: Path, axe: str) -> None:
    async def visit(browser: Chromium) -> None:
        await browser.open(site.url, width=360, height=740, mobile=True)
        await browser.until("document.querySelectorAll('.hand').length === 1")
        assert await browser.evaluate("document.documentElement.scrollWidth") <= 360
        assert await violations(browser, axe) == []

    with open_site() as site, loop(site, 20):
        browse(tmp_path, visit)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'`${alert(3)}"


def test_names_are_text_whatever_they_are(tmp_path: Path) -> None:
    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until("document.querySelectorAll('#log li').length === 1")
        await browser.until("document.querySelectorAll('.hand').length === 1")
        text = await browser.evaluate("document.querySelector('#log .what').textContent")
        assert text == HOSTILE
        assert await browser.evaluate("document.querySelector('.gesture').textContent") == HOSTILE
        label = await browser.evaluate("document.getElementById('canvas').ariaLabel")
        assert HOSTILE in label
        assert await browser.evaluate("document.querySelectorAll('img, script').length") == 3
        assert site.url + "x" not in browser.requests

    camera = Config(camera=(CameraConfig(source="synthetic:", name=HOSTILE),))
    with open_site(config=camera, camera=HOSTILE) as site:
        site.feed.event(event(1, HOSTILE))
        show = result(gestures={1: HOSTILE})

        async def fed(browser: Chromium) -> None:
            feeding = asyncio.create_task(feed(site, show))
            await visit(browser)
            feeding.cancel()

        browse(tmp_path, fed)


async def feed(site: Site, shown: Any) -> None:
    while True:
        site.feed.result(shown)
        await asyncio.sleep(0.05)


CONFIG = """# My mirror.

[[camera]]
source = "synthetic:"  # for now

[tracker]
# As the glass needs it.
#mirrored = false
"""


def test_settings_change_at_once_and_are_saved_line_by_line(tmp_path: Path) -> None:
    place = tmp_path / "edgehands.toml"
    place.write_text(CONFIG)

    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until("!document.getElementById('pause').hidden")
        await browser.evaluate("document.getElementById('mirrored').click()")
        await browser.evaluate("document.getElementById('gesture').value = 'fist'; true")
        await browser.evaluate("document.getElementById('set-min_score').focus()")
        await browser.key("ArrowRight")
        await browser.until(
            "document.getElementById('unsaved').textContent.startsWith('2 settings')"
        )
        assert site.control.tuning is not None
        assert site.control.tuning.mirrored
        await browser.evaluate("document.getElementById('review').click()")
        await browser.until("document.getElementById('saving').open")
        lines = await browser.evaluate("document.getElementById('saving-lines').textContent")
        assert "[tracker] mirrored = true" in lines
        assert place.read_text() == CONFIG  # nothing yet
        await browser.evaluate("document.getElementById('write').click()")
        await browser.until("document.getElementById('review').disabled")

    with open_site(place=place, config=load_config(place)) as site, loop(site, 20):
        browse(tmp_path, visit)
    text = place.read_text()
    assert text.startswith(CONFIG.replace("#mirrored = false", "mirrored = true"))
    assert load_config(place).tracker.mirrored
    ((gesture, rules),) = load_config(place).gestures.items()
    assert rules.min_score == 0.55
    assert gesture == "fist"


def test_a_mask_is_drawn_by_mouse_and_a_zone_by_keyboard(tmp_path: Path) -> None:
    def masks() -> Any:
        return site.control.tuning.masks["camera"] if site.control.tuning else ()

    def zone() -> Any:
        tuning = site.control.tuning
        return next((each.zone for each in tuning.gestures.values()), None) if tuning else None

    async def visit(browser: Chromium) -> None:
        await browser.open(site.url, width=1280, height=1600)
        await browser.until("document.querySelectorAll('.hand').length === 1")
        left, top, width, height = await browser.evaluate(
            "(({ x, y, width, height }) => [x, y, width, height])"
            "(document.getElementById('stage').getBoundingClientRect())"
        )
        x, y, wide, high = await browser.evaluate(
            "(({ x, y, width, height }) => [x, y, width, height])"
            "(document.getElementById('draw-mask').getBoundingClientRect())"
        )
        await browser.drag((x + wide / 2, y + high / 2), (x + wide / 2, y + high / 2))  # a click
        start = left + 0.1 * width, top + 0.2 * height
        await browser.drag(start, (left + 0.4 * width, top + 0.6 * height))
        await until(lambda: len(masks()) == 1)
        assert masks()[0] == pytest.approx((0.1, 0.2, 0.4, 0.6), abs=0.01)
        await browser.until("document.querySelectorAll('#area-list button').length === 1")
        corner = left + 0.4 * width - 4, top + 0.6 * height - 4
        await browser.drag(corner, (corner[0] + 0.1 * width, corner[1]))
        await until(lambda: masks()[0][2] > 0.49)
        middle = left + 0.2 * width, top + 0.4 * height
        await browser.drag(middle, (middle[0], middle[1] + 0.1 * height))
        await until(lambda: masks()[0][1] > 0.29)

        await browser.evaluate("document.getElementById('draw-zone').focus()")
        await browser.key("Enter")
        await until(lambda: zone() == (0.35, 0.35, 0.65, 0.65))
        await browser.until("document.activeElement.dataset.area === 'zone 0'")
        await browser.key("ArrowLeft")
        await until(lambda: zone() == (0.33, 0.35, 0.63, 0.65))
        await browser.until("document.activeElement.dataset.area === 'zone 0'")
        await browser.key("ArrowRight", shift=True)
        await until(lambda: zone() == (0.33, 0.35, 0.65, 0.65))
        await browser.until("document.activeElement.dataset.area === 'zone 0'")
        await browser.key("Delete")
        await until(lambda: zone() is None)
        await browser.until("!document.querySelector('.area.zone')")
        await browser.evaluate("document.querySelector('#area-list button').click()")
        await until(lambda: masks() == ())

    with open_site() as site, loop(site, 20):
        browse(tmp_path, visit)


def test_the_token_is_asked_for_and_opens_the_page(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("correct horse battery staple")
    token.chmod(0o600)

    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until("!document.getElementById('login').hidden")
        for guess, ends in (("wrong", False), ("correct horse battery staple", True)):
            await browser.evaluate(f"document.getElementById('token').value = '{guess}'; true")
            await browser.evaluate("document.querySelector('#login button').click()")
            if not ends:
                problem = "document.getElementById('login-problem').textContent"
                await browser.until(f"{problem} === 'that is not the token'")
        await browser.until("document.querySelectorAll('.hand').length === 1")
        # A browser says on its console that a request was refused: that is all there is.
        assert all("401" in each or "WebSocket" in each for each in browser.problems)
        browser.problems.clear()

    with open_site(token_file=str(token)) as site, loop(site, 20):
        browse(tmp_path, visit)


def test_skeletons_alone_leave_the_device_unless_pixels_are_switched_on(tmp_path: Path) -> None:
    """A badge says so, and the canvas has no colour of the picture's."""

    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until("document.querySelectorAll('.hand').length === 1")
        await asyncio.sleep(0.3)
        hidden = await browser.evaluate("document.getElementById('badge').hidden")
        corner = await browser.evaluate(
            "[...document.getElementById('canvas').getContext('2d').getImageData(2, 2, 1, 1).data]"
        )
        assert (hidden, corner[3]) == ((True, 255) if pixels else (False, 0))

    for pixels in (False, True):
        with open_site(pixels=pixels) as site, loop(site, 20):
            browse(tmp_path / str(pixels), visit)


def test_a_page_that_nobody_touches_rests_and_goes_on_when_asked(tmp_path: Path) -> None:
    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until("!document.getElementById('resume').hidden")
        assert not site.feed.watched
        await browser.evaluate("document.getElementById('resume').click()")
        await browser.until("document.getElementById('state').textContent === 'live'")

    with open_site(idle_timeout=1.0) as site, loop(site, 20):
        browse(tmp_path, visit)


def test_a_camera_that_is_gone_after_a_reload_is_no_longer_the_chosen_one(tmp_path: Path) -> None:
    select = "document.getElementById('camera')"

    async def visit(browser: Chromium) -> None:
        await browser.open(site.url)
        await browser.until(f"{select}.options.length === 2")
        await browser.evaluate(
            f"{select}.value = 'door'; {select}.dispatchEvent(new Event('change'))"
        )
        await until(lambda: site.page._feeds["door"].watched)
        site.page.watch_over([Shown(Header(run="run", camera="camera"), cameras[0], tracker)])
        await browser.until(f"{select}.options.length === 1")
        assert await browser.evaluate(f"{select}.value") == "camera"
        await until(lambda: site.feed.watched)

    cameras = tuple(CameraConfig(source="synthetic:", name=name) for name in ("camera", "door"))
    tracker = Config().tracker
    with open_site(config=Config(camera=cameras)) as site:
        site.page.watch_over(
            [Shown(Header(run="run", camera=each.name), each, tracker) for each in cameras]
        )
        browse(tmp_path, visit)


def test_the_theme_is_the_systems_until_one_is_chosen(tmp_path: Path) -> None:
    async def visit(browser: Chromium) -> None:
        await browser.prefer(prefers_color_scheme="dark")
        await browser.open(site.url)
        theme = "document.documentElement.dataset.theme"
        assert await browser.evaluate(theme) == "dark"
        await browser.evaluate("document.getElementById('theme').click()")
        assert await browser.evaluate(theme) == "light"
        await browser.open(f"{site.url}?again")
        assert await browser.evaluate(theme) == "light"  # it is remembered

    with open_site() as site:
        browse(tmp_path, visit)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "never true"
        await asyncio.sleep(0.02)
