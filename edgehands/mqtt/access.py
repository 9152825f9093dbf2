"""The way into a broker: its password and certificates."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError
from edgehands.mqtt.broker import parse_url
from edgehands.passwords import Places, credential, is_elsewhere

if TYPE_CHECKING:
    from edgehands.mqtt.broker import Broker
    from edgehands.mqtt.settings import MqttConfig

CREDENTIAL = "mqtt-password"
"""Name of the systemd credential: LoadCredential=mqtt-password:/etc/edgehands/mqtt-password."""
KEY_CREDENTIAL = "mqtt-key"
"""The same for the key of this client's certificate."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when the connection is lost."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class Access:
    """How to get into a broker."""

    client_id: str
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    websocket_path: str = "/mqtt"
    keepalive: int = 12
    will: Will | None = None


def find_access(config: MqttConfig, client_id: str, will: Will | None = None) -> Access:
    """Gather what a connection needs.

    Raises:
        ConfigError: a password or certificate that cannot be used.
    """
    return Access(
        client_id=client_id,
        password=find_password(config),
        tls=tls_context(config, parse_url(config.url)),
        websocket_path=config.websocket_path,
        keepalive=config.keepalive,
        will=will,
    )


def find_password(config: MqttConfig) -> str | None:
    """Return the password from its file, else the environment, else systemd; None without any.

    Raises:
        ConfigError: a file that is named and cannot be read, or that anybody can read.
    """
    return password_places(config).find()


def password_places(config: MqttConfig) -> Places:
    """Return where the password may be."""
    return Places(config.password_file, config.password_variable, (CREDENTIAL,))


def tls_context(config: MqttConfig, broker: Broker) -> ssl.SSLContext | None:
    """Return what the encrypted connection trusts and shows, None for a plain one.

    Raises:
        ConfigError: a certificate or key that cannot be used.
    """
    if not broker.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise _unusable("ca_file", config.ca_file, error) from error
    context.sslsocket_class = _TidySocket
    if config.cert_file is not None:
        try:
            key = config.key_file or credential(KEY_CREDENTIAL)
            # Without a password of its own, OpenSSL would ask on the terminal, for ever.
            context.load_cert_chain(config.cert_file, key, password=_no_password)
        except OSError as error:
            files = " and ".join(filter(None, (config.cert_file, config.key_file)))
            raise _unusable("cert_file and key_file", files, error) from error
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho leaves to chance."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _no_password() -> str:
    return ""


def _unusable(key: str, path: str | None, error: OSError) -> ConfigError:
    why = getattr(error, "reason", None) or error.strerror or error
    hint = ""
    if is_elsewhere(error):
        hint = f"; for a service, a key is in /etc/edgehands/{KEY_CREDENTIAL}, without key_file"
    return ConfigError(f"{key} {path}: no PEM file that can be used: {why}{hint}")
