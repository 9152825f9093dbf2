"""Films and what is counted in them, on made-up views."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.benchmarks import appearance
from edgehands.benchmarks.films.film import Film, Script, Seen, Shot, Take, kept_film
from edgehands.benchmarks.films.tally import crossed, kept, steadiness
from edgehands.benchmarks.films.watch import View, paired
from edgehands.benchmarks.steadiness.measure import lag, shake, spread
from edgehands.benchmarks.vs_mediapipe import play
from edgehands.benchmarks.vs_mediapipe.play import Label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.hand import FloatArray

    Frame = Sequence[tuple[float, int, bool]]


def hand(x: float, palm: float = 10.0) -> FloatArray:
    """21 points on a line."""
    steps = np.linspace(0, 20 / 9, 21, dtype=np.float32) * palm
    return np.column_stack([np.full(21, x, np.float32), steps])


def view(frames: Sequence[Frame], *, ours: bool = True) -> View:
    """A view of hands; each of a frame is (x, id, right)."""
    return View(
        "ours" if ours else "theirs",
        ours,
        [np.array([hand(x) for x, _, _ in each]).reshape(-1, 21, 2) for each in frames],
        [[Label(track, right) for _, track, right in each] for each in frames],
        {},
    )


def film(places: Sequence[Sequence[float]], cue: int) -> Film:
    """One take; hand number n is the nth of each frame, NaN where it is hidden."""
    hands = [
        [Seen(who, hand(x)) for who, x in enumerate(each) if not np.isnan(x)] for each in places
    ]
    return Film(Path("film.avi"), [Take("crossing", 0, cue, len(places))], hands)


SWAP = [[0.0, 100.0]] * 6 + [[100.0, 0.0]] * 6


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([(100, 1, True), (0, 2, True)], "right"),
        ([(0, 1, True), (100, 2, True)], "swapped"),
        ([(100, 1, True), (0, 3, True)], "new id"),
        ([(100, 1, True)], "not seen after"),
    ],
)
def test_a_crossing_is_right_when_both_hands_keep_their_ids(after: Frame, verdict: str) -> None:
    before: Frame = [(0, 1, True), (100, 2, True)]
    crossing = film(SWAP, 6)
    assert crossed(crossing, crossing.takes[0], view([before] * 6 + [after] * 6)) == verdict


def test_a_hand_never_seen_before_a_crossing_is_told_apart() -> None:
    crossing = film(SWAP, 6)
    assert crossed(crossing, crossing.takes[0], view([[]] * 12)) == "not seen before"


@pytest.mark.parametrize("same", [True, False])
def test_a_hidden_hand_should_have_its_id_again(*, same: bool) -> None:
    hiding = film([[0.0]] * 6 + [[float("nan")]] * 3 + [[0.0]] * 6, 9)
    before: Frame = [(0, 1, True)]
    after: Frame = [(0, 1 if same else 2, True)]
    seen = view([before] * 6 + [[]] * 3 + [after] * 6)
    assert kept(hiding, hiding.takes[0], seen) is same


def test_flips_doubles_and_surplus_hands_are_counted() -> None:
    real = film([[0.0, 100.0]] * 4, 0)
    frames: list[Frame] = [
        [(0, 1, True), (100, 2, False)],
        [(0, 1, False), (100, 2, False)],  # a flip
        [(0, 1, False), (0.5, 2, False)],  # two on one, and one not seen
        [(0, 1, False), (100, 2, False), (50, 3, True)],  # too many
    ]
    counts = steadiness([real], [view(frames)], 2)
    assert (counts.flips, counts.doubles, counts.too_many) == (1, 1, 1)
    assert counts.seen == 7 / 8
    assert counts.minutes == pytest.approx(7 / 30 / 60)


def test_the_nearest_hands_are_paired_and_far_ones_are_not() -> None:
    truth = [Seen(7, hand(0)), Seen(8, hand(5)), Seen(9, hand(500))]
    assert paired([hand(4), hand(1)], truth) == {7: 1, 8: 0}
    assert paired([], truth) == {}


def test_late_is_against_the_earlier_of_the_others() -> None:
    cut = film([[]] * 3 + [[]] * 5, 3)
    one: Frame = [(0, 1, True)]
    ours, theirs = view([[]] * 6 + [one] * 2), view([[]] * 4 + [one] * 4, ours=False)
    (outcome,) = appearance.outcomes("cuts", cut, [ours, theirs])
    assert outcome.delays == {"ours": 3, "theirs": 1}
    assert outcome.late == 2
    (never,) = appearance.outcomes("cuts", cut, [view([[]] * 8), theirs])
    assert (never.delays["ours"], never.late) == (None, 4)
    assert "More than 2 frames: 1" in appearance.markdown([never], ["ours"])


def test_a_film_is_drawn_once_and_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grey = np.full((480, 640, 3), 90, np.uint8)

    def scripts() -> Iterator[Script]:
        yield Script("first", lambda: iter([Shot(grey), Shot(grey, [Seen(3, hand(20))])]), 1)
        yield Script("second", lambda: iter([Shot(grey)]), 0, 0.5)

    made = kept_film("test", scripts)
    again = kept_film("test", lambda: pytest.fail("drawn again"))
    for each in (made, again):
        assert each.takes == [Take("first", 0, 1, 2), Take("second", 2, 2, 3, 0.5)]
        assert [[who for who, _ in hands] for hands in each.hands] == [[], [3], []]
        assert each.hands[1][0].points == pytest.approx(hand(20), abs=0.01)


def test_ids_and_sides_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "hands.npz"
    labels: list[list[Label]] = [
        [],
        [Label(4, right=True), Label(-1, right=False)],
        [Label(5, right=True)],
    ]
    play._write([[], [hand(1), hand(2)], [hand(3)]], path, labels)
    assert play.read_labels(path) == labels


def test_spread_and_shake_are_in_palm_sizes() -> None:
    steps = np.tile(np.array([0.0, 2.0], np.float32), 50)
    points = np.zeros((100, 21, 3), np.float32)
    points[..., 0] = steps[:, None]
    assert spread(points, 10.0) == pytest.approx(0.1)
    assert shake(points, 10.0) == pytest.approx(0.4)


def test_lag_is_found_between_frames() -> None:
    times = np.arange(60, dtype=np.float32)
    raw = np.repeat(np.sin(times / 5)[:, None, None], 21, axis=1).repeat(3, axis=2)
    late = np.repeat(np.sin((times - 1.4) / 5)[:, None, None], 21, axis=1).repeat(3, axis=2)
    assert lag(raw, late, 10, 59) == pytest.approx(1.4, abs=0.03)
