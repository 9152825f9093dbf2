"""What a run starts so that others can see how it is doing."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import RuntimeMissingError
from edgehands.monitor.answering import Answering
from edgehands.monitor.places import socket_place
from edgehands.monitor.settings import Address, MetricsConfig, check_listen, parse_listen
from edgehands.monitor.sockets import Listener
from edgehands.monitor.status import StatusProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.health import Health
    from edgehands.monitor.answering import Protocol

_log = logging.getLogger(__name__)

_AGAIN = 10.0  # seconds until a port that was taken is tried again
_METRICS_MODE = 0o666  # as readable as a port of this machine is


class Monitor:
    """The status socket and, if the config asks for it, the metrics: one thread for both.

    A socket that cannot be had is told in the log; tracking hands goes on without it.

    Args:
        health: tells how the run is doing. It is called in another thread and must not wait.
        name: of this run, for its socket; where another run has it, its process number is added.
        metrics: the table [metrics].

    Raises:
        UsageError: metrics shall listen where they must not.
        RuntimeMissingError: metrics are asked for, and their library is not here.
    """

    def __init__(
        self,
        health: Callable[[], Health],
        *,
        name: str = "edgehands",
        metrics: MetricsConfig | None = None,
    ) -> None:
        self._health = health
        self._name = name
        self._metrics = metrics or MetricsConfig()
        self._http = self._http_protocol()
        self._answering: list[Answering] = []
        self._next = float("inf")
        """When to try again to listen for who asks for metrics."""
        self.socket: Path | None = None
        """The status socket, once there is one."""

    def start(self) -> None:
        """Begin to answer."""
        served: list[tuple[Listener, Protocol]] = []
        if listener := self._status_listener():
            served.append((listener, StatusProtocol(self._health)))
            self.socket = listener.place if isinstance(listener.place, Path) else None
        if self._http and (listener := self._metrics_listener(logging.WARNING)):
            served.append((listener, self._http))
        self._answer(served)

    def try_again(self, now: float) -> None:
        """Listen where the metrics are wanted, if that could not be so far; call it now and then.

        Args:
            now: time.monotonic().
        """
        if self._http and now >= self._next and (listener := self._metrics_listener(logging.DEBUG)):
            self._answer([(listener, self._http)])

    def close(self) -> None:
        """Stop answering and take the sockets away. Safe to call twice."""
        self._next = float("inf")
        for answering in self._answering:
            answering.close()

    def _answer(self, served: list[tuple[Listener, Protocol]]) -> None:
        if served:
            self._answering.append(Answering(served))
            self._answering[-1].start()

    def _status_listener(self) -> Listener | None:
        for name in (self._name, f"{self._name}-{os.getpid()}"):
            place = socket_place(name)
            if place is None:
                _log.info("no status socket: neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set")
                return None
            try:
                return Listener(*place)
            except FileExistsError:
                continue
            except OSError as error:
                _log.warning(
                    "no status socket %s: %s", place[0], _reason(error), extra={"code": "EH1503"}
                )
                return None
        return None

    def _metrics_listener(self, level: int) -> Listener | None:
        assert self._metrics.listen is not None  # noqa: S101 (for mypy: there is a protocol)
        self._next = float("inf")
        try:
            return Listener(parse_listen(self._metrics.listen), _METRICS_MODE)
        except OSError as error:
            self._next = time.monotonic() + _AGAIN
            _log.log(
                level,
                "no metrics on %s: %s",
                self._metrics.listen,
                _reason(error),
                extra={"code": "EH1504"},
            )
            return None

    def _http_protocol(self) -> Protocol | None:
        listen = self._metrics.listen
        if listen is None:
            return None
        check_listen(listen, allow_remote=self._metrics.allow_remote)
        try:
            from edgehands.monitor.metrics import CONTENT_TYPE, render
        except ImportError as error:
            raise RuntimeMissingError(
                "no prometheus-client here: pip install prometheus-client, or for the "
                "service sudo edgehands service install"
            ) from error
        from edgehands.monitor.pages import HttpProtocol

        is_tcp = isinstance(parse_listen(listen), Address)
        return HttpProtocol(
            self._health,
            render,
            content_type=CONTENT_TYPE,
            hosts=(socket.gethostname(), *self._metrics.hosts) if is_tcp else None,
            clock=time.monotonic,
        )


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
