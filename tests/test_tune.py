"""`tune` measures and keeps a verdict; `auto` believes it only where it was reached."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from edgehands import verdict
from edgehands.errors import DeviceError, InputError
from edgehands.models import store
from edgehands.selection import default_threads, open_session
from edgehands.tuning import Measured, Tuner, choose, thread_counts
from edgehands.verdict import Choice, Fingerprint, Verdict
from edgehands.verify import Attempt, Status

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's own $XDG_STATE_HOME."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "edgehands"


def keep(backend: str = "openvino", threads: int = 1, model: str = "light") -> Verdict:
    """Keep a verdict for this device."""
    sha256 = store.load(model).sha256
    choice = Choice(model, sha256, backend, threads, median_ms=1.5, candidates=6)
    made = Verdict(verdict.fingerprint(), "2026-11-22T10:00:00+0000", (choice,))
    verdict.save(made)
    return made


def auto(threads: int | None = None, device: str | None = None) -> str:
    """What `auto` runs `light` on."""
    with open_session("auto", store.load("light"), threads=threads, device=device) as session:
        return str(session.describe())


def test_auto_takes_backend_and_threads_of_the_verdict_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("openvino")
    keep(threads=1)
    with caplog.at_level(logging.INFO, "edgehands.selection"):
        assert auto().startswith("openvino (")
    assert ", 1 thread" in caplog.messages[-1]
    assert caplog.messages[-1].endswith(": the best of 6 by `edgehands tune` on 2026-11-22, 1.5 ms")


def test_auto_without_a_verdict_takes_the_first_of_its_order_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "edgehands.selection"):
        assert auto().startswith("tflite (")
    assert "first in the default order, `edgehands tune` measures" in caplog.messages[-1]


def test_auto_takes_the_threads_that_it_is_given() -> None:
    keep("tflite", threads=1)
    assert "CPU, 1 threads" in auto()
    assert "CPU, 3 threads" in auto(threads=3)


def test_a_verdict_for_one_model_says_nothing_of_another() -> None:
    keep("openvino", model="full")
    assert auto().startswith("tflite (")


def test_a_device_that_is_asked_for_is_not_the_verdicts() -> None:
    keep("openvino")
    assert auto(device="cpu").startswith("tflite (")


@pytest.mark.usefixtures("odd_backends")
def test_auto_passes_over_a_backend_that_does_not_open_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep("gone")
    assert auto().startswith("tflite (")
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "light does not run on gone: no oddity is plugged in any more" in warning.message


def test_auto_passes_over_a_backend_that_nobody_knows() -> None:
    keep("uninstalled")
    assert auto().startswith("tflite (")


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": "another"},
        {"cores": 99},
        {"edgehands": "0.0.1"},
        {"python": "3.9"},
        {"runtimes": {"openvino": "1.0"}},
    ],
)
def test_a_verdict_holds_only_for_its_fingerprint(change: dict[str, object]) -> None:
    here = keep("openvino")
    assert verdict.load() == here
    for file in verdict.search_path()[0].iterdir():
        file.unlink()
    verdict.save(
        msgspec.structs.replace(
            here, fingerprint=msgspec.structs.replace(here.fingerprint, **change)
        )
    )
    assert verdict.load() is None
    (name,) = change
    expected = "ai-edge-litert" if name == "runtimes" else name
    assert any(each.startswith(expected) for each in verdict.outdated())
    assert auto().startswith("tflite (")


def test_a_verdict_under_a_false_name_is_not_believed(state: Path) -> None:
    made = keep("openvino")
    (file,) = state.iterdir()
    other = msgspec.structs.replace(made.fingerprint, cpu="another")
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, fingerprint=other)))
    assert verdict.load() is None


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[]", b'{"choices": 1}'])
def test_a_damaged_verdict_is_none(
    state: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    keep("openvino")
    (file,) = state.iterdir()
    file.write_bytes(data)
    assert verdict.load() is None
    assert "run `edgehands tune` again" in caplog.text
    assert auto().startswith("tflite (")
    keep("tflite")
    assert verdict.load() is not None


def test_a_second_verdict_keeps_what_was_found_for_other_models() -> None:
    keep("openvino", model="light")
    keep("onnxruntime", model="full")
    keep("tflite", model="light")
    kept = verdict.load()
    assert kept is not None
    assert {choice.model: choice.backend for choice in kept.choices} == {
        "light": "tflite",
        "full": "onnxruntime",
    }


def test_the_service_reads_what_its_folder_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = tmp_path / "service"
    monkeypatch.setattr(verdict, "SYSTEM_FOLDER", service)
    keep()
    assert not service.exists()  # nobody makes it but the service's package
    service.mkdir()
    keep()
    (file,) = service.iterdir()
    assert file.stat().st_mode & 0o777 == 0o644
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nobody"))
    assert verdict.load() is not None


def test_where_nothing_can_be_written_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be kept"):
        keep()


def test_a_processor_is_known_by_board_and_parts(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B\0")
    (tmp_path / "proc/cpuinfo").write_text(
        "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd08\n\n"
        "processor : 1\nCPU implementer : 0x41\nCPU part : 0xd08\n"
    )
    assert verdict.cpu_name(tmp_path) == "Raspberry Pi 4 Model B, 0x41/0xd08"
    assert verdict.cpu_name(tmp_path / "nothing") == ""


def test_the_fingerprint_names_what_changed() -> None:
    old = Fingerprint("cpu", "x86_64", 4, "3.11", "0.1.0", {"openvino": "1", "onnxruntime": "2"})
    new = msgspec.structs.replace(old, cores=2, runtimes={"openvino": "3"})
    assert old.differences(new) == [
        "cores 4 → 2",
        "openvino 1 → 3",
        "onnxruntime 2 → absent",
    ]
    assert old.digest() != new.digest()


def test_auto_imports_no_runtime_that_it_does_not_try() -> None:
    code = (
        "import sys; from edgehands.selection import open_session;"
        "from edgehands.models import store; open_session('auto', store.load('light'));"
        "print(*sys.modules)"
    )
    loaded = {name.split(".")[0] for name in python("-c", code).stdout.split()}
    assert "ai_edge_litert" in loaded
    assert not {"openvino", "onnxruntime", "onnx", "tflite_runtime"} & loaded


def measured(backend: str, threads: int, ms: float, status: Status = "agrees") -> Measured:
    return Measured("light", backend, threads, Attempt(status, run_seconds=(ms / 1000,) * 3))


@pytest.mark.parametrize(
    ("candidates", "best"),
    [
        ([measured("tflite", 1, 9), measured("openvino", 2, 5)], ("openvino", 2)),
        # As fast as makes no difference: fewer threads, then the surer one.
        ([measured("openvino", 4, 5.0), measured("openvino", 2, 5.2)], ("openvino", 2)),
        ([measured("openvino", 2, 5.0), measured("tflite", 2, 5.2)], ("tflite", 2)),
        ([measured("openvino", 2, 5.0), measured("tflite", 2, 5.5)], ("openvino", 2)),
        # The fastest of all is wrong.
        ([measured("tflite", 1, 9), measured("coral", 1, 1, "differs")], ("tflite", 1)),
    ],
)
def test_the_choice(candidates: list[Measured], best: tuple[str, int]) -> None:
    for order in (candidates, candidates[::-1]):
        chosen = choose(order)
        assert chosen is not None
        assert (chosen.backend, chosen.threads) == best


def test_without_a_sound_one_there_is_no_choice() -> None:
    assert choose([measured("tflite", 1, 9, "differs"), measured("coral", 1, 1, "absent")]) is None


def test_thread_counts_stay_within_the_machine() -> None:
    assert thread_counts("tflite")[0] == 1
    assert thread_counts("tflite")[-1] == default_threads()
    assert thread_counts("coral") == [1]


@pytest.mark.usefixtures("odd_backends")
def test_a_backend_that_does_not_reproduce_the_reference_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgehands.tuning.default_threads", lambda: 1)
    steps: list[str] = []
    tuner = Tuner("light", backends=["shifted", "crash", "twin"], seconds=0)
    tuning = tuner.run(steps.append)
    assert len(steps) == tuner.steps == 6
    assert {each.backend: each.attempt.status for each in tuning.measured} == {
        "shifted": "differs",
        "crash": "died",
        "twin": "agrees",
    }
    assert {choice.model: choice.backend for choice in tuning.verdict.choices} == {
        "palm-lite": "twin",
        "light": "twin",
    }
    with pytest.raises(DeviceError, match="no backend runs palm-lite rightly here: gone: no odd"):
        Tuner("light", backends=["gone"], seconds=0).run()


def test_the_command_prints_the_choice_and_keeps_it(state: Path) -> None:
    answer = python(
        "-m",
        "edgehands",
        "tune",
        "--model",
        "light",
        "--seconds",
        "0",
        "--backend",
        "tflite",
        "--json",
    )
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert {each["model"] for each in report["measured"]} == {"palm-lite", "light"}
    assert all(each["status"] == "agrees" for each in report["measured"])
    (file,) = state.iterdir()
    assert f"edgehands: kept in {file}" in answer.stderr
    kept = verdict.load()
    assert kept is not None
    assert kept == msgspec.convert(report["verdict"], Verdict)
    assert [choice.backend for choice in kept.choices] == ["tflite", "tflite"]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
