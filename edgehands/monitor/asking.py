"""Asks the runs on this machine how they are doing, over their status sockets."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from edgehands.errors import DeviceError
from edgehands.monitor.places import find_sockets
from edgehands.monitor.problems import Problem, find_problems
from edgehands.monitor.status import Answer, Request

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.health import Health

_SECONDS = 3.0
_MAX_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its answer, or why there is none."""

    socket: Path
    health: Health | None
    problems: tuple[Problem, ...]
    is_closed: bool = False
    """Only another user may ask it."""

    @property
    def name(self) -> str:
        """What tells it from others."""
        return self.socket.stem

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "name": self.name,
            "socket": str(self.socket),
            "problems": [{**each._asdict(), "line": str(each)} for each in self.problems],
            "health": msgspec.to_builtins(self.health),
        }


def find_runs(name: str | None = None) -> list[Run]:
    """Ask every run; sockets that a killed process left are passed over.

    Args:
        name: only the runs of this name.
    """
    return [run for path in find_sockets(name) if (run := _run(path))]


def ask(path: Path) -> Health:
    """Ask the run behind a socket how it is doing.

    Raises:
        DeviceError: it does not answer, or what it says is not understood.
        OSError: there is none, or this user may not ask.
    """
    try:
        received = _exchange(path, msgspec.json.encode(Request("health")) + b"\n")
        answer = msgspec.json.decode(received, type=Answer)
    except TimeoutError:
        raise DeviceError(f"no answer on {path} in {_SECONDS:.0f} s: it hangs") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DeviceError(
            f"the answer on {path} is not understood ({error}): is the run of another version? "
            "Restart it"
        ) from None
    if answer.health is None:
        raise DeviceError(f"the answer on {path}: {answer.error}")
    return answer.health


def _run(path: Path) -> Run | None:
    try:
        health = ask(path)
    except DeviceError as error:
        mend = "sudo systemctl restart edgehands"
        return Run(path, None, (Problem(f"run {path.stem}", "does not answer", str(error), mend),))
    except PermissionError:
        why = f"{path} belongs to another user"
        problem = Problem(f"run {path.stem}", "may not be asked", why, "sudo edgehands status")
        return Run(path, None, (problem,), is_closed=True)
    except OSError:  # nobody listens
        return None
    return Run(path, health, tuple(find_problems(health)))


def _exchange(path: Path, request: bytes) -> bytes:
    received = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        client.connect(str(path))
        client.sendall(request)
        while not received.endswith(b"\n") and len(received) < _MAX_ANSWER:
            if not (data := client.recv(65536)):
                break
            received += data
    return bytes(received)
