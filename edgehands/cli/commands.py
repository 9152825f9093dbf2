"""All the commands, and how a mistake in one becomes one line and an exit code."""

import sys
from typing import Annotated

import typer

from edgehands._version import __version__
from edgehands.cli import (
    bench,
    config,
    demo,
    doctor,
    explain,
    gestures,
    ha,
    live,
    models,
    record,
    replay,
    run,
    service,
    setup,
    status,
    support_bundle,
    tune,
    verify,
    watch,
)
from edgehands.cli.showing import set_up_log

# Typer is built on click, or brings its own copy of it: reach click's base error either way.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="edgehands",
    help="Hand tracking and gesture events on small computers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("live")(live.live)
app.command("setup")(setup.setup)
app.command("record")(record.record)
app.command("replay")(replay.replay)
app.command("explain")(explain.explain)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("support-bundle")(support_bundle.support_bundle)
app.command("verify")(verify.verify_backends)
app.command("tune")(tune.tune)
app.command("bench")(bench.bench)
app.add_typer(gestures.app, name="gestures")
app.command("watch")(watch.watch)
app.add_typer(config.app, name="config")
app.add_typer(models.app, name="models")
app.add_typer(service.app, name="service")
app.add_typer(ha.app, name="ha")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"edgehands {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            help="Say what is chosen and why; -vv for all.",
            show_default=False,
        ),
    ] = 0,
    version: Annotated[  # noqa: ARG001 (its callback does the work)
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    set_up_log(verbose)


def dispatch() -> int:
    """Run the command that was typed and return its exit code.

    Raises:
        EdgeHandsError: what the command failed with.
        KeyboardInterrupt: the user stopped it.
    """
    try:
        code = app(standalone_mode=False)
    except _CommandLineError as error:
        return _usage_error(error)
    except typer.Abort as abort:
        raise KeyboardInterrupt from abort
    return code if isinstance(code, int) else 0


def _usage_error(error: Exception) -> int:
    """Print a wrong option or argument in one line with the command that helps."""
    context = getattr(error, "ctx", None)
    message: str = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message)
        return 0
    command = context.command_path if context else "edgehands"
    line = " ".join(message.split())
    stop = "" if line.endswith((".", "?", "!")) else "."
    print(f"edgehands: {line}{stop} See `{command} --help`.", file=sys.stderr)
    return 2
