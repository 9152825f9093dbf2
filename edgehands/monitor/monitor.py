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
        self._answering: Answering | None = None
        self.socket: Path | None = None
        """The status socket, once there is one."""

    def start(self) -> None:
        """Begin to answer."""
        served: list[tuple[Listener, Protocol]] = []
        if listener := self._status_listener():
            served.append((listener, StatusProtocol(self._health)))
            self.socket = listener.place if isinstance(listener.place, Path) else None
        if self._http and (listener := self._metrics_listener()):
            served.append((listener, self._http))
        if served:
            self._answering = Answering(served)
            self._answering.start()

    def close(self) -> None:
        """Stop answering and take the sockets away. Safe to call twice."""
        if self._answering:
            self._answering.close()

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

    def _metrics_listener(self) -> Listener | None:
        assert self._metrics.listen is not None  # noqa: S101 (for mypy: there is a protocol)
        try:
            return Listener(parse_listen(self._metrics.listen), _METRICS_MODE)
        except OSError as error:
            _log.warning(
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
                "no prometheus-client here: pip install prometheus-client"
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
