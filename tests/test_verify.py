"""Backends that lie, crash or hang are told from those that agree with tflite."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.agreement import EXACT, QUANTISED, references, tolerance_for
from edgehands.errors import UsageError
from edgehands.hand import palm_size
from edgehands.verify import attempt, verify

if TYPE_CHECKING:
    from edgehands.agreement import LandmarkReference, PalmReference

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(scope="module")
def reference(models: None) -> tuple[PalmReference, LandmarkReference]:  # noqa: ARG001
    return references("light", frames=4)


def test_the_reference_agrees_with_itself(
    reference: tuple[PalmReference, LandmarkReference],
) -> None:
    palm, hands = reference
    assert len(palm.inputs) == 4
    assert len(hands.inputs) >= 4  # the clip's frames that are compared have hands in them
    assert palm.compare(palm.outputs).excesses(EXACT) == []
    assert hands.compare(hands.outputs).excesses(EXACT) == []


def test_landmarks_are_compared_in_pixels_of_the_picture(
    reference: tuple[PalmReference, LandmarkReference],
) -> None:
    _, hands = reference
    shifted = []
    for points, *rest in hands.outputs:
        moved = points.copy()
        moved.reshape(21, 3)[:, 0] += 2.24  # one hundredth of the crop
        shifted.append((moved, *rest))
    agreement = hands.compare(shifted)
    sides = [roi.size / 100 for roi in hands.rois]
    assert agreement.max_px == pytest.approx(max(sides), rel=0.01)
    assert agreement.mean_px == pytest.approx(np.mean(sides), rel=0.01)
    assert agreement.mean_share == pytest.approx(
        agreement.mean_px / np.mean([palm_size(points) for points in _landmarks(hands)]), rel=0.2
    )
    assert (agreement.presence, agreement.world_mm, agreement.handedness) == (0, 0, 1)
    (first, *_) = agreement.excesses(EXACT)
    assert first.startswith("landmarks, mean px ")


def _landmarks(hands: LandmarkReference) -> list[np.ndarray]:
    from edgehands.landmarks import decode

    return [
        decode(outputs[0][0], 1.0, 1.0, outputs[3][0], roi).landmarks
        for outputs, roi in zip(hands.outputs, hands.rois, strict=True)
    ]


@pytest.mark.parametrize(
    ("output", "words"),
    [(1, "presence"), (2, "hands on the other side"), (3, "world landmarks, mean mm")],
)
def test_every_output_of_the_landmark_model_counts(
    reference: tuple[PalmReference, LandmarkReference], output: int, words: str
) -> None:
    _, hands = reference
    wrong = [
        tuple(1 - each if index == output else each for index, each in enumerate(outputs))
        for outputs in hands.outputs
    ]
    excesses = hands.compare(wrong).excesses(EXACT)
    assert [excess.startswith(words) for excess in excesses] == [True]


@pytest.mark.parametrize(("output", "words"), [(0, "palm boxes, mean px"), (1, "palm score")])
def test_every_output_of_the_palm_model_counts(
    reference: tuple[PalmReference, LandmarkReference], output: int, words: str
) -> None:
    palm, _ = reference
    wrong = [
        tuple(each + 5 if index == output else each for index, each in enumerate(outputs))
        for outputs in palm.outputs
    ]
    assert palm.compare(wrong).excesses(EXACT)[0].startswith(words)


def test_what_is_not_a_number_is_beyond_any_tolerance(
    reference: tuple[PalmReference, LandmarkReference],
) -> None:
    palm, hands = reference
    nothing = [tuple(each * np.nan for each in outputs) for outputs in hands.outputs]
    assert len(hands.compare(nothing).excesses(QUANTISED)) >= 4
    nothing = [tuple(each * np.nan for each in outputs) for outputs in palm.outputs]
    assert len(palm.compare(nothing).excesses(QUANTISED)) == 4


def test_only_fp32_is_held_to_be_exact() -> None:
    assert tolerance_for("fp32") == EXACT
    assert tolerance_for("int8") == tolerance_for("fp16") == QUANTISED
    assert EXACT.mean_px == 0.1
    assert replace(QUANTISED, mean_px=0.1) != EXACT


@pytest.mark.usefixtures("odd_backends")
@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("twin", "agrees", ""),
        ("shifted", "differs", "landmarks, max px"),
        ("coarse", "agrees", ""),
        ("mirror", "differs", "hands on the other side, share 1 > 0"),
        ("nan", "differs", "the outputs for light are"),
        ("crash", "died", "SIGSEGV"),
        ("gone", "absent", "no oddity is plugged in"),
    ],
)
def test_what_a_backend_does_is_told(
    reference: tuple[PalmReference, LandmarkReference], name: str, status: str, words: str
) -> None:
    _, hands = reference
    tried = attempt(name, hands, threads=1)
    assert tried.status == status, tried
    assert words in tried.reason
    assert (tried.agreement is not None) == (status in {"agrees", "differs"} and name != "nan")


@pytest.mark.usefixtures("odd_backends")
def test_a_backend_that_hangs_is_killed(
    reference: tuple[PalmReference, LandmarkReference],
) -> None:
    palm, _ = reference
    tried = attempt("hang", palm, timeout=2)
    assert tried.status == "died"
    assert "killed after 2 s" in tried.reason


@pytest.mark.usefixtures("odd_backends")
def test_each_backend_gets_its_row() -> None:
    first, *rows = verify("light", frames=1, backends=["crash", "shifted", "twin"])
    assert (first.backend, first.status, first.is_wrong) == ("tflite", "reference", False)
    assert [(row.backend, row.status, row.is_wrong) for row in rows] == [
        ("crash", "died", True),
        ("shifted", "differs", True),
        ("twin", "agrees", False),
    ]
    assert rows[1].reason.startswith("palm boxes, mean px ")
    assert "; landmarks, max px " in rows[1].reason


def test_an_unknown_backend_is_refused_before_anything_runs() -> None:
    with pytest.raises(UsageError, match="did you mean 'openvino'"):
        next(verify("light", backends=["openvin"]))
    with pytest.raises(UsageError, match="replay"):
        next(verify("light", backends=["replay"]))


def test_the_command_compares_every_backend_here() -> None:
    answer = edgehands("verify", "--model", "light", "--frames", "2", "--json")
    assert answer.returncode == 0, answer.stderr
    rows = {row["backend"]: row for row in json.loads(answer.stdout)}
    assert rows["tflite"]["status"] == "reference"
    assert {"onnxruntime", "openvino", "coral"} <= set(rows)
    assert "replay" not in rows
    for found in rows.values():
        assert found["status"] in {"reference", "agrees", "absent"}, found
        assert (
            (found["landmarks"] is None) == (found["status"] == "absent") == bool(found["reason"])
        )
    assert rows["tflite"]["landmarks"]["mean_px"] < 1e-4  # the original against its pruned file


def test_the_command_fails_with_69_for_a_backend_that_was_asked_for_and_is_not_here() -> None:
    answer = edgehands("verify", "--model", "light", "--frames", "1", "--backend", "coral")
    if answer.returncode == 0:
        pytest.skip("this machine has a Coral")
    assert answer.returncode == 69
    assert "absent" in answer.stdout
    assert answer.stderr.startswith("edgehands: 1 of 2 backends failed; coral")


def edgehands(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
