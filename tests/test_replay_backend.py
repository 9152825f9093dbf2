"""The replay backend: recorded outputs come back, and a bad recording says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.errors import DeviceError, InputError, ModelError, UsageError
from edgehands.models import store
from edgehands.selection import open_session
from tests.sessions import FAKE, MODELS, RUNS, results, same

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.inference import Session


def replayed(path: Path, name: str = "light", **options: str) -> Session:
    return open_session("replay", store.load(name), options={"file": str(path), **options})


@pytest.mark.parametrize("name", MODELS)
def test_a_replay_returns_the_recorded_outputs_bit_for_bit(recording: Path, name: str) -> None:
    with open_session("tflite", store.load(name)) as session:
        expected = results(session)
    with replayed(recording, name) as session:
        assert same([session.run() for _ in range(RUNS)], expected)


def test_a_replay_ends_with_a_device_error(recording: Path) -> None:
    with replayed(recording) as session:
        for _ in range(RUNS):
            session.run()
        with pytest.raises(DeviceError, match=f"ends after {RUNS} runs: record more, or set loop"):
            session.run()


def test_a_looped_replay_starts_over(recording: Path) -> None:
    with replayed(recording, loop="yes") as session:
        first = [session.run() for _ in range(RUNS)]
        assert same(first, [session.run() for _ in range(RUNS)])


def test_a_loop_is_yes_or_no(recording: Path) -> None:
    replayed(recording, loop="no").close()
    with pytest.raises(UsageError, match="loop=true: say yes or no"):
        replayed(recording, loop="true")


def test_a_replay_needs_a_file() -> None:
    with pytest.raises(UsageError, match=r"needs the option file=RECORDING\.npz"):
        open_session("replay", FAKE)


def test_a_recording_of_a_recording_is_refused() -> None:
    with pytest.raises(UsageError, match="name another backend"):
        open_session("replay", FAKE, options={"file": "x.npz", "record_from": "replay"})


@pytest.mark.usefixtures("models")
def test_a_missing_recording_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz: make it with the option record_from"):
        replayed(tmp_path / "none.npz")


def test_a_recording_without_the_model_is_a_model_error(recording: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial.npz"
    with np.load(recording) as arrays:
        np.savez(partial, **{key: arrays[key] for key in arrays if not key.startswith("light/")})
    replayed(partial, "full").close()
    with pytest.raises(ModelError, match=r"holds no 'light/landmarks': record it with model light"):
        replayed(partial, "light")


@pytest.mark.parametrize("shape", [(3, 63), (3, 1, 62), (3, 2, 63), ()])
def test_a_recording_of_another_shape_is_a_model_error(
    recording: Path, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    other = tmp_path / "other.npz"
    with np.load(recording) as arrays:
        np.savez(other, **{**arrays, "light/landmarks": np.zeros(shape, np.float32)})
    with pytest.raises(ModelError, match=r"'light/landmarks' of shape .*, not \[runs, 1, 63\]"):
        replayed(other)


def damages(good: bytes) -> dict[str, bytes]:
    middle = len(good) // 2
    return {
        "empty": b"",
        "text": b"hello",
        "cut": good[:middle],
        "changed": good[:middle] + bytes(byte ^ 0xFF for byte in good[middle:-2000]) + good[-2000:],
        "no index": good[:-30],
    }


@pytest.mark.parametrize("damage", list(damages(b"")))
def test_a_damaged_recording_is_an_input_error(
    recording: Path, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "damaged.npz"
    file.write_bytes(damages(recording.read_bytes())[damage])
    with pytest.raises(InputError, match=r"damaged\.npz is not a recording"):
        replayed(file)


@pytest.mark.usefixtures("models")
def test_a_single_array_and_a_folder_are_no_recordings(tmp_path: Path) -> None:
    np.save(tmp_path / "single.npy", np.zeros(3))
    for path in (tmp_path / "single.npy", tmp_path):
        with pytest.raises(InputError, match="is not a recording"):
            replayed(path)


@pytest.mark.usefixtures("models")
def test_a_recording_makes_its_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "clip.npz"
    with replayed(path, record_from="tflite") as session:
        session.run()
        session.close()  # once more at the end of the block
    replayed(path).close()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("models")
def test_a_recording_that_cannot_be_added_to_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "notes.npz"
    path.write_text("shopping list")
    with pytest.raises(InputError, match="is not a recording"):
        replayed(path, record_from="tflite")
    assert path.read_text() == "shopping list"


@pytest.mark.usefixtures("models")
def test_a_recording_describes_what_it_records(tmp_path: Path) -> None:
    with replayed(tmp_path / "clip.npz", record_from="tflite") as session:
        assert session.describe().backend == "tflite"
