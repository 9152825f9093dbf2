"""Commands from the broker: a few, known ones; everything else is counted and left alone.

Whoever may publish to the broker may send anything, so nothing here raises.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgehands.control import Control

_log = logging.getLogger(__name__)

LONGEST = 4096
"""Bytes; a longer command is refused unread."""
_SWITCH = {b"ON": True, b"OFF": False}
_SHOWN = 40


@dataclass(slots=True)
class CommandCountsSoFar:
    """What became of every command."""

    accepted: int = 0
    retained: int = 0
    """Left on the broker by somebody, not meant for now."""
    oversized: int = 0
    unknown: int = 0
    malformed: int = 0

    @property
    def refused(self) -> int:
        """All that were not accepted."""
        return self.retained + self.oversized + self.unknown + self.malformed


class Commands:
    """Obeys commands.

    ===========  =======================================  ========================================
    name         payload                                  does
    ===========  =======================================  ========================================
    enabled      ON or OFF                                goes on, or pauses
    sensitivity  a number from 0 to 1                     more gestures, or fewer by mistake
    snapshot     anything                                 publishes all states again
    announce     anything                                 announces the device again
    ===========  =======================================  ========================================

    Args:
        control: what the loop looks at.
        snapshot: publishes all states.
        announce: announces the device.
    """

    def __init__(
        self, control: Control, snapshot: Callable[[], None], announce: Callable[[], None]
    ) -> None:
        self.counts = CommandCountsSoFar()
        self._control = control
        self._known: Mapping[str, Callable[[bytes], bool]] = {
            "enabled": self._enable,
            "sensitivity": self._set_sensitivity,
            "snapshot": lambda _: _done(snapshot),
            "announce": lambda _: _done(announce),
        }
        self._told: set[str] = set()

    def handle(self, name: str, payload: bytes, *, retained: bool) -> bool:
        """Obey a command and tell whether it was one.

        Args:
            name: from its topic.
            payload: as it came.
            retained: whether the broker had kept it.
        """
        if retained:
            self.counts.retained += 1
            self._tell(name, "was retained and is ignored: publish commands without retain")
        elif len(payload) > LONGEST:
            self.counts.oversized += 1
            self._tell(name, f"has {len(payload)} bytes, of {LONGEST} at most")
        elif name not in self._known:
            self.counts.unknown += 1
            self._tell(name, f"is none of {', '.join(self._known)}")
        elif not self._known[name](payload):
            self.counts.malformed += 1
            self._tell(name, f"cannot be {payload[:_SHOWN]!r}")
        else:
            self.counts.accepted += 1
            return True
        return False

    def _enable(self, payload: bytes) -> bool:
        wanted = _SWITCH.get(payload.strip().upper())
        if wanted is None:
            return False
        self._control.enabled = wanted
        return True

    def _set_sensitivity(self, payload: bytes) -> bool:
        try:
            value = float(payload)
        except ValueError:  # UnicodeDecodeError is one
            return False
        if not 0 <= value <= 1:
            return False
        self._control.sensitivity = value
        return True

    def _tell(self, name: str, what: str) -> None:
        shown = name[:_SHOWN]
        if len(self._told) < _SHOWN and (key := f"{shown} {what}") not in self._told:
            self._told.add(key)
            _log.warning("command %r %s", shown, what, extra={"code": "EH1305"})


def _done(action: Callable[[], None]) -> bool:
    action()
    return True
