"""`edgehands config`: check a config file, show what holds and why, make a first one."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgehands.errors import ConfigError, UsageError

app = typer.Typer(help="Config files: check, show, make one.", no_args_is_help=True)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]…", help="By default the one that would be found.", show_default=False
        ),
    ] = None,
) -> None:
    """Print every mistake of config files as FILE:LINE:COLUMN: what is wrong.

    Exit code 78 if there is one.
    """
    from edgehands import config_files

    mistaken = False
    for file in files or [_found()]:
        try:
            config_files.load(file)
        except ConfigError as error:
            mistaken = True
            print(error)
        else:
            print(f"{file}: no mistakes")
    if mistaken:
        raise typer.Exit(ConfigError.exit_code)


@app.command("show")
def show(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="By default the one that would be found.", show_default=False
        ),
    ] = None,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say where each value comes from.")
    ] = False,
) -> None:
    """Print the whole config as TOML, the defaults included, passwords never."""
    from edgehands import config_files, config_shown
    from edgehands.config import Config
    from edgehands.config_text import read_document

    found = None if file else config_files.find()
    path = found.path if found else file
    if path is None:
        print("# no config file; the defaults")
        config, document = Config(), None
    else:
        print(f"# {path}" + (f" ({found.why})" if found else ""))
        config = config_files.load(path)
        document = read_document(path)
    for line in config_shown.lines(config, document, origins=origin):
        print(line)


@app.command("init")
def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="By default ~/.config/edgehands/edgehands.toml, for root "
            "/etc/edgehands/edgehands.toml.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a config file with every setting, its default and its reason."""
    from edgehands import config_files

    path = file or config_files.default_place()
    config_files.init(path, force=force)
    named = "" if file is None else f" {shlex.quote(str(file))}"
    print(f"{path} is written: edit it, then edgehands config check{named}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of config files, which tells editors every key."""
    from edgehands.config_files import SCHEMA

    print(SCHEMA.read_text(encoding="utf-8"), end="")


def _found() -> Path:
    from edgehands import config_files

    found = config_files.find()
    if found is None:
        raise UsageError("no config file: name one, or make one with: edgehands config init")
    return found.path
