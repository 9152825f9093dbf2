"""A whole config as TOML, defaults included, and where each value came from; never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from edgehands.cameras import takes_password
from edgehands.config import CameraConfig, Config, StdoutConfig
from edgehands.mqtt.settings import MqttConfig
from edgehands.redaction import HIDDEN, is_secret, redacted
from edgehands.settings import GestureRules
from edgehands.toml_text import toml_key, toml_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.config_text import Document
    from edgehands.schema import KeyPath

_ORIGIN_COLUMN = 44


def lines(config: Config, document: Document | None, *, origins: bool = False) -> Iterator[str]:
    """Return the lines of a file that says all that `config` does.

    Args:
        config: what is shown.
        document: the file that it came from; None for the defaults alone.
        origins: end each line with the place of its value, or "default".
    """
    if not config.output:  # what `edgehands run` makes of none
        config = msgspec.structs.replace(config, output=(StdoutConfig(),))
    shown = _Shown(config, document, origins=origins)
    yield from shown.lines()


class _Shown:
    def __init__(self, config: Config, document: Document | None, *, origins: bool) -> None:
        self._config = config
        self._document = document
        self._origins = origins

    def lines(self) -> Iterator[str]:
        values: dict[str, object] = msgspec.to_builtins(self._config)
        tables: list[tuple[str, KeyPath, Mapping[str, object]]] = []
        for name, value in values.items():
            if isinstance(value, dict | list | tuple):
                tables += self._tables(name, value)
            else:
                yield self._pair((name,), value)
        for header, path, table in tables:
            yield from self._table(header, path, table)
        yield from self._other_gestures()

    def _tables(
        self, name: str, value: Mapping[str, object] | Sequence[object]
    ) -> Iterator[tuple[str, KeyPath, Mapping[str, object]]]:
        """Return each table of a field with its header: one, or several by number or name."""
        if not isinstance(value, Mapping):
            for index, item in enumerate(value):
                yield f"[[{name}]]", (name, index), cast("Mapping[str, object]", item)
        elif isinstance(getattr(self._config, name), msgspec.Struct):
            yield f"[{name}]", (name,), value
        else:
            for key, item in value.items():
                yield f"[{toml_key(name, key)}]", (name, key), cast("Mapping[str, object]", item)

    def _table(self, header: str, path: KeyPath, table: Mapping[str, object]) -> Iterator[str]:
        yield ""
        yield header
        for key, value in table.items():
            yield self._pair((*path, key), value)
        if self._origins and path[0] in ("camera", "output"):
            config = getattr(self._config, str(path[0]))[path[1]]
            if origin := _password_origin(config):
                yield f"# the password comes from {origin}"

    def _pair(self, path: KeyPath, value: object) -> str:
        key = toml_key(str(path[-1]))
        if value is None:
            return f"# {key} is not set"
        text = f"{key} = {toml_value(_public(value))}"
        return f"{text:<{_ORIGIN_COLUMN}} # {self._origin(path)}" if self._origins else text

    def _origin(self, path: KeyPath) -> str:
        if self._document is None or not self._document.has(path):
            return "default"
        return f"{self._document.path}:{self._document.places.find(path).line}"

    def _other_gestures(self) -> Iterator[str]:
        rules: dict[str, object] = msgspec.to_builtins(GestureRules())
        given = {key: value for key, value in rules.items() if value is not None}
        said = ", ".join(f"{key} = {toml_value(value)}" for key, value in given.items())
        yield ""
        yield f"# every {'other ' if self._config.gestures else ''}gesture: {said}"


def _public(value: object) -> object:
    """Return a value without what nobody should read."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [_public(item) for item in value]
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(key) else _public(item) for key, item in value.items()}
    return value


def _password_origin(config: msgspec.Struct) -> str | None:
    """Say where a password will be found, without reading it; None if none is wanted."""
    if isinstance(config, CameraConfig):
        from edgehands.cameras.passwords import password_places

        return password_places(config).origin() if takes_password(config.source) else None
    if isinstance(config, MqttConfig):
        from edgehands.mqtt import access

        return access.password_places(config).origin()
    return None
