"""What commands that talk to a broker have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.options import BROKER_URL
from edgehands.cli.running import found_config
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.mqtt.settings import MqttConfig

UrlArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[URL]",
        help=f"{BROKER_URL}; by default the config's, else mqtt://localhost.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML config whose first mqtt output says how to reach the broker; without a URL, "
        "by default the one that would be found.",
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

    from edgehands.mqtt.broker import parse_url

    base = _configured(url, config)
    flags = {"url": url, "password_file": password_file, "ca_file": ca_file}
    given = {key: str(value) for key, value in flags.items() if value is not None}
    whole: MqttConfig = msgspec.structs.replace(base, **given)
    parse_url(whole.url)
    return whole


def _configured(url: str | None, config: Path | None) -> "MqttConfig":
    """Return the broker of the config that is named or, without a URL, of the one found."""
    from edgehands.mqtt.broker import DEFAULT_URL
    from edgehands.mqtt.settings import MqttConfig

    file = config or (found_config() if url is None else None)
    broker = _first_broker(file) if file else None
    if broker is None and config is not None:
        raise UsageError(f'{config} has no [[output]] with type = "mqtt": give the broker\'s URL')
    return broker or MqttConfig(url=DEFAULT_URL)


def _first_broker(path: Path) -> "MqttConfig | None":
    from edgehands import config as configs
    from edgehands.mqtt.settings import MqttConfig

    outputs = configs.load_config(path).output
    return next((output for output in outputs if isinstance(output, MqttConfig)), None)
