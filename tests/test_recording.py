"""Recordings: what a run saw and said comes back, to the byte, from whatever part is sound."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands import recording
from edgehands.errors import InputError
from edgehands.hand import Hand, Roi
from edgehands.recording import Entry, Header, Reader, Writer
from edgehands.replay import interpreter_of, replay
from edgehands.synthetic.truth import load_clip_truth

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.events import Event
    from edgehands.synthetic.truth import ClipTruth

HEADER = Header(run="01a2033e82c238740e", camera="bench", width=640, height=480, live=True)
BEGIN = 1_750_000_000.125  # a live camera's clock
FIRST_RECORD = 8
FRAMES = 240


@pytest.fixture(scope="module")
def truth() -> ClipTruth:
    return load_clip_truth()


def hands_of(truth: ClipTruth) -> list[list[Hand]]:
    """The demo clip's true hands, with ids as a tracker gives them."""
    ids = count(1)
    known: dict[str, int] = {}
    frames = []
    for frame in truth.frames[:FRAMES]:
        known = {side: id_ for side, id_ in known.items() if side in [h.handedness for h in frame]}
        hands = []
        for hand in frame:
            id_ = known.setdefault(hand.handedness, 0) or next(ids)
            known[hand.handedness] = id_
            roi = Roi(320.5, 240.25, 200.125, 0.1)
            hands.append(
                Hand(id_, hand.landmarks, hand.world_landmarks, 0.99, hand.handedness, 1.0, roi)
            )
        frames.append(hands)
    return frames


@pytest.fixture(scope="module")
def demo(truth: ClipTruth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip's truth as a recording, its events made as a run makes them."""
    path = tmp_path_factory.mktemp("recordings") / "demo.hands"
    interpreter = interpreter_of(HEADER)
    ts = 0.0
    with Writer(path, HEADER) as writer:
        for number, hands in enumerate(hands_of(truth)):
            time = number / truth.fps
            ts = BEGIN + time
            writer.write(Entry(time, ts, hands, interpreter.update(hands, time, ts, (640, 480))))
        writer.end(interpreter.finish(ts))
    return path


def as_bytes(events: list[Event]) -> bytes:
    return b"\n".join(msgspec.json.encode(event) for event in events)


def recorded(path: Path) -> list[Event]:
    with Reader(path) as reader:
        events = [event for entry in reader for event in entry.events]
        return [*events, *(reader.ending or ())]


def replayed(path: Path) -> list[Event]:
    with Reader(path) as reader:
        return [event for entry in replay(reader) for event in entry.events]


def edgehands(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_recording_gives_back_what_was_written(truth: ClipTruth, demo: Path) -> None:
    entries = list(recording.frames(demo))
    assert len(entries) == FRAMES
    assert [entry.time for entry in entries] == [n / truth.fps for n in range(len(entries))]
    for entry, hands in zip(entries, hands_of(truth), strict=True):
        assert entry.ts == BEGIN + entry.time
        for read, written in zip(entry.hands, hands, strict=True):
            np.testing.assert_array_equal(read.landmarks, written.landmarks)
            np.testing.assert_array_equal(read.world_landmarks, written.world_landmarks)
            assert read.landmarks.dtype == read.world_landmarks.dtype == np.float32
            for name in ("id", "presence", "handedness", "handedness_score", "roi"):
                assert getattr(read, name) == getattr(written, name)


def test_a_replay_gives_the_same_bytes_a_hundred_times(demo: Path) -> None:
    once = as_bytes(recorded(demo))
    assert once.count(b"\n") >= 10
    assert all(as_bytes(replayed(demo)) == once for _ in range(100))


def test_a_recording_is_compact(truth: ClipTruth, demo: Path) -> None:
    hands = sum(map(len, hands_of(truth)))
    assert demo.stat().st_size < 700 * hands + 100 * FRAMES


def test_a_replay_with_other_rules_says_what_would_have_happened(
    demo: Path, tmp_path: Path
) -> None:
    config = tmp_path / "slow.toml"
    config.write_text("[gestures.fist]\nenter_delay = 60\n")
    answer = edgehands("replay", str(demo), "--config", str(config))
    assert answer.returncode == 0
    assert answer.stderr == ""
    assert '"event_type":"fist"' not in answer.stdout
    assert '"event_type":"victory"' in answer.stdout


def test_replaying_on_the_command_line_prints_the_events_and_nothing_else(demo: Path) -> None:
    answer = edgehands("replay", str(demo))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.encode() == as_bytes(recorded(demo)) + b"\n"


def test_a_replay_says_what_differs_from_the_recording(demo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.hands"
    with Reader(demo) as reader, Writer(other, HEADER) as writer:
        for entry in reader:
            events = [
                msgspec.structs.replace(event, score=0.123) if event.event_type == "fist" else event
                for event in entry.events
            ]
            writer.write(entry._replace(events=events))
        writer.end(reader.ending or ())
    answer = edgehands("replay", str(other))
    assert answer.returncode == 0
    assert answer.stdout.encode() == as_bytes(recorded(demo)) + b"\n"
    assert "1 event differs from the recorded ones" in answer.stderr
    answer = edgehands("replay", str(other), "--recorded")
    assert '"score":0.123' in answer.stdout
    assert answer.stderr == ""


def test_landmarks_come_out_as_json_lines(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "landmarks.jsonl"
    assert edgehands("replay", str(demo), "--landmarks", str(out)).returncode == 0
    lines = [msgspec.json.decode(line) for line in out.read_text().splitlines()]
    entries = list(recording.frames(demo))
    for line, entry in zip(lines, entries, strict=True):
        assert line["time"] == round(entry.time, 4)
        assert [hand["id"] for hand in line["hands"]] == [hand.id for hand in entry.hands]


def record_starts(path: Path) -> list[int]:
    """Where each record begins, by walking over the lengths."""
    content = path.read_bytes()
    starts, at = [], FIRST_RECORD
    while at < len(content):
        starts.append(at)
        at += 8 + int.from_bytes(content[at : at + 4], "little")
    return starts


@pytest.mark.parametrize("byte", [0, 3, 5, 8, 60, -1])
def test_a_byte_of_damage_is_found_wherever_it_is(byte: int, demo: Path, tmp_path: Path) -> None:
    starts = record_starts(demo)
    number = 200
    at = starts[number + 1] - 1 if byte < 0 else starts[number] + byte
    content = bytearray(demo.read_bytes())
    content[at] ^= 0x41
    broken = tmp_path / "broken.hands"
    broken.write_bytes(content)
    with pytest.raises(InputError, match=f"record {number} at byte {starts[number]} "):
        list(recording.frames(broken))


def test_a_damaged_record_is_named_and_everything_before_it_replayed(
    demo: Path, tmp_path: Path
) -> None:
    start = record_starts(demo)[200]
    content = bytearray(demo.read_bytes())
    content[start + 100] ^= 0x41
    broken = tmp_path / "broken.hands"
    broken.write_bytes(content)
    answer = edgehands("replay", str(broken))
    assert answer.returncode == 66
    assert answer.stderr == (
        f"edgehands: {broken} is damaged: record 200 at byte {start} does not match its checksum; "
        "the 199 frames before it could be read\n"
    )
    before = [event for entry in list(recording.frames(demo))[:199] for event in entry.events]
    assert answer.stdout.encode() == as_bytes(before) + b"\n"


def test_a_record_that_was_taken_out_is_missed(demo: Path, tmp_path: Path) -> None:
    starts = record_starts(demo)
    content = demo.read_bytes()
    short = tmp_path / "short.hands"
    short.write_bytes(content[: starts[50]] + content[starts[51] :])
    with pytest.raises(InputError, match=r"record 50 at byte \d+ does not match its checksum"):
        list(recording.frames(short))


@pytest.mark.parametrize("kept", range(0, 9000, 307))
def test_a_file_cut_anywhere_reads_up_to_the_cut(kept: int, demo: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.hands"
    cut.write_bytes(demo.read_bytes()[:kept])
    whole = sum(start <= kept for start in record_starts(demo)) - 2  # neither header nor the cut
    read: list[Entry] = []
    try:
        read.extend(recording.frames(cut))
    except InputError as error:
        assert re.search(r"is empty|is no recording|is damaged: .* cut short", str(error))  # noqa: PT017
    else:
        pytest.fail("nothing was missed")
    assert len(read) == max(whole, 0)


def test_a_payload_that_makes_no_sense_is_damage(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.hands"
    hand = next(entry.hands[0] for entry in recording.frames(demo) if entry.hands)
    with Writer(path, HEADER) as writer:
        writer.write(Entry(0.0, 0.0, [replace(hand, landmarks=hand.landmarks[:20])]))
    with pytest.raises(InputError, match=r"record 1 at byte \d+ makes no sense"):
        list(recording.frames(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: no frame was recorded"),
        (b'{"event_type":"fist"}\n' * 9, "is no recording; make one with: edgehands record"),
        (b"\x89HANDS\x02\x00later", "is a recording of format 2; this EdgeHands .* newer one"),
        (b"\x89HANDS\x01\x00", "is empty: no frame was recorded"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.hands"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Reader(path)


def test_a_recording_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    answer = edgehands("replay", str(tmp_path / "none.hands"))
    assert answer.returncode == 66
    missing = tmp_path / "none.hands"
    assert answer.stderr == f"edgehands: cannot read {missing}: No such file or directory\n"


@pytest.mark.usefixtures("models")
def test_what_a_run_prints_its_recording_replays(tmp_path: Path) -> None:
    path = tmp_path / "run.hands"
    live = edgehands("record", "--source", demo_clip(), "--frames", "110", "--out", str(path))
    assert live.returncode == 0, live.stderr
    assert '"event_type":"fist"' in live.stdout
    again = edgehands("replay", str(path))
    assert (again.stdout, again.stderr) == (live.stdout, "")
    with Reader(path) as reader:
        assert (reader.header.width, reader.header.height) == (640, 480)
        assert reader.header.model == "full"


@pytest.mark.usefixtures("models")
def test_a_killed_recorder_leaves_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "killed.hands"
    arguments = ["record", "--source", demo_clip(), "--out", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.communicate()[0].splitlines(keepends=True)
    answer = edgehands("replay", str(path))
    assert answer.returncode == 0
    assert answer.stdout.startswith("".join(lines))
    assert answer.stderr == (
        f"edgehands: {path} has no end: its recorder was killed, and gestures that were under way "
        "do not end\n"
    )


def demo_clip() -> str:
    from edgehands.synthetic import DEMO_CLIP

    return f"file:{DEMO_CLIP}"
