"""Sessions of every model, and what they answer to real hands: for tests of backends."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from edgehands.inference import ModelFile
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.models.examples import example_inputs
from edgehands.selection import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray
    from edgehands.inference import Session

Outputs = tuple["FloatArray", ...]

MODELS = [model.id for model in shipped_catalog().models]
RUNS = 3
FAKE = ModelFile("light", "landmarks", b"", "0" * 64, "/nowhere/light.tflite", 224, ())


def picture(seed: int, session: Session) -> FloatArray:
    """A real hand, cut for the session's model."""
    hand: FloatArray = crops(session.input.shape[1])[seed]
    return hand


@cache
def crops(side: int) -> FloatArray:
    name = next(model.id for model in shipped_catalog().models if model.input_size == side)
    return example_inputs(store.load(name))


def results(session: Session, seeds: range = range(RUNS)) -> list[Outputs]:
    """What the session answers to some pictures."""
    answers = []
    for seed in seeds:
        session.input[:] = picture(seed, session)
        answers.append(tuple(output.copy() for output in session.run()))
    return answers


def same(one: list[Outputs], two: list[Outputs]) -> bool:
    return all(
        np.array_equal(a, b)
        for outputs, others in zip(one, two, strict=True)
        for a, b in zip(outputs, others, strict=True)
    )


def record(path: Path) -> None:
    """Keep what tflite answers, for every model."""
    for name in MODELS:
        options = {"file": str(path), "record_from": "tflite"}
        with open_session("replay", store.load(name), options=options) as session:
            results(session)
