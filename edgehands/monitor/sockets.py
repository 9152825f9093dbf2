"""Listening sockets: unix ones that replace what a killed process left, and TCP ones."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.monitor.settings import Address

_BACKLOG = 128
_CONNECT_SECONDS = 0.5


class Listener:
    """A socket that listens; nothing blocks, and a unix one takes its file away when it is closed.

    Args:
        place: a TCP address, or a path, whose folder is made if need be.
        mode: permissions of a unix socket.

    Raises:
        OSError: it cannot listen there; FileExistsError if another process does.
    """

    def __init__(self, place: Address | Path, mode: int = 0o600) -> None:
        self.place = place
        if isinstance(place, Path):
            self.socket = _unix(place, mode)
            self._file: tuple[int, int] | None = _identity(place)
        else:
            self.socket = _tcp(place)
            self._file = None
        self.socket.setblocking(False)

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self.socket.close()
        if isinstance(self.place, Path) and self._file is not None:
            with suppress(OSError), _alone(self.place.parent):
                if _identity(self.place) == self._file:  # and not another process's by now
                    self.place.unlink()
            self._file = None


def _tcp(address: Address) -> socket.socket:
    family = socket.AF_INET6 if address.ip.version == 6 else socket.AF_INET
    return socket.create_server(
        (str(address.ip), address.port), family=family, backlog=_BACKLOG, reuse_port=False
    )


def _unix(path: Path, mode: int) -> socket.socket:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone(path.parent):
            if os.path.lexists(path):
                if not path.is_socket():
                    raise OSError(f"{path} is there already, and is no socket")
                if is_alive(path):
                    raise FileExistsError(f"another process listens on {path}")
                path.unlink()
            listener.bind(str(path))
            path.chmod(mode)
            listener.listen(_BACKLOG)  # nobody gets in before the permissions are right
    except BaseException:
        listener.close()
        raise
    return listener


def is_alive(path: Path) -> bool:
    """Whether a process listens on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_CONNECT_SECONDS)
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # busy, or another user's
            return True
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let two processes that start at once not take each other's socket for a left-over."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
