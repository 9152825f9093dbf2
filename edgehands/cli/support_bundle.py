"""`edgehands support-bundle`: what a person who helps needs to know, in one file."""

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from edgehands.errors import InputError


def support_bundle(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.tar.gz",
            help="The file to write; by default edgehands-support-TIME.tar.gz here.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The config it is about; by default the one that would be found.",
            show_default=False,
        ),
    ] = None,
    keep_addresses: Annotated[
        bool, typer.Option("--keep-addresses", help="Leave host names and addresses in.")
    ] = False,
) -> None:
    """Put versions, config, doctor, status and log into one file to send with a question.

    There are no pictures in it and no passwords, nor, unless they are
    asked for, names and addresses of machines. As root it holds more: the
    service's status and log.
    """
    from edgehands import config_files, folders
    from edgehands.installation.places import give_to_caller
    from edgehands.support.bundle import collect, pack

    if config is None and (found := config_files.find()):
        config = found.path
    now = time.time()
    name = time.strftime("edgehands-support-%Y%m%d-%H%M%S", time.localtime(now))
    path = out or Path(f"{name}.tar.gz")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file in it")
    if sys.stderr.isatty():
        print("edgehands: asking everything, this takes some seconds", file=sys.stderr)
    items = []
    for item in collect(config, keep_addresses=keep_addresses):
        items.append(item)
        print(f"{item.name:<15}{len(item.text.encode()) / 1000:6.1f} kB  {item.what}")
    try:
        folders.write_whole(path, pack(items, name, now), mode=0o600)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    give_to_caller(path)
    print(f"{path} is written; look through it: tar -xOzf {shlex.quote(str(path))} | less")
