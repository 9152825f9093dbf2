"""Explanations: what a hand showed, what it lacked, and which rule held its gesture back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np
import pytest

from edgehands.errors import UsageError
from edgehands.explain import Explainer, Need, Span
from edgehands.gestures.learned import LearnedPose
from edgehands.gestures.motions import COMPARED
from edgehands.recording import Entry, Header, Writer
from edgehands.settings import EventSettings, GestureRules
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.film import film
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.events import Event
    from edgehands.hand import Hand, Handedness

PICTURE = (480, 360)
Frames = list[tuple[float, list["Hand"]]]


@pytest.fixture(scope="module")
def fist() -> Frames:
    """A relaxed hand that makes a fist and lets go, as the tracker would report it."""
    scene = static_scene("fist", TUNING_SEED, 0, max_tilt=5.0, fps=30.0)
    return list(observe(scene, np.random.default_rng(0)))


def header(events: EventSettings | None = None, **rules: GestureRules) -> Header:
    return Header(
        run="r", camera="c", width=480, height=360, gestures=rules, events=events or EventSettings()
    )


def explained(
    frames: Frames, header: Header, gesture: str | None = None
) -> tuple[list[Span], list[Event]]:
    explainer = Explainer(header, gesture)
    spans, events = [], []
    for time, hands in frames:
        more = explainer.update(hands, time, time, PICTURE)
        spans += more[0]
        events += more[1]
    more = explainer.finish(frames[-1][0])
    return spans + more[0], events + more[1]


def of(spans: list[Span], verdict: str, gesture: str = "fist") -> Span:
    found = [span for span in spans if (span.verdict, span.gesture) == (verdict, gesture)]
    assert found, [(span.verdict, span.gesture) for span in spans]
    return max(found, key=lambda span: span.frames)


def test_every_frame_of_a_hand_is_explained_once_and_in_order(fist: Frames) -> None:
    spans, _ = explained(fist, header())
    assert sum(span.frames for span in spans) == len(fist)
    assert [span.begin for span in spans] == sorted(span.begin for span in spans)
    assert all(a.end < b.begin for a, b in pairwise(spans))


def test_a_gesture_waits_is_shown_and_fades(fist: Frames) -> None:
    spans, events = explained(fist, header())
    waits, shown, fades = (of(spans, verdict) for verdict in ("waiting", "shown", "fading"))
    assert waits.end < shown.begin
    assert shown.end < fades.begin
    (need,) = waits.needs
    assert (need.what, need.needed, need.low) == ("enter_delay", (0.2, None), 0.0)
    begins = next(event for event in events if event.event_type == "fist")
    assert begins.ts == pytest.approx(shown.begin, abs=0.001)
    assert not shown.unmet()
    assert any("curled" in need.what for need in fades.unmet())


def test_the_condition_that_fails_is_told_with_its_numbers(fist: Frames) -> None:
    spans, _ = explained(fist, header(), "open_palm")
    span = of(spans, "short", "open_palm")
    worst = next(need for need in span.unmet() if need.what == "index straight")
    assert worst.needed[0] is not None
    assert worst.low < worst.needed[0]
    assert str(worst).startswith(f"index stretch {worst.low:.2f} to {worst.high:.2f}, needs at l")


def test_what_is_measured_in_two_ways_is_told_in_the_one_that_is_met_worse() -> None:
    def need(measure: str, value: float, degree: float) -> Need:
        return Need(
            what="middle straight",
            measure=measure,
            low=value,
            high=value,
            needed=(1.0, None),
            unit="",
            degree=degree,
        )

    told = need("stretch", 0.9, 0.2)
    for later in (need("stretch", 0.8, 0.1), need("bend", 150.0, 0.05), need("stretch", 0.7, 0.07)):
        told.widen(later)
    assert (told.measure, told.low, told.high, told.degree) == ("bend", 150.0, 150.0, 0.05)


def test_the_rule_that_holds_a_gesture_back_is_named(fist: Frames) -> None:
    side = fist[0][1][0].handedness
    other: Handedness = "left" if side == "right" else "right"
    for rules, reason in (
        (
            GestureRules(zone=(0.0, 0.0, 0.1, 0.1)),
            "outside of its zone: needs [0.0, 0.0, 0.1, 0.1]",
        ),
        (GestureRules(side=other), f"the other hand's: {side}, needs {other}"),
    ):
        spans, events = explained(fist, header(fist=rules))
        assert of(spans, "blocked").reason == reason
        assert "fist" not in [event.event_type for event in events]


def test_a_gesture_that_waits_to_be_armed_says_what_for(fist: Frames) -> None:
    spans, _ = explained(fist, header(EventSettings(arming="open_palm")))
    assert of(spans, "blocked").reason == "waits for the arming gesture open_palm"


def test_a_gesture_too_soon_after_its_end_tells_the_seconds(fist: Frames) -> None:
    again = [(time + 3.0, hands) for time, hands in fist]
    spans, _ = explained(fist + again, header(fist=GestureRules(refractory=20.0)))
    (need,) = of(spans, "blocked").needs
    assert need.what == "refractory"
    assert need.needed == (20.0, None)
    assert 0.0 < need.low < need.high < 20.0


def push(turning: float = 0.0) -> Frames:
    """A push by a hand that turns meanwhile, degrees."""
    scene = dynamic_scene("push", TUNING_SEED, 0, max_tilt=5.0, fps=30.0)
    (part,) = scene.performances
    share = np.clip((scene.times - scene.shown[0]) / 0.3, 0, 1)[:, None]
    turned = replace(part, turns=part.turns + share * (0.0, 0.0, turning))
    return list(observe(replace(scene, performances=(turned,)), np.random.default_rng(0)))


@pytest.mark.parametrize("asked_for", [None, "push"])
def test_a_motion_that_was_nearly_made_tells_what_it_lacked(asked_for: str | None) -> None:
    explainer = Explainer(header(), asked_for)
    told = [explainer.update(hands, time, time, PICTURE) for time, hands in push(turning=15.0)]
    (missed,) = [each for _, _, motions in told for each in motions]
    assert missed.gesture == "push"
    assert missed.score < 0.5
    assert missed.worst()[0].what == "other changes"
    assert str(missed.worst()[0]).endswith("usually 0.97")
    assert all(spans == [] for spans, _, _ in told) == (asked_for == "push")


def test_a_motion_that_was_made_is_told_by_its_event_alone() -> None:
    explainer = Explainer(header(), "push")
    told = [explainer.update(hands, time, time, PICTURE) for time, hands in push()]
    assert [event.event_type for _, events, _ in told for event in events] == ["push"]
    assert [missed for _, _, motions in told for missed in motions] == []


def test_a_motion_with_a_higher_minimum_score_is_missed_below_it() -> None:
    explainer = Explainer(header(push=GestureRules(min_score=1.0)), "push")
    told = [explainer.update(hands, time, time, PICTURE) for time, hands in push()]
    (missed,) = [each for _, _, motions in told for each in motions]
    assert 0.5 < missed.score < 1.0


def test_a_minimum_score_that_is_not_reached_is_told_by_the_score(fist: Frames) -> None:
    spans, _ = explained(fist, header(fist=GestureRules(min_score=1.0)), "fist")
    assert {span.verdict for span in spans} == {"short"}
    assert max(span.scores[1] for span in spans) < 1.0


def edgehands(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", "explain", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def recording(fist: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "fist.hands"
    with Writer(path, header()) as writer:
        for time, hands in fist:
            writer.write(Entry(time, time, hands))
        writer.end()
    return path


def test_the_command_line_tells_it_in_words(recording: Path) -> None:
    answer = edgehands(str(recording))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "fist waits: held 0.1" in answer.stdout
    assert "> fist (" in answer.stdout
    assert "fist: score " in answer.stdout
    assert "fist goes on for a moment: its pose is gone" in answer.stdout


def test_the_command_line_tells_it_in_json(recording: Path) -> None:
    answer = edgehands(str(recording), "--gesture", "fist", "--json")
    lines = [msgspec.json.decode(line) for line in answer.stdout.splitlines()]
    spans = [line for line in lines if "verdict" in line]
    assert {span["gesture"] for span in spans} == {"fist"}
    assert {line["gesture"] for line in lines} == {"fist"}
    shown = next(span for span in spans if span["verdict"] == "shown")
    assert {"index curled", "pinky curled"} <= {need["what"] for need in shown["needs"]}


def test_a_picture_has_no_before_and_after_as_in_a_run(tmp_path: Path) -> None:
    scene = static_scene("victory", TUNING_SEED, 0, max_tilt=5.0, fps=10.0)
    pictures = film(scene, TUNING_SEED, skin=1)
    (held,) = (image for time, image in pictures if abs(time - scene.shown[0] - 0.4) < 0.01)
    path = tmp_path / "victory.png"
    cv2.imwrite(str(path), held[..., ::-1])
    answer = edgehands("--source", str(path))
    assert "> victory (" in answer.stdout, answer.stderr
    assert "victory: score " in answer.stdout
    assert "waits" not in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say either a recording, FILE.hands, or --source"),
        (("x.hands", "--gesture", "fst"), "x.hands"),
        (("x.hands", "--source", "1"), "say either a recording"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str
) -> None:
    answer = edgehands(*arguments)
    assert answer.returncode in (2, 66)
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fst", "no gesture 'fst': did you mean 'fist'?"),
        ("wave", f"wave has only events: of motions these are explained: {', '.join(COMPARED)}"),
    ],
)
def test_a_gesture_that_cannot_be_asked_for_is_refused(
    name: str, message: str, recording: Path
) -> None:
    answer = edgehands(str(recording), "--gesture", name)
    assert (answer.returncode, answer.stderr) == (2, f"edgehands: {message}\n")


def test_a_learned_gesture_that_is_switched_off_is_answered_in_one_line(fist: Frames) -> None:
    off = LearnedPose(name="horns", within=0.3, takes=1, examples=((0,) * 63,))
    rules = header(horns=GestureRules(enabled=False))
    with pytest.raises(UsageError, match="horns is switched off"):
        explained(fist, msgspec.structs.replace(rules, learned=(off,)), "horns")
