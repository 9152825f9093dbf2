"""The settings that the page shows and changes: checked, handed to the loop, saved on request."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edgehands.config import MOST_MASKS
from edgehands.control import Tuning
from edgehands.errors import UsageError
from edgehands.replay import interpreter_of
from edgehands.settings import (
    GestureRules,
    Positive,
    Seconds,
    Share,
    Zone,
    zone_mistake,
)
from edgehands.web.saving import save

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edgehands.control import Control
    from edgehands.recording import Header
    from edgehands.toml_places import KeyPath
    from edgehands.web.feed import Shown
    from edgehands.web.saving import Saved

_TRACKER = ("min_presence", "smoothing_min_cutoff", "smoothing_beta")
_SWITCHES = ("mirrored", "smoothing")
_RULES = ("min_score", "enter_delay", "zone")
_DIGITS = 4


class GestureChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other rules for a gesture."""

    min_score: Share | UnsetType = UNSET
    enter_delay: Seconds | UnsetType = UNSET
    zone: Zone | UnsetType | None = UNSET


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page asks for; what is left out stays."""

    enabled: bool | UnsetType = UNSET
    sensitivity: Share | UnsetType = UNSET
    mirrored: bool | UnsetType = UNSET
    smoothing: bool | UnsetType = UNSET
    min_presence: Share | UnsetType = UNSET
    smoothing_min_cutoff: Positive | UnsetType = UNSET
    smoothing_beta: Seconds | UnsetType = UNSET
    gestures: dict[str, GestureChange] = {}
    masks: dict[str, Annotated[tuple[Zone, ...], Meta(max_length=MOST_MASKS)]] = {}


class Desk:
    """Where settings are changed while it runs.

    Args:
        control: read by the loops.
        place: the config's file; None if it has none.
    """

    def __init__(self, control: Control, place: Path | None) -> None:
        self._control = control
        self._place = place
        self._saving = Lock()

    def begin(self, shown: Sequence[Shown]) -> None:
        """Take what the config says, at the start and again when it was read anew."""
        first = shown[0]
        self._cameras = [each.camera for each in shown]
        self._gestures = {name: rules for each in shown for name, rules in _enabled(each.header)}
        self._tuning = self._saved = Tuning(
            first.tracker.mirrored,
            first.tracker.smoothing,
            first.tracker,
            first.header.gestures,
            {camera.name: camera.masks for camera in self._cameras},
        )
        self._saved_sensitivity = first.header.events.sensitivity
        if self._control.tuning is not None:  # what was changed before counts no more
            self._control.tuning = self._tuning

    def state(self) -> dict[str, Any]:
        """Return what holds now, as the page shows it."""
        tuning = self._tuning
        return {
            "enabled": self._control.enabled,
            "sensitivity": self._control.sensitivity,
            **{name: getattr(tuning, name) for name in _SWITCHES},
            **{name: getattr(tuning.tracker, name) for name in _TRACKER},
            "gestures": {
                name: {rule: getattr(self._rules(tuning, name), rule) for rule in _RULES}
                for name in sorted(self._gestures)
            },
            "masks": tuning.masks,
            "place": str(self._place) if self._place else None,
            "unsaved": len(self._unsaved()),
        }

    def change(self, body: bytes) -> None:
        """Carry out a change that came as JSON, all of it or nothing.

        Raises:
            UsageError: it asks for what cannot be, in one line.
        """
        try:
            change = msgspec.json.decode(body, type=Change)
        except msgspec.DecodeError as error:
            raise UsageError(f"no change of settings: {error}") from None
        for message in self._mistakes(change):
            raise UsageError(message)
        tuning = self._tuning
        given = _given(change)
        tracker = {name: given[name] for name in _TRACKER if name in given}
        self._tuning = replace(
            tuning,
            **{name: given[name] for name in _SWITCHES if name in given},
            tracker=msgspec.structs.replace(tuning.tracker, **tracker),
            gestures={
                **tuning.gestures,
                **{
                    name: msgspec.structs.replace(self._rules(tuning, name), **_given(rules))
                    for name, rules in change.gestures.items()
                },
            },
            masks={**tuning.masks, **change.masks},
        )
        if self._tuning != tuning:
            self._control.tuning = self._tuning
        if change.sensitivity is not UNSET:
            self._control.sensitivity = change.sensitivity
        if change.enabled is not UNSET:
            self._control.enabled = change.enabled

    def save(self, *, write: bool) -> Saved:
        """Write what was changed here into the config file, or only tell what would be.

        Raises:
            UsageError: there is no file, or nothing to save.
            ConfigError: the file cannot be changed so.
            InputError: it cannot be written.
        """
        with self._saving:
            tuning, sensitivity = self._tuning, self._control.sensitivity
            changes = self._unsaved()
            if not changes:
                raise UsageError("nothing to save: the config says all this already")
            saved = save(self._place, changes, self._cameras, write=write)
            if write:
                self._saved, self._saved_sensitivity = tuning, sensitivity
            return saved

    def _mistakes(self, change: Change) -> Iterator[str]:
        for name in change.gestures.keys() - self._gestures.keys():
            yield f"no gesture {name!r} here"
        for name in change.masks.keys() - self._tuning.masks.keys():
            yield f"no camera {name!r} here"
        zones = [rules.zone for rules in change.gestures.values()]
        for area in (*zones, *(area for areas in change.masks.values() for area in areas)):
            if message := zone_mistake(area):
                yield message

    def _rules(self, tuning: Tuning, gesture: str) -> GestureRules:
        return tuning.gestures.get(gesture) or self._gestures.get(gesture) or GestureRules()

    def _unsaved(self) -> dict[KeyPath, object]:
        """Return what differs from the config, by its place there."""
        now, then = self._tuning, self._saved
        pairs: dict[KeyPath, tuple[object, object]] = {
            ("events", "sensitivity"): (self._control.sensitivity, self._saved_sensitivity)
        }
        for name in _SWITCHES:
            pairs["tracker", name] = getattr(now, name), getattr(then, name)
        for name in _TRACKER:
            pairs["tracker", name] = getattr(now.tracker, name), getattr(then.tracker, name)
        for gesture in now.gestures:
            rules, before = self._rules(now, gesture), self._rules(then, gesture)
            for name in _RULES:
                pairs["gestures", gesture, name] = getattr(rules, name), getattr(before, name)
        for camera, masks in now.masks.items():
            pairs["camera", camera, "masks"] = masks, then.masks[camera]
        return {path: _short(value) for path, (value, old) in pairs.items() if value != old}


def _enabled(header: Header) -> Iterator[tuple[str, GestureRules]]:
    """Return the gestures that there are, with the rules that they begin with."""
    interpreter = interpreter_of(header)
    for name in interpreter.names:
        rules = interpreter.rules.get(name, GestureRules())
        if rules.enabled:
            yield name, rules


def _given(change: msgspec.Struct) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in change.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


def _short(value: object) -> object:
    """Return a value as a person would write it."""
    if isinstance(value, tuple):
        return [_short(item) for item in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
