"""`edgehands doctor`: what is wrong here, what it means, and the command that mends it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgehands.doctor.findings import Finding

# Words, not signs: they can be searched for, and every terminal has them.
_WORDS = {"ok": "ok", "off": "--", "note": "note", "warning": "warn", "error": "FAIL"}
_COLOURS = {"ok": "green", "off": None, "note": None, "warning": "yellow", "error": "red"}
_INDENT = 20


def doctor(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Check what this config will use: its model, backend, camera. By default the "
            "one that would be found.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Notes too, not only what should be mended.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """Look at models, backends, cameras, permissions, heat and memory; the verdict comes last.

    Exit code 0 if hands can be tracked here, 69 if no runtime works or a
    device of the config does not, 78 if a model or the config is wrong.
    """
    from edgehands import config_files
    from edgehands.doctor.examination import diagnose, examine, report

    if config is None and (found := config_files.find()):
        config = found.path
    looked_at = sys.stderr.isatty() and not as_json
    findings = []
    for finding in examine(config, watch=_say if looked_at else None):
        findings.append(finding)
        if not as_json and (verbose or finding.level != "note"):
            _show(finding)
    diagnosis = diagnose(findings)
    if as_json:
        print(json.dumps(report(findings), indent=2))
    else:
        print(diagnosis.line)
    raise typer.Exit(diagnosis.exit_code)


def _say(what: str) -> None:
    print(f"edgehands: {what}", file=sys.stderr)


def _show(finding: "Finding") -> None:
    head = typer.style(f"{_WORDS[finding.level]:<6}", fg=_COLOURS[finding.level])
    typer.echo(f"{head}{finding.check:<{_INDENT - 6}}{finding.what}")
    for label, text in (("means", finding.means), ("mend", finding.mend)):
        if text:
            typer.echo(f"{'':<{_INDENT}}{label + ':':<7}{text}")
