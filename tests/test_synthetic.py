"""Drawn hands: bones that keep their lengths, pictures that agree with their truth, the cache."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands.cameras import open_camera
from edgehands.errors import InputError
from edgehands.hand import FINGERS, Landmark
from edgehands.synthetic import DEMO_CLIP, DEMO_TRUTH, anatomy, atlas, cache, dataset, pose, stream
from edgehands.synthetic.anatomy import ADULT
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.march import trace
from edgehands.synthetic.motion import Key, Track
from edgehands.synthetic.pose import GESTURES, pose_skeleton
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor, draw
from edgehands.synthetic.sensor import Sensor
from edgehands.synthetic.surface import build_field
from edgehands.synthetic.truth import load_clip_truth, pack_clip_truth, unpack_clip_truth

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgehands.hand import FloatArray, ImageArray
    from edgehands.synthetic.render import Layer
    from edgehands.synthetic.truth import Truth

SMALL = Camera(width=160, height=160, focal=200.0)
VIEWS = [
    Placement((0.0, 60.0, 500.0)),
    Placement((10.0, 60.0, 500.0), yaw=180.0),
    Placement((0.0, 50.0, 480.0), yaw=-40.0, pitch=20.0, roll=30.0),
    Placement((0.0, 40.0, 520.0), yaw=150.0, pitch=-10.0, roll=-50.0, left=True),
]
STRAIGHT = {
    "open_palm": "thumb index middle ring pinky",
    "fist": "",
    "victory": "index middle",
    "pointing_up": "index",
    "thumb_up": "thumb",
    "thumb_down": "thumb",
    "ok": "middle ring pinky",
    "pinch": "",
    "rock": "index pinky",
    "i_love_you": "thumb index pinky",
    "call_me": "thumb pinky",
    "three": "index middle ring",
    "four": "index middle ring pinky",
    "gun": "thumb index",
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def kept() -> Path:
    folder = cache.cache_folder()
    assert folder is not None
    return folder


def coverage(layer: Layer, camera: Camera = SMALL) -> FloatArray:
    """A layer's coverage in the whole picture."""
    whole = np.zeros((camera.height, camera.width), np.float32)
    height, width = layer.coverage.shape
    whole[layer.y : layer.y + height, layer.x : layer.x + width] = layer.coverage
    return whole


# Bones


def test_bones_keep_their_lengths_in_every_pose() -> None:
    rng = np.random.default_rng(1)
    for held in (*GESTURES.values(), *(pose.varied(GESTURES["fist"], rng, 30.0) for _ in range(5))):
        joints = pose_skeleton(ADULT, held).joints
        for finger, chain in zip(ADULT.fingers, FINGERS.values(), strict=True):
            lengths = np.linalg.norm(np.diff(joints[list(chain)], axis=0), axis=1)
            np.testing.assert_allclose(lengths, finger.lengths, rtol=1e-9)


@pytest.mark.parametrize("gesture", GESTURES)
def test_each_gesture_stretches_the_fingers_it_is_known_for(gesture: str) -> None:
    joints = pose_skeleton(ADULT, GESTURES[gesture]).joints
    straight = set()
    for name, (base, middle, _, tip) in FINGERS.items():
        # A stretched finger ends farther from the palm's far side than its second joint.
        far = joints[Landmark.PINKY_MCP] if name == "thumb" else joints[Landmark.WRIST]
        if np.linalg.norm(joints[tip] - far) > np.linalg.norm(joints[middle] - far) + 15.0:
            straight.add(name)
        assert np.linalg.norm(joints[tip] - joints[base]) > 15.0
    assert straight == set(STRAIGHT[gesture].split())


def test_interpolation_starts_and_ends_at_the_poses_and_turns_every_joint_halfway() -> None:
    start, end = GESTURES["fist"], GESTURES["victory"]
    assert pose.interpolate(start, end, 0.0) == start
    assert pose.interpolate(start, end, 1.0) == end
    middle = pose.interpolate(start, end, 0.5)
    assert middle.index[0] == pytest.approx((start.index[0] + end.index[0]) / 2)


# Skin


@pytest.mark.parametrize("gesture", GESTURES)
def test_skin_lies_around_every_joint(gesture: str) -> None:
    person = anatomy.varied(ADULT, np.random.default_rng(3))
    skeleton = pose_skeleton(person, GESTURES[gesture])
    depth = -build_field(person, skeleton).distance(skeleton.joints.astype(np.float32))
    assert depth.min() > 4.0
    assert depth.max() < 25.0


def test_rays_end_on_the_skin_and_normals_point_out_of_it() -> None:
    skeleton = pose_skeleton(ADULT, GESTURES["fist"])
    field = build_field(ADULT, skeleton)
    _, hits = trace(field, VIEWS[0], SMALL)
    inner = hits.points[hits.coverage > 0.99]
    assert len(inner) > 800
    half_a_pixel = 0.5 * 500.0 / SMALL.focal
    assert np.abs(field.distance(inner)).max() < half_a_pixel + 0.3
    normals = field.gradient(inner)
    rise = field.distance(inner + normals) - field.distance(inner - normals)
    assert np.median(rise) == pytest.approx(2.0, abs=0.1)


def test_what_a_ray_leaves_out_does_not_change_what_it_sees() -> None:
    skeleton = pose_skeleton(ADULT, GESTURES["fist"])
    field = build_field(ADULT, skeleton)
    _, hits = trace(field, VIEWS[2], SMALL)
    partly, wholly = field.distance(hits.points, hits.picks), field.distance(hits.points)
    # Where three capsules melt in turn, one just out of reach may shift the skin by a trifle.
    np.testing.assert_allclose(partly, wholly, atol=0.1)


# Pictures and their truth


@pytest.mark.parametrize("placement", VIEWS)
@pytest.mark.parametrize("gesture", ["open_palm", "fist"])
def test_landmarks_lie_in_the_silhouette_and_fingers_end_soon_behind_their_tips(
    gesture: str, placement: Placement
) -> None:
    actor = Actor(placement, GESTURES[gesture])
    seen = coverage(actor.render(SMALL, Light()))
    points = actor.truth(SMALL).landmarks[:, :2]
    x, y = points.astype(int).T
    assert seen[y, x].min() > 0.9
    if gesture == "open_palm":
        for _, _, dip, tip in list(FINGERS.values())[1:]:
            outward = points[tip] - points[dip]
            if np.linalg.norm(outward) < 6.0:
                continue  # it points at the camera
            beyond = points[tip] + outward / np.linalg.norm(outward) * 16.0 * SMALL.focal / 480.0
            assert seen[int(beyond[1]), int(beyond[0])] < 0.1


def test_an_edge_covers_as_much_of_its_pixels_as_a_finer_picture_says() -> None:
    fine = Camera(width=480, height=480, focal=600.0)
    actor = Actor(VIEWS[2])
    rough, exact = (
        coverage(actor.render(SMALL, Light())),
        coverage(actor.render(fine, Light()), fine),
    )
    blocks = exact.reshape(160, 3, 160, 3).mean(axis=(1, 3))
    assert np.abs(rough - blocks).mean() < 0.006
    assert rough.sum() == pytest.approx(blocks.sum(), rel=0.01)


def test_a_left_hand_is_a_right_one_in_a_mirror() -> None:
    right = Actor(Placement((12.0, 60.0, 500.0), 25.0, 10.0, 15.0))
    left = Actor(Placement((-12.0, 60.0, 500.0), -25.0, 10.0, -15.0, left=True))
    one, other = right.truth(SMALL), left.truth(SMALL)
    assert (one.handedness, other.handedness) == ("right", "left")
    np.testing.assert_allclose(SMALL.width - one.landmarks[:, 0], other.landmarks[:, 0], atol=1e-3)
    np.testing.assert_allclose(one.landmarks[:, 1:], other.landmarks[:, 1:], atol=1e-3)
    np.testing.assert_allclose(one.world_landmarks * [-1, 1, 1], other.world_landmarks, atol=1e-6)
    first = coverage(right.render(SMALL, Light()))
    second = coverage(left.render(SMALL, Light()))
    assert np.abs(first[:, ::-1] - second).mean() < 1e-3
    assert np.abs(first - second).mean() > 0.02


def test_a_right_palm_shows_its_thumb_on_the_pictures_right() -> None:
    palm, back = (Actor(view).truth(SMALL).landmarks[:, 0] for view in VIEWS[:2])
    assert palm[Landmark.THUMB_TIP] > palm[Landmark.PINKY_TIP]
    assert back[Landmark.THUMB_TIP] < back[Landmark.PINKY_TIP]


def test_depth_is_negative_towards_the_camera_and_scaled_like_x() -> None:
    far = Camera(width=640, height=480, focal=60_000.0)  # from afar there is no perspective
    curled = GESTURES["fist"]
    front = Actor(Placement((0.0, 0.0, 50_000.0)), curled).truth(far).landmarks
    side = Actor(Placement((0.0, 0.0, 50_000.0), yaw=90.0), curled).truth(far).landmarks
    assert front[Landmark.INDEX_PIP, 2] < -20.0
    assert front[0, 2] == 0.0
    turned = front[:, 2] - front[0, 2]
    np.testing.assert_allclose(side[:, 0] - side[0, 0], turned, atol=0.5)


def test_world_landmarks_are_metres_about_their_mean() -> None:
    truth = Actor(VIEWS[2]).truth(SMALL)
    np.testing.assert_allclose(truth.world_landmarks.mean(axis=0), 0.0, atol=1e-6)
    tip, dip = truth.world_landmarks[Landmark.INDEX_TIP], truth.world_landmarks[Landmark.INDEX_DIP]
    assert np.linalg.norm(tip - dip) == pytest.approx(ADULT.index.lengths[2] / 1000.0, rel=1e-4)


def test_the_nearer_hand_covers_the_other() -> None:
    near = Actor(Placement((0.0, 60.0, 450.0)))
    far = Actor(Placement((0.0, 70.0, 600.0), yaw=180.0))
    sensor = Sensor(blur=0.0, noise=0.0)
    flat = np.full((160, 160, 3), 0.1, np.float32)

    def picture(*actors: Actor) -> ImageArray:
        rng = np.random.default_rng(0)
        return draw(actors, SMALL, flat, light=Light(), sensor=sensor, rng=rng)

    alone, both, swapped = picture(near), picture(near, far), picture(far, near)
    inside = coverage(near.render(SMALL, Light())) == 1.0
    assert inside.sum() > 1000
    np.testing.assert_array_equal(both[inside], alone[inside])
    np.testing.assert_array_equal(both, swapped)
    assert (both != alone).any()


def test_a_hand_out_of_view_is_not_drawn() -> None:
    layer = Actor(Placement((2000.0, 0.0, 500.0))).render(SMALL, Light())
    assert layer.coverage.sum() == 0.0


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_fill_the_picture_and_depend_on_the_seed_alone(kind: str) -> None:
    first, again, other = (background(kind, 96, 64, np.random.default_rng(i)) for i in (1, 1, 2))
    assert first.shape == (64, 96, 3)
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# The cache


def test_what_is_cached_is_not_made_again() -> None:
    assert cache.cached("a/b", lambda: b"once") == b"once"
    assert cache.cached("a/b", lambda: b"twice") == b"once"
    assert [path.name for path in (kept() / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_made_again(damage: bytes | None) -> None:
    cache.cached("thing", lambda: b"content" * 100)
    path = kept() / "thing"
    whole = path.read_bytes()
    flipped = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]
    path.write_bytes(flipped if damage is None else damage)
    assert cache.cached("thing", lambda: b"new") == b"new"
    assert cache.cached("thing", lambda: b"newer") == b"new"


def test_a_disk_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        for name in ("one", "two", "three"):
            assert cache.cached(name, lambda: b"content") == b"content"
    assert len(caplog.messages) == 1
    assert "/file/edgehands/synthetic/" in caplog.text
    assert "cannot be written (Not a directory): " in caplog.text
    assert "`export XDG_CACHE_HOME=DIR`" in caplog.text


@pytest.mark.usefixtures("no_home")
def test_without_a_home_pictures_are_drawn_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.chdir(tmp_path)
    cache._warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert [cache.cached("thing", lambda: b"content") for _ in range(3)] == [b"content"] * 3
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("this user has no home: ")
    assert list(tmp_path.iterdir()) == []
    sprite = atlas.draw_sprite(0)
    monkeypatch.setattr(atlas, "draw_sprite", lambda _number: sprite)  # 42 take seconds
    with open_camera("synthetic:") as camera:
        assert next(camera).image.any()


# The accuracy set


def same(one: dataset.Sample, other: dataset.Sample) -> bool:
    pairs = list(zip(one.hands, other.hands, strict=True))
    return (
        np.array_equal(one.image, other.image)
        and all(np.array_equal(a.landmarks, b.landmarks) for a, b in pairs)
        and all(np.array_equal(a.world_landmarks, b.world_landmarks) for a, b in pairs)
        and all((a.handedness, a.gesture) == (b.handedness, b.gesture) for a, b in pairs)
        and one.tags == other.tags
    )


def test_a_seed_gives_the_same_samples_drawn_or_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = dataset.draw_sample(5, 3)
    first = dataset.accuracy_set(5, 10)[3]
    assert same(drawn, first)
    assert not same(drawn, dataset.accuracy_set(6, 10)[3])

    def never(seed: int, number: int) -> dataset.Sample:
        raise AssertionError((seed, number))

    monkeypatch.setattr(dataset, "draw_sample", never)
    assert same(dataset.accuracy_set(5, 4)[-1], first)
    path = next((kept() / "accuracy" / "5").iterdir())
    path.write_bytes(b"damaged")
    with pytest.raises(AssertionError):
        dataset.accuracy_set(5, 10)[3]


def test_samples_hold_whole_hands_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    sides: set[str] = set()
    counts: set[int] = set()
    # The picture is not looked at: leave out what takes the time.
    monkeypatch.setattr(dataset, "draw", lambda *_, **__: np.zeros((480, 640, 3), np.uint8))
    for number in range(60):
        sample = dataset.draw_sample(dataset.TUNING_SEED, number)
        assert all(hand.inside(640, 480) == 1.0 for hand in sample.hands)
        counts.add(len(sample.hands))
        sides.update(hand.handedness for hand in sample.hands)
    assert counts == {1, 2}
    assert sides == {"left", "right"}


def test_a_set_is_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "draw", lambda *_, **__: np.zeros((4, 4, 3), np.uint8))
    samples = dataset.accuracy_set(1, 3)
    assert len(samples) == 3
    assert [sample.gesture for sample in samples] == [sample.gesture for sample in samples[0:3]]
    with pytest.raises(IndexError):
        samples[3]


# The demo clip


def frames_of(path: Path) -> list[ImageArray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    capture.release()
    return frames


def test_the_clip_and_its_truth_agree() -> None:
    truth, frames = load_clip_truth(), frames_of(DEMO_CLIP)
    assert len(frames) == len(truth.frames)
    assert frames[0].shape == (truth.height, truth.width, 3)
    assert not truth.frames[0]
    empty = frames[0].astype(int)
    for frame, hands in zip(frames[::10], truth.frames[::10], strict=True):
        for hand in hands:
            assert covers(frame, empty, hand) > 0.9
    shown = {hand.gesture for hands in truth.frames for hand in hands}
    assert shown == {"open_palm", "fist", "victory", "pointing_up", "thumb_up", ""}
    assert {len(hands) for hands in truth.frames} == {0, 1, 2}


def covers(
    frame: ImageArray,
    empty: npt.NDArray[np.int_],
    hand: Truth,
) -> float:
    """Share of the landmarks in the picture where it differs from the empty room."""
    height, width = frame.shape[:2]
    points = hand.landmarks[:, :2]
    points = points[((points >= 0) & (points < (width, height))).all(axis=1)].astype(int)
    change = np.abs(frame - empty).sum(axis=2)[points[:, 1], points[:, 0]]
    return float(np.mean(change > 40))


def test_the_clip_is_small() -> None:
    assert DEMO_CLIP.stat().st_size <= 1_500_000
    assert DEMO_TRUTH.stat().st_size <= 200_000


def test_a_clips_truth_survives_its_file() -> None:
    hand = Actor(VIEWS[3], GESTURES["ok"], "ok").truth(SMALL)
    restored = unpack_clip_truth(pack_clip_truth([[], [hand], []], 25.0, 160, 160))
    assert [len(frame) for frame in restored.frames] == [0, 1, 0]
    again = restored.frames[1][0]
    np.testing.assert_allclose(again.landmarks, hand.landmarks, atol=0.5 / 16 + 1e-4)
    np.testing.assert_allclose(again.world_landmarks, hand.world_landmarks, atol=6e-6)
    assert (again.handedness, again.gesture) == ("left", "ok")


def test_a_clip_without_readable_truth_is_an_input_error(tmp_path: Path) -> None:
    damaged = tmp_path / "demo.npz"
    damaged.write_bytes(DEMO_TRUTH.read_bytes()[:1000])
    for path in (damaged, tmp_path / "absent.npz"):
        with pytest.raises(InputError, match=r"npz: no readable ground truth"):
            load_clip_truth(path)


def test_a_track_is_there_between_its_keys_only() -> None:
    here, there = (0.0, 0.0, 500.0), (50.0, 0.0, 500.0)
    track = Track((Key(1.0, "fist", here), Key(2.0, "victory", there), Key(3.0, "victory", there)))
    assert track.at(0.99) is None
    assert track.at(3.01) is None
    gestures = [actor.gesture for t in (1.0, 1.5, 2.0, 2.5) if (actor := track.at(t)) is not None]
    assert gestures == ["fist", "", "victory", "victory"]


# The live picture


def test_the_stream_shows_hands_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    only = atlas.Atlas([atlas.draw_sprite(0)])
    monkeypatch.setattr(stream, "load_atlas", lambda _: only)
    live = stream.SyntheticStream()
    empty = live.frame_at(0.0)[0].astype(int)
    counts = set()
    for time in np.arange(0.0, stream.PERIOD, 0.5):
        image, hands = live.frame_at(float(time))
        again, _ = live.frame_at(float(time) + stream.PERIOD * 2)
        assert np.abs(image.astype(int) - again).max() < 40  # the grain may be another
        counts.add(len(hands))
        for hand in hands:
            assert covers(image, empty, hand) > 0.9
            index, pinky = hand.landmarks[[Landmark.INDEX_MCP, Landmark.PINKY_MCP], :2]
            middle, wrist = hand.landmarks[[Landmark.MIDDLE_MCP, Landmark.WRIST], :2]
            side = float(np.linalg.det(np.stack([index - pinky, middle - wrist])))
            assert (side < 0) == (hand.handedness == "right")
    assert counts == {0, 1, 2}


def test_the_atlas_is_drawn_once_and_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sprite = atlas.Sprite(
        np.arange(48, dtype=np.uint8).reshape(3, 4, 4),
        np.ones((21, 3), np.float32),
        np.zeros((21, 3), np.float32),
    )
    drawn: list[int] = []

    def draw_sprite(number: int) -> atlas.Sprite:
        drawn.append(number)
        return sprite

    monkeypatch.setattr(atlas, "draw_sprite", draw_sprite)
    shares: list[float] = []
    loaded = atlas.load_atlas(shares.append)
    atlas.load_atlas()
    assert drawn == list(range(len(drawn)))
    assert len(drawn) == (len(atlas.PATH) - 1) * atlas.STEPS
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    np.testing.assert_array_equal(loaded.at(2.5).image, sprite.image)
