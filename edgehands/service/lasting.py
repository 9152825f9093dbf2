"""Which errors would come again with every start: a service manager must not loop on them."""

from __future__ import annotations

import errno

from edgehands.errors import ConfigError, EdgeHandsError, InputError, RuntimeMissingError

_PASSING = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE}
)
"""Reasons for which a file cannot be opened now, and may be later."""


def for_manager(error: EdgeHandsError, *, ready: bool) -> EdgeHandsError:
    """Return the error with which a service ends: a `ConfigError` for what only somebody can mend.

    Args:
        error: what happened.
        ready: whether everything had been opened before.
    """
    missing = isinstance(error, RuntimeMissingError)
    unopened = isinstance(error, InputError) and not ready and not _passes(error)
    return ConfigError(str(error)) if missing or unopened else error


def _passes(error: InputError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _PASSING
