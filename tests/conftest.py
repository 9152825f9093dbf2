"""What more than one test file needs: real media and real models, where they are to be had."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from edgehands import config_files, verdict
from edgehands.gestures.learned import store as learned
from edgehands.models import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.brokers import Mosquitto


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What was tuned here, or learned by its user, must not change a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setattr(verdict, "SYSTEM_FOLDER", Path("/nonexistent"))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setattr(learned, "SYSTEM_FOLDER", Path("/nonexistent"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_config_of_this_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A config file that lies here must not be found by a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv(config_files.VARIABLE, raising=False)
        patch.setattr(config_files, "SYSTEM", Path("/nonexistent/edgehands.toml"))
        yield


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home: no variable names one, and the system knows of none."""

    def unknown(number: int) -> NoReturn:
        raise KeyError(number)

    for name in ("HOME", *(f"XDG_{kind}_HOME" for kind in ("CACHE", "CONFIG", "DATA", "STATE"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real pictures and clips."""
    folder = os.environ.get("EDGEHANDS_MEDIA")
    if not folder:
        pytest.skip("no real media: set EDGEHANDS_MEDIA to their folder")
    if not Path(folder).is_dir():
        pytest.skip(f"no real media: EDGEHANDS_MEDIA={folder} is no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip whose frames are told by their red."""
    from tests.captures import write_video

    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4")


@pytest.fixture(scope="session")
def models() -> None:
    """Every model of the catalog, so that `store.load` finds them."""
    if bad := [state.problem for state in store.check() if state.status != "ok"]:
        pytest.skip(f"no real models: {bad[0]}")


@pytest.fixture(scope="session")
def recording(models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """What tflite answered, for every model, as the replay backend keeps it."""
    from tests.sessions import record

    path = tmp_path_factory.mktemp("recording") / "all.npz"
    record(path)
    return path


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts brokers, with lines of mosquitto.conf of their own; all end with the test."""
    from tests.brokers import PROGRAM, Mosquitto

    if PROGRAM is None:
        pytest.skip("no broker: apt install mosquitto")
    started = []

    def start(*config: str, port: int | None = None) -> Mosquitto:
        started.append(Mosquitto(tmp_path, *config, port=port))
        return started[-1].start()

    yield start
    for broker in started:
        broker.kill()


@pytest.fixture
def mosquitto(start_broker: Callable[..., Mosquitto]) -> Mosquitto:
    """A real broker on loopback."""
    return start_broker()


ODD_BACKENDS = """
import os, signal, time
from types import SimpleNamespace

import numpy as np

from edgehands.backends import tflite
from edgehands.errors import DeviceError
from edgehands.inference import Description, Session


class Odd(Session):
    def __init__(self, inner, twist, precision):
        self.inner, self.twist, self.precision = inner, twist, precision
        self.input = inner.input

    def run(self):
        return self.twist(tuple(output.copy() for output in self.inner.run()))

    def describe(self):
        return Description("odd", "odd", "1", "nowhere", self.precision)

    def close(self):
        self.inner.close()


def odd(twist=lambda outputs: outputs, at_opening=lambda: None, precision="fp32"):
    def open_session(model, **arguments):
        at_opening()
        return Odd(tflite.open_session(model, **arguments), twist, precision)

    return SimpleNamespace(open_session=open_session)


def shift(pixels):
    def twist(outputs):
        outputs[0][..., :2] += pixels  # the first landmark, or the middle of every box
        return outputs

    return twist


def other_side(outputs):
    if len(outputs) == 4:
        outputs[2][:] = 1 - outputs[2]
    return outputs


def no_numbers(outputs):
    outputs[0][:] = np.nan
    return outputs


def too_short(outputs):
    return (outputs[0][:, :-1], *outputs[1:])


def absent():
    raise DeviceError("no oddity is plugged in")


twin = odd()
shifted = odd(shift(3))
coarse = odd(shift(0.5), precision="int8")
mirror = odd(other_side)
nan = odd(no_numbers)
short = odd(too_short)
crash = odd(at_opening=lambda: os.kill(os.getpid(), signal.SIGSEGV))
hang = odd(at_opening=lambda: time.sleep(60))
gone = odd(at_opening=absent)
"""


@pytest.fixture
def odd_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with backends that all are tflite, each with an oddity of its own."""
    folder = tmp_path / "odd"
    info = folder / "odd_backends-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "odd_backends.py").write_text(ODD_BACKENDS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-backends\nVersion: 1.0\n")
    names = ("twin", "shifted", "coarse", "mirror", "nan", "short", "crash", "hang", "gone")
    points = "\n".join(f"{name} = odd_backends:{name}" for name in names)
    (info / "entry_points.txt").write_text(f"[edgehands.backends]\n{points}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "odd_backends", raising=False)
    verdict.fingerprint.cache_clear()  # it names the packages that offer backends
    yield
    verdict.fingerprint.cache_clear()
