"""The service in a whole Debian, emulated: its camera, clock and power fail, and nothing leaks.

`make test-guest` runs it; it takes three quarters of an hour. The camera is the kernel's own test
driver, vivid, which draws no hands: states and frames are what is tested, not gestures. Emulated, a
model takes seconds for a frame, more than a watchdog allows: instead of one there is
CONTRIBUTING.md's backend, which sees nothing. Times are those of this machine, with everything else
emulated: upper bounds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.brokers import PROGRAM, Mosquitto, Observer, wait_for
from tests.guest import egress, image
from tests.guest.qemu import Guest
from tests.roots import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CYCLES = int(os.environ.get("EDGEHANDS_GUEST_CYCLES", "100"))
KILLS = int(os.environ.get("EDGEHANDS_GUEST_KILLS", "20"))
MINUTES = float(os.environ.get("EDGEHANDS_GUEST_MINUTES", "10"))
START_SECONDS = 240.0
PAUSE_SECONDS = 3.0
"""At most, by chance, until the camera is plugged in again, or unplugged again."""
YEAR = 365 * 86400.0
DRIVER = "/sys/bus/platform/drivers/vivid"
# What an administrator of a board that needs seconds for a frame would write.
SLOW_BOARD = """
mkdir -p /etc/systemd/system/edgehands.service.d
printf '[Service]\\nWatchdogSec=120\\n' > /etc/systemd/system/edgehands.service.d/slow.conf
systemctl daemon-reload
systemctl restart edgehands
"""
# Saves without end, as `edgehands config init` does: an old one, a new one, an old one …
SAVE = """
/opt/edgehands/venv/bin/python -c '
from pathlib import Path
from edgehands import folders
path = Path("/etc/edgehands/edgehands.toml")
old = path.read_bytes()
new = old if b"# new" in old else old + b"# new" + b"x" * 30_000 + b"\\n"
while True:
    for content in (new, old.partition(b"# new")[0]):
        folders.write_whole(path, content, mode=0o644)
'
"""

pytestmark = [
    pytest.mark.system,
    pytest.mark.usefixtures("models"),
    pytest.mark.skipif(PROGRAM is None, reason="no mosquitto here: apt install mosquitto"),
]


class Lab:
    """A guest, its broker, and somebody who listens."""

    def __init__(
        self, made: image.Image, folder: Path, broker: Mosquitto, ear: Observer, backend: str
    ) -> None:
        self._image = made
        self._folder = folder
        self._disk = folder / "config.img"
        self.broker = broker
        self.ear = ear
        self.config = image.write_config(made, self._disk, broker.port, backend)
        self.guest = Guest(made, folder, self._disk)

    def pace(self) -> float | None:
        """The frames a second that are looked at, once there were two."""
        heartbeat = self.ear.last("guest/state")
        return json.loads(heartbeat)["cameras"]["vivid"]["fps"] if heartbeat else None

    def state(self) -> str:
        """The camera's, as the broker has it."""
        return (self.ear.last("/vivid/camera") or b"").decode()

    def until(self, state: str, do: str) -> float:
        """Plug the camera in or out; return the seconds until the broker knows its state."""
        begun = time.monotonic()
        self.guest.write(f"{DRIVER}/{do}", "vivid.0")
        wait_for(lambda: self.state() == state, 30)
        return self.ear.below("/vivid/camera")[-1].time - begun

    def reboot(self) -> None:
        """Take the power away, forget what was heard, and start again."""
        self.guest.kill()
        self.ear.heard.clear()
        self.broker.kill()
        self.broker.start()
        self.guest = Guest(self._image, self._folder, self._disk)

    def ready(self) -> float:
        """Wait for the first frame; return the seconds since the power came."""
        wait_for(lambda: self.state() == "ok", START_SECONDS)
        return time.monotonic() - self.guest.begun

    def pid(self) -> int:
        return int(self.guest.property("MainPID"))

    def capturing(self) -> list[str]:
        """The processes that capture for the service."""
        return self.guest.run(f"cat /proc/{self.pid()}/task/*/children").split()

    def open_files(self, pid: int | str) -> int:
        return int(self.guest.run(f"ls /proc/{pid}/fd | wc -l"))

    def memory(self, pid: int | str) -> float:
        """MB that a process has to itself."""
        total = "awk '/^Private_/ {sum += $2} END {print sum}'"
        return int(self.guest.run(f"{total} /proc/{pid}/smaps_rollup")) / 1000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> image.Image:
    """The disk, with the wheel of this checkout installed."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "tools.wheel", str(out)]
    subprocess.run(build, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = out.glob("*.whl")
    return image.make(wheel)


@contextmanager
def started(made: image.Image, folder: Path, backend: str = "blind") -> Iterator[Lab]:
    broker = Mosquitto(folder).start()
    try:
        with Observer(broker.port) as ear:
            lab = Lab(made, folder, broker, ear, backend)
            try:
                yield lab
            finally:
                lab.guest.kill()
    finally:
        broker.kill()


@pytest.fixture(scope="class")
def lab(made: image.Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A guest whose service runs."""
    with started(made, tmp_path_factory.mktemp("lab")) as lab:
        print(f"booted in {lab.guest.booted:.0f} s, first frame after {lab.ready():.0f} s")  # noqa: T201
        yield lab


class TestWhileItRuns:
    """One guest for both."""

    def test_an_unplugged_camera_is_lost_and_comes_back_without_a_restart(self, lab: Lab) -> None:
        pid, known = lab.pid(), set(lab.capturing())
        files, captures, memory = [], [], []
        lost, back = [], []
        for _ in range(CYCLES):
            lost.append(lab.until("lost", "unbind"))
            pause()
            back.append(lab.until("ok", "bind"))
            (capturing,) = lab.capturing()
            known.add(capturing)
            files.append(lab.open_files(pid))
            captures.append(lab.open_files(capturing))
            memory.append(lab.memory(capturing))
            pause()
        report(f"{CYCLES} cycles: unplugged → lost", lost)
        report("plugged in → frames", back)
        for what, values in (
            ("open files", files),
            ("those of the process that captures", captures),
            ("its MB", memory),
        ):
            print(f"{what}: {values[0]} → {values[-1]}")  # noqa: T201
        print(f"{len(known)} processes captured")  # noqa: T201
        assert lab.pid() == pid
        assert lab.guest.property("NRestarts") == "0"
        for each in (files, captures):
            assert max(each[len(each) // 2 :]) <= max(each[:3])
        assert max(lost) <= 1.0
        assert max(back) <= 3.0

    def test_a_clock_that_jumps_is_no_stall(self, lab: Lab) -> None:
        # A year ahead, all that systemd does daily or weekly would be due, and take the processor.
        lab.guest.run("systemctl stop '*.timer'")
        pid, before = lab.pid(), len(lab.ear.below("/vivid/camera"))
        for seconds in (YEAR, -YEAR, *[5.0, -5.0] * 25, -100 * YEAR, 50 * YEAR):
            lab.guest.step_clock(seconds)
            time.sleep(5 if abs(seconds) > 10 else 0.2)
        time.sleep(15)  # longer than any watchdog or patience
        assert [heard.payload for heard in lab.ear.below("/vivid/camera")[before:]] == []
        assert lab.pid() == pid
        assert lab.guest.property("NRestarts") == "0"


def test_with_the_real_models_on_so_slow_a_board_it_needs_a_patient_watchdog_and_no_more(
    made: image.Image, tmp_path: Path
) -> None:
    with started(made, tmp_path, "tflite") as lab:
        lab.guest.run(SLOW_BOARD, timeout=START_SECONDS)
        pid = lab.pid()
        wait_for(lambda: lab.pace() is not None, START_SECONDS)
        print(f"{lab.pace()} frames a second with the light model")  # noqa: T201
        assert lab.until("lost", "unbind") < 30
        assert lab.until("ok", "bind") < 30
        assert (lab.pid(), lab.guest.property("NRestarts")) == (pid, "0")


def test_nothing_leaves_but_messages_to_the_broker(made: image.Image, tmp_path: Path) -> None:
    with started(made, tmp_path) as lab:
        lab.guest.run("systemctl stop edgehands")
        lab.guest.run(
            "v4l2-ctl -d /dev/video0 --set-fmt-video=width=320,height=180,pixelformat=YUYV "
            "--stream-mmap --stream-count=1 --stream-to=/tmp/frame",
        )
        raw = base64.b64decode(lab.guest.run("base64 -w0 /tmp/frame"))
        lab.ear.heard.clear()
        lab.guest.run("systemctl start edgehands", timeout=START_SECONDS)
        wait_for(lambda: lab.state() == "ok", START_SECONDS)
        for _ in range(int(MINUTES * 60)):  # what is stopped meanwhile, the guest and all, has more
            time.sleep(1)
        sent, strange = egress.read(lab.guest.capture)
        peers = {egress.Peer(image.BROKER, 6, lab.broker.port)}
    whole = b"".join(sent.values())
    print(f"{MINUTES:g} minutes: {len(whole)} bytes sent, one frame has {len(raw)}")  # noqa: T201
    assert strange == []
    assert set(sent) == peers
    assert len(whole) < len(raw)
    for name, canary in canaries(raw):
        assert canary not in whole, f"pixels left the device, as {name}"


def test_a_power_cut_while_the_config_is_saved_leaves_the_old_or_the_new_one(
    made: image.Image, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)  # noqa: S311
    seen = {"old": 0, "new": 0}
    with started(made, tmp_path) as lab:
        known = {digest(lab.config): "old", digest(new(lab.config)): "new"}
        for _ in range(KILLS):
            lab.guest.start(SAVE)
            time.sleep(5 + chance.uniform(0, 10))  # a Python takes its time to start in there
            lab.reboot()
            found = lab.guest.run("sha256sum /etc/edgehands/edgehands.toml").split()[0]
            assert found in known, f"seed {seed}: {seen}"
            seen[known[found]] += 1
            lab.ready()
        print(lab.guest.run("ls -A /etc/edgehands"))  # noqa: T201
        print(f"{KILLS} power cuts, seed {seed}: {seen}")  # noqa: T201


def pause() -> None:
    time.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311


def report(what: str, seconds: list[float]) -> None:
    print(f"{what}: median {np.median(seconds):.2f} s, worst {max(seconds):.2f} s")  # noqa: T201


def canaries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Pieces of the test picture, as they might be sent: raw, as colours, in base64, compressed."""
    import cv2

    yield "JPEG", b"\xff\xd8\xff"
    yield "PNG", b"\x89PNG"
    yield "base64 of JPEG", b"/9j/"
    picture = np.frombuffer(raw, np.uint8).reshape(180, 320, 2)
    forms: dict[str, np.ndarray[Any, Any]] = {"YUYV": picture, "grey": picture[..., 0]}
    for name, code in (("RGB", cv2.COLOR_YUV2RGB_YUYV), ("BGR", cv2.COLOR_YUV2BGR_YUYV)):
        forms[name] = cv2.cvtColor(picture, code)
    for name, pixels in forms.items():
        for row in pixels[::30]:
            for column in range(0, 320, 20):
                piece = row[column : column + 20].tobytes()
                yield name, piece
                yield f"base64 of {name}", base64.b64encode(piece)


def new(config: str) -> str:
    return config + "# new" + "x" * 30_000 + "\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
