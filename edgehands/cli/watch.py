"""`edgehands watch`: what all devices publish, one line an event."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.cli.broker import (
    CaOption,
    ConfigOption,
    PasswordOption,
    UrlArgument,
    broker_config,
)

if TYPE_CHECKING:
    from edgehands.mqtt.watching import Seen


def watch(
    url: UrlArgument = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the events as they come, one JSON line each.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    password_file: PasswordOption = None,
    ca_file: CaOption = None,
) -> None:
    """Print the events that a broker passes on, from all devices, until Ctrl-C."""
    from edgehands.mqtt.watching import Watcher

    watcher = Watcher(broker_config(url, config, password_file, ca_file))
    try:
        for number, seen in enumerate(watcher, 1):
            line = seen.content.decode(errors="replace") if as_json else _line(seen)
            print(printable(line), flush=True)
            if number == count:
                return
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None


def printable(text: str) -> str:
    """Leave out what would steer a terminal: anybody may publish to a broker."""
    return "".join(sign for sign in text if sign.isprintable())


def _line(seen: "Seen") -> str:
    event = seen.event
    clock = datetime.now().strftime("%H:%M:%S")
    place = f"{seen.node}/{event.camera}"
    hand = f"{event.hand.side} hand {event.hand.id}"
    age = "" if event.age_ms is None else f"  {event.age_ms:.0f} ms"
    return f"{clock}  {place:<24}{event.event_type:<20}{hand:<14}{event.score:.2f}{age}"
