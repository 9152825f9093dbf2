"""The manual page edgehands(1), made from the command line itself: docs/edgehands.1.

python -m tools.man     # a test asks for it whenever a command has changed
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edgehands._version import __version__
from edgehands.cli.commands import app
from edgehands.errors import ConfigError, DeviceError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "edgehands.1"

EXIT_CODES = {
    0: "All went well, or a signal asked it to end.",
    UsageError.exit_code: "A wrong option or argument.",
    InputError.exit_code: "A file or stream that cannot be read.",
    DeviceError.exit_code: "A camera, accelerator, broker or library that does not work.",
    70: "A bug.",
    ConfigError.exit_code: "A mistake in the config file, or a model file that is absent or wrong.",
}
FILES = {
    "/etc/edgehands/edgehands.toml": "Config of the service; a user's own goes before it.",
    "~/.config/edgehands/edgehands.toml": "Config of a user.",
    "/var/lib/edgehands/models": "Models of the service.",
    "~/.local/share/edgehands/models": "Models of a user.",
}


def page() -> str:
    """Return the page as roff."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="edgehands")
    lines = [
        f'.TH EDGEHANDS 1 "" "edgehands {__version__}" "User Commands"',
        ".ad l",
        ".SH NAME",
        r"edgehands \- hand tracking and gesture events on small computers",
        ".SH SYNOPSIS",
        r".B edgehands",
        r"[\-v] [\-\-version] \fICOMMAND\fR [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        _text("A camera becomes hands, gestures and events, on standard output or an MQTT broker."),
        _text("Start with edgehands demo, then edgehands setup."),
        ".SH COMMANDS",
        *_commands(command, context, "edgehands"),
        ".SH EXIT STATUS",
        *(line for code, what in EXIT_CODES.items() for line in (".TP", str(code), _text(what))),
        ".SH FILES",
        *(line for path, what in FILES.items() for line in (".TP", _text(path), _text(what))),
    ]
    return "\n".join(lines) + "\n"


def _commands(command: Any, context: typer.Context, name: str) -> Iterator[str]:
    """Yield a part for each command below a group, with its arguments and options."""
    for word in command.list_commands(context):
        below = command.get_command(context, word)
        inside = typer.Context(below, info_name=word, parent=context)
        full = f"{name} {word}"
        if isinstance(below, typer.core.TyperGroup):
            yield from _commands(below, inside, full)
            continue
        yield f".SS {_text(full)}"
        yield _text(below.help or "")
        for parameter in below.get_params(inside):
            record = parameter.get_help_record(inside)
            if record and record[0] != "--help, -h" and "--help" not in record[0]:
                yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _text(text: str) -> str:
    """Return words on short lines, none of them an order to roff."""
    words = " ".join(text.split()).replace("\\", r"\\").replace("-", r"\-")
    lines = textwrap.wrap(words, 96, break_long_words=False, break_on_hyphens=False)
    return "\n".join(rf"\&{line}" if line[:1] in {".", "'"} else line for line in lines) or r"\&"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
