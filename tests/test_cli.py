"""The command as a user types it: a fresh process, its stdout, its stderr, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from edgehands.cli.commands import app
from edgehands.cli.models import TARGETS
from edgehands.errors import UsageError
from edgehands.models import store
from edgehands.models.derived import RECIPES, SUBFOLDER
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models")


def edgehands(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def shell(line: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of shell that begins with arguments of `edgehands`."""
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m edgehands {line}"],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and all below it, each with the words that lead to it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    """The only line of stderr, with the prefix that says who speaks."""
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("edgehands: ")
    return lines[0].removeprefix("edgehands: ")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey picture without a hand."""
    path = tmp_path_factory.mktemp("cli") / "grey.png"
    cv2.imwrite(str(path), np.full((120, 160, 3), 128, np.uint8))
    return path


def test_version() -> None:
    answer = edgehands("--version")
    assert (answer.returncode, answer.stdout) == (0, "edgehands 0.1.0\n")


def test_without_a_command_it_helps() -> None:
    answer = edgehands()
    assert answer.returncode == 0
    assert "models" in answer.stdout
    assert not answer.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "--source", "/dev/video9"), 69, "/dev/video9 does not exist"),
        (("run", "--source", "nothing.mp4"), 66, "nothing.mp4"),
        # With a config, so that none that lies on this machine is named.
        (("live", "--config", os.devnull, "--source", "nothing.mp4"), 66, "no file 'nothing.mp4'"),
        (("run", "--source", "{picture}", "--model", "huge"), 2, "'huge': choose light, full"),
        (("run", "--source", "{picture}", "--model", "palm-full"), 2, "'palm-full'"),
        (("run", "--source", "{picture}", "--backend", "tpu"), 2, "no backend 'tpu': choose auto"),
        (("run", "--source", "{picture}", "--backend", "tflit"), 2, "did you mean 'tflite'?"),
        (("run", "--source", "{picture}", "--max-hands", "0"), 2, "--max-hands"),
        (("run", "--source", "{picture}", "--backend-option", "x"), 2, "KEY=VALUE"),
        (("run", "--source", "{picture}", "--backend-option", "x=1"), 2, "'x'"),
        (("run", "--source", "{picture}", "--draw", "out.xyz"), 2, "out.xyz"),
        (("run", "--source", "{picture}", "--landmarks", "/proc/no/out.jsonl"), 66, "/proc/no"),
        (("run", "--source", "nothing.mp4", "--draw", "out.xyz"), 2, "out.xyz"),
        (("run", "--source", "nothing.mp4", "--model", "huge"), 2, "'huge'"),
        (("run", "--source", "{picture}", "--models", "/nowhere"), 2, "/nowhere"),
        (("models", "check", "--models", "/nowhere"), 2, "/nowhere"),
        (("run", "--source", "{picture}", "--draw", "/proc/no/out.mp4"), 66, "/proc/no"),
        (("run", "--source", "{picture}", "--landmarks", "/dev/full"), 66, "/dev/full: No space"),
        (("run", "--source", "{picture}", "--style", "neon"), 2, "say --draw FILE.mp4 too"),
        (("demo", "--web", "--style", "neon"), 2, "with --web there is none"),
        (("explain", "a.hands", "--frames", "3"), 2, "--frames goes with --source"),
        (("run", "--sorce", "x"), 2, "(Possible options: --source). See `"),
        (("rnu",), 2, "'run'"),
        (("run", "--config", "nothing.toml"), 78, "nothing.toml"),
    ],
)
def test_a_mistake_gets_one_line_and_its_exit_code(
    picture: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    answer = edgehands(*(argument.format(picture=picture) for argument in arguments))
    assert words in one_line(answer)
    assert answer.returncode == code
    assert not answer.stdout


def test_a_truncated_model_is_refused_with_both_hashes(picture: Path, tmp_path: Path) -> None:
    for model in ("full", "palm-full"):
        path = store.find(model)
        (tmp_path / path.name).write_bytes(
            path.read_bytes()[: 100_000 if model == "full" else None]
        )
    answer = edgehands("run", "--source", picture, "--models", tmp_path)
    line = one_line(answer)
    assert answer.returncode == 78
    assert "has sha256" in line
    assert store.load("full").sha256 in line


def test_text_named_mp4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a film\n")
    answer = edgehands("run", "--source", path)
    assert "text.mp4" in one_line(answer)
    assert answer.returncode == 66


def test_a_config_mistake_names_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "edgehands.toml"
    for text, message in (
        ("max_hand = 1", "unknown key 'max_hand'"),
        ('model = "huge"', "no landmark model 'huge'"),
    ):
        path.write_text(f"[tracker]\n{text}\n")
        answer = edgehands("run", "--config", path)
        assert one_line(answer).startswith(f"{path}:2:1: {message}")
        assert answer.returncode == 78


def test_a_picture_without_a_hand_gives_no_event(picture: Path) -> None:
    answer = edgehands("run", "--source", picture)
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "a hand in 0 of them" in answer.stderr


def test_the_config_file_runs_and_flags_overlay_it(picture: Path, tmp_path: Path) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text(
        f'[[camera]]\nsource = "{picture}"\nname = "hall"\n'
        f'[[output]]\ntype = "landmarks"\npath = "{tmp_path}/from_config.jsonl"\n'
        '[tracker]\nbackend = "replay"\n'
    )
    assert edgehands("run", "--config", config).returncode == 2  # replay needs a file
    answer = edgehands("run", "--config", config, "--backend", "tflite")
    assert answer.returncode == 0, answer.stderr
    (line,) = (tmp_path / "from_config.jsonl").read_text().splitlines()
    assert json.loads(line) == {"frame": 0, "time": 0.0, "hands": []}


def test_a_recording_replays_to_the_same_events(tmp_path: Path) -> None:
    recording = tmp_path / "run.npz"
    arguments = ("demo", "--frames", "40", "--out", tmp_path, "--backend", "replay")
    option = ("--backend-option", f"file={recording}")
    recorded = edgehands(*arguments, *option, "--backend-option", "record_from=tflite")
    assert recorded.returncode == 0, recorded.stderr
    replayed = edgehands(*arguments, *option)
    assert replayed.returncode == 0, replayed.stderr
    assert events(recorded)
    assert events(replayed) == events(recorded)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm", ".png"])
def test_a_full_disk_is_no_bug(picture: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.symlink_to("/dev/full")
    answer = edgehands("run", "--source", picture, "--draw", path)
    assert f"edgehands: cannot write {path}: No space left on device\n" in answer.stderr
    assert answer.returncode == 66


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", ["demo --out {out} --frames 30", "models list", "models list --json", "--version"]
)
def test_a_full_standard_output_is_no_bug(tmp_path: Path, arguments: str, unbuffered: str) -> None:
    answer = shell(
        f"{arguments.format(out=tmp_path)} >/dev/full", environment={"PYTHONUNBUFFERED": unbuffered}
    )
    assert one_line(answer) == "cannot write to standard output: No space left on device"
    assert answer.returncode == 66


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_keeps_nothing_from_its_work(tmp_path: Path, closed: str) -> None:
    landmarks = tmp_path / "landmarks.jsonl"
    clip = f"--source {DEMO_CLIP} --frames 30 --landmarks {landmarks}"
    answer = shell(f"run {clip} {closed}")
    assert answer.returncode == 0, answer.stderr
    assert len([json.loads(line) for line in landmarks.read_text().splitlines()]) == 30
    assert "Traceback" not in answer.stderr


def test_a_picture_of_a_clip_is_written_once_from_its_last_frame(tmp_path: Path) -> None:
    pipe = tmp_path / "out.png"  # everything that is ever written into the file can be counted
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as cat:
        answer = edgehands("run", "--source", DEMO_CLIP, "--frames", "30", "--draw", pipe)
        assert answer.returncode == 0, answer.stderr
        written, _ = cat.communicate(timeout=30)
    assert written.count(b"IHDR") == 1
    assert cv2.imdecode(np.frombuffer(written, np.uint8), cv2.IMREAD_COLOR) is not None


def test_help_is_quick_and_names_what_there_is() -> None:
    code = (
        "import sys, edgehands.cli.commands\n"
        "print({'numpy', 'rich', 'msgspec', 'cv2', 'edgehands.models.store'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "set()\n"
    assert tuple(RECIPES) == TARGETS
    talk = " ".join(edgehands("models", "build", "--help").stdout.replace("│", " ").split())
    assert f"folder {SUBFOLDER} of its model folder" in talk
    assert f"${store.ENVIRONMENT_VARIABLE}, {store.SYSTEM_FOLDER} and" in talk


@pytest.mark.parametrize("command", [["run"], ["live"], ["record", "--out", "x.hands"]])
def test_without_a_camera_and_a_config_it_says_what_to_type(command: list[str]) -> None:
    """In this process, which finds no config that lies on this machine."""
    answer = CliRunner().invoke(app, command)
    assert isinstance(answer.exception, UsageError)
    assert str(answer.exception).startswith("no camera")
    assert "--source" in str(answer.exception)


def test_the_help_of_every_command_says_all_that_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Square brackets in it would be taken for markup: swallowed, or the end of the command."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 1000)
    for path, command in commands(typer.main.get_command(app)):
        answer = CliRunner().invoke(app, [*path, "--help"])
        assert answer.exit_code == 0, (path, answer.exception)
        said = " ".join(answer.stdout.split())
        for parameter in command.params:
            written = getattr(parameter, "help", None) or ""
            assert " ".join(written.split()) in said, path


def test_ctrl_c_while_it_starts_is_quiet(tmp_path: Path) -> None:
    """A finder that sends the signal in the middle of the first import of typer."""
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "from edgehands.cli import main\n"
        "sys.meta_path.insert(0, Finder())\n"
        "main()\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "")


def test_a_service_starts_without_the_parser_and_runs_as_with_it(
    picture: Path, tmp_path: Path
) -> None:
    config = tmp_path / "unit.toml"
    config.write_text(f'[[camera]]\nsource = "{picture}"\n[tracker]\nmodel = "light"\n')
    short, long = (
        subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "edgehands", "run", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        for words in (("--config", config), (f"--config={config}",))
    )
    assert short.stdout == long.stdout
    told = [
        [line for line in answer.stderr.splitlines() if not line.startswith("import time:")]
        for answer in (short, long)
    ]
    assert [line[:4] for line in told[0]] == [line[:4] for line in told[1]]  # but for times
    imported = {line.rpartition("|")[2].strip() for line in short.stderr.splitlines()}
    assert "edgehands.service" in imported
    assert not imported & {"typer", "click", "rich", "pydantic", "edgehands.cli.commands"}


def test_a_command_that_is_no_service_says_that_it_was_killed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "-v", "tune", "--seconds", "30"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143


def test_what_is_killed_while_it_imports_says_so_too(tmp_path: Path) -> None:
    """Imports execute texts, and `python -m` has its own mind about an interrupt in one."""
    (tmp_path / "imports.py").write_text("""
import sys, types
from edgehands import cli
text = "import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)"
sys.modules["edgehands.cli.commands"] = types.SimpleNamespace(dispatch=lambda: exec(text))
sys.argv = ["edgehands", "tune"]
cli.main()
""")
    command = [sys.executable, "-m", "imports"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_with_the_summary(tmp_path: Path, number: int, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "demo", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # it is at work
    process.send_signal(number)
    begin = time.monotonic()
    _, talk = process.communicate(timeout=30)
    assert process.returncode == code
    assert time.monotonic() - begin < 10
    assert "interrupted" in talk
    assert "Traceback" not in talk


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "edgehands", "demo", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        talk = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in talk
    assert "BrokenPipe" not in talk


def events(answer: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """The events of a run without their ids, which differ from run to run."""
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    return [{key: value for key, value in line.items() if key != "id"} for line in lines]
