"""The log: plain at a terminal; in the journal with priority, code and advice, and not repeated."""

from __future__ import annotations

import ast
import io
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import pytest

from edgehands import logs, redaction
from edgehands.messages import ADVICE, FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
CANARY = "canary-77c1d0"


class Journal:
    """A logger with the journal at its end, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.stream = io.StringIO()
        self.wanted: list[tuple[float, Callable[[], None]]] = []
        self.handler = logs.JournalHandler(
            self.stream,
            lambda: self.now,
            lambda seconds, function: self.wanted.append((self.now + seconds, function)),
        )
        self.logger = logging.Logger("edgehands.test", logging.DEBUG)
        self.logger.addHandler(self.handler)

    def say(self, text: str, *things: object, code: str = "EH1101") -> None:
        self.logger.warning(text, *things, extra={"code": code})

    def wait(self, seconds: float) -> None:
        """Let time pass, and happen what was wanted by then."""
        end = self.now + seconds
        while self.wanted and self.wanted[0][0] <= end:
            self.now, function = self.wanted.pop(0)
            function()
        self.now = end

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture(autouse=True)
def _no_known_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())


def test_each_line_of_the_journal_has_its_priority(journal: Journal) -> None:
    for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG):
        journal.logger.log(level, "level %d", level, extra={"code": "EH1304"})
    try:
        raise ValueError("two\nlines")
    except ValueError:
        journal.logger.exception("it broke", extra={"code": "EH1070"})
    assert [line[:3] for line in journal.lines[:5]] == ["<2>", "<3>", "<4>", "<6>", "<7>"]
    assert journal.lines[5].startswith("<3>EH1070 it broke (a bug: please report it")
    assert len(journal.lines) > 8
    assert all(line.startswith("<3>") for line in journal.lines[5:])


def test_a_warning_has_its_code_and_says_what_to_do(journal: Journal) -> None:
    journal.say("%s: the driver hangs", "/dev/video0")
    advice = ADVICE["EH1101"]
    assert journal.lines == [f"<4>EH1101 /dev/video0: the driver hangs ({advice})"]
    journal.logger.info("well")
    assert journal.lines[-1] == "<6>well"
    journal.logger.warning("of a library")
    assert journal.lines[-1].startswith("<4>EH1900 of a library (")


def test_the_same_line_comes_once_a_minute_with_the_number_held_back(journal: Journal) -> None:
    for _ in range(100):
        journal.say("%s: late by %d ms", "hall", int(journal.now))
        journal.now += 0.5
    assert len(journal.lines) == 1
    journal.now += 10.0
    journal.say("%s: late by %d ms", "hall", 7)
    assert len(journal.lines) == 2
    assert "hall: late by 7 ms [and 99 more like it, held back]" in journal.lines[1]


def test_other_things_and_other_reasons_are_other_lines(journal: Journal) -> None:
    for camera in ("hall", "door"):
        for reason in ("no answer", "refused"):
            journal.say("%s: %s", camera, reason)
            journal.say("%s: %s", camera, reason)
    assert len(journal.lines) == 4


def test_what_was_held_back_is_told_when_its_minute_is_over_though_nothing_else_is_said(
    journal: Journal,
) -> None:
    for _ in range(5):
        journal.say("%s hangs", "hall")
        journal.now += 1
    journal.say("%s hangs", "door")
    journal.now += 2
    journal.say("%s hangs", "door")
    assert len(journal.lines) == 2
    assert len(journal.wanted) == 1
    journal.wait(52)
    assert len(journal.lines) == 2
    journal.wait(1)
    assert "hall hangs [and 3 more like it, held back]" in journal.lines[2]
    journal.wait(5)
    assert journal.lines[3:] == [journal.lines[1]], "the one that was held back"
    journal.wait(3600)
    assert len(journal.lines) == 4
    assert not journal.wanted


def test_what_was_held_back_is_told_by_itself_in_a_real_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "HOLD_SECONDS", 0.2)
    stream = io.StringIO()
    logger = logging.Logger("edgehands.test")
    logger.addHandler(logs.JournalHandler(stream))
    logger.warning("it hangs")
    logger.warning("it hangs")
    end = time.monotonic() + 10
    while stream.getvalue().count("it hangs") < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert stream.getvalue().count("it hangs") == 2


def test_what_was_held_back_is_told_though_a_thread_hangs(tmp_path: Path) -> None:
    """Who then ends at once, as the command does, tells it before."""
    code = (
        "import logging, os, sys, threading, time\n"
        "from edgehands import cli, logs\n"
        "def hang():\n"
        "    logging.basicConfig(handlers=[logs.JournalHandler(sys.stderr)], force=True)\n"
        "    logging.warning('it hangs'), logging.warning('it hangs')\n"
        "    threading.Thread(target=time.sleep, args=(60,), name='edgehands-x').start()\n"
        "    return 3\n"
        "cli._run = hang\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr.count("it hangs")) == (3, 2), done.stderr


def test_what_was_held_back_is_told_by_the_next_line_or_at_the_end(journal: Journal) -> None:
    for _ in range(3):
        journal.say("%s hangs", "hall")
    journal.now += 61
    journal.say("%s hangs", "door")
    assert ["hall" in line for line in journal.lines] == [True, True, False]
    assert "[and 1 more like it, held back]" in journal.lines[1]
    journal.say("%s hangs", "door")
    journal.handler.close()
    assert "door hangs (" in journal.lines[-1]
    assert len(journal.lines) == 4


def test_no_line_is_lost_and_memory_is_bounded_when_all_are_different(journal: Journal) -> None:
    for number in range(5000):
        journal.say("%s hangs", f"camera {number}")
        journal.say("%s hangs", f"camera {number}")
        journal.now += 0.001
    assert len(journal.handler._repeats._last) < 1000
    journal.handler.close()
    counts = [re.search(r"\[and (\d+) more", line) for line in journal.lines]
    assert sum(1 if count is None else 1 + int(count[1]) for count in counts) == 10_000


def test_debug_lines_all_come(journal: Journal) -> None:
    for _ in range(5):
        journal.logger.debug("again")
    assert len(journal.lines) == 5


def test_passwords_do_not_come_to_the_journal(journal: Journal) -> None:
    redaction.keep_secret(f"{CANARY}/&")
    journal.say("rtsp://me:%s@cam and %s", CANARY, f"token={CANARY}")
    journal.say("known: %s", f"{CANARY}/& {CANARY}%2F%26")
    try:
        raise ValueError(f"mqtt://me:{CANARY}@broker")
    except ValueError:
        journal.logger.exception("http://me:%s@cam", CANARY, extra={"code": "EH1070"})
    assert len(journal.lines) > 4
    assert CANARY not in journal.stream.getvalue()


def test_a_password_that_is_a_common_word_does_not_garble_the_log() -> None:
    redaction.keep_secret("hall")
    redaction.keep_secret("")
    assert redaction.redacted("camera hall") == "camera hall"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_the_journal_is_known_by_its_device_and_inode(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = os.fstat(pipe[1])
    with os.fdopen(os.dup(pipe[1]), "w") as stream:
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert logs.is_journal(stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        assert not logs.is_journal(stream)
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not logs.is_journal(stream)
    assert not logs.is_journal(io.StringIO())


def command(*arguments: str, journal: bool) -> str:
    """What a command says on standard error."""
    reader, writer = os.pipe()
    status = os.fstat(writer)
    environment = dict(os.environ)
    if journal:
        environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    subprocess.run(
        [sys.executable, "-m", "edgehands", *arguments],
        env=environment,
        stderr=writer,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    os.close(writer)
    with os.fdopen(reader) as stream:
        return stream.read()


def test_a_command_that_fails_says_so_in_the_way_of_its_reader(tmp_path: Path) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text("cameras = 1\nevent = 2\n")
    arguments = ("run", "--config", str(config))
    plain = command(*arguments, journal=False)
    assert plain.startswith(f"edgehands: {config}:1:1: ")
    lines = command(*arguments, journal=True).splitlines()
    assert lines[0].startswith(f"<3>EH1078 {config}:1:1: ")
    assert lines[0].endswith(" (edgehands config check)")
    assert lines[1].startswith(f"<3>{config}:2:1: ")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("edgehands", "backends", "models", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def is_warning(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it logs a warning or worse, or at a level that is found at run time."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"warning", "error", "critical", "exception", "log"}
        and "log" in ast.unparse(node.func.value).lower()
    )


def test_every_warning_has_a_code_and_every_code_is_used_and_documented() -> None:
    used = {f"EH10{code:02}" for code in (2, 66, 69, 70, 78)} | {FOREIGN}
    without = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if is_warning(node) and "'code': " not in ast.unparse(node):
                without.append(f"{path}:{node.lineno}")
            elif isinstance(node, ast.Constant) and path.name != "messages.py":
                used |= {str(node.value)} if re.fullmatch(r"EH\d{4}", str(node.value)) else set()
    assert not without
    assert used == set(ADVICE)
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (EH\d{4}) \| .+ \| (.+) \|$", page, re.MULTILINE))
    assert rows == ADVICE
