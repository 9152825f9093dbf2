"""A process knows what a hardened service forbids: no runtime dies, `auto` passes it over."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.usefixtures("models"),
    pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel"),
]

# PR_SET_MDWE: from now on this process gets no memory that is both written and executed, as under
# MemoryDenyWriteExecute=yes.
HARDENED = """
import ctypes, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit("no PR_SET_MDWE")
"""
OPEN = """
from edgehands.errors import DeviceError
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.selection import may_execute_written_memory, open_session
print(may_execute_written_memory())
try:
    with open_session("{}", store.load("light"), derive=derive) as session:
        print(session.describe().backend)
except DeviceError as error:
    print(error)
"""
TUNED = """
from edgehands import verdict
from edgehands.models import store
choice = verdict.Choice("light", store.load("light").sha256, "openvino", 2, 1.0, 3)
verdict.load = lambda: verdict.Verdict(verdict.fingerprint(), "2026-11-22", (choice,))
"""


def run(*code: str) -> list[str]:
    answer = subprocess.run(
        [sys.executable, "-c", "".join(code)], capture_output=True, text=True, check=False
    )
    if "no PR_SET_MDWE" in answer.stderr:
        pytest.skip("this kernel is older than 6.3")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


@pytest.mark.parametrize("backend", ["tflite", "onnxruntime"])
def test_what_compiles_nothing_runs_hardened(backend: str) -> None:
    pytest.importorskip("onnxruntime")
    assert run(HARDENED, OPEN.format(backend)) == ["False", backend]


@pytest.mark.parametrize("backend", ["openvino", "litert-gpu"])
def test_what_compiles_says_why_it_does_not_run_hardened(backend: str) -> None:
    denied, told = run(HARDENED, OPEN.format(backend))
    assert denied == "False"
    assert told.startswith(f"backend {backend} compiles code at run time")
    assert "edgehands service install" in told


def test_auto_passes_over_what_was_tuned_but_is_forbidden() -> None:
    assert run(HARDENED, TUNED, OPEN.format("auto")) == ["False", "tflite"]


def test_auto_takes_what_was_tuned_where_it_may() -> None:
    pytest.importorskip("openvino")
    assert run(TUNED, OPEN.format("auto")) == ["True", "openvino"]
