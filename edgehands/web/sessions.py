"""Browsers that have shown the token: each gets a secret of its own, forgotten when idle.

Pure: time is an argument.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from edgehands.web.token import is_token

COOKIE = "edgehands"
_MOST_SESSIONS = 64
_TRIES, _TRIES_SECONDS = 10, 60.0  # wrong tokens, from all together


class Sessions:
    """Who is let in.

    Args:
        token: None lets everybody in.
        idle: seconds after which an unused session ends; 0 never.
    """

    def __init__(self, token: str | None, idle: float) -> None:
        self._token = token
        self._idle = idle
        self._seen: dict[bytes, float] = {}
        self._failed: list[float] = []

    @property
    def needs_token(self) -> bool:
        """Whether a token has to be shown at all."""
        return self._token is not None

    def begin(self, token: str, time: float) -> str | None:
        """Return a new session's secret for the right token, None for a wrong one."""
        if self._token is None or self.is_shut(time):
            return None
        if not is_token(token, self._token):
            self._failed.append(time)
            return None
        if len(self._seen) >= _MOST_SESSIONS:
            del self._seen[min(self._seen, key=self._seen.__getitem__)]
        secret = secrets.token_urlsafe(32)
        self._seen[_key(secret)] = time
        return secret

    def is_shut(self, time: float) -> bool:
        """Whether too many wrong tokens came just now: then even the right one has to wait."""
        self._failed = [when for when in self._failed if time - when < _TRIES_SECONDS]
        return len(self._failed) >= _TRIES

    def lets_in(self, secret: str | None, time: float) -> bool:
        """Whether a request with this secret may see anything; using a session keeps it."""
        if self._token is None:
            return True
        key = _key(secret or "")
        last = self._seen.get(key)
        if last is None or (self._idle and time - last > self._idle):
            self._seen.pop(key, None)
            return False
        self._seen[key] = time
        return True


def _key(secret: str) -> bytes:
    """What is kept of a secret: looking it up then says nothing about it, however long it takes."""
    return sha256(secret.encode()).digest()
