"""The service on the machine, as an administrator sees it, and what befalls it from outside."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.system.machine import wait_for

if TYPE_CHECKING:
    from tests.system.machine import Machine

UNIT = "edgehands"
CONFIG = "/etc/edgehands/edgehands.toml"
USERS_EDGEHANDS = "/root/venv/bin/edgehands"
WHEELS = "/root/wheels"
CAMERA = """
[[camera]]
source = "test:?clip=demo"
"""
STDOUT = """
[[output]]
type = "stdout"
"""
LIGHT = """
[tracker]
model = "light"
"""
BROKER = """
[[output]]
type = "mqtt"
url = "mqtt://mirror@localhost"
node = "mirror"
"""
_CGROUP = f"/sys/fs/cgroup/system.slice/{UNIT}.service"


class Service:
    """The installed service."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def install(self, *options: str) -> str:
        """Install it as its user does, and return what that says."""
        command = (USERS_EDGEHANDS, "service", "install", "--wheelhouse", WHEELS)
        return self.machine.run(*command, *options).stdout

    def configure(self, *parts: str) -> None:
        """Give it another config, and what that needs."""
        self.machine.write(CONFIG, "".join(parts))
        self.install()
        self.machine.run("systemctl", "restart", UNIT)

    @property
    def pid(self) -> int:
        """Its main process, 0 between two."""
        return int(self.machine.property(UNIT, "MainPID"))

    @property
    def restarts(self) -> int:
        """How often systemd had to start it again."""
        return int(self.machine.property(UNIT, "NRestarts"))

    def is_ready(self) -> bool:
        """Whether it says that it is."""
        return self.machine.property(UNIT, "ActiveState") == "active"

    def wait_until_replaced(self, pid: int, seconds: float) -> float:
        """Wait until another process than `pid` is ready, and return after how long."""

        def replaced() -> bool:
            return self.is_ready() and self.pid not in {0, pid}

        return wait_for(replaced, seconds, f"another process than {pid} is ready")

    def status(self) -> dict[str, Any]:
        """Return what `edgehands status` tells of it."""
        told = self.machine.run("edgehands", "status", "--json", check=False).stdout
        health: dict[str, Any] = json.loads(told)["runs"][0]["health"]
        return health

    def events(self) -> int:
        """Return how many events it has printed so far, those of earlier processes included."""
        return self.machine.journal(UNIT).count('"event_type"')

    def gets_on(self, seconds: float = 5.0) -> bool:
        """Whether more events come."""
        before = self.events()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.events() > before:
                return True
            time.sleep(0.2)
        return False

    def children(self) -> list[int]:
        """Return its other processes."""
        told = self.machine.run("cat", f"{_CGROUP}/cgroup.procs").stdout.split()
        return [int(each) for each in told if int(each) != self.pid]

    def threads(self) -> list[int]:
        """Return the threads of its main process."""
        return sorted(map(int, self.machine.run("ls", f"/proc/{self.pid}/task").stdout.split()))

    def freeze(self, thread: int) -> None:
        """Stop one thread as a driver that never returns does; only its end ends that."""
        frozen = f"{_CGROUP}/frozen"
        self.machine.run("mkdir", frozen)
        for name, value in (("type", "threaded"), ("threads", str(thread)), ("freeze", "1")):
            self.machine.write(f"{frozen}/cgroup.{name}", value)

    def thaw(self) -> None:
        """Let a frozen thread go on, and leave no trace."""
        frozen = f"{_CGROUP}/frozen"
        if self.machine.run("test", "-d", frozen, check=False).returncode:
            return  # it went with its process
        self.machine.write(f"{frozen}/cgroup.freeze", "0")
        for thread in self.machine.run("cat", f"{frozen}/cgroup.threads").stdout.split():
            self.machine.run("sh", "-c", f"echo {thread} > {_CGROUP}/cgroup.threads", check=False)
        self.machine.run("rmdir", frozen)
