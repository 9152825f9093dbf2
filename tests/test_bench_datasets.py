"""A user's own labelled photographs: three formats, read and measured, and their mistakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edgehands.benchmarks.bench import datasets
from edgehands.errors import InputError, UsageError
from edgehands.imaging import read_frames
from edgehands.synthetic import DEMO_CLIP
from edgehands.synthetic.truth import load_clip_truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgehands.hand import FloatArray, ImageArray

ONE, TWO = 40, 305  # frames of the shipped clip with so many open hands


@pytest.fixture(scope="module")
def frames() -> dict[int, ImageArray]:
    return dict(zip((ONE, TWO), read_frames(DEMO_CLIP, (ONE, TWO)), strict=True))


def truth(frame: int) -> list[FloatArray]:
    """[21, 2] pixels of each hand, the right one first."""
    return [hand.landmarks[:, :2] for hand in load_clip_truth().frames[frame]]


def write_image(path: Path, image: ImageArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_freihand(folder: Path, frames: dict[int, ImageArray], part: str = "training") -> Path:
    """Two pictures, whose points lie on a plane in front of two cameras."""
    cameras = [
        [[500.0, 0, 320], [0, 480.0, 240], [0, 0, 1]],
        [[700.0, 0, 300], [0, 700, 250], [0, 0, 1]],
    ]
    points = []
    for number, camera in enumerate(cameras):
        (hand,) = truth(ONE)
        write_image(folder / part / "rgb" / f"{number:08d}.jpg", frames[ONE])
        rays = np.column_stack([hand, np.ones(21)]) @ np.linalg.inv(np.array(camera)).T
        points.append((rays * np.linspace(0.5, 0.6, 21)[:, None]).tolist())
    write_json(folder / f"{part}_xyz.json", points)
    write_json(folder / f"{part}_K.json", cameras)
    return folder


def coco_keypoints(hand: FloatArray, visible: float = 2) -> list[float]:
    return [float(value) for x, y in hand for value in (x, y, visible)]


def whole_body(frame: int, image_id: int) -> dict[str, Any]:
    """A person as COCO-WholeBody describes one."""
    right, *left = truth(frame)
    return {
        "image_id": image_id,
        "category_id": 1,
        "bbox": [0, 0, 640, 480],
        "iscrowd": 0,
        "keypoints": [0] * 51,
        "righthand_kpts": coco_keypoints(right),
        "righthand_valid": True,
        "lefthand_kpts": coco_keypoints(left[0]) if left else [0] * 63,
        "lefthand_valid": bool(left),
    }


def make_coco(folder: Path, frames: dict[int, ImageArray]) -> Path:
    """A file in annotations/, its pictures in val2017/, as COCO is unpacked."""
    for number, frame in enumerate((ONE, TWO)):
        write_image(folder / "val2017" / f"{number:012d}.jpg", frames[frame])
    path = folder / "annotations" / "whole.json"
    images = [{"id": n + 7, "file_name": f"{n:012d}.jpg", "width": 640} for n in range(2)]
    images.append({"id": 99, "file_name": "nobody.jpg"})
    annotations = [whole_body(TWO, 8), whole_body(ONE, 7)]
    write_json(path, {"info": {}, "images": images, "annotations": annotations})
    return path


def make_handpose_x(folder: Path, frames: dict[int, ImageArray]) -> Path:
    for frame in (ONE, TWO):
        write_image(folder / f"{frame}.jpg", frames[frame])
        hands = [
            {
                "bbox": [0, 0, 0, 0],
                "pts": {str(i): {"x": x, "y": y} for i, (x, y) in enumerate(hand)},
            }
            for hand in map(np.ndarray.tolist, truth(frame))
        ]
        write_json(folder / f"{frame}.json", {"maker": "test", "info": hands})
    return folder


MAKERS = {"freihand": make_freihand, "coco": make_coco, "handpose_x": make_handpose_x}


def test_freihand_is_projected_by_its_cameras(
    tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    dataset = datasets.read(f"freihand:{make_freihand(tmp_path, frames)}")
    assert len(dataset) == 2
    for picture in dataset:
        (hand,) = picture.hands
        assert picture.image.shape == (480, 640, 3)
        assert np.abs(hand.landmarks - truth(ONE)[0]).max() < 0.01
        assert hand.handedness == "right"


def test_freihands_evaluation_part_is_preferred(
    tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    make_freihand(tmp_path, frames)
    make_freihand(tmp_path, frames, "evaluation")
    entry = datasets.read(f"freihand:{tmp_path}").entries[0]
    assert entry.path == tmp_path / "evaluation" / "rgb" / "00000000.jpg"


def test_coco_whole_body_has_both_hands_of_a_person(
    tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    dataset = datasets.read(f"coco:{make_coco(tmp_path, frames)}")
    one, two = list(dataset)
    assert [hand.handedness for hand in one.hands] == ["right"]
    assert list(one.unsure) == [(0, 0, 640, 480)]  # his left hand may be there
    assert [hand.handedness for hand in two.hands] == ["left", "right"]
    assert not two.unsure
    assert np.abs(two.hands[1].landmarks - truth(TWO)[0]).max() < 0.01
    assert dataset.most_hands == 4


def test_coco_with_21_keypoints_is_a_hand_each(
    tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    write_image(tmp_path / "images" / "a.jpg", frames[TWO])
    right, left = truth(TWO)
    half = coco_keypoints(left)
    half[-1] = 0  # a point that nobody labelled
    annotations = [
        {"image_id": 1, "category_id": 2, "keypoints": coco_keypoints(right)},
        {"image_id": 1, "category_id": 1, "keypoints": half, "bbox": [10, 20, 30, 40]},
    ]
    categories = [{"id": 1, "name": "Left Hand"}, {"id": 2, "name": "right_hand"}]
    path = tmp_path / "hands.json"
    images = [{"id": 1, "file_name": "a.jpg"}]
    write_json(path, {"images": images, "annotations": annotations, "categories": categories})
    (picture,) = datasets.read(f"coco:{path}")
    assert [hand.handedness for hand in picture.hands] == ["right"]
    assert list(picture.unsure) == [(10, 20, 40, 60)]


def test_a_limit_takes_pictures_from_the_whole_set(
    tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    folder = make_handpose_x(tmp_path, frames)
    for number in range(8):
        (folder / f"500{number}.json").write_bytes((folder / f"{ONE}.json").read_bytes())
        (folder / f"500{number}.jpg").write_bytes((folder / f"{ONE}.jpg").read_bytes())
    dataset = datasets.read(f"handpose_x:{folder}", limit=3)
    assert [entry.path.stem for entry in dataset.entries] == [str(TWO), "5002", "5007"]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("kind", ["freihand", "coco", "handpose_x"])
def test_the_pipeline_finds_the_hands_of_a_set(
    kind: str, tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    dataset = datasets.read(f"{kind}:{MAKERS[kind](tmp_path, frames)}")
    seen: list[int] = []
    accuracy = datasets.measure(
        dataset, "light", "tflite", 1, watch=lambda done, of: seen.extend((done, of))
    )
    assert seen == [1, 2, 2, 2]
    assert accuracy.pictures == 2
    assert accuracy.hands == accuracy.found == (2 if kind == "freihand" else 3)
    assert accuracy.false_hands == 0
    assert accuracy.mean_error is not None
    assert 0 < accuracy.mean_error < 0.12
    assert accuracy.handedness == (None if kind == "handpose_x" else 1)


@pytest.mark.usefixtures("models")
def test_real_photographs_are_measured_as_ever(media: Path) -> None:
    folder = media / "XIAN-HHappy+handpose_x" / "handpose_datasets"
    dataset = datasets.read(f"handpose_x:{folder}")
    once = datasets.measure(dataset, "full", "tflite", 2)
    assert (once.pictures, once.hands, once.found, once.false_hands) == (5, 5, 5, 0)
    assert once.mean_error == pytest.approx(0.095, abs=0.005)
    twice = datasets.measure(dataset, "full", "tflite", 2, second_pass=True)
    assert twice.mean_error == pytest.approx(0.081, abs=0.005)


def without_last(values: list[Any]) -> list[Any]:
    return values[:-1]


@pytest.mark.parametrize(
    ("kind", "file", "edit", "complaint"),
    [
        (
            "freihand",
            "training_xyz.json",
            without_last,
            "training_K.json: 2 cameras for the 1 hands of training_xyz.json: unpack both",
        ),
        (
            "freihand",
            "training_xyz.json",
            lambda hands: [hands[0], hands[1][:20]],
            "training_xyz.json: [1]: 20 points: a hand has 21",
        ),
        (
            "freihand",
            "training_xyz.json",
            lambda hands: [[[0, 0, -1.0]] * 21, hands[1]],
            "training_xyz.json: [0]: a point behind the camera",
        ),
        (
            "freihand",
            "training_xyz.json",
            lambda hands: [[[0, 0, 1.0]] * 21, hands[1]],
            "training_xyz.json: [0]: wrist and middle MCP must be numbers, and apart",
        ),
        (
            "freihand",
            "training_K.json",
            lambda cameras: [[[1, 2]], cameras[1]],
            "`array` of length 3 - at `$[0][0]`",
        ),
        (
            "coco",
            "annotations/whole.json",
            lambda content: {**content, "annotations": []},
            "whole.json: no annotation with 21 labelled points of a hand in keypoints, lefthand",
        ),
        (
            "coco",
            "annotations/whole.json",
            lambda content: {**content, "images": [{"id": 7}]},
            "missing required field `file_name` - at `$.images[0]`",
        ),
        (
            "coco",
            "annotations/whole.json",
            lambda content: {**content, "images": [{"id": 7, "file_name": "else.jpg"}]},
            "whole.json: its picture else.jpg lies neither beside it nor in a folder beside it",
        ),
        (
            "coco",
            "annotations/whole.json",
            lambda content: {
                **content,
                "annotations": [{"image_id": 7, "lefthand_kpts": [1.0, 2.0, 2.0]}],
            },
            "whole.json: annotations[0]: 3 numbers: a hand has 21 x, y, v",
        ),
        (
            "handpose_x",
            f"{TWO}.json",
            lambda content: {"info": [content["info"][0], {"pts": {"0": {"x": 1, "y": 2}}}]},
            f"{TWO}.json: info[1].pts: no point '1'",
        ),
        ("handpose_x", f"{TWO}.json", lambda _: [], "no labels of handpose_x: Expected `object`"),
    ],
)
def test_a_mistake_in_the_labels_is_named_with_file_and_place(
    kind: str,
    file: str,
    edit: Callable[[Any], object],
    complaint: str,
    tmp_path: Path,
    frames: dict[int, ImageArray],
) -> None:
    place = MAKERS[kind](tmp_path, frames)
    write_json(tmp_path / file, edit(json.loads((tmp_path / file).read_text())))
    with pytest.raises(InputError) as caught:
        datasets.read(f"{kind}:{place}")
    assert complaint in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 66


@pytest.mark.parametrize(
    ("kind", "file", "complaint"),
    [
        ("freihand", "training_K.json", "training_K.json: no cameras of FreiHAND (No such file"),
        ("coco", "annotations/whole.json", "whole.json: no labels in COCO's format (No such file"),
        ("handpose_x", f"{ONE}.jpg", f"{ONE}.json: no photograph {ONE}.jpg beside it"),
    ],
)
def test_a_file_that_is_missing_is_named(
    kind: str, file: str, complaint: str, tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    place = MAKERS[kind](tmp_path, frames)
    (tmp_path / file).unlink()
    with pytest.raises(InputError) as caught:
        datasets.read(f"{kind}:{place}")
    assert complaint in str(caught.value)


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_picture_that_cannot_be_read_is_named(
    content: bytes | None, tmp_path: Path, frames: dict[int, ImageArray]
) -> None:
    dataset = datasets.read(f"freihand:{make_freihand(tmp_path, frames)}")
    picture = tmp_path / "training" / "rgb" / "00000001.jpg"
    picture.unlink()
    if content is not None:
        picture.write_bytes(content)
    with pytest.raises(InputError, match=r"00000001\.jpg"):
        list(dataset)


def test_a_folder_that_holds_no_set_is_refused(tmp_path: Path) -> None:
    for kind in ("freihand", "handpose_x"):
        with pytest.raises(InputError, match="no such folder: --dataset"):
            datasets.read(f"{kind}:{tmp_path / 'nowhere'}")
    with pytest.raises(InputError, match="handpose_x has one beside each photograph"):
        datasets.read(f"handpose_x:{tmp_path}")
    with pytest.raises(InputError, match=r"training_xyz\.json: no points of FreiHAND"):
        datasets.read(f"freihand:{tmp_path}")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("freihnd:/data", "did you mean 'freihand'?"),
        ("/data", "write handpose_x:DIR, freihand:DIR, coco:FILE.json"),
        ("coco:", "no dataset 'coco:': write "),
    ],
)
def test_an_unknown_kind_of_set_is_a_usage_error(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        datasets.read(spec)
    assert complaint in str(caught.value)
