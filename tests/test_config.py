from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from edgehands.cameras import open_camera
from edgehands.config import (
    SAMPLE,
    CameraConfig,
    Config,
    ContactSheetConfig,
    LandmarksConfig,
    RecordingConfig,
    StdoutConfig,
    TrackerConfig,
    VideoConfig,
    check,
    load_config,
    overlay,
)
from edgehands.errors import ConfigError, UsageError
from edgehands.gestures.vocabulary import Pose
from edgehands.mqtt.settings import MqttConfig
from edgehands.redaction import has_url_password, redacted
from edgehands.settings import EventSettings, GestureRules, checked
from edgehands.toml_places import TomlPlaces

if TYPE_CHECKING:
    from pathlib import Path

GESTURES = ("fist", "open_palm", "thumb_up", "victory")

FULL = """
[[camera]]
source = "/dev/video0"
name = "bench"
width = 1280
height = 720
fps = 30
frames = 100

[[output]]
type = "stdout"

[[output]]
type = "landmarks"
path = "hands.jsonl"

[[output]]
type = "video"
path = "hands.mp4"

[[output]]
type = "contact_sheet"
path = "sheet.jpg"
columns = 3
count = 9

[tracker]
model = "light"
max_hands = 1
min_presence = 0.6
backend_options = { delegate = "/usr/lib/x.so" }

[gestures.fist]
enter_delay = 1
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "edgehands.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def errors_of(folder: Path, text: str | bytes) -> list[str]:
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, known_gestures=GESTURES)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_every_table_arrives_with_its_type(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL), known_gestures=GESTURES)
    assert config == Config(
        camera=(
            CameraConfig(
                source="/dev/video0", name="bench", width=1280, height=720, fps=30.0, frames=100
            ),
        ),
        output=(
            StdoutConfig(),
            LandmarksConfig(path="hands.jsonl"),
            VideoConfig(path="hands.mp4"),
            ContactSheetConfig(path="sheet.jpg", columns=3, count=9),
        ),
        tracker=TrackerConfig(
            model="light",
            max_hands=1,
            min_presence=0.6,
            backend_options={"delegate": "/usr/lib/x.so"},
        ),
        gestures={"fist": GestureRules(enter_delay=1.0)},
    )
    assert isinstance(config.camera[0].fps, float)


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "")) == Config()


def test_windows_line_ends_are_accepted_and_counted_right(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, FULL.replace("\n", "\r\n"))).camera[0].name == "bench"
    text = '[tracker]\r\n# note\r\nmodel = """\r\nlight"""\r\n  max_hands = 0\r\n'
    assert errors_of(tmp_path, text)[0].startswith("5:3: max_hands")


def test_gesture_names_are_free_without_a_vocabulary(tmp_path: Path) -> None:
    assert "wave" in load_config(write(tmp_path, "[gestures.wave]")).gestures


def test_the_bounds_themselves_are_allowed(tmp_path: Path) -> None:
    for text in ("max_hands = 1", "max_hands = 8", "min_presence = 0", "min_presence = 1.0"):
        load_config(write(tmp_path, f"[tracker]\n{text}"))


# What is wrong, the line and column to jump to, and a part of what is said about it.
BROKEN: dict[str, tuple[str | bytes, int, int, str]] = {
    # names
    "unknown key": ("[tracker]\nmin_presense = 0.5", 2, 1, "did you mean 'min_presence'?"),
    "unknown key says where": ("[tracker]\nmin_presense = 0.5", 2, 1, "in [tracker]"),
    "unknown key of a camera": ('[[camera]]\nsource="0"\ndevice = 1', 3, 1, "known here: source"),
    "unknown table": ("[trakcer]\nmodel = 'full'", 1, 2, "did you mean 'tracker'?"),
    "key before any table": ("max_hands = 1", 1, 1, "at the top of the file"),
    "unknown key of an output": ("[[output]]\ntype='stdout'\npath='x'", 3, 1, "key 'path'"),
    "unknown key, dotted": ("tracker.modle = 'full'", 1, 9, "did you mean 'model'?"),
    "unknown key, quoted": ("[tracker]\n 'mo del' = 1", 2, 2, "unknown key 'mo del'"),
    "unknown key, escaped": ('[tracker]\n"mod\\u00e9l" = 1', 2, 1, "did you mean 'model'?"),
    "unknown key, inline": ("tracker = { model = 'full', nope = 1 }", 1, 29, "unknown key 'nope'"),
    "unknown gesture": ("[gestures.thumbs_up]", 1, 11, "did you mean 'thumb_up'?"),
    "unknown gesture, far off": ("[gestures.xyz]", 1, 11, "known: fist, open_palm"),
    "unknown key of a gesture": ("[gestures.fist]\nentry = 1", 2, 1, "in [gestures.fist]"),
    # types
    "text for a number": ('[tracker]\nmax_hands = "2"', 2, 1, 'got the text "2"'),
    "number for text": ("[[camera]]\nsource = 0", 2, 1, "expected text in quotes"),
    "number for a switch": ("[tracker]\nmirrored = 1", 2, 1, "expected true or false, got 1"),
    "switch for a number": ("[tracker]\nmin_presence = true", 2, 1, "got true"),
    "fraction for an integer": ("[tracker]\nthreads = 2.0", 2, 1, "expected a whole number"),
    "array for a number": ("[tracker]\nsearch_interval = [1]", 2, 1, "got an array"),
    "table for a number": ("[tracker.max_hands]\na = 1", 1, 10, "got a table"),
    "date for a number": ("[tracker]\nmin_presence = 2026-01-01", 2, 1, "got a date"),
    "number for a table": ("tracker = 1", 1, 1, "[tracker]: expected a table, got 1"),
    "number for tables": ("camera = 1", 1, 1, "expected tables [[camera]]"),
    "number in tables": ("camera = [\n  # first\n  1]", 3, 3, "[[camera]]: expected a table"),
    "one table for several": ("[camera]\nsource = '0'", 1, 2, "write [[camera]], not [camera]"),
    "number for free names": ("tracker.backend_options = 1", 1, 9, "expected a table, got 1"),
    "number among texts": ("[tracker.backend_options]\na = ''\nb = 2", 3, 1, "b: expected text"),
    "number for the rules": ("[gestures]\nfist = 1", 2, 1, "[gestures.fist]: expected a table"),
    "choice": ('[tracker]\nprecision = "fp16"', 2, 1, 'expected "fp32" or "int8"'),
    # ranges
    "below": ("[tracker]\nmax_hands = 0", 2, 1, "from 1 to 8, got 0"),
    "above": ("[tracker]\nmin_presence = 1.01", 2, 1, "a number from 0 to 1, got 1.01"),
    "negative": ("[tracker]\nsearch_interval = -0.1", 2, 1, "a number of at least 0"),
    "zero": ("[tracker]\nsmoothing_min_cutoff = 0", 2, 1, "a number above 0"),
    "two bounds": ("[[camera]]\nsource='0'\nfps = 0", 3, 1, "above 0 and of at most 1000"),
    "not a number": ("[tracker]\nmin_presence = nan", 2, 1, "got nan"),
    "infinite": ("[tracker]\nsearch_interval = inf", 2, 1, "got inf"),
    "huge": ("[tracker]\nsearch_interval = 1" + "0" * 400, 2, 1, "000…"),
    "too small a picture": ("[[camera]]\nsource='0'\nwidth = 0", 3, 1, "16 to 16384, got 0"),
    "empty source": ("[[camera]]\nsource = ''", 2, 1, "(not empty)"),
    "name for a topic": ("[[camera]]\nsource='0'\nname='Front door'", 3, 1, "small letters"),
    "name with a line end": ('[[camera]]\nsource="0"\nname="a\\n"', 3, 1, "small letters"),
    # missing
    "no source": ("\n[[camera]]\nname = 'a'", 2, 1, "[[camera]] needs 'source'"),
    "no source, inline": ("camera = [ {name='b'} ]", 1, 12, "needs 'source'"),
    "no second path": (
        "[[output]]\ntype='stdout'\n [[output]]\ntype='video'",
        *(3, 2, "needs 'path'"),
    ),
    "no output type": ("[[output]]\npath = 'x'", 1, 1, '"stdout", "landmarks"'),
    "no path": ("[[output]]\ntype = 'video'", 1, 1, "[[output]] needs 'path'"),
    "unknown output": ("[[output]]\ntype = 'vidio'", 2, 1, "did you mean 'video'?"),
    "output type of a number": ("[[output]]\ntype = 1", 2, 1, "got 1"),
    # brokers
    "no url": ("[[output]]\ntype = 'mqtt'", 1, 1, "[[output]] needs 'url'"),
    "empty url": ("[[output]]\ntype='mqtt'\nurl=' '", 3, 1, "(not empty)"),
    "url of a number": ("[[output]]\ntype='mqtt'\nurl=1883", 3, 1, "url: expected text in quotes"),
    "no url at all": ("[[output]]\ntype='mqtt'\nurl='localhost'", 3, 1, "expected mqtt://[user@]"),
    "no broker's url": ("[[output]]\ntype='mqtt'\n url='http://h'", 3, 2, "broker 'http://h'"),
    "port too high": ("[[output]]\ntype='mqtt'\nurl='mqtt://h:99999'", 3, 1, "Port out of range"),
    "prefix for all": ("[[output]]\ntype='mqtt'\nurl='mqtt://h/a/+'", 3, 1, "topic prefix 'a/+'"),
    "password as a key": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\npassword='hunter2'",
        *(4, 1, "unknown key 'password' in [[output]]: did you mean 'password_file'?"),
    ),
    "password in the url": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://me:hunter2@h'",
        *(3, 1, "a password in the broker URL of h: everybody could read it; take it out and give"),
    ),
    "password with a slash": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://me:hunter2/x@h'",
        *(3, 1, "a password in the broker URL of h"),
    ),
    "password of a camera": (
        "[[camera]]\nsource = 'rtsp://me:hunter2@door/live'",
        *(2, 1, "a password in the URL of door: everybody could read it; take it out"),
    ),
    "password after one slash": (
        "[[camera]]\nsource = 'rtsp:/me:hunter2@door/live'",
        *(2, 1, "a password in the URL of door"),
    ),
    "password of a file": (
        "output = [{ type = 'video', path = 'ftp://me:hunter2@h/o.mp4' }]",
        *(1, 29, "a password in the URL of h"),
    ),
    "password deep inside": (
        "[tracker.backend_options]\nx = 'a ! rtspsrc location=rtsp://me:hunter2@h'",
        *(2, 1, "a password in the URL of h"),
    ),
    "password where a name stands": (
        "[[camera]]\nsource='0'\nname = 'rtsp://me:hunter2@h'",
        *(3, 1, "a password in the URL of h"),
    ),
    "password in a key": ("[gestures.'mqtt://me:hunter2@h']", 1, 11, "a password in the URL of h"),
    "node with capitals": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nnode='Hall'",
        *(4, 1, "node: expected text in quotes (small letters"),
    ),
    "unknown MQTT": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nprotocol='4'",
        *(4, 1, 'expected "3.1.1", "5" or "auto"'),
    ),
    "MQTT as a number": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nprotocol=5",
        *(4, 1, "protocol: expected"),
    ),
    "too short a silence": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nkeepalive=1",
        *(4, 1, "from 2 to 3600, got 1"),
    ),
    "no event at all": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\n\tmax_events_per_second=0",
        *(4, 2, "a number above 0, got 0"),
    ),
    "no burst": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nevent_burst=0",
        *(4, 1, "from 1 to 256, got 0"),
    ),
    "text for a switch": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\nverify='no'",
        *(4, 1, 'expected true or false, got the text "no"'),
    ),
    "a misspelt setting of a broker": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://h'\n[[output]]\ntype='mqtt'\nurl='ws://h'\nwebsocket='/'",
        *(7, 1, "did you mean 'websocket_path'?"),
    ),
    # gestures
    "score above 1": ("[gestures.fist]\nmin_score = 60", 2, 1, "from 0 to 1, got 60"),
    "delay in text": ("[gestures.fist]\nenter_delay = '150ms'", 2, 1, 'got the text "150ms"'),
    "delay before": ("[gestures]\nfist = { exit_delay = -1 }", 2, 10, "at least 0, got -1"),
    "dotted gesture": ("gestures.fist.enter_dely = 1", 1, 15, "did you mean 'enter_delay'?"),
    "rules of all": ("[gestures]\nenabled = false", 2, 1, "[gestures.enabled]: expected a table"),
    "several tables": ("[[gestures]]\nname='fist'", 1, 3, "gestures: expected a table"),
    "a name of two lines": (
        '[gestures]\n"a\\nb" = 1',
        2,
        1,
        '[gestures."a\\nb"]: expected a table',
    ),
    "two gestures": ("[gestures.fist]\n[gestures.fits]", 2, 11, "did you mean 'fist'?"),
    # what names nothing there is
    "unknown model": ("[tracker]\nmodel = 'huge'", 2, 1, "no landmark model 'huge': choose light"),
    "a palm model": ("[tracker]\nmodel = 'palm-full'", 2, 1, "no landmark model 'palm-full'"),
    "unknown palm model": ("[tracker]\npalm_model = 'ful'", 2, 1, "no palm model 'ful'"),
    "unknown backend": ("[tracker]\nbackend = 'tpu'", 2, 1, "no backend 'tpu': choose auto"),
    "unknown palm backend": ("[tracker]\npalm_backend = 'tflit'", 2, 1, "mean 'tflite'?"),
    "unknown kind of camera": ("[[camera]]\nsource = 'htp://x'", 2, 1, "no camera kind 'htp'"),
    "no kind of video": ("[[output]]\ntype='video'\npath = 'o.gif'", 3, 1, "end with .mp4"),
    "a path of two lines": (
        '[[output]]\ntype="video"\npath = "o\\n\\u001b[31m.gif"',
        *(3, 1, r"cannot draw into o\n\x1b[31m.gif: its name must end"),
    ),
    "no kind of picture": (
        "[[output]]\ntype='contact_sheet'\npath = 'o.mp4'",
        *(3, 1, "must end with .png"),
    ),
    "two cameras of one name": (
        "[[camera]]\nsource='0'\nname='a'\n[[camera]]\nsource='1'\nname='a'",
        *(6, 1, "a second camera called 'a': give each a name of its own"),
    ),
    "two cameras without a name": (
        "[[camera]]\nsource='0'\n[[camera]]\nsource='1'",
        *(3, 1, "a second camera called 'camera'"),
    ),
    "two cameras, one file": (
        (
            "[[camera]]\nsource='0'\nname='a'\n[[camera]]\nsource='1'\nname='b'\n"
            "[[output]]\ntype='video'\npath='o.mp4'"
        ),
        *(9, 1, "2 cameras would write 'o.mp4': put {camera} into it"),
    ),
    "a limit below its range": (
        "[service]\nmin_fps = 0",
        2,
        1,
        "min_fps: expected a number above 0",
    ),
    "palm device of nobody": ("[tracker]\npalm_device = 'GPU'", 2, 1, "needs palm_backend"),
    "palm options of nobody": (
        "[tracker]\npalm_backend_options = { a = 'b' }",
        *(2, 1, "palm_backend_options needs palm_backend"),
    ),
    # syntax
    "no quotes": ("[[camera]]\nsource = /dev/video0", 2, 10, 'text stands in "quotes"'),
    "no value": ("[tracker]\nmodel =", 2, 8, "Invalid value"),
    "twice": ("[tracker]\nmodel='full'\nmodel='light'", 3, 14, "overwrite"),
    "unclosed": ("[tracker\nmodel = 1", 1, 9, "Expected"),
    "end of file": ("[tracker]\nmodel = '''", 2, 12, "Expected"),
    "not UTF-8": (b"[tracker]\n# caf\xc3\xa9 caf\xe9\n", 2, 11, "byte 0xe9"),
    "byte order mark": (b"\xef\xbb\xbf[tracker]", 1, 1, "byte order mark"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_mistake_has_a_place_and_a_reason(name: str, tmp_path: Path) -> None:
    text, line, column, fragment = BROKEN[name]
    found = errors_of(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}:{column}: "), found[0]
    assert fragment in found[0]
    assert "hunter2" not in found[0]
    assert len(found[0]) < 400


SEVERAL: dict[str, tuple[str, list[str]]] = {
    "one line of an inline table": (
        "tracker = { modle = 'full', max_hands = 0, mirrored = 1 }",
        ["1:13", "1:29", "1:44"],
    ),
    "two brokers": (
        "[[output]]\ntype='mqtt'\nurl='http://h'\nnode='A'\n[[output]]\ntype='mqtt'\nqos=1",
        ["3:1", "4:1", "5:1", "7:1"],
    ),
    "every kind": (
        "[[camera]]\nsource='x:'\nfps=0\n[[camera]]\n[gestures.fits]\n[tracker]\nmodel='y'\n[nothing]",
        ["2:1", "3:1", "4:1", "4:1", "5:11", "7:1", "8:2"],
    ),
    "passwords and others": (
        "[[output]]\ntype='mqtt'\nurl='mqtt://a:b@h'\nnode=''\n[[camera]]\nsource='rtsp://a:b@h'",
        ["3:1", "4:1", "6:1"],
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_mistakes_come_at_once(name: str, tmp_path: Path) -> None:
    text, places = SEVERAL[name]
    assert [error.split(": ")[0] for error in errors_of(tmp_path, text)] == places


def test_the_corpus_is_large() -> None:
    assert len({text for text, *_ in BROKEN.values()}) + len(SEVERAL) >= 90


@pytest.mark.parametrize(
    "text",
    ["rtsp://door:554/a@b", "rtsp://me@door", "http://[::1]:80/x@y", "a:b@c", "clip://x/y:z"],
)
def test_an_at_sign_alone_is_no_password(text: str) -> None:
    assert not has_url_password(text)
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://me:pw@door/live", "rtsp://me:…@door/live"),
        ("rtsp://me:p@w/q?@door", "rtsp://me:…@door"),
        ("rtsp://:12345678@door", "rtsp://:…@door"),
        ("http://cam/jpg?user=me&pwd=pw&size=1", "http://cam/jpg?user=me&pwd=…&size=1"),
        ("rtspsrc user-id=me user-pw=pw ! x", "rtspsrc user-id=me user-pw=… ! x"),
    ],
)
def test_secrets_are_left_out_of_what_is_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("text", ["rtsp://me:hunter2@door", "x:rtsp://me:hunter2@door"])
def test_no_camera_takes_a_password_from_its_name(text: str) -> None:
    with pytest.raises(UsageError, match="a password in the URL of door") as caught:
        open_camera(text)
    with pytest.raises(UsageError) as again:
        check(overlay(Config(), camera={"source": text}))
    assert "hunter2" not in f"{caught.value} {again.value}"


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = FULL.replace("model =", "modle =").replace("max_hands = 1", "max_hands = 0")
    text = text.replace("width = 1280", "widht = 1280").replace('type = "video"', 'type = "film"')
    text = text.replace('[[output]]\ntype = "stdout"', ' [[output]]\ntpe = "stdout"')
    places = [error.split(": ")[0] for error in errors_of(tmp_path, text)]
    lines = text.splitlines()
    starts = ("widht", " [[output]]", 'type = "film"', "modle", "max_hands")
    assert places == [
        f"{next(n for n, line in enumerate(lines, 1) if line.startswith(start))}"
        f":{1 + start.startswith(' ')}"
        for start in starts
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = " + "[" * 240 + "]" * 240 + "\n" + "y." * 100 + "z = 1",
        "x = " + "9" * 5000,
        "# " + "long" * 300_000,
    ],
    ids=["deep", "dotted", "digits", "long"],
)
def test_hostile_files_give_one_line(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match="not a config file") as caught:
        load_config(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "nothing.toml"
    with pytest.raises(ConfigError, match=re.escape(f"edgehands config init {path}")):
        load_config(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path)


# Where each key of this stands was counted by hand.
PLACES = """# comment with = and [brackets]
top = 1
  "quo ted" . 'li.teral'.bare = 2 # [not] = "this"
text = \"\"\"
[no] = 1
quote \\\""" and "" two\"\"\"\"\"
raw = '''
it's [no]'''''
list = [ 1, # one ]
  [2, 3], "]", { a.b = 1, c = [ { d = 1 } ] } ,
]
time = 1979-05-27 07:32:00Z

[ a . "b" ]
k = 'v'
[[t]]
k = 1
[t.sub]
k = 2
[[t]]
[[t.inner]]
[[t.inner]]
k = 3
[t.inner.deep]
k = 4
[a.b.c]
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 1)),
        (("quo ted",), (3, 3)),
        (("quo ted", "li.teral"), (3, 15)),
        (("quo ted", "li.teral", "bare"), (3, 26)),
        (("text",), (4, 1)),
        (("raw",), (7, 1)),
        (("list",), (9, 1)),
        (("list", 0), (9, 10)),
        (("list", 1), (10, 3)),
        (("list", 1, 1), (10, 7)),
        (("list", 3, "a", "b"), (10, 20)),
        (("list", 3, "c"), (10, 27)),
        (("list", 3, "c", 0, "d"), (10, 35)),
        (("time",), (12, 1)),
        (("a", "b"), (14, 7)),
        (("a", "b", "k"), (15, 1)),
        (("t",), (16, 3)),
        (("t", 0), (16, 1)),
        (("t", 0, "k"), (17, 1)),
        (("t", 0, "sub", "k"), (19, 1)),
        (("t", 1), (20, 1)),
        (("t", 1, "inner", 0), (21, 1)),
        (("t", 1, "inner", 1, "k"), (23, 1)),
        (("t", 1, "inner", 1, "deep", "k"), (25, 1)),
        (("a", "b", "c"), (26, 6)),
        (("a", "b", "absent"), (14, 7)),
        (("absent",), (1, 1)),
    ],
)
def test_keys_are_found_where_they_stand(
    path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    assert TomlPlaces(PLACES).find(path) == place


def test_overlay_changes_only_what_was_given() -> None:
    config = Config(
        camera=(CameraConfig(source="0", name="a", width=640), CameraConfig(source="1", name="b")),
        tracker=TrackerConfig(model="light", mirrored=True),
    )
    assert overlay(config) == config
    assert overlay(config, tracker={"model": None, "max_hands": None}) == config
    changed = overlay(config, tracker={"max_hands": 1, "mirrored": False})
    assert changed.tracker == TrackerConfig(model="light", max_hands=1)
    assert [camera.frames for camera in overlay(config, camera={"frames": 5}).camera] == [5, 5]
    assert overlay(config, output=(StdoutConfig(),)).output == (StdoutConfig(),)


def test_a_source_on_the_command_line_is_the_only_camera() -> None:
    config = Config(camera=(CameraConfig(source="0", name="a"), CameraConfig(source="1")))
    assert overlay(config, camera={"source": "clip.mp4", "fps": 10}).camera == (
        CameraConfig(source="clip.mp4", name="a", fps=10.0),
    )
    assert overlay(Config(), camera={"source": "x"}).camera == (CameraConfig(source="x"),)


@pytest.mark.parametrize(
    ("camera", "tracker", "message"),
    [
        ({}, {"max_hands": 0}, r"^--max-hands: .* from 1 to 8, got 0$"),
        ({}, {"max_hands": 0, "min_presence": 2.0}, r"--min-presence: .*; --max-hands: "),
        ({"source": ""}, {}, r"--source: expected text \(not empty"),
        ({"source": "0", "fps": float("nan")}, {}, "--fps: .* got nan"),
    ],
)
def test_a_flag_out_of_range_is_a_usage_error(
    camera: dict[str, object], tracker: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        overlay(Config(), camera=camera, tracker=tracker)
    assert caught.value.exit_code == 2


def test_the_tracker_table_is_what_the_tracker_takes() -> None:
    assert checked(TrackerConfig()) == TrackerConfig()


def uncommented(sample: str, pattern: str) -> str:
    return re.sub(rf"^{pattern}(?=\[|[a-z_]+ = )", "", sample, flags=re.MULTILINE)


def test_the_sample_loads_as_it_is() -> None:
    config = load_config(SAMPLE, known_gestures=GESTURES)
    assert config.camera[0].source == "/dev/video0"
    assert config.output == (StdoutConfig(),)


def test_the_settings_of_the_sample_are_the_defaults(tmp_path: Path) -> None:
    shown = load_config(
        write(tmp_path, uncommented(SAMPLE.read_text(), "#")), known_gestures=GESTURES
    )
    assert shown == Config(
        camera=(CameraConfig(source="/dev/video0"),),
        output=(StdoutConfig(),),
        gestures={"thumb_up": GestureRules()},
    )


def test_the_examples_of_the_sample_are_right_and_it_leaves_nothing_out(tmp_path: Path) -> None:
    text = uncommented(SAMPLE.read_text(), "# ?")
    config = load_config(write(tmp_path, text), known_gestures=GESTURES)
    assert [type(output) for output in config.output] == [
        StdoutConfig,
        LandmarksConfig,
        RecordingConfig,
        VideoConfig,
        ContactSheetConfig,
        MqttConfig,
    ]
    sheet, broker = config.output[-2:]
    left_out = {"node": None, "name": None, "password_file": None}
    files = {"ca_file": None, "cert_file": None, "key_file": None}
    url = "mqtts://mirror@broker.example.org:8883/edgehands"
    assert msgspec.structs.replace(broker, **left_out, **files) == MqttConfig(url=url)
    assert sheet == ContactSheetConfig(path="hands.jpg")
    tables = (CameraConfig, TrackerConfig, EventSettings, Pose, GestureRules)
    for struct in (*tables, *map(type, config.output)):
        for field in msgspec.structs.fields(struct):
            assert re.search(rf"^{field.name} = ", text, re.MULTILINE), (struct, field.name)
