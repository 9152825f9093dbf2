"""pruned: the same network without the channels that always say the same.

Only rounding differs, 5e-5 of a crop's pixel at most; there is less to compute and to hold. Weights
stay float16 behind a DEQUANTIZE, as in the original, so that a runtime that unpacks them holds them
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.models.convert.channels import prune
from edgehands.models.convert.editor import Editor
from edgehands.models.convert.fp32 import to_fp32
from edgehands.models.convert.graph import constant, schema

if TYPE_CHECKING:
    from edgehands.inference import ModelFile


def to_pruned(model: ModelFile) -> bytes:
    """Return a .tflite file that computes what `model` does, with fewer channels.

    Raises:
        ModelError: the bytes are no float model with the catalog's outputs.
        RuntimeMissingError: a library is not installed.
    """
    editor = Editor(model, to_fp32(model))
    prune(editor)
    _halve(editor)
    return editor.pack()


def _halve(editor: Editor) -> None:
    """Store as float16 every constant that loses nothing by it."""
    part = editor.part
    unpacking = []
    for index in sorted({int(index) for each in part.operators for index in each.inputs} - {-1}):
        values = constant(editor.tree, part.tensors[index])
        if values is None or values.dtype != np.float32:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            name = f"{part.tensors[index].name.decode()}_half"
            unpacking.append(_dequantize(editor, editor.add(half, name), index))
            part.tensors[index].buffer = 0  # the schema's empty buffer: it is computed now
    part.operators = [*unpacking, *part.operators]


def _dequantize(editor: Editor, source: int, target: int) -> Any:
    operator = schema().OperatorT()
    operator.opcodeIndex = editor.operation("DEQUANTIZE")
    operator.inputs, operator.outputs = [source], [target]
    return operator
