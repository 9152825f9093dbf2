"""int8: static 8-bit weights and activations, made by ai-edge-quantizer from the float32 graph.

Weights have a scale for each channel, activations one that calibration pictures give. Input and
outputs stay float32. What costs little time and much accuracy stays in float32 too: the stem (the
first three layers, at full resolution), the heads (what comes after the last feature map) and, in
the palm models, the trunk between the convolutions, whose PRELU no CPU kernel runs in 8 bits.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import ModelError
from edgehands.models.convert import tool
from edgehands.models.convert.channels import equalise, hold_biases, prune
from edgehands.models.convert.editor import WEIGHTED, Editor
from edgehands.models.convert.fp32 import to_fp32
from edgehands.models.convert.graph import constant, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

INSTALL = "pip install ai-edge-quantizer"

_STEM_LAYERS = 3
_TRUNK = ("ADD", "MAX_POOL_2D", "PAD", "RESIZE_BILINEAR", "RESHAPE", "CONCATENATION")
_SAMPLES = 1024
"""Values of each activation kept from each picture."""
_CLIPS = np.linspace(0.5, 1.0, 26)
"""Shares of an activation's range that are tried."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done before and left out of quantising; the default is the best that was found."""

    prune: bool = True
    equalise: float = 0.7
    """See `channels.equalise`."""
    stem: bool = True
    """The first layers stay float."""
    heads: bool = True
    """So do the last ones."""
    trunk: bool = True
    """So does all that is no convolution, in a palm model."""
    clip: bool = True
    """Choose activation ranges for the least squared error, where no ReLU6 bounds them already."""
    whole: bool = False
    """For an accelerator that knows only int8: input, outputs and every operation."""


BEST = Plan()
PLAIN = Plan(prune=False, equalise=0.0, stem=False, heads=False, trunk=False, clip=False)
"""As the quantiser does it by itself."""
WHOLE = Plan(stem=False, heads=False, trunk=False, whole=True)


def to_int8(model: ModelFile, pictures: Sequence[FloatArray], plan: Plan = BEST) -> bytes:
    """Return a quantised .tflite file of `model`.

    Args:
        model: the original.
        pictures: what it will get to see, float32 [side, side, 3], RGB in 0..1.
        plan: how.

    Raises:
        ModelError: the bytes are no float model, or its graph cannot be quantised.
        RuntimeMissingError: a library is not installed.
    """
    quantizer = tool("ai_edge_quantizer", INSTALL)
    editor = Editor(model, to_fp32(model))
    _name_outputs(editor)
    if plan.prune:
        prune(editor)
        if plan.equalise:
            equalise(editor, measure(editor, pictures).peaks, plan.equalise)
        hold_biases(editor)
    activations = measure(editor, pictures)
    ranges = activations.ranges(clip=plan.clip and model.role == "palm")
    float_names = [editor.output_name(each) for each in _float_operators(editor, model, plan)]
    try:
        data = _quantise(quantizer, editor.pack(), ranges, float_names, plan)
    except (ValueError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"cannot quantise {model.id} ({model.path}): {reason}") from error
    return _finished(model, data, plan)


@dataclass(slots=True)
class Activations:
    """What was seen of each computed value, by its name."""

    peaks: dict[str, FloatArray] = field(default_factory=dict)
    """Largest absolute value of each channel of an image."""
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    samples: dict[str, list[FloatArray]] = field(default_factory=dict)

    def see(self, name: str, values: FloatArray) -> None:
        """Take in one picture's values."""
        low, high = self.limits.get(name, (np.inf, -np.inf))
        self.limits[name] = min(low, float(values.min())), max(high, float(values.max()))
        if values.ndim == 4:
            peak = np.abs(values).max(axis=(0, 1, 2))
            self.peaks[name] = np.maximum(self.peaks.get(name, peak), peak)
        flat = values.reshape(-1)
        # A step that shares no factor with the channels, so that all of them come up.
        step = max(1, flat.size // _SAMPLES) | 1
        self.samples.setdefault(name, []).append(flat[::step].copy())

    def ranges(self, *, clip: bool) -> dict[str, dict[str, FloatArray]]:
        """Return each value's range in the quantiser's terms."""
        found = {}
        for name, limits in self.limits.items():
            samples = np.concatenate(self.samples[name])
            low, high = _clipped(samples, *limits) if clip else limits
            found[name] = {
                "min": np.array([low], np.float32),
                "max": np.array([high], np.float32),
            }
        return found


def measure(editor: Editor, pictures: Iterable[FloatArray]) -> Activations:
    """Run the float graph on pictures and return what its activations were.

    Constants are left out on purpose: a range for weights would give all channels one scale.
    """
    interpreters = tool("ai_edge_litert.interpreter", INSTALL)
    data = editor.pack()
    part = editor.part
    computed = [
        (index, tensor.name.decode())
        for index, tensor in enumerate(part.tensors)
        if tensor.type == schema().TensorType.FLOAT32 and constant(editor.tree, tensor) is None
    ]
    seen = Activations()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to keep all tensors is for debugging, it says
        interpreter = interpreters.Interpreter(
            model_content=data, experimental_preserve_all_tensors=True
        )
        interpreter.allocate_tensors()
    source = int(part.inputs[0])
    for picture in pictures:
        interpreter.set_tensor(source, picture[None])
        interpreter.invoke()
        for index, name in computed:
            seen.see(name, interpreter.get_tensor(index))
    return seen


def _clipped(samples: FloatArray, low: float, high: float) -> tuple[float, float]:
    """Return the share of a range whose 255 steps lose least."""
    low, high = min(low, 0.0), max(high, 0.0)
    best = (np.inf, low, high)
    for share in _CLIPS:
        step = max((high - low) * share / 255, 1e-9)
        zero = round(-low * share / step)
        rounded = (np.round(samples / step + zero).clip(0, 255) - zero) * step
        best = min(best, (float(np.square(rounded - samples).mean()), low * share, high * share))
    return best[1:]


def _name_outputs(editor: Editor) -> None:
    """Give each operator's output a short name of its own, by which the quantiser is told."""
    for number, operator in enumerate(editor.part.operators):
        editor.part.tensors[operator.outputs[0]].name = f"value{number}:".encode()


def _float_operators(editor: Editor, model: ModelFile, plan: Plan) -> list[Any]:
    """Return the operators that stay float32."""
    operators = list(editor.part.operators)
    weighted = [each for each in operators if editor.kind(each) in WEIGHTED]
    chosen = weighted[:_STEM_LAYERS] if plan.stem else []
    if plan.heads:
        chosen += [each for each in operators if _is_head(editor, each)]
    if plan.trunk and model.role == "palm":
        chosen += [each for each in operators if editor.kind(each) in _TRUNK]
    return chosen


def _is_head(editor: Editor, operator: Any) -> bool:
    if editor.kind(operator) in {"FULLY_CONNECTED", "LOGISTIC"}:
        return True
    following = [editor.kind(each) for each in editor.consumers(int(operator.outputs[0]))]
    return editor.kind(operator) == "CONV_2D" and following == ["RESHAPE"]


def _quantise(
    module: Any,
    data: bytes,
    ranges: dict[str, dict[str, FloatArray]],
    float_names: Sequence[str],
    plan: Plan,
) -> bytes:
    names = tool("ai_edge_quantizer.qtyping", INSTALL).TFLOperationName
    untouched = tool("ai_edge_quantizer.algorithm_manager", INSTALL).AlgorithmName.NO_QUANTIZE
    quantizer = module.quantizer.Quantizer(data)
    quantizer.add_static_config(".*", names.ALL_SUPPORTED, 8, 8)
    skipped = [(f"^{re.escape(name)}", names.ALL_SUPPORTED) for name in float_names]
    if not plan.whole:
        skipped += [(".*", names.INPUT), (".*", names.OUTPUT)]
    for pattern, operation in skipped:
        quantizer.update_quantization_recipe(
            regex=pattern, operation_name=operation, algorithm_key=untouched
        )
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):  # it draws bars
        warnings.simplefilter("ignore")  # and asks for all tensors too
        result = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def _finished(model: ModelFile, data: bytes, plan: Plan) -> bytes:
    """Return the quantised file with the catalog's names on its outputs."""
    editor = Editor(model, data)
    if plan.whole:
        _quantise_prelus(editor)
    (signature,) = editor.tree.signatureDefs
    places = {_text(entry.name): int(entry.tensorIndex) for entry in signature.outputs}
    for output in model.outputs:
        editor.part.tensors[places[output.name]].name = output.tensor.encode()
    return editor.pack()


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _quantise_prelus(editor: Editor) -> None:
    """Put int8 PRELU in the place of DEQUANTIZE, PRELU, QUANTIZE.

    The quantiser does not know the operation; the Edge TPU and the reference kernels do.
    """
    operators = list(editor.part.operators)
    gone: list[Any] = []
    for operator in operators:
        if editor.kind(operator) != "PRELU":
            continue
        before = editor.producer(int(operator.inputs[0]))
        after = editor.consumers(int(operator.outputs[0]))
        kinds = [editor.kind(each) for each in (before, *after) if each is not None]
        if kinds != ["DEQUANTIZE", "QUANTIZE"]:
            raise ModelError(f"PRELU between {kinds}: it cannot be made int8")
        slopes = editor.get(operator, 1)
        scale = float(np.abs(slopes).max()) / 127
        number = editor.add(np.round(slopes / scale).astype(np.int8), f"slopes{len(gone)}")
        quantisation = schema().QuantizationParametersT()
        quantisation.scale, quantisation.zeroPoint = [scale], [0]
        editor.part.tensors[number].quantization = quantisation
        operator.inputs = [int(before.inputs[0]), number]  # type: ignore[union-attr]
        operator.outputs = [int(after[0].outputs[0])]
        gone += [before, after[0]]
    read = {int(index) for each in operators for index in each.inputs if each not in gone}
    read |= {int(index) for index in editor.part.outputs}
    editor.part.operators = [
        each
        for each in operators
        if each not in gone or (editor.kind(each) == "DEQUANTIZE" and int(each.outputs[0]) in read)
    ]
