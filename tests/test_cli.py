"""The command as a user types it: a fresh process, its stdout, its stderr, its exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands.models import store

if TYPE_CHECKING:
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
        (("run", "--source", "{picture}", "--model", "huge"), 2, "'huge': choose light, full"),
        (("run", "--source", "{picture}", "--model", "palm-full"), 2, "'palm-full'"),
        (("run", "--source", "{picture}", "--backend", "tpu"), 2, "no backend 'tpu': choose auto"),
        (("run", "--source", "{picture}", "--backend", "tflit"), 2, "did you mean 'tflite'?"),
        (("run", "--source", "{picture}", "--max-hands", "0"), 2, "--max-hands"),
        (("run", "--source", "{picture}", "--backend-option", "x"), 2, "KEY=VALUE"),
        (("run", "--source", "{picture}", "--backend-option", "x=1"), 2, "'x'"),
        (("run", "--source", "{picture}", "--draw", "out.xyz"), 2, "out.xyz"),
        (("run", "--source", "{picture}", "--landmarks", "/proc/no/out.jsonl"), 66, "/proc/no"),
        (("run", "--sorce", "x"), 2, "--source"),
        (("run",), 2, "--source"),
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
    path.write_text("[tracker]\nmax_hand = 1\n")
    answer = edgehands("run", "--config", path)
    assert one_line(answer).startswith(f"{path}:2:1: unknown key 'max_hand'")
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
        '[tracker]\nmodel = "huge"\n'
    )
    assert edgehands("run", "--config", config).returncode == 2
    answer = edgehands("run", "--config", config, "--model", "light")
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


def test_ctrl_c_ends_with_the_summary(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "demo", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # it is at work
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 130
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
