"""`edgehands status`: how the service is doing, and what to do if it is not well."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.watch import printable
from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.health import CameraHealth, Health, OutputHealth
    from edgehands.monitor.asking import Run

_INDENT = 22


def status(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="One run of several: the name of its config file without .toml.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """Ask the running service how it is doing; the verdict comes first.

    Exit code 0 if all is well, 69 if it does not run or answer, or if
    something is to be mended.
    """
    from edgehands.monitor.asking import find_runs

    runs = find_runs(name)
    verdict = _verdict(runs, name)
    code = 0 if runs and not any(run.problems for run in runs) else DeviceError.exit_code
    if as_json:
        report = {"verdict": verdict, "exit_code": code}
        print(json.dumps({**report, "runs": [run.as_json() for run in runs]}, indent=2))
    else:
        print(printable(verdict))
        for run in runs:
            _show(run, named=len(runs) > 1)
    raise typer.Exit(code)


def _verdict(runs: "Sequence[Run]", name: str | None) -> str:
    problems = [problem for run in runs for problem in run.problems]
    if problems:
        more = len(problems) - 1
        also = f"; {more} more problem{'s' if more > 1 else ''} below" if more else ""
        return f"EdgeHands needs help: {problems[0]}{also}"
    if not runs:
        return _why_none(name)
    from edgehands.monitor.problems import duration

    times = [duration(run.health.uptime_s) for run in runs if run.health]
    return f"EdgeHands is well, up {' and '.join(times)}"


def _why_none(name: str | None) -> str:
    from edgehands.monitor.systemd import ask_unit

    unit = ask_unit() or {}
    if name or unit.get("LoadState") != "loaded":
        named = f" of the name {name}" if name else ""
        return f"EdgeHands does not run: nothing{named} answers here; start it: edgehands run"
    state, look = unit.get("ActiveState"), "see why: journalctl -u edgehands -n 30"
    if state == "inactive":
        return "EdgeHands does not run: its unit is off; start it: sudo systemctl start edgehands"
    if state == "failed":
        code = unit.get("ExecMainStatus")
        return f"EdgeHands does not run: its unit is failed, exit code {code}; {look}"
    return f"EdgeHands does not answer yet: its unit is {state}; {look}"


def _show(run: "Run", *, named: bool) -> None:
    if named:
        print(f"{run.name} ({run.socket})")
    if not run.health:
        for problem in run.problems:
            _line(run, problem.of, problem.what)
        return
    from edgehands.monitor.problems import PROCESS, output_title

    for camera in run.health.cameras:
        _line(run, f"camera {camera.name}", _camera(camera))
    for output in run.health.outputs:
        _line(run, output_title(output), _output(output))
    _line(run, PROCESS, _process(run.health))


def _line(run: "Run", of: str, text: str) -> None:
    problems = [problem for problem in run.problems if problem.of == of]
    word, colour = ("warn", "yellow") if problems else ("ok", "green")
    head = typer.style(f"{word:<6}", fg=colour)
    typer.echo(f"{head}{of:<{_INDENT - 7}} {printable(text)}")
    for problem in problems:
        for label, said in (("why:", problem.why), ("mend:", problem.mend)):
            if said:
                typer.echo(f"{'':<{_INDENT}}{label:<7}{printable(said)}")


def _camera(camera: "CameraHealth") -> str:
    facts = [camera.source if camera.state == "ok" else f"{camera.source}, {camera.state}"]
    if camera.fps is not None:
        facts.append(f"{camera.fps:.1f} frames/s")
    if camera.fps_limit is not None:
        facts.append(f"at most {camera.fps_limit:.0f} ({camera.limit_reason or 'limited'})")
    if camera.age_ms is not None:
        tail = "" if camera.age_p99_ms is None else f", 99 % below {camera.age_p99_ms:.0f}"
        facts.append(f"{camera.age_ms:.0f} ms old{tail}")
    facts.append(f"{camera.hands} hand{'' if camera.hands == 1 else 's'}")
    facts.append(f"{camera.events} events in {camera.frames} frames")
    if camera.reopened:
        times = "once" if camera.reopened == 1 else f"{camera.reopened} times"
        facts.append(f"came back {times}")
    return ", ".join(facts)


def _output(output: "OutputHealth") -> str:
    lost = ", ".join(f"{count} {why}" for why, count in output.lost.items() if count)
    told = f"{output.delivered} events delivered" + (f", {lost}" if lost else "")
    return f"{output.kind}, {told}" if output.place else told


def _process(health: "Health") -> str:
    facts = [f"EdgeHands {health.version}, process {health.pid}"]
    if health.rss_mb is not None:
        facts.append(f"{health.rss_mb:.0f} MB")
    if health.temperature is not None:
        facts.append(f"{health.temperature:.0f} °C")
    facts += [text for text in (health.runs_on, health.config) if text]
    return ", ".join(facts)
