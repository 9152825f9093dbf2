"""onnx: the same network in ONNX, for ONNX Runtime and whatever else reads it.

Images are [batch, H, W, channels] in TensorFlow and [batch, channels, H, W] in ONNX. The exported
model takes the former, so that a crop goes in as it is, and turns it once; inside, every image
lies in ONNX's order, and is turned back only where the order of the values shows: before a RESHAPE.
The batch is free. Weights stay float16 with a Cast, which a runtime folds when it loads them: half
the file for the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import ModelError
from edgehands.models.convert import tool
from edgehands.models.convert.graph import Graph, Op, Tensor, read_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edgehands.inference import ModelFile

BATCH = "batch"
"""Name of the free dimension."""

# Old enough for any ONNX Runtime that a device may have, new enough for all that is used.
_OPSET = 13
_IR_VERSION = 7

_TO_CHANNELS_FIRST = (0, 3, 1, 2)
_TO_CHANNELS_LAST = (0, 2, 3, 1)

# The schema's numbers.
_SAME = 0
_NO_ACTIVATION, _RELU, _RELU6 = 0, 1, 3


def to_onnx(model: ModelFile) -> bytes:
    """Return `model` as an ONNX file: input [batch, H, W, 3], outputs in the catalog's order.

    Raises:
        ModelError: the bytes are no float model, or need an operation that is not known here.
        RuntimeMissingError: a library is not installed.
    """
    graph = read_graph(model)
    writer = _Writer(model, graph)
    source = graph.inputs[0]
    writer.node(
        "Transpose", [graph.tensors[source].name], writer.name(source), perm=_TO_CHANNELS_FIRST
    )
    for op in graph.ops:
        if op.kind not in _OPERATIONS:
            raise writer.unknown(op, f"no {op.kind}, only {', '.join(_OPERATIONS)}")
        _OPERATIONS[op.kind](writer, op)
    return writer.finish()


class _Writer:
    """The ONNX side of an export: nodes, constants, and the names of values."""

    def __init__(self, model: ModelFile, graph: Graph) -> None:
        self._onnx: Any = tool("onnx", "pip install onnxruntime onnx")
        self._model = model
        self._graph = graph
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        # The final outputs keep the names by which the catalog knows them.
        self._names = {index: graph.tensors[index].name for index in graph.outputs}

    def tensor(self, index: int) -> Tensor:
        """Return a value of the original."""
        return self._graph.tensors[index]

    def constant(self, index: int) -> NDArray[Any]:
        """Return what a constant of the original holds."""
        data = self.tensor(index).data
        if data is None:
            raise ModelError(
                f"cannot export {self._model.id}: {self.tensor(index).name!r} is computed, "
                "not a constant"
            )
        return data

    def name(self, index: int) -> str:
        """Return the name of an original's value here; an image has its channels first."""
        return self._names.setdefault(index, f"t{index}")

    def new_name(self) -> str:
        """Return a name for the result of the next node."""
        return f"n{len(self._nodes)}"

    def stored(self, values: NDArray[Any]) -> str:
        """Store a constant and return its name."""
        name = f"c{len(self._constants)}"
        array = np.ascontiguousarray(values)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def weight(self, values: NDArray[Any]) -> str:
        """Store a weight in the precision of the original; return the name of its float32."""
        stored = self.stored(values)
        if values.dtype == np.float32:
            return stored
        name = self.new_name()
        self.node("Cast", [stored], name, to=self._onnx.TensorProto.FLOAT)
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Add a node of ONNX."""
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], **attributes))

    def emit(self, op: Op, kind: str, inputs: list[str], **attributes: Any) -> None:
        """Add the node that stands for `op`, and the activation that is fused with it."""
        result = self.name(op.outputs[0])
        activation = op.options.get("fusedActivationFunction", _NO_ACTIVATION)
        if activation == _NO_ACTIVATION:
            self.node(kind, inputs, result, **attributes)
            return
        before = self.new_name()
        self.node(kind, inputs, before, **attributes)
        if activation == _RELU:
            self.node("Relu", [before], result)
        elif activation == _RELU6:
            limits = [self.stored(np.array(limit, np.float32)) for limit in (0, 6)]
            self.node("Clip", [before, *limits], result)
        else:
            raise self.unknown(op, f"the activation {activation}")

    def unknown(self, op: Op, what: str) -> ModelError:
        """Return the error for something that this converter does not know."""
        return ModelError(f"cannot export {self._model.id} to onnx: {op.kind} with {what}")

    def finish(self) -> bytes:
        """Return the file."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes,
            self._model.id,
            [self._value(self.tensor(index)) for index in self._graph.inputs],
            self._outputs(),
            self._constants,
        )
        proto = helper.make_model(
            graph,
            producer_name="edgehands",
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        self._onnx.checker.check_model(proto)
        return bytes(proto.SerializeToString(deterministic=True))

    def _outputs(self) -> list[Any]:
        """Return the outputs in the order of the catalog."""
        by_name = {self.tensor(index).name: self.tensor(index) for index in self._graph.outputs}
        missing = [each.tensor for each in self._model.outputs if each.tensor not in by_name]
        if missing:
            raise ModelError(f"{self._model.id} ({self._model.path}) has no output {missing[0]!r}")
        return [self._value(by_name[output.tensor]) for output in self._model.outputs]

    def _value(self, tensor: Tensor) -> Any:
        return self._onnx.helper.make_tensor_value_info(
            tensor.name, self._onnx.TensorProto.FLOAT, [BATCH, *tensor.shape[1:]]
        )


def _add(writer: _Writer, op: Op) -> None:
    writer.emit(op, "Add", [writer.name(index) for index in op.inputs])


def _concat(writer: _Writer, op: Op) -> None:
    if len(writer.tensor(op.outputs[0]).shape) == 4:
        raise writer.unknown(op, "images")
    names = [writer.name(index) for index in op.inputs]
    writer.emit(op, "Concat", names, axis=op.options["axis"])


def _conv(writer: _Writer, op: Op) -> None:
    weights = writer.constant(op.inputs[1])  # [out, H, W, in]
    _convolve(writer, op, weights.transpose(0, 3, 1, 2), groups=1)


def _depthwise(writer: _Writer, op: Op) -> None:
    weights = writer.constant(op.inputs[1])  # [1, H, W, in × multiplier]
    channels = writer.tensor(op.inputs[0]).shape[3]
    _convolve(writer, op, weights.transpose(3, 0, 1, 2), groups=channels)


def _convolve(writer: _Writer, op: Op, weights: NDArray[Any], groups: int) -> None:
    """Add a convolution with weights [out, in / groups, H, W]."""
    kernel = weights.shape[2:]
    dilations = [op.options["dilationHFactor"], op.options["dilationWFactor"]]
    reach = [(side - 1) * step + 1 for side, step in zip(kernel, dilations, strict=True)]
    inputs = [writer.name(op.inputs[0]), writer.weight(weights)]
    inputs += [writer.weight(writer.constant(index)) for index in op.inputs[2:]]
    window = _window(writer, op, reach)
    writer.emit(
        op, "Conv", inputs, kernel_shape=kernel, dilations=dilations, group=groups, **window
    )


def _dense(writer: _Writer, op: Op) -> None:
    if len(writer.tensor(op.inputs[0]).shape) != 2:
        raise writer.unknown(op, "an input that is not [batch, values]")
    inputs = [writer.name(op.inputs[0])]
    inputs += [writer.weight(writer.constant(index)) for index in op.inputs[1:]]
    writer.emit(op, "Gemm", inputs, transB=1)


def _max_pool(writer: _Writer, op: Op) -> None:
    kernel = [op.options["filterHeight"], op.options["filterWidth"]]
    window = _window(writer, op, kernel)
    writer.emit(op, "MaxPool", [writer.name(op.inputs[0])], kernel_shape=kernel, **window)


def _mean(writer: _Writer, op: Op) -> None:
    axes = sorted(writer.constant(op.inputs[1]).tolist())
    if len(writer.tensor(op.inputs[0]).shape) != 4 or axes != [1, 2] or op.options["keepDims"]:
        raise writer.unknown(op, "anything but an image's height and width")
    pooled = writer.new_name()
    writer.node("GlobalAveragePool", [writer.name(op.inputs[0])], pooled)
    writer.emit(op, "Flatten", [pooled], axis=1)


def _pad(writer: _Writer, op: Op) -> None:
    if len(writer.tensor(op.inputs[0]).shape) != 4:
        raise writer.unknown(op, "something that is no image")
    pads = writer.constant(op.inputs[1])[list(_TO_CHANNELS_FIRST)]  # [4, before and after]
    ends = writer.stored(pads.T.ravel().astype(np.int64))
    writer.emit(op, "Pad", [writer.name(op.inputs[0]), ends])


def _prelu(writer: _Writer, op: Op) -> None:
    """Write a·x + (1 - a)·relu(x): on a CPU, ONNX Runtime's PRelu takes as long as all the rest."""
    slopes = writer.constant(op.inputs[1])
    if slopes.size != slopes.shape[-1]:
        raise writer.unknown(op, "slopes that are not one a channel")
    slope = slopes.reshape(-1, 1, 1)
    name = writer.name(op.inputs[0])
    scaled = _scaled(writer, name, slope)
    positive = writer.new_name()
    writer.node("Relu", [name], positive)
    rest = _scaled(writer, positive, 1 - slope.astype(np.float32))
    writer.emit(op, "Add", [scaled, rest])


def _scaled(writer: _Writer, name: str, factor: NDArray[Any]) -> str:
    """Multiply a value by a constant and return the name of the product."""
    weight = writer.weight(factor)
    product = writer.new_name()
    writer.node("Mul", [name, weight], product)
    return product


def _reshape(writer: _Writer, op: Op) -> None:
    shape = writer.tensor(op.outputs[0]).shape
    if len(shape) == 4 or shape[0] != 1:
        raise writer.unknown(op, f"the shape {shape}")
    name = writer.name(op.inputs[0])
    if len(writer.tensor(op.inputs[0]).shape) == 4:
        turned = writer.new_name()
        writer.node("Transpose", [name], turned, perm=_TO_CHANNELS_LAST)
        name = turned
    # 0 leaves the batch as it is.
    writer.emit(op, "Reshape", [name, writer.stored(np.array([0, *shape[1:]], np.int64))])


def _resize(writer: _Writer, op: Op) -> None:
    if op.options["alignCorners"] or not op.options["halfPixelCenters"]:
        raise writer.unknown(op, "corners that are not half pixel centres")
    before, after = (writer.tensor(each[0]).shape for each in (op.inputs, op.outputs))
    scales = writer.stored(np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32))
    # The empty input is a region of interest, for a mode that is not ours.
    writer.emit(
        op,
        "Resize",
        [writer.name(op.inputs[0]), "", scales],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _sigmoid(writer: _Writer, op: Op) -> None:
    writer.emit(op, "Sigmoid", [writer.name(op.inputs[0])])


def _window(writer: _Writer, op: Op, reach: Sequence[int]) -> dict[str, Any]:
    """Return strides and pads of a window that reaches over [height, width] pixels."""
    strides = [op.options["strideH"], op.options["strideW"]]
    pads = [(0, 0), (0, 0)]
    if op.options["padding"] == _SAME:
        sides = writer.tensor(op.inputs[0]).shape[1:3]
        pads = [_same(*each) for each in zip(sides, strides, reach, strict=True)]
    (top, bottom), (left, right) = pads
    return {"strides": strides, "pads": [top, left, bottom, right]}


def _same(side: int, stride: int, reach: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding before and after; an odd one has its extra pixel after."""
    steps = -(-side // stride)
    total = max(0, (steps - 1) * stride + reach - side)
    return total // 2, total - total // 2


_OPERATIONS: dict[str, Callable[[_Writer, Op], None]] = {
    "ADD": _add,
    "CONCATENATION": _concat,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "LOGISTIC": _sigmoid,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "PAD": _pad,
    "PRELU": _prelu,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
}
"""All but DEQUANTIZE, which reading the graph has left out."""
