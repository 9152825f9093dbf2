"""fp32: the same model with its weights stored as float32, and a signature.

The originals keep weights as float16 and turn each into float32 by a DEQUANTIZE when they are
loaded. Quantisers and some accelerators want plain float32 constants and named inputs and outputs.
Nothing is computed differently: the outputs are the same to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import ModelError
from edgehands.models.convert.editor import pack
from edgehands.models.convert.graph import constant, kind, schema, unpack

if TYPE_CHECKING:
    from edgehands.inference import ModelFile

SIGNATURE = "serving_default"
INPUT = "input"
"""Name of the input in the signature; the outputs have the catalog's names."""


def to_fp32(model: ModelFile) -> bytes:
    """Return a .tflite file that computes what `model` does, from float32 constants.

    Raises:
        ModelError: the bytes are no float model with the catalog's outputs.
        RuntimeMissingError: a library is not installed.
    """
    tree = unpack(model)
    _fold(tree)
    tree.signatureDefs = [_signature(tree, model)]
    return pack(tree)


def _fold(tree: Any) -> None:
    """Replace each DEQUANTIZE of a constant by the float32 constant."""
    part = tree.subgraphs[0]
    kept = []
    for operator in part.operators:
        if kind(tree, operator) != "DEQUANTIZE":
            kept.append(operator)
            continue
        source, target = (part.tensors[each[0]] for each in (operator.inputs, operator.outputs))
        data = constant(tree, source)
        if data is None:
            raise ModelError("cannot fold a DEQUANTIZE of a value that is computed")
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(data.astype(np.float32).tobytes(), np.uint8)
        target.buffer = len(tree.buffers)
        tree.buffers.append(buffer)
    part.operators = kept


def _signature(tree: Any, model: ModelFile) -> Any:
    part = tree.subgraphs[0]
    place = {part.tensors[index].name.decode(): int(index) for index in part.outputs}
    missing = [output.tensor for output in model.outputs if output.tensor not in place]
    if missing:
        raise ModelError(f"{model.id} ({model.path}) has no output {missing[0]!r}")
    signature = schema().SignatureDefT()
    signature.signatureKey = SIGNATURE
    signature.subgraphIndex = 0
    signature.inputs = [_named(INPUT, int(part.inputs[0]))]
    signature.outputs = [_named(output.name, place[output.tensor]) for output in model.outputs]
    return signature


def _named(name: str, tensor: int) -> Any:
    entry = schema().TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry
