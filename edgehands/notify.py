"""What a service manager is told and asks: the protocol of sd_notify(3), without a library."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

SOCKET = "NOTIFY_SOCKET"
"""The environment variable that names the manager's socket."""

_MICRO = 1_000_000


class Notifier:
    """Sends states to whoever started this process; without a manager it does nothing.

    Args:
        address: a path, or "@" and an abstract name; None for no manager.
        watchdog: seconds within which the manager wants to hear `watchdog`; None if it does not.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self.watchdog = watchdog
        self._address = address if address and address[0] in "/@" else None

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Notifier:
        """Return the one for this process, and hide it from those that it will start."""
        environment = os.environ if environment is None else environment
        watchdog = watchdog_seconds(environment, os.getpid())
        for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
            environment.pop(name, None)
        return cls(environment.pop(SOCKET, None), watchdog)

    def send(self, **states: str | int) -> bool:
        """Send states in one message, such as READY=1 and STATUS="…".

        Returns:
            Whether it was taken, or there is nobody to take it. A manager that has too much to read
            may take the same later.
        """
        if self._address is None:
            return True
        lines = [f"{name}={str(value).translate(_ONE_LINE)}" for name, value in states.items()]
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        # A manager that does not read must not hold anybody up.
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as there:
                there.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False
        return True

    def reloading(self) -> None:
        """Say that the config is read anew; READY=1 ends it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.send(RELOADING=1, MONOTONIC_USEC=now)

    def extend(self, seconds: float) -> None:
        """Ask for so many more seconds for what goes on now, be it the start or the end."""
        self.send(EXTEND_TIMEOUT_USEC=int(seconds * _MICRO))


def is_managed(environment: Mapping[str, str]) -> bool:
    """Whether a service manager waits to hear that this process is ready."""
    return bool(environment.get(SOCKET))


def watchdog_seconds(environment: Mapping[str, str], pid: int) -> float | None:
    """Return how often the process `pid` must say that it is alive; None for never."""
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    try:
        micro = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return micro / _MICRO if micro > 0 else None


_ONE_LINE = str.maketrans("\r\n", "  ")
