"""Every backend keeps one contract."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from edgehands.backends.tflite import TfliteSession
from edgehands.errors import DeviceError, RuntimeMissingError, UsageError
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.probe import differences
from edgehands.selection import BACKENDS, open_session
from tests.sessions import MODELS, Outputs, results, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.inference import Session

ON_CPU = ["tflite", "onnxruntime", "openvino"]


@pytest.fixture(params=list(BACKENDS))
def open_model(request: pytest.FixtureRequest, recording: Path) -> Callable[[str], Session]:
    """Open a model on each backend in turn, if it can run here."""
    options = {"replay": {"file": str(recording), "loop": "yes"}}.get(request.param, {})

    def opener(name: str) -> Session:
        try:
            return open_session(request.param, store.load(name), options=options, derive=derive)
        except DeviceError as error:
            pytest.skip(f"{request.param} cannot run here: {error}")

    return opener


def test_at_least_one_backend_runs_here(models: None) -> None:  # noqa: ARG001
    with open_session("auto", store.load("light")) as session:
        assert len(session.run()) == 4


@pytest.mark.parametrize("name", MODELS)
def test_outputs_come_in_catalog_order_as_float32(
    open_model: Callable[[str], Session], name: str
) -> None:
    shapes = [(1, *output.shape) for output in store.load(name).outputs]
    with open_model(name) as session:
        for outputs in results(session):
            assert [output.shape for output in outputs] == shapes
            assert {output.dtype for output in outputs} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", MODELS)
def test_the_input_is_a_float32_picture_of_the_models_size(
    open_model: Callable[[str], Session], name: str
) -> None:
    with open_model(name) as session:
        side = store.load(name).input_size
        assert session.input.shape == (1, side, side, 3)
        assert session.input.dtype == np.float32
        assert session.input.flags.writeable


@pytest.mark.parametrize("name", MODELS)
def test_every_backend_answers_as_tflite_does(
    open_model: Callable[[str], Session], name: str
) -> None:
    with open_session("tflite", store.load(name)) as session:
        expected = results(session)
    with open_model(name) as session:
        assert max(differences(results(session), expected)) <= 1e-3  # of each output's range


def test_the_same_input_gives_the_same_output(open_model: Callable[[str], Session]) -> None:
    with open_model("light") as session:
        assert same(results(session), results(session))


def test_two_sessions_run_in_two_threads(open_model: Callable[[str], Session]) -> None:
    with open_model("light") as session:
        expected = results(session)
    answers: dict[int, list[Outputs]] = {}
    together = threading.Barrier(2)

    def run(thread: int) -> None:
        with open_model("light") as session:
            together.wait(10)
            answers[thread] = results(session)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(answers[0], expected)
    assert same(answers[1], expected)


def test_a_closed_session_says_so(open_model: Callable[[str], Session]) -> None:
    session = open_model("light")
    session.close()
    session.close()
    with pytest.raises(UsageError, match="session is closed: open another"):
        session.run()


def test_a_session_tells_what_it_runs_on(open_model: Callable[[str], Session]) -> None:
    with open_model("light") as session:
        described = session.describe()
        assert described.backend in BACKENDS
        assert all((described.runtime, described.version, described.device, described.precision))
        assert str(described).startswith(f"{described.backend} ({described.runtime} ")


@pytest.fixture(params=ON_CPU)
def cpu_backend(request: pytest.FixtureRequest, models: None) -> str:  # noqa: ARG001
    """Each backend that runs wherever its runtime is installed."""
    name: str = request.param
    try:
        open_session(name, store.load("light"), derive=derive).close()
    except RuntimeMissingError as error:
        pytest.skip(f"{name} cannot run here: {error}")
    return name


class Broken:
    """What stands for a runtime's object and fails in every method."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def fail(*_: object) -> NoReturn:
            raise self.error

        return fail


def test_a_runtime_that_fails_at_a_later_run_is_a_device_error(cpu_backend: str) -> None:
    kind: type[Exception] = RuntimeError
    if cpu_backend == "onnxruntime":  # whose own classes have none above them but Exception
        state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
        kind = state.Fail
    broken = Broken(kind("the device was unplugged\n  at line 3"))
    with open_session(cpu_backend, store.load("light"), derive=derive) as session:
        session.run()
        for name in ("_interpreter", "_session", "_request"):
            if hasattr(session, name):
                setattr(session, name, broken)
        with pytest.raises(DeviceError, match=r"failed.*: the device was unplugged") as caught:
            session.run()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 69


@pytest.mark.usefixtures("models")
def test_a_delegate_that_fails_at_a_later_run_is_named() -> None:
    session = TfliteSession(store.load("light"), 1, 1)
    session.run()
    session._delegate_path = "libnpu.so"
    session._interpreter = Broken(RuntimeError("Node number 3 failed to invoke."))
    said = r"^delegate libnpu\.so failed: Node number 3 failed to invoke\.$"
    with pytest.raises(DeviceError, match=said):
        session.run()


OPEN_AND_RUN = """
import sys
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import open_session

session = open_session(sys.argv[1], store.load("light"), threads=1, derive=derive)
session.run()
"""


def in_another_process(code: str, *arguments: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "EDGEHANDS_MODELS": str(store.find("light").parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_runtime_tells_anyone_or_leaves_a_trace(
    cpu_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone, onnxruntime and openvino do, from their import on and without a question."""
    code = f"{OPEN_AND_RUN}\nprint(*[name.partition('.')[0] for name in sys.modules])"
    cache_folder = str(tmp_path / "cache")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)  # which this process has set
    imported = in_another_process(
        code, cpu_backend, HOME=str(tmp_path), XDG_CACHE_HOME=cache_folder
    )
    assert "openvino_telemetry" not in imported.split()
    others = {path.name for path in (*tmp_path.iterdir(), *(tmp_path / "cache").glob("*"))}
    assert others <= {"cache", "edgehands"}


# Once warm, nothing may be kept from one run to the next. A kilobyte kept of each shows as 0.6 to
# 2 MB, by runtime; nothing, as 24 kB at most.
GROWTH = (
    OPEN_AND_RUN
    + """
import ctypes, gc, os
from pathlib import Path

def resident():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # or what opening has freed would hide a leak of its size
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

for _ in range(200):
    session.run()
before = resident()
for _ in range(2000):
    session.run()
print(resident() - before)
"""
)


@pytest.mark.slow
def test_memory_does_not_grow_over_2000_runs(cpu_backend: str) -> None:
    assert int(in_another_process(GROWTH, cpu_backend)) < 250_000


def test_no_message_names_a_package_that_no_index_has() -> None:
    """Nor does the documentation: EdgeHands itself is not on one."""
    root = Path(__file__).parent.parent
    folders = ("edgehands", "backends", "models", "benchmarks", "docs")
    texts = [path for folder in folders for path in (root / folder).rglob("*.*")]
    wrong = [
        str(path.relative_to(root))
        for path in (root / "README.md", root / "CONTRIBUTING.md", *texts)
        if path.suffix in {".py", ".md", ".toml"} and "edgehands[" in path.read_text("utf-8")
    ]
    assert not wrong
    assert not [name for name, entry in BACKENDS.items() if "edgehands[" in entry.install]
