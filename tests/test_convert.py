"""The converters: the same network in another file."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgehands.errors import ModelError, RuntimeMissingError
from edgehands.models import examples, store
from edgehands.models.catalog import shipped_catalog
from edgehands.models.convert import graph
from edgehands.models.convert.channels import prune
from edgehands.models.convert.editor import Editor
from edgehands.models.convert.fp32 import to_fp32
from edgehands.models.convert.onnx import to_onnx
from edgehands.models.convert.pruned import to_pruned
from edgehands.models.examples import example_inputs
from edgehands.selection import load_backend, open_session

if TYPE_CHECKING:
    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

pytestmark = pytest.mark.usefixtures("models")

MODELS = [model.id for model in shipped_catalog().models]


def answers(backend: str, model: ModelFile, inputs: FloatArray) -> list[FloatArray]:
    """What a model says to a whole batch at once, by output."""
    with open_session(backend, model, batch=len(inputs)) as session:
        session.input[:] = inputs
        return [output.copy() for output in session.run()]


def one_by_one(model: ModelFile, inputs: FloatArray) -> list[FloatArray]:
    """What the original says to each picture of its own."""
    each = []
    with open_session("tflite", model) as session:
        for picture in inputs:
            session.input[0] = picture
            each.append([output.copy() for output in session.run()])
    return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]


@pytest.mark.parametrize("name", MODELS)
def test_fp32_says_the_same_to_the_last_bit(name: str) -> None:
    model = store.load(name)
    inputs = example_inputs(model)
    derived = replace(model, data=to_fp32(model))
    for one, two in zip(one_by_one(model, inputs), one_by_one(derived, inputs), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize("name", MODELS)
def test_fp32_holds_no_dequantize_and_no_weight_twice(name: str) -> None:
    model = store.load(name)
    data = to_fp32(model)
    kinds = {op.kind for op in graph.read_graph(replace(model, data=data)).ops}
    assert kinds == {op.kind for op in graph.read_graph(model).ops}
    tree = graph.unpack(replace(model, data=data))
    assert not [op for op in tree.subgraphs[0].operators if graph.kind(tree, op) == "DEQUANTIZE"]
    assert len(data) < 2 * len(model.data)


def test_the_signature_of_fp32_names_the_outputs_as_the_catalog_does() -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    model = store.load("full")
    inputs = example_inputs(model)[:1]
    runner = interpreter.Interpreter(model_content=to_fp32(model)).get_signature_runner()
    said: dict[str, Any] = runner(input=inputs)
    for output, want in zip(model.outputs, one_by_one(model, inputs), strict=True):
        np.testing.assert_allclose(said[output.name], want, atol=1e-3)


@pytest.mark.parametrize(
    "name", [each for each in MODELS if shipped_catalog().get(each).silent_channels]
)
def test_pruned_is_a_smaller_file_that_says_the_same(name: str) -> None:
    model = store.load(name)
    data = to_pruned(model)
    assert len(data) < 0.9 * len(model.data)
    assert prune(Editor(model, data=to_fp32(model))) == model.silent_channels
    inputs = example_inputs(model)[:2]
    said = one_by_one(replace(model, data=data), inputs)
    for one, two in zip(one_by_one(model, inputs), said, strict=True):
        np.testing.assert_allclose(two, one, rtol=0, atol=2e-4)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_onnx_agrees_with_the_original(name: str, batch: int) -> None:
    pytest.importorskip("onnxruntime")
    model = store.load(name)
    inputs = example_inputs(model)[:batch]
    derived = replace(model, data=to_onnx(model), format="onnx")
    said = answers("onnxruntime", derived, inputs)
    for one, two in zip(one_by_one(model, inputs), said, strict=True):
        assert one.shape == two.shape
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-3)


def test_onnx_has_the_catalogs_outputs_in_its_order_and_a_free_batch() -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = store.load("full")
    session = runtime.InferenceSession(to_onnx(model), providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    assert source.shape == ["batch", 224, 224, 3]
    assert [output.name for output in session.get_outputs()] == [
        output.tensor for output in model.outputs
    ]
    assert [tuple(output.shape) for output in session.get_outputs()] == [
        ("batch", *output.shape) for output in model.outputs
    ]


def test_the_same_original_gives_the_same_bytes() -> None:
    light = store.load("light")
    assert to_onnx(light) == to_onnx(light)
    assert to_fp32(light) == to_fp32(light)


@pytest.mark.parametrize("convert", [to_fp32, to_onnx])
@pytest.mark.parametrize("data", [b"", b"no model at all", b"\x1c\0\0\0TFL3" + b"\0" * 100])
def test_bytes_that_are_no_model_are_a_model_error(convert: Any, data: bytes) -> None:
    with pytest.raises(ModelError, match=r"light \(/.*\) is no \.tflite file"):
        convert(replace(store.load("light"), data=data))


@pytest.mark.parametrize("convert", [to_fp32, to_onnx])
def test_a_model_without_the_catalogs_outputs_is_a_model_error(convert: Any) -> None:
    with pytest.raises(ModelError, match="has no output 'Identity_2'"):
        convert(replace(store.load("light"), data=store.load("palm-lite").data))


def test_an_operation_that_is_not_known_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "kind", lambda *_: "SOFTMAX")
    with pytest.raises(ModelError, match="cannot export light to onnx: SOFTMAX"):
        to_onnx(store.load("light"))


@pytest.mark.parametrize(
    ("convert", "module", "command"),
    [
        (to_onnx, "onnx", "pip install onnxruntime onnx"),
        (to_fp32, "ai_edge_litert.schema_py_generated", "pip install ai-edge-litert"),
    ],
)
def test_a_missing_library_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, convert: Any, module: str, command: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RuntimeMissingError) as caught:
        convert(store.load("light"))
    assert f"run `{command}`" in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_the_example_pictures_show_hands(name: str) -> None:
    from edgehands import palm

    model = store.load(name)
    outputs = one_by_one(model, example_inputs(model))
    if model.role == "palm":
        boxes, scores = outputs
        assert all(palm.decode(*each, 0.5) for each in zip(boxes, scores, strict=True))
    else:
        assert (outputs[1] > 0.5).all()  # presence


def test_without_opencv_the_example_pictures_are_smooth_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "edgehands.imaging", raising=False)
    light = store.load("light")
    pictures = example_inputs(light)
    assert pictures.shape == (examples.COUNT, 224, 224, 3)
    assert 0 <= pictures.min() < 0.2
    assert 0.8 < pictures.max() <= 1
    assert np.abs(np.diff(pictures, axis=1)).max() < 0.1
    assert not np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures, example_inputs(light))


def test_a_backend_module_opens_a_derived_file_by_itself() -> None:
    pytest.importorskip("onnxruntime")
    light = store.load("light")
    derived = replace(light, data=to_onnx(light), format="onnx")
    with load_backend("onnxruntime").open_session(
        derived, batch=1, device="CPUExecutionProvider", threads=1, options={}
    ) as session:
        assert len(session.run()) == 4
