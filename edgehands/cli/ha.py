"""`edgehands ha`: what belongs to Home Assistant."""

from pathlib import Path
from typing import Annotated

import typer

from edgehands.cli.broker import (
    CaOption,
    ConfigOption,
    PasswordOption,
    UrlArgument,
    broker_config,
)

app = typer.Typer(
    help="Home Assistant: take a device out, print the blueprint.", no_args_is_help=True
)


@app.command("remove")
def remove(
    url: UrlArgument = None,
    node: Annotated[
        str | None,
        typer.Option(help="Name of the device; this one's by default.", show_default=False),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although the device is online and may come back.")
    ] = False,
    config: ConfigOption = None,
    password_file: PasswordOption = None,
    ca_file: CaOption = None,
) -> None:
    """Remove a device: none of its retained topics stays on the broker."""
    import msgspec

    from edgehands.mqtt import removal
    from edgehands.mqtt.identity import default_node

    whole = broker_config(url, config, password_file, ca_file)
    whole = msgspec.structs.replace(whole, node=node or whole.node or default_node())
    removed = removal.remove(whole, force=force)
    for topic in removed:
        print(topic)
    if not removed:
        print(f"nothing of {whole.node} is on {whole.url}")


@app.command("blueprint")
def blueprint() -> None:
    """Print the automation blueprint, to be saved below blueprints/automation/edgehands/."""
    from edgehands import mqtt

    print((Path(mqtt.__file__).parent / "blueprint.yaml").read_text(encoding="utf-8"), end="")
