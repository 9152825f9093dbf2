"""`edgehands service`: install, look after and remove the service of systemd."""

import os
from pathlib import Path
from typing import Annotated

import typer

from edgehands.errors import DeviceError

app = typer.Typer(help="EdgeHands as a service: install, look, remove.", no_args_is_help=True)

_VERB = 8
_WHERE = 58

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
]


@app.command("install")
def install(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The config to begin with; one that is in /etc/edgehands is never replaced. By "
            "default your own, else the commented sample.",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            metavar="DIR",
            help="Folder of model files to copy; by default that of whoever types this.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    extras: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME",
            help="A runtime besides those that the config needs: onnxruntime, openvino; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    system_packages: Annotated[
        bool | None,
        typer.Option(
            "--system-site-packages/--no-system-site-packages",
            help="Let the service see the system's Python packages; by default where picamera2 is "
            "found, or the config's camera or GPU needs it.",
            show_default=False,
        ),
    ] = None,
    wheel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="EdgeHands as a wheel; by default the one that runs.",
            show_default=False,
        ),
    ] = None,
    wheelhouse: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of wheels to install from, without a network.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        bool, typer.Option("--start/--no-start", help="Start it now, and with the machine.")
    ] = True,
    dry_run: DryRunOption = False,
) -> None:
    """Install the service, or bring it up to date: an environment of its own, config, models, unit.

    What is right already is left alone, so it can be typed again after every
    change of the config's backend or camera. Needs root.
    """
    from edgehands.installation.install import Wishes
    from edgehands.installation.install import install as put

    wishes = Wishes(
        config=config,
        wheel=wheel,
        wheelhouse=wheelhouse,
        models=models,
        extras=tuple(extras or ()),
        system_packages=system_packages,
        start=start,
    )
    put(wishes, _tell, dry_run=dry_run)
    if dry_run:
        typer.echo("nothing was done: --dry-run")


@app.command("uninstall")
def uninstall(
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove config, passwords and models, too.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Stop the service and remove what was installed; the config stays. Needs root."""
    from edgehands.installation.uninstall import uninstall as take

    take(_tell, purge=purge, dry_run=dry_run)


@app.command("status")
def status() -> None:
    """Say whether the service is installed as its config wants, and runs.

    Exit code 0 if so, else 69. How cameras and outputs are doing says
    `edgehands status`.
    """
    from edgehands.installation.state import facts

    healthy = True
    for fact in facts():
        typer.echo(f"{fact.what:<12}{fact.told}")
        if fact.problem:
            healthy = False
            typer.echo(f"{'':<12}mend: {fact.problem}")
    raise typer.Exit(0 if healthy else DeviceError.exit_code)


@app.command("logs")
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many.", min=1)] = 50,
) -> None:
    """Show what the service said, by journalctl."""
    command = ["journalctl", "--unit=edgehands", f"--lines={lines}", "--no-hostname"]
    try:
        os.execvp(command[0], [*command, *(["--follow"] if follow else ["--no-pager"])])  # noqa: S606
    except OSError as error:
        raise DeviceError(f"cannot run journalctl: {error.strerror}") from error


def _tell(verb: str, what: str, why: str) -> None:
    typer.echo(f"{verb:<{_VERB}}{what:<{_WHERE}}{why}".rstrip())
