"""Films of hands that appear: at a cut, slowly from the edge, from behind a board."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.films.film import SIZE, Film, Script, Shot, kept_film
from edgehands.benchmarks.films.takes import (
    Board,
    Player,
    Room,
    Street,
    cars,
    frames_of,
    place_at_random,
    real_hand,
    still_shots,
)
from edgehands.synthetic.cutout import Stand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import ImageArray

CUTS = 50
ENTRY_SPEED = 0.2
"""Palm sizes a second of a hand that enters slowly."""
ENTRIES = ("in a room", "at low contrast", "over moving cars")
HIDDEN = (0.1, 0.15, 0.2, 0.25, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
"""Seconds behind the board."""

_VERSION = 1
_CUT_SHOWN = 12  # frames of a hand after a cut
_CONTRAST = 0.4


def cuts(seed: int) -> Film:
    """Return the film in which a hand is there from one picture to the next, `CUTS` times."""
    real = "real" if cars() else "drawn"
    return kept_film(f"cuts-{seed}-{real}-{_VERSION}", lambda: _cuts(seed))


def entries(seed: int) -> Film:
    """Return the film in which hands enter slowly."""
    real = "real" if cars() else "drawn"
    return kept_film(f"entering-{seed}-{real}-{_VERSION}", lambda: _entries(seed))


def hidings(seed: int) -> Film:
    """Return the film in which a drifting hand is hidden by a board for a while."""
    return kept_film(f"hidings-{seed}-{_VERSION}", lambda: _hidings(seed))


def _cuts(seed: int) -> Iterator[Script]:
    street = cars()
    for number in range(CUTS):
        rng = np.random.default_rng([seed, number])
        room = Street(rng, street) if street and number % 2 else Room(rng)
        empty = frames_of(float(rng.uniform(1.1, 1.7)))
        kind = number % 5
        name, hand = "to a real clip", real_hand(rng, _CUT_SHOWN) if kind > 2 else []
        if not hand:
            player = Player.cast(seed, number, left=bool(rng.random() < 0.5))
            where = room if kind == 0 else Room(rng)
            stand = place_at_random(rng)
            name = "a hand is there" if kind == 0 else "to another room"
            hand = [shot.image for shot in still_shots(where, _CUT_SHOWN, [(player, stand)])]
        yield Script(name, partial(_cut, room, empty, hand), empty)


def _cut(room: Room, empty: int, hand: list[ImageArray]) -> Iterator[Shot]:
    yield from still_shots(room, empty)
    for image in hand:
        yield Shot(image)


def _entries(seed: int) -> Iterator[Script]:
    street = cars()
    for number, name in enumerate([*ENTRIES, *ENTRIES]):
        rng = np.random.default_rng([seed, 1000 + number])
        room = Street(rng, street) if street and name == ENTRIES[2] else Room(rng)
        player = Player.cast(seed, 100 + number, left=bool(number % 2))
        if name == ENTRIES[1]:
            player = player.faint(room.backdrop, _CONTRAST)
        palm = float(rng.uniform(70, 100))
        yield Script(
            name,
            partial(_entry, room, player, palm, number),
            frames_of(1.5),
        )


def _entry(room: Room, player: Player, palm: float, number: int) -> Iterator[Shot]:
    """From the lower edge, or with the arm lying from the side, until the palm is well in."""
    yield from still_shots(room, frames_of(1.5))
    roll = (0.0, 90.0, -90.0)[number % 3]
    for index in range(frames_of(1.6 / ENTRY_SPEED)):
        inside = palm * (index / frames_of(1 / ENTRY_SPEED) - 0.3)
        stand = {
            0.0: Stand(0.4 * SIZE[0] + 60 * number % 200, SIZE[1] - inside, palm, 0.0),
            90.0: Stand(inside, SIZE[1] / 2, palm, 90.0),
            -90.0: Stand(SIZE[0] - inside, SIZE[1] / 2, palm, -90.0),
        }[roll]
        yield Shot(room.picture([(player, stand)]), [player.seen(stand)])


def _hidings(seed: int) -> Iterator[Script]:
    for number, seconds in enumerate(HIDDEN):
        rng = np.random.default_rng([seed, 2000 + number])
        room, player = Room(rng), Player.cast(seed, 200 + number, left=bool(number % 2))
        yield Script(
            "hidden",
            partial(_hiding, room, player, seconds, rng),
            20 + frames_of(seconds),
            seconds,
        )


def _hiding(room: Room, player: Player, seconds: float, rng: np.random.Generator) -> Iterator[Shot]:
    palm, course = float(rng.uniform(65, 95)), float(rng.uniform(0, 2 * np.pi))
    hidden = range(20, 20 + frames_of(seconds))
    for index in range(hidden.stop + 20):
        along = 0.3 * palm * (index - 30) / 30  # 0.3 palm sizes a second
        x, y = (
            SIZE[0] / 2 + along * float(np.cos(course)),
            SIZE[1] / 2 + along * float(np.sin(course)),
        )
        stand = Stand(x, y, palm, 10.0)
        board = Board(x, y - 0.2 * palm, 4.2 * palm) if index in hidden else None
        yield Shot(room.picture([(player, stand)], board), [] if board else [player.seen(stand)])
    yield from still_shots(room, 15)
