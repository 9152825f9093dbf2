"""Secrets and certificates: where they are found, and that they are kept.

A password is never an argument of a command nor part of a URL, is in no message of an error, and is
taken out of the environment before any other process is started.
"""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError
from edgehands.mqtt.broker import parse_url

if TYPE_CHECKING:
    from edgehands.mqtt.broker import Broker
    from edgehands.mqtt.settings import MqttConfig

CREDENTIAL = "mqtt-password"
"""Name of the systemd credential: LoadCredential=mqtt-password:/etc/edgehands/mqtt-password."""

_LONGEST = 65535  # bytes of an MQTT password


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


_taken: dict[str, str] = {}


def take_from_environment(variable: str) -> None:
    """Move a password from the environment to this process, so that no child inherits it."""
    value = os.environ.pop(variable, None)
    if value is not None:
        _taken[variable] = value


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
    if config.password_file is not None:
        return _read(Path(config.password_file))
    take_from_environment(config.password_variable)
    if config.password_variable in _taken:
        return _taken[config.password_variable]
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / CREDENTIAL if folder else None
    # Where there is no password, the unit gives an empty line: it must give something.
    if credential and credential.exists() and credential.read_bytes().strip():
        return _read(credential)
    return None


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
            # Without a password of its own, OpenSSL would ask on the terminal, for ever.
            context.load_cert_chain(config.cert_file, config.key_file, password=_no_password)
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
    return ConfigError(f"{key} {path}: no PEM file that can be used: {why}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise ConfigError(f"password file {path}: anybody can read it; chmod 600 {path}")
            content = file.read(_LONGEST + 3)
        password = content.decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(
            f"password file {path}: {error.strerror}; look at: ls -l {path}"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"password file {path}: not UTF-8 text") from None
    if not password or len(content) > _LONGEST + 2 or "\n" in password:
        raise ConfigError(f"password file {path}: expected the password alone, on one line")
    return password
