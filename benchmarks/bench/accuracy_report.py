"""Writes the long form: `python -m edgehands.benchmarks.bench.accuracy_report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from edgehands.benchmarks.bench.accuracy_extended import Extended, extended
from edgehands.benchmarks.bench.accuracy_text import markdown

RESULTS = Path(__file__).parent.parent / "results"

_MODELS = ("light", "full", "heavy")


def main(
    model: Annotated[list[str] | None, typer.Option(help="Only these models.")] = None,
    backend: Annotated[str, typer.Option(help="What runs them.")] = "tflite",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Measure, print the tables and write them, with the figures as JSON, to a folder.

    The first time draws its pictures, for about two minutes.
    """
    results: dict[str, Extended] = {}
    with Console(stderr=True).status("") as status:

        def watch(name: str, what: str) -> None:
            status.update(f"{name}: {what}")

        for name in model or _MODELS:
            results[name] = extended(name, backend, watch=partial(watch, name))
    command = " ".join(
        (
            "python -m edgehands.benchmarks.bench.accuracy_report",
            *(f"--model {name}" for name in model or ()),
            f"--backend {backend}",
        )
    )
    text = "\n\n".join(map(markdown, results.values())) + f"\n\nMade by `{command}`.\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / "accuracy_extended.md").write_text(text, encoding="utf-8")
    record = msgspec.json.encode({"command": command, "models": results})
    (out / "accuracy_extended.json").write_bytes(msgspec.json.format(record, indent=1) + b"\n")
    print(text)


if __name__ == "__main__":
    typer.run(main)
