"""Makes int8 files of models, and lets none pass that lost too much."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from edgehands.calibration import calibration
from edgehands.errors import ModelError
from edgehands.int8_gate import GATE_PICTURES, MIXED_LIMITS, WHOLE_LIMITS, judge
from edgehands.models.convert.edgetpu import compile_together, find_compiler
from edgehands.models.convert.int8 import BEST, WHOLE, to_int8
from edgehands.models.derived import Built

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.calibration import Calibration
    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile
    from edgehands.models.convert.int8 import Plan


def build_int8(
    model: ModelFile,
    pictures: Sequence[FloatArray] | None = None,
    *,
    plan: Plan = BEST,
    gate_pictures: int = GATE_PICTURES,
) -> Built:
    """Quantise a model and put it through the gate.

    Args:
        model: the original.
        pictures: what to calibrate with; None takes the synthetic set.
        plan: which parts stay float32.
        gate_pictures: how many pictures it is judged by.

    Raises:
        ModelError: it cannot be quantised, or has become too bad: the message has the figures.
        RuntimeMissingError: the quantiser is not installed.
    """
    if pictures is None:
        pictures = calibration().of(model)
    target = "edgetpu" if plan.whole else "int8"
    data = to_int8(model, pictures, plan)
    file = replace(
        model,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        path=f"int8 of {model.path}",
    )
    judged = judge(model, file, WHOLE_LIMITS if plan.whole else MIXED_LIMITS, gate_pictures)
    if judged.faults:
        raise ModelError(
            f"the {target} file built from {model.id} ({model.path}) with {len(pictures)} "
            f"calibration pictures is refused: {'; '.join(judged.faults)} ({judged.summary})"
        )
    return Built(model.sha256, target, file, judged.figures, judged.summary)


def build_edgetpus(
    models: Sequence[ModelFile],
    pictures: Calibration | None = None,
    *,
    gate_pictures: int = GATE_PICTURES,
) -> list[Built]:
    """Quantise models from input to outputs, put each through the gate, and compile them together.

    The gate judges them before they are compiled: afterwards only an Edge TPU can run them.

    Raises:
        ModelError: as `build_int8` does, or the compiler refuses.
        RuntimeMissingError: the quantiser or the compiler is not installed.
    """
    find_compiler()  # before minutes are spent
    pictures = pictures or calibration()
    whole = [
        build_int8(model, pictures.of(model), plan=WHOLE, gate_pictures=gate_pictures)
        for model in models
    ]
    compiled = compile_together([built.file for built in whole])
    return [
        replace(
            built,
            file=replace(
                built.file, data=result.data, sha256=hashlib.sha256(result.data).hexdigest()
            ),
            summary=f"{built.summary}; {result.mapping}",
        )
        for built, result in zip(whole, compiled, strict=True)
    ]
