"""What is spoken on the status socket: a line of JSON asks, a line of JSON answers.

{"ask": "health"} is answered by {"health": …}, anything else by {"error": "…"}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from edgehands.health import Health  # noqa: TC001 (msgspec reads it at run time)
from edgehands.monitor.answering import Protocol, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable


class Request(msgspec.Struct, frozen=True):
    """What a client sends."""

    ask: Literal["health"]


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it gets: one of the two."""

    health: Health | None = None
    error: str | None = None


class StatusProtocol(Protocol):
    """Answers requests for the health.

    Args:
        health: tells it; called in another thread.
    """

    end = b"\n"
    limit = 1024

    def __init__(self, health: Callable[[], Health]) -> None:
        self._health = health

    def answer(self, request: bytes) -> bytes:
        """Answer one line."""
        try:
            msgspec.json.decode(request, type=Request)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return _line(Answer(error=f"not understood: {error}"))
        return _line(Answer(health=self._health()))

    def refuse(self, why: Refusal) -> bytes:
        """Say why there is no answer."""
        return _line(Answer(error=f"the request is {why}" if why == "too long" else why))


def _line(answer: Answer) -> bytes:
    return msgspec.json.encode(answer) + b"\n"
