"""A .tflite file as a small graph of plain values, for converters."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import ModelError
from edgehands.models.convert import tool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from numpy.typing import NDArray

    from edgehands.inference import ModelFile

DTYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT32": np.int32}
"""The types of constants that the float models have."""

_DAMAGED = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError)
"""What the flatbuffer classes raise for bytes that are no model."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A value of the graph."""

    name: str
    shape: tuple[int, ...]
    """As in the file: images are [batch, H, W, channels], the batch is 1."""
    data: NDArray[Any] | None
    """What a constant holds; a weight stored as float16 stays float16."""


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; inputs and outputs are indices of tensors."""

    kind: str
    """TensorFlow Lite's name: "CONV_2D" …"""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A model: operations in an order in which they can run."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def schema() -> ModuleType:
    """Return the classes that read and write a .tflite file; they come with the runtime.

    Raises:
        RuntimeMissingError: ai-edge-litert is not installed.
    """
    return tool("ai_edge_litert.schema_py_generated", "pip install ai-edge-litert")


def unpack(model: ModelFile) -> Any:
    """Return the file as the schema's tree of objects (ModelT).

    Raises:
        ModelError: the bytes are no model with one graph.
    """
    classes = schema()
    try:
        tree = classes.ModelT.InitFromPackedBuf(model.data, 0)
    except _DAMAGED as error:
        raise ModelError(f"{model.id} ({model.path}) is no .tflite file: {error}") from error
    if not tree.subgraphs or len(tree.subgraphs) != 1:
        raise ModelError(f"{model.id} ({model.path}) is no .tflite file with one graph")
    return tree


def kind(tree: Any, operator: Any) -> str:
    """Return the name of an operator's operation."""
    code = tree.operatorCodes[operator.opcodeIndex]
    # The newer field has room for more operations; whichever is unused is 0.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return _names(schema().BuiltinOperator)[number]


def constant(tree: Any, tensor: Any) -> NDArray[Any] | None:
    """Return what a constant tensor holds, None for a value that is computed.

    Raises:
        ModelError: it is of a type that the float models do not have.
    """
    data = tree.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    name = _names(schema().TensorType)[tensor.type]
    if name not in DTYPES:
        raise ModelError(f"cannot convert a constant of type {name}, only {', '.join(DTYPES)}")
    return np.frombuffer(bytes(data), DTYPES[name]).reshape(_shape(tensor))


def read_graph(model: ModelFile) -> Graph:
    """Read a model's graph; the DEQUANTIZE of a float16 constant is left out, the constant kept.

    Raises:
        ModelError: the bytes are no float model.
    """
    tree = unpack(model)
    part = tree.subgraphs[0]
    tensors = [
        Tensor(tensor.name.decode(), _shape(tensor), constant(tree, tensor))
        for tensor in part.tensors
    ]
    ops = []
    for operator in part.operators:
        op = Op(
            kind(tree, operator),
            _indices(operator.inputs),
            _indices(operator.outputs),
            vars(operator.builtinOptions) if operator.builtinOptions else {},
        )
        if op.kind == "DEQUANTIZE" and tensors[op.inputs[0]].data is not None:
            target = op.outputs[0]
            tensors[target] = replace(tensors[target], data=tensors[op.inputs[0]].data)
        else:
            ops.append(op)
    return Graph(tuple(tensors), tuple(ops), _indices(part.inputs), _indices(part.outputs))


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def _indices(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _names(enum: type) -> dict[int, str]:
    return {number: name for name, number in vars(enum).items() if isinstance(number, int)}
