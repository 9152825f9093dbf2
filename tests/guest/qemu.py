"""A guest: a whole Debian in QEMU, emulated, with a camera that can be unplugged.

The guest's clock is this machine's, so a second in it is a second here; its processor is ten times
slower or more. Times that are met here are met with room to spare on a device.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.guest.image import Image

_BOOT_SECONDS = 240.0


class Guest:
    """One start of the image. What it writes to its root goes with it; /etc/edgehands stays."""

    def __init__(self, image: Image, folder: Path, config: Path) -> None:
        """Start it with this disk of /etc/edgehands."""
        self.capture = folder / "egress.pcap"
        self.console = folder / "console.log"
        agent = folder / "agent.sock"
        agent.unlink(missing_ok=True)
        command = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"),
            *("-m", "1536", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", str(image.kernel), "-initrd", str(image.initramfs)),
            *("-append", "console=ttyS0 quiet net.ifnames=0 tsc=unstable"),
            *("-drive", f"file={image.root},if=virtio,format=raw,snapshot=on"),
            *("-drive", f"file={config},if=virtio,format=raw"),
            *("-serial", f"file:{self.console}"),
            *("-serial", f"unix:{agent},server=on,wait=off"),
            *("-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-pci,netdev=net"),
            *("-object", f"filter-dump,id=dump,netdev=net,file={self.capture}"),
        ]
        self.begun = time.monotonic()
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self._agent = _connect(agent, self._process)
        self._answers = self._agent.makefile("rb")
        self._agent.settimeout(_BOOT_SECONDS)
        self._answer()  # the agent is there
        self.booted = time.monotonic() - self.begun

    def run(self, script: str, *, timeout: float = 60) -> str:
        """Run lines of a shell as root and return what they say; they must succeed."""
        out: str = self._do(timeout, run=script, timeout=timeout)["out"]
        return out.strip()

    def write(self, path: str, text: str) -> None:
        """Write to a file, with less ado than a shell."""
        self._do(60, write=path, text=text)

    def step_clock(self, seconds: float) -> None:
        """Move the clock of the day."""
        self._do(60, step=seconds)

    def start(self, script: str) -> None:
        """Have lines of a shell run, without waiting for them; nothing can be asked after that."""
        self._agent.sendall(json.dumps({"run": script, "timeout": 3600}).encode() + b"\n")

    def property(self, name: str) -> str:
        """Return a property of the service's unit."""
        return self.run(f"systemctl show --value --property={name} edgehands")

    def kill(self) -> None:
        """Take the power away."""
        self._process.kill()
        self._process.communicate()
        self._answers.close()
        self._agent.close()

    def _do(self, patience: float, **asked: object) -> dict[str, Any]:
        self._agent.sendall(json.dumps(asked).encode() + b"\n")
        self._agent.settimeout(patience + 30)
        answer = self._answer()
        assert answer["rc"] == 0, f"{asked}: {answer}"
        return answer

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        assert line, f"the guest is gone: {self.console.read_text(errors='replace')[-2000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _connect(path: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + 10
    while True:
        try:
            client.connect(str(path))
        except OSError:
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < until, f"no {path}"
            time.sleep(0.05)
        else:
            return client
