"""edgetpu: int8 files compiled for the Edge TPU by Google's `edgetpu_compiler`.

The compiler is a closed program for x86-64. It is untested here: what is known of it is its
documentation. Models that run in turn are compiled in one call, so that both keep their weights in
the accelerator's 8 MB and neither is loaded again at each frame.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ModelError, RuntimeMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.inference import ModelFile

COMPILER = "edgetpu_compiler"
HOW_TO_GET = (
    "it is a closed program for x86-64 Debian and its like, version 16.0: add the line `deb "
    "https://packages.cloud.google.com/apt coral-edgetpu-stable main` to apt's sources and "
    "`apt install edgetpu-compiler`, or run it in Google Colab "
    "(https://coral.ai/docs/edgetpu/compiler); on another machine, build there with --out and copy "
    "the files"
)
_TIMEOUT = 900.0
_MAPPED = "Mapped to Edge TPU"
_OPERATION = re.compile(r"^([A-Z][A-Z0-9_]*)\s+(\d+)\s+(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler made of one model."""

    data: bytes
    operations: tuple[tuple[str, int, str], ...]
    """Name, how many, and what the compiler says of them; empty if its log has no such table."""

    @property
    def mapping(self) -> str:
        """What runs where, in words."""
        if not self.operations:
            return "the compiler's log does not say what runs where"
        mapped = sum(count for _, count, status in self.operations if status == _MAPPED)
        left = [each for each in self.operations if each[2] != _MAPPED]
        total = mapped + sum(count for _, count, _ in left)
        text = f"{mapped} of {total} operations on the Edge TPU"
        if left:
            text += ", on the CPU " + ", ".join(
                f"{count} {name} ({status})" for name, count, status in left
            )
        return text


def find_compiler() -> str:
    """Return the path of the compiler.

    Raises:
        RuntimeMissingError: it is not on PATH; the message says how to get it.
    """
    if path := shutil.which(COMPILER):
        return path
    raise RuntimeMissingError(f"{COMPILER} is not on PATH: {HOW_TO_GET}")


def compile_together(files: Sequence[ModelFile]) -> list[Compiled]:
    """Compile int8 files in one call, so that they share the accelerator's memory.

    Raises:
        RuntimeMissingError: there is no compiler.
        ModelError: it refused, or did not write what it should.
    """
    compiler = find_compiler()
    names = ", ".join(file.id for file in files)
    with tempfile.TemporaryDirectory(prefix="edgehands-") as folder:
        sources = [Path(folder) / f"{file.id}.tflite" for file in files]
        for file, source in zip(files, sources, strict=True):
            source.write_bytes(file.data)
        command = [compiler, "--show_operations", "--out_dir", folder, *map(str, sources)]
        try:
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError(f"{compiler} cannot compile {names}: {error}") from error
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ModelError(
                f"{compiler} refused {names}: {lines[-1] if lines else 'it gave no reason'} "
                f"(exit code {done.returncode})"
            )
        return [_compiled(source, compiler) for source in sources]


def _compiled(source: Path, compiler: str) -> Compiled:
    made = source.with_name(f"{source.stem}_edgetpu.tflite")
    try:
        data = made.read_bytes()
    except OSError as error:
        raise ModelError(f"{compiler} wrote no {made.name} for {source.stem}") from error
    try:
        log = made.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        log = ""
    operations = tuple(
        (name, int(count), status) for name, count, status in _OPERATION.findall(log)
    )
    return Compiled(data, operations)
