"""Fetch the models into a folder, through pip or from a file that the user has.

What is written under a model's name is complete and verified. A lock on the folder lets one fetch
work at a time; the next then finds the models there.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgehands import folders
from edgehands.errors import DeviceError, EdgeHandsError, ModelError
from edgehands.models import store
from edgehands.models.bundles import read_models
from edgehands.models.catalog import Catalog, Model, Source, shipped_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress: TypeAlias = Callable[[int, int], None]
    """Called with the bytes that have arrived and the bytes that will."""

logger = logging.getLogger(__name__)

_WORK_PREFIX = ".edgehands-fetch-"
_POLL_SECONDS = 0.1
_TERMINATE_SECONDS = 5.0


def _no_progress(_done: int, _total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did; each model id is in one of the three."""

    folder: Path
    installed: tuple[str, ...]
    present: tuple[str, ...]
    """Right before, and left alone."""
    missing: tuple[str, ...]
    """In neither the folder nor the source."""


def fetch(
    destination: store.Folder | None = None,
    source: store.Folder | None = None,
    *,
    progress: Progress = _no_progress,
    catalog: Catalog | None = None,
    python: str = sys.executable,
) -> Fetched:
    """Put the models into `destination`, replacing altered files; do nothing where all are right.

    Args:
        destination: a folder; by default $EDGEHANDS_MODELS, else the user's data folder.
        source: a wheel, .task bundle, .tflite file or folder; by default pip downloads the wheel.
        progress: called when a download begins, about ten times a second, and when it is complete.
        catalog: by default the one that comes with EdgeHands.
        python: the interpreter whose pip is used.

    Raises:
        InputError: `source` cannot be read or is nothing that can hold a model.
        ModelError: a content is not the catalog's, or `destination` cannot be written.
        DeviceError: there is no pip, or it could not download.
    """
    catalog = catalog or shipped_catalog()
    folder = store.destination(destination)
    found = None if source is None else read_models(Path(source), catalog)
    with _locked(folder):
        present = [model for model in catalog.models if _is_right(model, folder / model.file)]
        wanted = [model for model in catalog.models if model not in present]
        installed: list[Model] = []
        if wanted:
            with tempfile.TemporaryDirectory(
                dir=folder, prefix=_WORK_PREFIX, ignore_cleanup_errors=True
            ) as name:
                work = Path(name)
                if found is None:
                    wheel = _download(catalog.source, work, progress, python)
                    found = read_models(wheel, catalog)
                installed = [model for model in wanted if model.id in found]
                for model in installed:
                    folders.write_whole(folder / model.file, found[model.id])
    return Fetched(
        folder=folder,
        installed=tuple(model.id for model in installed),
        present=tuple(model.id for model in present),
        missing=tuple(model.id for model in wanted if model not in installed),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one fetch; what goes wrong with it is a ModelError.

    The lock is on the folder itself, so it leaves no file behind and dies with its process.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.warning(
                    "another fetch works in %s: waiting for it", folder, extra={"code": "EH1208"}
                )
                fcntl.flock(handle, fcntl.LOCK_EX)
            # Under the lock, these can only be a killed fetch's.
            for left_over in folder.glob(f"{_WORK_PREFIX}*"):
                shutil.rmtree(left_over, ignore_errors=True)
            for left_over in folder.glob(f"{folders.PART_PREFIX}*"):
                left_over.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)
    except EdgeHandsError:
        raise
    except OSError as error:
        raise ModelError(
            f"cannot keep models in {folder}: {error.strerror or error}; "
            "name another folder with --models"
        ) from error


def _is_right(model: Model, path: Path) -> bool:
    try:
        store.read_verified(model, path)
    except ModelError:
        return False
    return True


def _download(source: Source, work: Path, progress: Progress, python: str) -> Path:
    """Let pip download the wheel below `work` and return its path.

    pip tells no program how far it is, so the bytes are watched: its temporary files, too, are
    sent there.
    """
    folder = (work / "pip").absolute()
    folder.mkdir()
    command = [
        *(python, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-cache-dir", "--no-deps", "--only-binary=:all:"),
        *("--platform", source.platform, "--python-version", source.python_version),
        *("--dest", str(folder), source.requirement),
    ]
    progress(0, source.wheel_size)
    with (work / "pip-errors").open("w+b") as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - every word is the catalog's or ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=folder,  # a pip.py where the user stands must not be run
                env={**os.environ, "TMPDIR": str(folder)},
            )
        except OSError as error:
            raise DeviceError(_no_pip(source, python)) from error
        try:
            _watch(process, folder, progress, source.wheel_size)
        finally:
            _stop(process)
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    wheels = list(folder.glob("*.whl"))
    if process.returncode or not wheels:
        raise DeviceError(_pip_failed(source, python, said))
    progress(source.wheel_size, source.wheel_size)
    return wheels[0]


def _watch(process: subprocess.Popen[bytes], folder: Path, progress: Progress, total: int) -> None:
    """Wait for the process, reporting the size of the largest file so far."""
    done = 0
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
            return
        done = max(done, _largest_file(folder))
        progress(min(done, total), total)


def _largest_file(folder: Path) -> int:
    """Return the size in bytes of the largest file below."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return max(map(_size, paths), default=0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # pip moves and removes its files at any moment
        return 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process if an exception, such as Ctrl-C, left it running."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_TERMINATE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pip_failed(source: Source, python: str, stderr: str) -> str:
    if "No module named pip" in stderr:
        return _no_pip(source, python)
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines or ["it gave no reason"])[-1]
    # pip's last word is then that there is no such package.
    broken = [line.partition("connection broken by ")[2] for line in lines]
    if any(broken):
        reason = f"no connection: {next(filter(None, broken))}"
    return f"pip could not download {source.requirement} ({reason}): {_by_hand(source)}"


def _no_pip(source: Source, python: str) -> str:
    install = f"{python or 'python3'} -m ensurepip"
    return f"{python or 'this Python'} has no pip: run `{install}`, or {_by_hand(source)}"


def _by_hand(source: Source) -> str:
    return (
        f"on a machine that can, run `pip download --no-deps --only-binary=:all: --platform "
        f"{source.platform} --python-version {source.python_version} {source.requirement}`, "
        f"bring the file here and run `edgehands models fetch --from {source.wheel}`"
    )
