"""The delegate's door, proven with a delegate of our own; and what coral makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from edgehands import probe, synthetic
from edgehands.backends import coral
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import ModelFile
from edgehands.models import store
from edgehands.selection import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

CLIP = Path(synthetic.__file__).parent / "demo.mp4"
FAKE = ModelFile("light", "landmarks", b"", "0" * 64, "/nowhere/light.tflite", 224, ())

# No header is to be had from a package, so the two symbols and the struct stand here. The delegate
# takes no part of the graph; it writes what happens to it into the file that its option names.
SOURCE = r"""
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TfLiteDelegate {
  void *data;
  int (*prepare)(void *context, struct TfLiteDelegate *delegate);
  int (*copy_from_buffer)(void *, struct TfLiteDelegate *, int, void *);
  int (*copy_to_buffer)(void *, struct TfLiteDelegate *, int, void *);
  void (*free_buffer)(void *, struct TfLiteDelegate *, int *);
  int64_t flags;
  void *opaque_builder;
} TfLiteDelegate;

static char journal[4096];

static void note(const char *what, const char *value) {
  FILE *file = journal[0] ? fopen(journal, "a") : NULL;
  if (!file) return;
  fprintf(file, "%s %s\n", what, value);
  fclose(file);
}

static int accept_all(void *context, TfLiteDelegate *delegate) {
  note("prepare", "accepted");
  return 0;
}

static int refuse(void *context, TfLiteDelegate *delegate) {
  note("prepare", "refused");
  return 1;
}

TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                              void (*report_error)(const char *)) {
  const char *fail = "";
  const char *always = getenv("TEST_DELEGATE_JOURNAL");
  if (always) strncpy(journal, always, sizeof journal - 1);
  for (size_t i = 0; i < count; i++) {
    if (!strcmp(keys[i], "journal")) strncpy(journal, values[i], sizeof journal - 1);
    if (!strcmp(keys[i], "fail")) fail = values[i];
  }
  for (size_t i = 0; i < count; i++) {
    note(keys[i], values[i]);
    if (!strcmp(values[i], "usb:9")) fail = "create";
  }
  if (getenv("TEST_DELEGATE_DIES")) raise(SIGSEGV);
  if (!strcmp(fail, "create")) {
    report_error("no accelerator\nin this machine");
    return NULL;
  }
  TfLiteDelegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = strcmp(fail, "prepare") ? accept_all : refuse;
  return delegate;
}

void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate) {
  note("destroy", delegate ? "one" : "none");
  free(delegate);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The delegate as a shared library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: apt install gcc")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "delegate.c").write_text(SOURCE)
    path = folder / "libtest_delegate.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(path), str(folder / "delegate.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.txt"


def command(**options: str | Path) -> subprocess.CompletedProcess[str]:
    """`edgehands run` on two frames with a delegate's options."""
    pairs = [f"--backend-option={key}={value}" for key, value in options.items()]
    arguments = ["run", "--source", str(CLIP), "--frames", "2", "--backend", "tflite", *pairs]
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("models")
def test_options_arrive_at_the_delegate(library: Path, journal: Path) -> None:
    done = command(delegate=library, journal=journal, device="npu:1", mode="fast=yes")
    assert done.returncode == 0, done.stderr
    lines = journal.read_text().splitlines()
    for line in (f"journal {journal}", "device npu:1", "mode fast=yes", "prepare accepted"):
        assert lines.count(line) == 2  # once for each of the two models
    assert not any(line.startswith("delegate ") for line in lines)  # that one is ours


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("fail", "said"),
    [
        ("create", "with options {'fail': 'create'}: .* no accelerator in this machine"),
        ("prepare", "refused full: "),
    ],
)
def test_a_delegate_that_fails_is_one_line_and_code_69(library: Path, fail: str, said: str) -> None:
    done = command(delegate=library, fail=fail)
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert re.match(f"edgehands: delegate {re.escape(str(library))} {said}", line)


@pytest.mark.usefixtures("models")
def test_a_delegate_that_is_missing_is_one_line_and_code_69(tmp_path: Path) -> None:
    done = command(delegate=tmp_path / "none.so", key="value")
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"edgehands: delegate {tmp_path}/none.so with options {{'key': 'value'}}"
    )
    assert "No such file" in line


@pytest.mark.usefixtures("models")
def test_a_session_says_that_it_runs_on_the_delegate_and_frees_it(
    library: Path, journal: Path
) -> None:
    options = {"delegate": str(library), "journal": str(journal)}
    with open_session("tflite", store.load("light"), options=options) as session:
        assert session.describe().device == str(library)
        assert len(session.run()) == 4
        assert "destroy" not in journal.read_text()
    assert journal.read_text().endswith("destroy one\n")


# What stands in for libedgetpu: the delegate above; what for a compiled model: the original with
# the custom op's name behind it, which changes nothing for the interpreter.


def compiled(name: str) -> ModelFile:
    model = store.load(name)
    return replace(model, data=model.data + b"edgetpu-custom-op")


def cannot(*_: object) -> NoReturn:
    raise AssertionError("tflite cannot run what is compiled for the Edge TPU")


@pytest.fixture
def open_coral(
    library: Path,
    journal: Path,
    models: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., coral.CoralSession]:
    """Open `compiled` on the stand-in."""
    monkeypatch.setenv("TEST_DELEGATE_JOURNAL", str(journal))
    monkeypatch.setattr(probe, "_works", set())
    monkeypatch.setattr(probe, "answers", cannot)

    def opener(device: str | None = None, model: str = "light") -> coral.CoralSession:
        options = {"library": str(library)}
        session = open_session("coral", compiled(model), device=device, options=options)
        assert isinstance(session, coral.CoralSession)
        return session

    return opener


@pytest.mark.parametrize("device", ["usb", "usb:1", "pci:0", ":2"])
def test_coral_asks_for_the_device(
    open_coral: Callable[..., coral.CoralSession], journal: Path, device: str
) -> None:
    with open_coral(device) as session:
        assert session.describe().backend == "coral"
        assert session.describe().device == f"Edge TPU {device}"
        assert len(session.run()) == 4
    # Tried in another process, then opened in this one; each frees what it opened.
    assert (
        journal.read_text().splitlines()
        == [
            f"device {device}",
            "prepare accepted",
            "destroy one",
        ]
        * 2
    )


def test_coral_takes_the_first_device_unless_told(
    open_coral: Callable[..., coral.CoralSession], journal: Path
) -> None:
    with open_coral() as session:
        assert "the first" in session.describe().device
    assert "device" not in journal.read_text()


def test_coral_tries_a_device_once_for_all_models(
    open_coral: Callable[..., coral.CoralSession], journal: Path
) -> None:
    with open_coral("usb"), open_coral("usb", "palm-lite"):
        assert journal.read_text().count("device usb") == 3  # one try, two sessions


def test_a_libedgetpu_that_kills_does_not_kill_us(
    open_coral: Callable[..., coral.CoralSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DELEGATE_DIES", "1")
    with pytest.raises(DeviceError, match="died by signal SIGSEGV while opening"):
        open_coral()


def test_no_edge_tpu_says_what_the_system_shows(
    open_coral: Callable[..., coral.CoralSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        DeviceError, match=r"no Edge TPU usb:9 .* be in the group plugdev"
    ) as caught:
        open_coral("usb:9")
    assert "\n" not in str(caught.value)
    for name, vendor, product in (("1-1", "1a6e", "089a"), ("1-2", "046d", "c52b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text(f"{vendor}\n")
        (tmp_path / name / "idProduct").write_text(f"{product}\n")
    (tmp_path / "1-0:1.0").mkdir()
    (tmp_path / "apex_0").touch()
    monkeypatch.setattr(coral, "_USB_DEVICES", tmp_path)
    monkeypatch.setattr(coral, "_PCI_NODES", tmp_path)
    assert coral._present() == ["USB 1a6e:089a", str(tmp_path / "apex_0")]


@pytest.mark.usefixtures("models")
def test_coral_closes_its_sessions_before_python_ends(
    library: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DELEGATE_JOURNAL", str(journal))
    code = (
        "import atexit, pathlib; from dataclasses import replace\n"
        # Registered first, so run last, while Python is still whole.
        f"atexit.register(lambda: print(pathlib.Path({str(journal)!r}).read_text()))\n"
        "from edgehands.selection import open_session\n"
        "from edgehands.models import store\n"
        "light = store.load('light')\n"
        "model = replace(light, data=light.data + b'edgetpu-custom-op')\n"
        f"session = open_session('coral', model, options={{'library': {str(library)!r}}})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("destroy one") == 2  # the try's and ours


def test_coral_without_libedgetpu_says_what_to_install_and_where_from() -> None:
    with pytest.raises(RuntimeMissingError) as caught:
        open_session("coral", FAKE, options={"library": "libno_such_edgetpu.so.1"})
    said = str(caught.value)
    assert "libno_such_edgetpu.so.1: cannot open shared object file" in said
    assert "libedgetpu1-std .deb from https://github.com/feranick/libedgetpu/releases" in said
    assert "\n" not in said


def test_coral_refuses_a_model_that_is_not_compiled_for_it(library: Path) -> None:
    with pytest.raises(ModelError, match="not compiled for the Edge TPU: run `edgehands models b"):
        open_session("coral", FAKE, options={"library": str(library)})


@pytest.mark.parametrize("device", ["cpu", "usb:", "usb1", "USB", "pci:x"])
def test_coral_names_a_device_that_cannot_be(device: str) -> None:
    with pytest.raises(UsageError, match=f"no device {device!r}: say usb, usb:0"):
        open_session("coral", FAKE, device=device)
