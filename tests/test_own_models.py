"""A model of one's own: its file and a catalog.toml in a model folder, verified like any other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker, TrackerSettings, open_camera
from edgehands.errors import ConfigError, EdgeHandsError, ModelError
from edgehands.models import store
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models")

ENTRY = """
[[model]]
id = "{id}"
role = "landmarks"
file = "my_hand.tflite"
sha256 = ["{sha256}"]
palm = "{palm}"
input_size = 224
outputs = [
    {{ name = "landmarks", tensor = "Identity", shape = [63] }},
    {{ name = "presence", tensor = "Identity_1", shape = [1] }},
    {{ name = "handedness", tensor = "Identity_2", shape = [1] }},
    {{ name = "world", tensor = "Identity_3", shape = [63] }},
]
params = 1_012_000
macs = 146_000_000
licence = "mine"
origin = "a test"
"""


def own_model(
    folder: Path, id_: str, content: bytes | None = None, palm: str = "palm-lite"
) -> None:
    """Put a model of our own, really the light one, and its entry into a folder."""
    data = store.load("light").data
    (folder / "my_hand.tflite").write_bytes(data if content is None else content)
    entry = ENTRY.format(id=id_, sha256=hashlib.sha256(data).hexdigest(), palm=palm)
    (folder / "catalog.toml").write_text(entry)


@pytest.mark.parametrize("id_", ["mine", "heavy"])
def test_a_model_of_ones_own_tracks_hands(tmp_path: Path, id_: str) -> None:
    own_model(tmp_path, id_)
    settings = TrackerSettings(models=str(tmp_path))
    with (
        HandTracker(id_, "tflite", static=True, settings=settings) as own,
        HandTracker("light", "tflite", static=True) as light,
        open_camera(str(DEMO_CLIP)) as camera,
    ):
        image = next(frame.image for number, frame in enumerate(camera) if number == 40)
        (found,), (known,) = own.update(image), light.update(image)
    # The catalog's own model runs without its silent channels.
    np.testing.assert_allclose(found.landmarks, known.landmarks, atol=1e-3)


def test_another_content_is_refused(tmp_path: Path) -> None:
    own_model(tmp_path, "mine", content=b"something else")
    with pytest.raises(ModelError, match=r"my_hand\.tflite \(14 bytes\) has sha256"):
        store.load("mine", tmp_path)


def test_a_shipped_model_cannot_be_redefined(tmp_path: Path) -> None:
    own_model(tmp_path, "full")
    with pytest.raises(ConfigError, match=r"catalog\.toml: two models have the same id"):
        store.load("full", tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("[[model]]\nid = 1\n", "catalog.toml: "), ("[[model", "catalog.toml: "), ("x = 1", "`x`")],
)
def test_a_broken_catalog_gives_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "catalog.toml").write_text(text)
    with pytest.raises(EdgeHandsError, match=words) as caught:
        store.check(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_palm_model_that_is_none_is_refused(tmp_path: Path) -> None:
    own_model(tmp_path, "mine", palm="full")
    with pytest.raises(ConfigError, match="model 'mine' has palm = 'full'"):
        store.load("mine", tmp_path)
