"""Are a session's outputs right? By tflite's in fp32, by the truth where rounding moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands.agreement import EXACT
from edgehands.int8_gate import WHOLE_LIMITS

if TYPE_CHECKING:
    from edgehands.agreement import LandmarkReference, PalmReference
    from edgehands.benchmarks.bench.accuracy import Accuracy
    from edgehands.benchmarks.bench.child import Answer

    Reference = PalmReference | LandmarkReference


def mistakes(answer: Answer, reference: Reference) -> str:
    """Say in what the outputs are no outputs of this model, or in fp32 not tflite's; "" if right.

    In int8 and fp16 they cannot be tflite's: `losses` looks at those.
    """
    specs = [(1, *output.shape) for output in reference.model.outputs]
    outputs = [
        tuple(np.frombuffer(data, np.float32).reshape(shape) for shape, data in each)
        for each in answer.outputs
    ]
    if any([output.shape for output in each] != specs for each in outputs):
        return f"the outputs for {reference.model.id} are of another shape"
    if not all(np.isfinite(output).all() for each in outputs for output in each):
        return f"the outputs for {reference.model.id} are not numbers"
    if answer.description.precision != "fp32":
        return ""
    return "; ".join(reference.compare(outputs).excesses(EXACT))


def losses(ours: Accuracy, float_model: Accuracy) -> str:
    """Say by how much a model in another precision is too much worse than in fp32; "" if it is not.

    The limits are those that an int8 file for an accelerator is held to when it is built.
    """
    if ours.ap is not None and float_model.ap is not None:
        lost = float_model.ap - ours.ap
        limit = WHOLE_LIMITS.recall
        return f"average precision falls by {lost:.1%}, {limit:.0%} is allowed" * (lost > limit)
    if ours.mean_error is None or float_model.mean_error is None:
        return "the landmarks are not numbers"
    risen = ours.mean_error / float_model.mean_error - 1
    limit = WHOLE_LIMITS.error
    return f"the error is {risen:.1%} above that of fp32, {limit:.0%} is allowed" * (risen > limit)
