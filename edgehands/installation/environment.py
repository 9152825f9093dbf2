"""The service's own Python environment: made beside the old one, then put in its place at once."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError, InputError
from edgehands.installation import wheels
from edgehands.installation.places import HIDDEN, SHIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM_PYTHON = Path("/usr/bin/python3")
PICAMERA2 = Path("/usr/lib/python3/dist-packages/picamera2")

_HIDDEN = (*HIDDEN, Path("/tmp"), Path("/var/tmp"))  # noqa: S108 (and what comes and goes)
_OLDEST = (3, 10)
_COMPLETE = "complete"
_MODULES = {"metrics": "prometheus_client", "web": "aiohttp"}
"""Of extras that are not called like what they bring."""
_NO_VENV = "no venv in {}: sudo apt install python3-venv"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes one environment different from another."""

    python: Path
    version: str
    """Of that Python, as in 3.11."""
    system_packages: bool
    wheel: bytes
    wheel_name: str
    locks: tuple[Path, ...]
    """Requirements with hashes; none where this system has no such files."""
    extras: tuple[str, ...]
    """Asked of the wheel where there is no lock."""
    wheelhouse: Path | None = None
    """Folder of wheels, in place of a package index."""

    @property
    def name(self) -> str:
        """A name that no other environment has."""
        digest = hashlib.sha256(self.wheel)
        for lock in self.locks:
            digest.update(lock.read_bytes())
        rest = (self.version, self.system_packages, self.extras, str(self.python))
        digest.update(repr(rest).encode())
        return f"venv-{digest.hexdigest()[:12]}"

    def __str__(self) -> str:
        how = "locked by hashes" if self.locks else "newest versions, no lock for this system"
        sees = ", sees the system's packages" if self.system_packages else ""
        return f"{self.wheel_name.split('-py3')[0]} on Python {self.version}, {how}{sees}"


def recipe(
    wheel: Path | None,
    wheelhouse: Path | None,
    extras: Sequence[str],
    *,
    system_packages: bool,
) -> Recipe:
    """Decide on an environment.

    Args:
        wheel: EdgeHands as a file; None takes what runs now.
        wheelhouse: folder of wheels to install from.
        extras: of the package.
        system_packages: see the system's packages; what is found there is not installed again.

    Raises:
        DeviceError: no Python here can be the service's.
        InputError: `wheel` cannot be read.
    """
    python, version = _python()
    if system_packages:
        extras = [extra for extra in extras if not _has(python, _MODULES.get(extra, extra))]
    try:
        content = wheels.pack() if wheel is None else wheel.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {wheel}: {error.strerror}") from error
    return Recipe(
        python=python,
        version=version,
        system_packages=system_packages,
        wheel=content,
        wheel_name=wheels.NAME if wheel is None else wheel.name,
        locks=locks(extras, version),
        extras=tuple(sorted(extras)),
        wheelhouse=wheelhouse,
    )


def locks(extras: Sequence[str], version: str) -> tuple[Path, ...]:
    """Return the requirements with hashes for this system, none if any is missing."""
    try:
        release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ()
    names = [release, *(f"{release}-{extra}" for extra in extras)]
    files = tuple(SHIPPED / f"requirements-{name}.txt" for name in names)
    if not all(file.exists() for file in files):
        return ()
    return files if f"(Python {version})" in files[0].read_text(encoding="utf-8") else ()


def is_complete(folder: Path) -> bool:
    """Whether an environment was made to its end."""
    return (folder / _COMPLETE).exists()


def make(folder: Path, recipe: Recipe) -> None:
    """Make an environment beside the one that is used.

    Raises:
        DeviceError: Python or pip could not.
    """
    shutil.rmtree(folder, ignore_errors=True)  # left by one that was interrupted
    folder.parent.mkdir(parents=True, exist_ok=True)
    system = ["--system-site-packages"] if recipe.system_packages else []
    _run([str(recipe.python), "-m", "venv", *system, str(folder)], "no environment")
    python = str(folder / "bin" / "python")
    with tempfile.TemporaryDirectory(prefix="edgehands-install-") as work:
        wheel = Path(work) / recipe.wheel_name
        wheel.write_bytes(recipe.wheel)
        for arguments in _pip_arguments(recipe, wheel):
            _run([python, "-m", "pip", "install", *arguments], "cannot install")
    _run([str(folder / "bin" / "edgehands"), "--version"], "the new environment does not start")
    (folder / _COMPLETE).touch()


def remove_others(kept: Path) -> None:
    """Remove the environments that are used no more."""
    for folder in kept.parent.glob("venv-*"):
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def clean_environment() -> dict[str, str]:
    """Return this process's variables without those that would lead a Python astray."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "EDGEHANDS_", "XDG_"))
    }


def _pip_arguments(recipe: Recipe, wheel: Path) -> list[list[str]]:
    """Return the arguments of each run of pip."""
    common = ["--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
    if recipe.wheelhouse:
        common += ["--no-index", "--find-links", str(recipe.wheelhouse)]
    if not recipe.locks:
        extras = f"[{','.join(recipe.extras)}]" if recipe.extras else ""
        return [[*common, f"{wheel}{extras}"]]
    files = [f"--requirement={lock}" for lock in recipe.locks]
    return [
        [*common, "--no-deps", "--require-hashes", "--only-binary=:all:", *files],
        [*common, "--no-deps", str(wheel)],
    ]


def _python() -> tuple[Path, str]:
    """Return the system's Python if it will do, else this one, and its version."""
    if (version := _version(SYSTEM_PYTHON)) is not None and version >= _OLDEST:
        return SYSTEM_PYTHON, ".".join(map(str, version))
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if any(own.is_relative_to(folder) for folder in _HIDDEN):
        raise DeviceError(
            f"the service cannot see this Python ({own}), and {SYSTEM_PYTHON} is none of 3.10 or "
            "newer: sudo apt install python3 python3-venv"
        )
    return own, ".".join(map(str, sys.version_info[:2]))


def _version(python: Path) -> tuple[int, ...] | None:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        told = subprocess.run(  # noqa: S603 (a Python that we found)
            [python, "-I", "-c", code], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(number) for number in told.split())


def _has(python: Path, module: str) -> bool:
    """Whether a Python finds a module among its own packages."""
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([python, "-I", "-c", code], check=False).returncode == 0  # noqa: S603


def _run(command: list[str], what: str) -> None:
    try:
        answer = subprocess.run(  # noqa: S603 (the environment's own programs)
            command, capture_output=True, text=True, check=False, env=clean_environment()
        )
    except OSError as error:
        raise DeviceError(f"{what}: {command[0]}: {error.strerror}") from error
    if answer.returncode == 0:
        return
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    if "ensurepip" in answer.stdout + answer.stderr:
        raise DeviceError(_NO_VENV.format(command[0]))
    wrong = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
    raise DeviceError(f"{what}: {' '.join(wrong)} (by: {' '.join(command)})")
