"""Everything that can go wrong, by what the user can do about it.

EdgeHandsError
├── UsageError            a wrong argument                        exit code 2
├── InputError            a file or stream that cannot be read    exit code 66
├── DeviceError           a camera or accelerator                 exit code 69
│   └── RuntimeMissingError   a library to install
├── ModelError            a model file that is absent or wrong    exit code 78
└── ConfigError           a mistake in the config file            exit code 78

Each is also the built-in exception that a caller would expect. A message is one line: the thing,
its value, and the next command to type. Anything that is not an EdgeHandsError is a bug (70).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

BUG_EXIT_CODE = 70
"""EX_SOFTWARE of sysexits(3): the command line's answer to an exception of any other class."""


class EdgeHandsError(Exception):
    """Base of every error that EdgeHands raises on purpose."""

    exit_code: ClassVar[int] = BUG_EXIT_CODE


class UsageError(EdgeHandsError, ValueError):
    """An argument that cannot mean anything: an unknown name, a number out of range."""

    exit_code = 2


class InputError(EdgeHandsError, OSError):
    """An input that does not exist, cannot be read or holds no frame."""

    exit_code = 66


class DeviceError(EdgeHandsError, RuntimeError):
    """A camera, accelerator or delegate that is absent or does not work."""

    exit_code = 69


class RuntimeMissingError(DeviceError, ImportError):
    """A library that a backend or output needs and this Python does not have."""


class ModelError(EdgeHandsError, ValueError):
    """A model file that is absent, altered or unusable.

    The exit code is the config one: starting again cannot help, so a service must not loop on it.
    """

    exit_code = 78


class ConfigError(EdgeHandsError, ValueError):
    """A mistake in a config file, with file, line and column in the message."""

    exit_code = 78


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'full'? " for a near miss, else "", ready to stand inside a message."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}? " if close else ""
