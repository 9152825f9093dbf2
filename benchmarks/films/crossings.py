"""A film of two hands that cross, pass near each other and go on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.films.film import SIZE, Film, Script, Shot, kept_film
from edgehands.benchmarks.films.takes import Player, Room, frames_of, still_shots
from edgehands.synthetic.cutout import Stand
from edgehands.synthetic.motion import ease

if TYPE_CHECKING:
    from collections.abc import Iterator

CROSSINGS = 40
PASSES = 8
_VERSION = 1
_BEFORE, _AFTER, _BETWEEN = 0.6, 0.4, 0.5  # seconds at rest, and of an empty room


@dataclass(frozen=True, slots=True)
class _Way:
    """Of one hand, from one side of the picture to the other."""

    start: tuple[float, float]
    end: tuple[float, float]
    palm: float
    roll: float

    def at(self, share: float) -> Stand:
        x, y = (a + ease(share) * (b - a) for a, b in zip(self.start, self.end, strict=True))
        return Stand(x, y, self.palm, self.roll)


def crossings(seed: int) -> Film:
    """Return the film: `CROSSINGS` takes in which one hand covers the other, then `PASSES`."""
    return kept_film(f"crossings-{seed}-{_VERSION}", lambda: _scripts(seed))


def _scripts(seed: int) -> Iterator[Script]:
    for number in range(CROSSINGS + PASSES):
        rng = np.random.default_rng([seed, 3000 + number])
        crossing = number < CROSSINGS
        # Mostly the two hands of one person; sometimes two lefts or two rights.
        left = bool(rng.random() < 0.5)
        sides = (left, left if number % 4 == 3 else not left)
        near, far = float(rng.uniform(75, 105)), float(rng.uniform(60, 80))
        palms = (far, near if number % 2 else float(rng.uniform(60, 80)))
        players = [
            Player.cast(seed, 300 + 2 * (number % 10) + who, left=side, who=who)
            for who, side in enumerate(sides)
        ]
        height = SIZE[1] / 2 + float(rng.uniform(-20, 40))
        apart = float(rng.uniform(-0.25, 0.25) if crossing else rng.uniform(1.3, 1.7)) * max(palms)
        rolls = rng.uniform(-15, 15, 2).tolist()
        ways = [
            _Way((x, y), (SIZE[0] - x, y + float(rng.uniform(-20, 20))), palm, roll)
            for x, y, palm, roll in zip(
                (140.0, SIZE[0] - 140.0),
                (height - apart / 2, height + apart / 2),
                palms,
                rolls,
                strict=True,
            )
        ]
        seconds = float(rng.uniform(0.6, 1.6))
        yield Script(
            "crossing" if crossing else "pass",
            partial(_take, Room(rng), players, ways, seconds),
            frames_of(_BEFORE),
            seconds,
        )


def _take(room: Room, players: list[Player], ways: list[_Way], seconds: float) -> Iterator[Shot]:
    moving = frames_of(seconds)
    for index in range(frames_of(_BEFORE) + moving + frames_of(_AFTER)):
        share = min(max((index - frames_of(_BEFORE)) / moving, 0.0), 1.0)
        places = [(p, way.at(share)) for p, way in zip(players, ways, strict=True)]
        yield Shot(room.picture(places), [player.seen(stand) for player, stand in places])
    yield from still_shots(room, frames_of(_BETWEEN))
