"""The JSON Schemas of all messages: `python -m edgehands.mqtt.schemas` writes docs/schemas/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from edgehands.events import Event
from edgehands.mqtt.messages import DeviceState, Hands

MESSAGES: dict[str, type[msgspec.Struct]] = {"event": Event, "state": DeviceState, "hands": Hands}
"""Name of the schema → what it describes. The topics event, last_event and value share one."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> str:
    """Return the JSON Schema of a message, as it stands in its file."""
    described = msgspec.json.schema(MESSAGES[name])
    return json.dumps({"$schema": _DIALECT, "title": f"EdgeHands {name}", **described}, indent=2)


def main(folder: str = "docs/schemas") -> None:
    """Write every schema into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in MESSAGES:
        (Path(folder) / f"{name}.schema.json").write_text(schema(name) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
