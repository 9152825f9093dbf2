"""What a shell knows of edgehands: completion, and the manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import man

COMPLETIONS = {
    "bash": {"COMP_WORDS": "edgehands mo", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "edgehands mo"},
    "fish": {"_TYPER_COMPLETE_ARGS": "edgehands mo", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.fixture
def edgehands(tmp_path: Path) -> str:
    """A program of that name: completion goes by it."""
    program = tmp_path / "edgehands"
    program.write_text(
        f"#!{sys.executable}\nfrom edgehands.cli import main\nmain()\n", encoding="utf-8"
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_a_word_that_was_begun_is_completed(shell: str, edgehands: str) -> None:
    environment = {
        **os.environ, **COMPLETIONS[shell], "_EDGEHANDS_COMPLETE": f"complete_{shell}",
        "PYTHONPATH": str(Path(man.__file__).parent.parent),
    }  # fmt: skip
    done = subprocess.run([edgehands], env=environment, capture_output=True, text=True, check=True)
    assert "models" in done.stdout
    assert "demo" not in done.stdout


def test_the_manual_page_is_that_of_the_commands() -> None:
    assert man.PAGE.read_text(encoding="utf-8") == man.page(), "run: python -m tools.man"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff: apt install groff-base")
def test_the_manual_page_is_good_roff() -> None:
    done = subprocess.run(
        ["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-z", str(man.PAGE)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stderr
