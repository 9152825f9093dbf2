"""Mistakes in the gestures of a config file that are more than a value of a wrong type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from edgehands.errors import did_you_mean
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import Pose, shipped_vocabulary
from edgehands.settings import zone_mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Mistake: TypeAlias = tuple[tuple[str, ...], str]
"""The keys to what is wrong, and what to say."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PHASES = ("_hold", "_end", "_value")


def definition_mistakes(document: Mapping[str, object]) -> Iterator[Mistake]:
    """Find what cannot be meant in the tables [events], [gestures.…] and [pose.…].

    Args:
        document: a whole config file as plain values; what is not of its type is passed over.
    """
    poses = _tables(document, "pose")
    yield from _pose_mistakes(poses)
    for name, rules in _tables(document, "gestures").items():
        yield from _zone_mistakes(name, rules)
    events = document.get("events")
    if isinstance(events, dict):
        yield from _arming_mistakes(events, {*shipped_vocabulary(), *poses})


def _pose_mistakes(poses: Mapping[str, Mapping[str, object]]) -> Iterator[Mistake]:
    before = dict(shipped_vocabulary())
    for name, table in poses.items():
        pose = _pose(table)
        message = name_mistake(name) or (pose and _shape_mistake(name, pose, before))
        if message:
            yield ("pose", name), message
        elif pose:
            before[name] = pose


def name_mistake(name: str) -> str | None:
    """Return what keeps a name from being a gesture of one's own, or None."""
    if name in shipped_vocabulary() or name in MOTIONS:
        other = f"choose another name, or set its rules in [gestures.{name}]"
        return f"there is a gesture {name!r} already: {other}"
    if not _NAME.fullmatch(name):
        return f"{name!r} is no name for a gesture: small letters, digits and _, a letter first"
    if name.startswith("hand_") or name.endswith(_PHASES):
        return f"{name!r} would be mistaken for another event: choose another name"
    return None


def _shape_mistake(name: str, pose: Pose, before: Mapping[str, Pose]) -> str | None:
    conditions = dict(pose.conditions())
    if not conditions:
        return f'[pose.{name}] says nothing about the hand: add a line such as index = "straight"'
    for other, same in before.items():
        if dict(same.conditions()) == conditions:
            return f"[pose.{name}] is held like {other!r}: say what makes them differ"
    return None


def _zone_mistakes(name: str, rules: Mapping[str, object]) -> Iterator[Mistake]:
    if message := zone_mistake(rules.get("zone")):
        yield ("gestures", name, "zone"), f"zone: {message}"


def _arming_mistakes(events: Mapping[str, object], known: set[str]) -> Iterator[Mistake]:
    arming = events.get("arming")
    if isinstance(arming, str) and arming not in known:
        hint = did_you_mean(arming, known).strip() or f"known: {', '.join(sorted(known))}"
        yield ("events", "arming"), f"arming: no static gesture {arming!r}: {hint}"


def _tables(document: Mapping[str, object], name: str) -> dict[str, Mapping[str, object]]:
    tables = document.get(name)
    if not isinstance(tables, dict):
        return {}
    return {key: table for key, table in tables.items() if isinstance(table, dict)}


def _pose(table: Mapping[str, object]) -> Pose | None:
    """Return the pose, or None for one whose types are wrong, which is told elsewhere."""
    try:
        return msgspec.convert(table, Pose)
    except msgspec.ValidationError:
        return None
