"""A machine with the service on it, installed as a user installs it, for all tests together."""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgehands.models import store
from tests.system.machine import RELEASE, Machine, cache, here, skip_without_tools
from tests.system.running import CAMERA, LIGHT, STDOUT, WHEELS, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[2]
PYTHON = "3.11"  # bookworm's
GLIBC_MINORS = (17, *range(24, 37))
LOCKS = tuple(
    PROJECT / "systemd" / f"requirements-{RELEASE}{extra}.txt"
    for extra in ("", "-metrics", "-onnxruntime", "-openvino", "-web")
)


_measured = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a figure that the run shows at its end."""
    return request.config.stash.setdefault(_measured, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show what was measured, whether or not it was good enough."""
    for line in config.stash.get(_measured, []):
        terminalreporter.write_line(f"measured: {line}")


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine whose user has EdgeHands in a venv, and models; no service yet."""
    skip_without_tools()
    if bad := [state.problem for state in store.check() if state.status != "ok"]:
        pytest.skip(f"no real models: {bad[0]}")
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        shutil.copytree(wheelhouse(), machine.root / "root/wheels")
        models = machine.root / "root/.local/share/edgehands/models"
        models.mkdir(parents=True)
        for state in store.check():
            assert state.path
            shutil.copy(state.path, models)
        (machine.root / "root/edgehands.toml").write_text(CAMERA + STDOUT + LIGHT)
        machine.boot()
        machine.run("python3", "-m", "venv", "/root/venv")
        install = ("/root/venv/bin/pip", "install", "--quiet", "--no-index")
        lock = f"--requirement={WHEELS}/{LOCKS[0].name}"
        machine.run(*install, f"--find-links={WHEELS}", "--no-deps", "--require-hashes", lock)
        (wheel,) = (machine.root / "root/wheels").glob("edgehands-*.whl")
        machine.run(*install, "--no-deps", f"{WHEELS}/{wheel.name}")
        yield machine
    finally:
        machine.remove()


@pytest.fixture(scope="session")
def service(user: Machine) -> Service:
    """The same machine's service, which runs."""
    service = Service(user)
    service.install("--config", "/root/edgehands.toml")
    return service


def wheelhouse() -> Path:
    """Return a folder with the wheels that the locks name, downloaded once, and ours, new."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()[:16]
    folder = cache() / f"wheels-{digest}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        machine = platform.machine()
        platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
        here(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", f"--python-version={PYTHON}", *platforms),
            *(f"--platform=manylinux2014_{machine}", "--dest", str(part)),
            *(f"--requirement={lock}" for lock in LOCKS),
        )
        part.rename(folder)
    for old in folder.glob("edgehands-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as work:
        here(sys.executable, "-m", "tools.wheel", work, folder=PROJECT)
        (wheel,) = Path(work).glob("*.whl")
        shutil.copy(wheel, folder)
    for lock in LOCKS:
        shutil.copy(lock, folder)
    return folder
