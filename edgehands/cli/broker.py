"""What commands that talk to a broker have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.mqtt.settings import MqttConfig

UrlArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[URL]",
        help="mqtt://[user@]host[:port][/prefix], or mqtts, ws, wss; the config's, else "
        "mqtt://localhost.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML config whose first mqtt output says how to reach the broker.",
        show_default=False,
    ),
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File with the password; else the environment variable EDGEHANDS_MQTT_PASSWORD.",
        show_default=False,
    ),
]
CaOption = Annotated[
    Path | None,
    typer.Option("--ca-file", metavar="FILE", help="Certificates to trust.", show_default=False),
]


def broker_config(
    url: str | None, config: Path | None, password_file: Path | None, ca_file: Path | None
) -> "MqttConfig":
    """Return how to reach the broker: the config's output with the flags on top.

    Raises:
        UsageError: a URL that means nothing, or a config without a broker.
    """
    import msgspec

    from edgehands.mqtt.broker import DEFAULT_URL, parse_url
    from edgehands.mqtt.settings import MqttConfig

    base = MqttConfig(url=DEFAULT_URL) if config is None else _first_broker(config)
    flags = {"url": url, "password_file": password_file, "ca_file": ca_file}
    given = {key: str(value) for key, value in flags.items() if value is not None}
    whole: MqttConfig = msgspec.structs.replace(base, **given)
    parse_url(whole.url)
    return whole


def _first_broker(path: Path) -> "MqttConfig":
    from edgehands import config as configs
    from edgehands.mqtt.settings import MqttConfig

    for output in configs.load_config(path).output:
        if isinstance(output, MqttConfig):
            return output
    raise UsageError(f'{path} has no [[output]] with type = "mqtt": give the broker\'s URL')
