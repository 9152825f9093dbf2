"""`python -m edgehands.benchmarks.soak`: an hour of service with a fault every two minutes.

The service is the real one, started as systemd starts it, with a real mosquitto; each fault comes
from outside. The results go to soak.json and soak.md.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from edgehands.benchmarks.bench import fingerprint
from edgehands.benchmarks.soak.faults import FAULTS, watch
from edgehands.benchmarks.soak.page import Soak, markdown
from edgehands.benchmarks.soak.rig import Rig, Setting
from edgehands.benchmarks.soak.samples import Sampler
from edgehands.errors import EdgeHandsError

if TYPE_CHECKING:
    from edgehands.benchmarks.soak.faults import Mended

RESULTS = Path(__file__).parents[1] / "results"
_STEP = 0.2


def main(
    minutes: Annotated[float, typer.Option(help="How long it runs.")] = 60.0,
    fault_every: Annotated[float, typer.Option(help="Minutes from one fault to the next.")] = 2.0,
    sample_every: Annotated[float, typer.Option(help="Seconds between samples.")] = 5.0,
    source: Annotated[str, typer.Option(help="A camera that needs no device.")] = Setting().source,
    model: Annotated[str, typer.Option(help="The landmark model.")] = Setting().model,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = Setting().fps,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Run the service, break what is around it, write the results."""
    try:
        soak = run(
            minutes,
            fault_every,
            sample_every=sample_every,
            setting=Setting(source, model, fps),
            log=Console(stderr=True),
        )
    except EdgeHandsError as error:
        print(f"soak: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error
    text = markdown(soak)
    print(text)
    out.mkdir(parents=True, exist_ok=True)
    (out / "soak.json").write_text(json.dumps(soak.as_json(), indent=1) + "\n", encoding="utf-8")
    (out / "soak.md").write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(0 if soak.passed else 1)


def run(
    minutes: float,
    fault_every: float,
    *,
    sample_every: float,
    setting: Setting,
    log: Console,
) -> Soak:
    """Run it for so long; with every fault there is, in turns.

    Raises:
        DeviceError: there is no broker here, or the service is not ready in time.
    """
    before = fingerprint.state()
    made: list[Mended] = []
    with tempfile.TemporaryDirectory(prefix="edgehands-soak-") as folder:
        with Rig(Path(folder), setting) as rig:
            begun = time.monotonic()
            sampler = Sampler(rig, begun, sample_every)
            sampler.start()
            end = begun + minutes * 60
            due = begun + fault_every * 60
            faults = cycle(FAULTS)
            while rig.lives and time.monotonic() < end:
                if time.monotonic() >= due:
                    sampler.trouble(over=False)
                    mended = watch(next(faults), rig, round(due - begun, 1))
                    sampler.trouble(over=True)
                    made.append(mended)
                    log.print(f"{mended.at:7.0f} s  {mended.name}: {_said(mended)}")
                    due = max(due + fault_every * 60, time.monotonic())
                time.sleep(_STEP)
            sampler.stop()
            lived = rig.lives
            gap = rig.supervisor.gap()
            took = rig.close()
        code = rig.process.returncode
        if code:
            log.print(f"the service ended with {code}: {rig.said()[-2000:]}", markup=False)
    return Soak(
        minutes=minutes,
        command=_command(),
        device=msgspec.to_builtins(fingerprint.device(before)),
        setting=setting,
        survived=lived and code == 0,
        end_seconds=took,
        watchdog_gap=gap,
        faults=made,
        samples=sampler.samples,
    )


def _said(fault: Mended) -> str:
    return "never mended" if fault.seconds is None else f"mended after {fault.seconds:.1f} s"


def _command() -> str:
    """Return what was typed, without the place of the results, which is nobody's concern."""
    words = sys.argv[1:]
    kept = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if "--out" not in {before, word.split("=")[0]}
    ]
    return shlex.join(["python", "-m", "edgehands.benchmarks.soak", *kept])


if __name__ == "__main__":
    typer.run(main)
