"""The command line: one file for each command, errors turned into one line and an exit code."""

import logging
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from edgehands._version import __version__
from edgehands.cli import demo, doctor, models, run, tune, verify
from edgehands.errors import BUG_EXIT_CODE, EdgeHandsError

# Typer is built on click, or brings its own copy of it: reach click's base error either way.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

_INTERRUPTED_EXIT_CODE = 130  # 128 + SIGINT, as shells report it
_LOG_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)

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
app.command("doctor")(doctor.doctor)
app.command("verify")(verify.verify_backends)
app.command("tune")(tune.tune)
app.add_typer(models.app, name="models")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"edgehands {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, help="Say what is chosen and why; -vv for all."
        ),
    ] = 0,
    version: Annotated[  # noqa: ARG001 (its callback does the work)
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    logging.basicConfig(
        format="edgehands: %(message)s", level=_LOG_LEVELS[min(verbose, len(_LOG_LEVELS) - 1)]
    )
    if not verbose:  # nobody should wonder for half a minute why nothing happens
        logging.getLogger("edgehands.cameras.synthetic").setLevel(logging.INFO)


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _interrupt)  # a service is stopped like Ctrl-C stops a person's
    try:
        code = app(standalone_mode=False)
    except EdgeHandsError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except _CommandLineError as error:
        sys.exit(_usage_error(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        sys.exit(0)
    except Exception:
        logging.getLogger(__name__).exception("this is a bug in edgehands, please report it:")
        sys.exit(BUG_EXIT_CODE)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


def _usage_error(error: Exception) -> int:
    """Print a wrong option or argument in one line with the command that helps."""
    context = getattr(error, "ctx", None)
    message: str = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message)
        return 0
    command = context.command_path if context else "edgehands"
    _say(f"{' '.join(message.split())} See `{command} --help`.")
    return 2


def _say(message: str) -> None:
    print(f"edgehands: {message}", file=sys.stderr)
