"""A function in another process: whatever becomes of it is told, in one line."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from edgehands import isolated
from edgehands.errors import ModelError

if TYPE_CHECKING:
    from edgehands.isolated import Watch


def act(job: bytes, watch: Watch) -> bytes:
    """Do what the job says."""
    what = job.decode()
    if what == "raise":
        raise ModelError("no such luck")
    watch("doing it")
    if what == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(60)
    if what == "spin":
        while True:
            pass
    if what == "slow":
        for number in range(4):
            watch(f"step {number}")
            time.sleep(1.5)
    if what == "fail":
        raise ZeroDivisionError("what a mess")
    return f"{what} {os.environ.get('COLOUR')} {isolated.is_child()}".encode()


@pytest.mark.parametrize(
    ("job", "how", "message"),
    [
        ("raise", "raised", "no such luck"),
        ("die", "died", "died by signal SIGSEGV while doing it"),
        ("hang", "timed out", "hung while doing it: killed after 3 s"),
        ("spin", "timed out", "hung while doing it: killed after 3 s"),
        ("fail", "failed", "failed while doing it: ZeroDivisionError: what a mess"),
    ],
)
def test_how_it_ended_is_told(job: str, how: str, message: str) -> None:
    ending = isolated.run(f"{__name__}:act", job.encode(), 3 if how == "timed out" else 60)
    assert (ending.how, ending.message) == (how, message)
    assert isinstance(ending.error, ModelError) == (job == "raise")


def test_one_that_gets_on_has_its_time_for_each_step() -> None:
    begun = time.monotonic()
    ending = isolated.run(f"{__name__}:act", b"slow", 4)
    assert (ending.how, time.monotonic() - begun > 6) == ("answered", True)


def test_it_gets_a_job_and_variables_and_answers() -> None:
    ending = isolated.run(f"{__name__}:act", b"paint it", 60, {"COLOUR": "black"})
    assert (ending.how, ending.answer) == ("answered", b"paint it black True")
    assert "COLOUR" not in os.environ
    assert not isolated.is_child()
