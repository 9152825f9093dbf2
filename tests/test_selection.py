"""The table of backends chooses among them, by name or by what works."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from edgehands import selection
from edgehands.errors import DeviceError, RuntimeMissingError, UsageError
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import AUTO_ORDER, BACKENDS, BackendEntry, load_backend, open_session
from tests.sessions import FAKE

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_an_unknown_option_is_named(backend: str, models: None) -> None:  # noqa: ARG001
    with pytest.raises(UsageError, match="'nonsense'"):
        open_session(backend, store.load("light"), options={"nonsense": "1"}, derive=derive)


@pytest.mark.parametrize("backend", list(BACKENDS))
@pytest.mark.parametrize(("what", "value"), [("batch", 0), ("threads", 0), ("threads", -1)])
def test_a_number_below_one_is_named(backend: str, what: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"{what} is {value}"):
        open_session(backend, FAKE, **{what: value})  # type: ignore[arg-type]


def test_an_unknown_backend_gets_a_suggestion() -> None:
    said = f"no backend 'tflit': did you mean 'tflite'? choose auto, {', '.join(BACKENDS)}"
    with pytest.raises(UsageError, match=re.escape(said)):
        open_session("tflit", FAKE)


def test_a_backend_is_imported_only_when_it_is_asked_for() -> None:
    names = [entry.module for entry in BACKENDS.values()]
    code = f"import sys, edgehands.inference; print([n for n in {names} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", list(BACKENDS))
def test_every_name_of_the_table_is_a_backend(name: str) -> None:
    assert callable(load_backend(name).open_session)
    assert BACKENDS[name].install
    assert BACKENDS[name].hardware


def test_auto_never_replays() -> None:
    assert "replay" not in AUTO_ORDER
    assert set(AUTO_ORDER) <= set(BACKENDS)


class Failing:
    """A backend that fails to open, as if it were a module."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def open_session(self, *_: object, **__: object) -> NoReturn:
        raise self.error


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put failing backends before tflite in the table and in the order of `auto`."""

    def put(**errors: Exception) -> None:
        for name, error in errors.items():
            monkeypatch.setitem(sys.modules, f"test_{name}", Failing(error))
            monkeypatch.setitem(BACKENDS, name, BackendEntry(f"test_{name}", "nothing", "none"))
        monkeypatch.setattr(selection, "AUTO_ORDER", (*errors, "tflite"))

    return put


def test_auto_gives_all_the_reasons_when_nothing_opens(table: Callable[..., None]) -> None:
    table(npu=DeviceError("no NPU found"), gpu=RuntimeMissingError("run `pip install gpu`"))
    with pytest.raises(DeviceError) as caught:
        open_session("auto", FAKE)  # whose bytes tflite cannot open either
    said = str(caught.value)
    assert said.startswith("no backend could open light: ")
    for part in ("npu: no NPU found", "gpu: run `pip install gpu`", "tflite: tflite cannot run"):
        assert part in said


@pytest.mark.usefixtures("models")
def test_auto_says_what_it_took_and_why_not_the_others(
    table: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    table(npu=DeviceError("no NPU found"))
    with caplog.at_level(logging.INFO, "edgehands.selection"):
        open_session("auto", store.load("light")).close()
    assert "light runs on tflite (" in caplog.text
    assert "(not on npu: no NPU found)" in caplog.text


def test_a_named_backend_works_or_fails(table: Callable[..., None]) -> None:
    table(npu=DeviceError("no NPU found"))
    with pytest.raises(DeviceError, match=r"^no NPU found$"):
        open_session("npu", FAKE)


def test_a_bug_in_a_backend_is_not_passed_over(table: Callable[..., None]) -> None:
    table(npu=ZeroDivisionError("oops"))
    with pytest.raises(ZeroDivisionError):
        open_session("auto", FAKE)
