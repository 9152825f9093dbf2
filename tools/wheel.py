"""Build the wheel so that anyone who builds the same commit gets the same bytes.

`python -m tools.wheel FOLDER`, or `make wheel`. What git has is laid out afresh: no stray file of
this checkout comes along, and neither its permissions nor its times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parent.parent
_EPOCH = 315_532_800  # 1980, before which a zip file knows no time


def build(out: Path) -> None:
    """Build into a folder; the files are dated by SOURCE_DATE_EPOCH, or by the last commit."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct").strip()
    with tempfile.TemporaryDirectory() as folder, _umask(0o022):
        source = Path(folder, "edgehands")
        lay_out(source)
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), "."],
            cwd=source,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(max(int(epoch or 0), _EPOCH))},
            check=True,
        )


def lay_out(target: Path) -> None:
    """Copy what git tracks, and would track, with no permission but the owner's to execute."""
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source, copy = PROJECT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.symlink_to(source.readlink())
        elif source.is_file():  # and not deleted since
            copy.write_bytes(source.read_bytes())
            copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    build(Path(sys.argv[1]).absolute())
