"""The tflite backend: its files, its delegates, and what it writes to stderr."""

from __future__ import annotations

import ctypes.util
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.errors import DeviceError, ModelError, UsageError
from edgehands.models import store
from edgehands.selection import open_session
from tests.sessions import FAKE, picture, results

if TYPE_CHECKING:
    from pathlib import Path


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
