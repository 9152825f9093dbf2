"""Every backend keeps one contract; the table of names chooses among them."""

from __future__ import annotations

import ctypes.util
import importlib
import logging
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from edgehands import selection
from edgehands.backends.tflite import TfliteSession
from edgehands.errors import (
    DeviceError,
    InputError,
    ModelError,
    RuntimeMissingError,
    UsageError,
)
from edgehands.inference import ModelFile
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.models.derived import derive
from edgehands.models.examples import example_inputs
from edgehands.probe import differences
from edgehands.selection import AUTO_ORDER, BACKENDS, BackendEntry, load_backend, open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import FloatArray
    from edgehands.inference import Session

Outputs = tuple["FloatArray", ...]

MODELS = [model.id for model in shipped_catalog().models]
RUNS = 3
ON_CPU = ["tflite", "onnxruntime", "openvino"]
FAKE = ModelFile("light", "landmarks", b"", "0" * 64, "/nowhere/light.tflite", 224, ())


def picture(seed: int, session: Session) -> FloatArray:
    """A real hand, cut for the session's model."""
    hand: FloatArray = crops(session.input.shape[1])[seed]
    return hand


@cache
def crops(side: int) -> FloatArray:
    name = next(model.id for model in shipped_catalog().models if model.input_size == side)
    return example_inputs(store.load(name))


def results(session: Session, seeds: range = range(RUNS)) -> list[Outputs]:
    """What the session answers to some pictures."""
    answers = []
    for seed in seeds:
        session.input[:] = picture(seed, session)
        answers.append(tuple(output.copy() for output in session.run()))
    return answers


def same(one: list[Outputs], two: list[Outputs]) -> bool:
    return all(
        np.array_equal(a, b)
        for outputs, others in zip(one, two, strict=True)
        for a, b in zip(outputs, others, strict=True)
    )


@pytest.fixture(scope="session")
def recording(models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """What tflite answered, for every model."""
    path = tmp_path_factory.mktemp("recording") / "all.npz"
    for name in MODELS:
        options = {"file": str(path), "record_from": "tflite"}
        with open_session("replay", store.load(name), options=options) as session:
            results(session)
    return path


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


@pytest.mark.parametrize("data", [b"", b"no model at all", b"\x1c\0\0\0TFL3" + b"\0" * 100])
def test_bytes_that_are_no_model_are_a_model_error(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"cannot run light \(/nowhere/light\.tflite\)") as caught:
        open_session("tflite", replace(FAKE, data=data))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("models")
def test_a_model_without_the_catalogs_outputs_is_a_model_error() -> None:
    light, palm = store.load("light"), store.load("palm-lite")
    with pytest.raises(ModelError, match="has no output 'Identity_2'"):
        open_session("tflite", replace(light, data=palm.data))


@pytest.mark.usefixtures("models")
def test_tflite_runs_a_batch() -> None:
    light = store.load("light")
    with open_session("tflite", light) as single:
        expected = results(single, range(2))
    with open_session("tflite", light, batch=2) as pair:
        for seed in range(2):
            pair.input[seed] = picture(seed, single)
        outputs = pair.run()
    for index in range(2):
        for output, want in zip(outputs, expected[index], strict=True):
            np.testing.assert_allclose(output[index], want[0], rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("models")
def test_the_number_of_threads_changes_nothing_but_speed() -> None:
    light = store.load("light")
    answers = []
    for threads in (1, 3):
        with open_session("tflite", light, threads=threads) as session:
            assert f"{threads} threads" in session.describe().device
            answers.append(results(session))
    for one, two in zip(*answers, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_tflite_has_no_other_device() -> None:
    with pytest.raises(UsageError, match="no device 'gpu': leave it out, or say cpu"):
        open_session("tflite", FAKE, device="gpu")


def test_a_delegate_library_that_is_missing_is_a_device_error(tmp_path: Path) -> None:
    library = tmp_path / "libnone.so"
    with pytest.raises(DeviceError, match=re.escape(f"delegate {library} ")):
        open_session("tflite", FAKE, options={"delegate": str(library)})


def test_a_file_that_is_no_library_is_a_device_error(tmp_path: Path) -> None:
    library = tmp_path / "libtext.so"
    library.write_text("hello")
    with pytest.raises(DeviceError, match=re.escape(f"delegate {library} ")):
        open_session("tflite", FAKE, options={"delegate": str(library)})


def test_a_library_that_is_no_delegate_is_a_device_error() -> None:
    library = ctypes.util.find_library("m")
    assert library
    options = {"delegate": library, "device": "usb"}
    with pytest.raises(DeviceError, match="tflite_plugin_create_delegate") as caught:
        open_session("tflite", FAKE, options=options)
    assert "with options {'device': 'usb'}" in str(caught.value)


def test_opening_in_two_threads_at_once_leaves_stderr_where_it_was() -> None:
    from edgehands.backends.tflite import native_log

    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with native_log():
            first_in.set()
            second_in.wait(0.1)
        first_out.set()

    def second() -> None:
        first_in.wait(10)
        with native_log():
            second_in.set()
            first_out.wait(0.1)

    stderr = os.dup(2)
    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = os.fstat(2)
    os.dup2(stderr, 2)
    os.close(stderr)
    assert os.path.samestat(after, os.fstat(2))


@pytest.mark.usefixtures("models")
def test_tflite_opens_without_a_stderr() -> None:
    code = (
        "import os; os.close(2)\n"
        "import sys; sys.stderr = sys.__stderr__ = None\n"
        "from edgehands.selection import open_session\n"
        "from edgehands.models import store\n"
        "open_session('tflite', store.load('light')).close()\n"
        "print('opened')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "opened\n"


@pytest.mark.usefixtures("models")
def test_native_code_writes_nothing_to_stderr() -> None:
    code = (
        "from edgehands.selection import open_session\n"
        "from edgehands.models import store\n"
        "open_session('tflite', store.load('light')).run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def replayed(path: Path, name: str = "light", **options: str) -> Session:
    return open_session("replay", store.load(name), options={"file": str(path), **options})


@pytest.mark.parametrize("name", MODELS)
def test_a_replay_returns_the_recorded_outputs_bit_for_bit(recording: Path, name: str) -> None:
    with open_session("tflite", store.load(name)) as session:
        expected = results(session)
    with replayed(recording, name) as session:
        assert same([session.run() for _ in range(RUNS)], expected)


def test_a_replay_ends_with_a_device_error(recording: Path) -> None:
    with replayed(recording) as session:
        for _ in range(RUNS):
            session.run()
        with pytest.raises(DeviceError, match=f"ends after {RUNS} runs: record more, or set loop"):
            session.run()


def test_a_looped_replay_starts_over(recording: Path) -> None:
    with replayed(recording, loop="yes") as session:
        first = [session.run() for _ in range(RUNS)]
        assert same(first, [session.run() for _ in range(RUNS)])


def test_a_loop_is_yes_or_no(recording: Path) -> None:
    replayed(recording, loop="no").close()
    with pytest.raises(UsageError, match="loop=true: say yes or no"):
        replayed(recording, loop="true")


def test_a_replay_needs_a_file() -> None:
    with pytest.raises(UsageError, match=r"needs the option file=RECORDING\.npz"):
        open_session("replay", FAKE)


def test_a_recording_of_a_recording_is_refused() -> None:
    with pytest.raises(UsageError, match="name another backend"):
        open_session("replay", FAKE, options={"file": "x.npz", "record_from": "replay"})


@pytest.mark.usefixtures("models")
def test_a_missing_recording_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz: make it with the option record_from"):
        replayed(tmp_path / "none.npz")


def test_a_recording_without_the_model_is_a_model_error(recording: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial.npz"
    with np.load(recording) as arrays:
        np.savez(partial, **{key: arrays[key] for key in arrays if not key.startswith("light/")})
    replayed(partial, "full").close()
    with pytest.raises(ModelError, match=r"holds no 'light/landmarks': record it with model light"):
        replayed(partial, "light")


@pytest.mark.parametrize("shape", [(3, 63), (3, 1, 62), (3, 2, 63), ()])
def test_a_recording_of_another_shape_is_a_model_error(
    recording: Path, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    other = tmp_path / "other.npz"
    with np.load(recording) as arrays:
        np.savez(other, **{**arrays, "light/landmarks": np.zeros(shape, np.float32)})
    with pytest.raises(ModelError, match=r"'light/landmarks' of shape .*, not \[runs, 1, 63\]"):
        replayed(other)


def damages(good: bytes) -> dict[str, bytes]:
    middle = len(good) // 2
    return {
        "empty": b"",
        "text": b"hello",
        "cut": good[:middle],
        "changed": good[:middle] + bytes(byte ^ 0xFF for byte in good[middle:-2000]) + good[-2000:],
        "no index": good[:-30],
    }


@pytest.mark.parametrize("damage", list(damages(b"")))
def test_a_damaged_recording_is_an_input_error(
    recording: Path, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "damaged.npz"
    file.write_bytes(damages(recording.read_bytes())[damage])
    with pytest.raises(InputError, match=r"damaged\.npz is not a recording"):
        replayed(file)


@pytest.mark.usefixtures("models")
def test_a_single_array_and_a_folder_are_no_recordings(tmp_path: Path) -> None:
    np.save(tmp_path / "single.npy", np.zeros(3))
    for path in (tmp_path / "single.npy", tmp_path):
        with pytest.raises(InputError, match="is not a recording"):
            replayed(path)


@pytest.mark.usefixtures("models")
def test_a_recording_makes_its_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "clip.npz"
    with replayed(path, record_from="tflite") as session:
        session.run()
        session.close()  # once more at the end of the block
    replayed(path).close()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("models")
def test_a_recording_that_cannot_be_added_to_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "notes.npz"
    path.write_text("shopping list")
    with pytest.raises(InputError, match="is not a recording"):
        replayed(path, record_from="tflite")
    assert path.read_text() == "shopping list"


@pytest.mark.usefixtures("models")
def test_a_recording_describes_what_it_records(tmp_path: Path) -> None:
    with replayed(tmp_path / "clip.npz", record_from="tflite") as session:
        assert session.describe().backend == "tflite"
