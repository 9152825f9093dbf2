"""What more than one test file needs: real media and real models, where they are to be had."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from edgehands import verdict
from edgehands.gestures.learned import store as learned
from edgehands.models import store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What was tuned here, or learned by its user, must not change a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setattr(verdict, "SYSTEM_FOLDER", Path("/nonexistent"))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setattr(learned, "SYSTEM_FOLDER", Path("/nonexistent"))
        yield


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home: no variable names one, and the system knows of none."""

    def unknown(number: int) -> NoReturn:
        raise KeyError(number)

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
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
def models() -> None:
    """Every model of the catalog, so that `store.load` finds them."""
    if bad := [state.problem for state in store.check() if state.status != "ok"]:
        pytest.skip(f"no real models: {bad[0]}")


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
