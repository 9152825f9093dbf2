"""No password stands in a config: files are copied, shown and put under version control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.cameras.passwords import VARIABLE as CAMERA_VARIABLE
from edgehands.mqtt.settings import PASSWORD_VARIABLE
from edgehands.redaction import has_url_password, host_of
from edgehands.schema import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edgehands.schema import KeyPath


def find_passwords(tables: Mapping[str, object]) -> Iterator[Problem]:
    """Find every text, wherever it stands, that is a URL with a password; a key can be one too."""
    rest: list[tuple[KeyPath, object]] = [((), tables)]
    while rest:
        path, value = rest.pop()
        if path and has_url_password(str(path[-1])):
            yield Problem(path, _message(path, str(path[-1])))
        elif isinstance(value, dict):
            rest += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            rest += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str) and has_url_password(value):
            yield Problem(path, _message(path, value))


def without_secrets(problems: Iterable[Problem], tables: Mapping[str, object]) -> list[Problem]:
    """Return `problems` and the passwords found; what would repeat one of these is left out."""
    passwords = list(find_passwords(tables))
    secret = [problem.path for problem in passwords]
    told = (each for each in problems if not any(each.path[: len(at)] == at for at in secret))
    return [*passwords, *told]


def _message(path: KeyPath, url: str) -> str:
    place = (str(path[0]), str(path[-1]))
    variable = {
        ("output", "url"): PASSWORD_VARIABLE,
        ("camera", "source"): CAMERA_VARIABLE,
    }.get(place)
    instead = f" and give password_file, or {variable} in the environment" if variable else ""
    return (
        f"a password in the {'broker ' if place == ('output', 'url') else ''}URL of "
        f"{host_of(url)}: everybody could read it; take it out{instead}"
    )
