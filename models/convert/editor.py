"""A float32 .tflite file taken apart, changed, and put together again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import ModelError
from edgehands.models.convert import tool
from edgehands.models.convert.graph import constant, kind, schema, unpack

if TYPE_CHECKING:
    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

WEIGHTS, BIAS = 1, 2
"""Places among the inputs of a convolution or a fully connected layer."""
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

_FILE_IDENTIFIER = b"TFL3"
_ABSENT = -1
"""In a list of tensors: an optional input that is left out."""


class Editor:
    """The graph of a file, whose constants can be read and replaced.

    Args:
        model: names the file in errors.
        data: its content; that of `model` if left out.
    """

    def __init__(self, model: ModelFile, data: bytes | None = None) -> None:
        data = model.data if data is None else data
        self.tree = unpack(replace(model, data=data))
        for buffer in self.tree.buffers:
            if buffer.offset > 1:  # large ones may lie behind the tables; older readers balk
                buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
                buffer.offset = buffer.size = 0
        self.part = self.tree.subgraphs[0]

    def kind(self, operator: Any) -> str:
        """Return the name of an operator's operation."""
        return kind(self.tree, operator)

    def activation(self, operator: Any) -> int:
        """Return the schema's number of the activation that is fused with an operator."""
        return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))

    def producer(self, tensor: int) -> Any | None:
        """Return the operator that computes a tensor."""
        return next((each for each in self.part.operators if tensor in each.outputs), None)

    def consumers(self, tensor: int) -> list[Any]:
        """Return the operators that read a tensor."""
        return [each for each in self.part.operators if tensor in each.inputs]

    def output_name(self, operator: Any) -> str:
        """Return the name of an operator's first output."""
        return str(self.part.tensors[operator.outputs[0]].name.decode())

    def get(self, operator: Any, place: int) -> FloatArray:
        """Return a copy of an operator's constant.

        Raises:
            ModelError: that input is computed, or not float32.
        """
        tensor = self.part.tensors[operator.inputs[place]]
        values = constant(self.tree, tensor)
        if values is None or values.dtype != np.float32:
            raise ModelError(f"{self.output_name(operator)}: its input {place} is no constant")
        return np.array(values, np.float32)

    def put(self, operator: Any, place: int, values: FloatArray) -> None:
        """Give an operator another constant; whoever shares the old one keeps it."""
        old = self.part.tensors[operator.inputs[place]]
        number = self.add(values, f"{old.name.decode()}_{len(self.part.tensors)}")
        inputs = [int(index) for index in operator.inputs]
        inputs[place] = number
        operator.inputs = inputs

    def add(self, values: Any, name: str) -> int:
        """Add a constant, float32, float16 or int8, and return its number."""
        types = schema().TensorType
        array = np.ascontiguousarray(values)
        tensor, buffer = schema().TensorT(), schema().BufferT()
        tensor.name, tensor.shape = name.encode(), list(array.shape)
        kinds = {"float32": types.FLOAT32, "float16": types.FLOAT16, "int8": types.INT8}
        tensor.type = kinds[array.dtype.name]
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        tensor.buffer = len(self.tree.buffers)
        self.tree.buffers.append(buffer)
        self.part.tensors.append(tensor)
        return len(self.part.tensors) - 1

    def operation(self, name: str) -> int:
        """Return the index of an operation of that name in the file's table, added if need be."""
        number = getattr(schema().BuiltinOperator, name)
        for index, code in enumerate(self.tree.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
                return index
        code = schema().OperatorCodeT()
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)  # the older field has room for no more
        self.tree.operatorCodes.append(code)
        return len(self.tree.operatorCodes) - 1

    def narrow(self, tensor: int, channels: int) -> None:
        """Give a computed tensor another number of channels."""
        self.part.tensors[tensor].shape = [*self.part.tensors[tensor].shape[:-1], channels]

    def pack(self) -> bytes:
        """Return the file."""
        return pack(self.tree)


def pack(tree: Any) -> bytes:
    """Return the file of a tree, without the tensors that nothing reads or writes.

    Raises:
        RuntimeMissingError: flatbuffers is not installed.
    """
    _drop_unused(tree)
    builder = tool("flatbuffers", "pip install flatbuffers").Builder(1 << 20)
    builder.Finish(tree.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def _drop_unused(tree: Any) -> None:
    """Leave out tensors that nothing reads or writes, and empty the buffers that were theirs."""
    part = tree.subgraphs[0]
    maps = [
        entry
        for signature in tree.signatureDefs or ()
        for entry in (*signature.inputs, *signature.outputs)
    ]
    holders = [part, *part.operators]
    used = sorted(
        {int(index) for each in holders for index in (*each.inputs, *each.outputs)} - {_ABSENT}
    )
    place = {old: new for new, old in enumerate(used)} | {_ABSENT: _ABSENT}
    for each in holders:
        each.inputs = [place[int(index)] for index in each.inputs]
        each.outputs = [place[int(index)] for index in each.outputs]
    for entry in maps:
        entry.tensorIndex = place[int(entry.tensorIndex)]
    part.tensors = [part.tensors[index] for index in used]
    needed = {tensor.buffer for tensor in part.tensors}
    needed |= {each.buffer for each in tree.metadata or ()}
    for index, buffer in enumerate(tree.buffers):
        if index not in needed:  # emptied, not left out: their numbers are used elsewhere
            buffer.data = None
