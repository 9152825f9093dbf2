"""Make a float32 network fit for 8 bits without changing what it computes.

Three things that a quantiser does not do by itself:

- `prune`: the published landmark models carry channels whose weights are all zero (525 in Light,
  2712 in Full). What such a channel says never changes, so it goes into the next layer's bias.
- `equalise`: all channels of an activation share one 8-bit scale, and a channel that is always
  small has only a few steps of it. It is made louder, and the next layer's weights quieter.
- `hold_biases`: a bias is an integer in steps of input scale × weight scale. Where a channel's
  weights are next to nothing, 32 bits do not reach as far as its bias, which would be cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.models.convert.editor import BIAS, WEIGHTED, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.hand import FloatArray
    from edgehands.models.convert.editor import Editor

_NO_ACTIVATION, _RELU, _RELU6 = 0, 1, 3  # the schema's numbers
_LIMITS = {_NO_ACTIVATION: (-np.inf, np.inf), _RELU: (0.0, np.inf), _RELU6: (0.0, 6.0)}
_LOUDEST = 64.0
"""Most by which a channel is made louder: what calibration hardly saw is not blown up."""
_SILENT = 1e-6
_BIAS_STEPS = 2.0**30
_FINEST_INPUT = 0.003
"""An input scale below those of these networks."""
_WEIGHT_STEPS = 127


def prune(editor: Editor) -> int:
    """Take out the channels that always say the same; return how many.

    Exact: the outputs differ by rounding only.
    """
    count = 0
    for operator in list(editor.part.operators):
        if editor.kind(operator) != "DEPTHWISE_CONV_2D":
            continue
        source = int(operator.inputs[0])
        before = editor.producer(source)
        readers = _readers(editor, operator)
        if before is None or editor.kind(before) != "CONV_2D" or not readers:
            continue
        if len(editor.consumers(source)) != 1 or any(not _is_flat(editor, r) for r in readers):
            continue
        alive = np.asarray(editor.get(operator, WEIGHTS).any(axis=(0, 1, 2)))
        if alive.all() or not alive.any():
            continue
        said = editor.get(operator, BIAS).clip(*_LIMITS[editor.activation(operator)])
        for reader in readers:
            weights = editor.get(reader, WEIGHTS)
            by_channel = weights.reshape(len(weights), -1)
            constant = by_channel[:, ~alive] @ said[~alive]
            editor.put(reader, BIAS, editor.get(reader, BIAS) + constant)
            editor.put(reader, WEIGHTS, weights[..., alive])
        editor.put(operator, WEIGHTS, editor.get(operator, WEIGHTS)[..., alive])
        editor.put(operator, BIAS, editor.get(operator, BIAS)[alive])
        for place in (WEIGHTS, BIAS):
            editor.put(before, place, editor.get(before, place)[alive])
        channels = int(alive.sum())
        outputs = [source, int(operator.outputs[0])]
        outputs += [int(reader.inputs[0]) for reader in readers]  # behind a MEAN
        for tensor in outputs:
            editor.narrow(tensor, channels)
        count += len(alive) - channels
    return count


def equalise(editor: Editor, peaks: Mapping[str, FloatArray], strength: float) -> None:
    """Bring the channels of each activation nearer to each other, by a factor that cancels out.

    Below the peaks nothing changes. Above them a channel that ends in ReLU6 may be cut off
    earlier, as its 8-bit range does anyhow.

    Args:
        editor: of a float32 graph.
        peaks: by name of an operator's output, the largest value of each channel.
        strength: 0 does nothing, 1 makes all channels equally loud.
    """
    for operator in list(editor.part.operators):
        if editor.kind(operator) not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            continue
        readers = _readers(editor, operator)
        if not readers:
            continue
        peak = peaks[editor.output_name(operator)]
        full = 6.0 if editor.activation(operator) == _RELU6 else float(peak.max())
        wanted = (full / np.maximum(peak, _SILENT)) ** strength
        wanted = np.where(peak > _SILENT, wanted.clip(1.0, _LOUDEST), 1.0)
        gain: FloatArray = wanted.astype(np.float32)
        weights = editor.get(operator, WEIGHTS)
        is_depthwise = editor.kind(operator) == "DEPTHWISE_CONV_2D"
        louder = gain if is_depthwise else gain.reshape(-1, 1, 1, 1)
        editor.put(operator, WEIGHTS, weights * louder)
        editor.put(operator, BIAS, editor.get(operator, BIAS) * gain)
        for reader in readers:  # whose input channels are the last axis of its weights
            editor.put(reader, WEIGHTS, editor.get(reader, WEIGHTS) / gain)


def hold_biases(editor: Editor) -> int:
    """Give each channel a weight that is large enough for its bias; return how many needed it.

    The weight is 4e-5 of the bias at most, which the 8 bits of the result cannot show.
    """
    count = 0
    for operator in list(editor.part.operators):
        if editor.kind(operator) not in WEIGHTED:
            continue
        weights = editor.get(operator, WEIGHTS)
        is_depthwise = editor.kind(operator) == "DEPTHWISE_CONV_2D"
        rows = weights.reshape(-1, weights.shape[-1]).T if is_depthwise else weights
        rows = rows.reshape(len(rows), -1).copy()
        bias = np.abs(editor.get(operator, BIAS))
        least = bias * (_WEIGHT_STEPS / (_FINEST_INPUT * _BIAS_STEPS))
        weak = np.abs(rows).max(axis=1) < least
        if not weak.any():
            continue
        rows[weak, 0] = least[weak]
        shaped = rows.T.reshape(weights.shape) if is_depthwise else rows.reshape(weights.shape)
        editor.put(operator, WEIGHTS, shaped)
        count += int(weak.sum())
    return count


def _readers(editor: Editor, operator: Any) -> list[Any]:
    """Return the operators that weigh each channel of an output, none if others read it too."""
    consumers = editor.consumers(int(operator.outputs[0]))
    if len(consumers) != 1:
        return []
    kind = editor.kind(consumers[0])
    if kind in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
        return consumers
    if kind == "MEAN":
        dense = editor.consumers(int(consumers[0].outputs[0]))
        return dense if all(editor.kind(each) == "FULLY_CONNECTED" for each in dense) else []
    return []


def _is_flat(editor: Editor, reader: Any) -> bool:
    """Say whether a reader looks at one place only, so that a border cannot matter to it."""
    if editor.kind(reader) == "DEPTHWISE_CONV_2D":
        return False
    shape = editor.get(reader, WEIGHTS).shape
    return len(shape) == 2 or shape[1:3] == (1, 1)
