"""Config files as a user meets them: found, made, checked, shown, known to editors."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from jsonschema import Draft202012Validator

from edgehands import config_files, config_shown
from edgehands.cli import config as commands
from edgehands.cli import record, run
from edgehands.cli.broker import broker_config
from edgehands.config import SAMPLE, Config, RecordingConfig, StdoutConfig, TrackerConfig
from edgehands.config_files import SCHEMA, default_place, find, init, load
from edgehands.config_schema import schema
from edgehands.config_text import read_document
from edgehands.errors import ConfigError, InputError, UsageError
from edgehands.mqtt.settings import MqttConfig
from edgehands.schema import find_problems
from edgehands.summary import Summary
from tests.test_config import BROKEN, FULL, uncommented, write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = uncommented(SAMPLE.read_text(encoding="utf-8"), "# ?")


def edgehands(line: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *shlex.split(line)],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """All places where a config can lie, none of them with one."""
    system, user = tmp_path / "etc" / "edgehands.toml", tmp_path / "user"
    monkeypatch.setattr(config_files, "SYSTEM", system)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user))
    return {
        "the system's": system,
        "the user's": user / "edgehands" / "edgehands.toml",
        "$EDGEHANDS_CONFIG": tmp_path / "named.toml",
    }


def test_the_users_config_goes_before_the_systems_and_a_named_one_before_both(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find() is None
    for why, path in places.items():
        init(path)
        if why.startswith("$"):
            monkeypatch.setenv(why[1:], str(path))
        assert find() == (path, why)


def test_a_named_config_that_is_not_there_is_not_passed_over(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    init(places["the user's"])
    monkeypatch.setenv("EDGEHANDS_CONFIG", "/nowhere.toml")
    assert find() == (Path("/nowhere.toml"), "$EDGEHANDS_CONFIG")
    monkeypatch.setenv("EDGEHANDS_CONFIG", "")
    assert find() == (places["the user's"], "the user's")


def test_a_config_that_cannot_be_followed_is_not_passed_over(places: dict[str, Path]) -> None:
    places["the user's"].parent.mkdir(parents=True)
    places["the user's"].symlink_to("gone.toml")
    assert find() == (places["the user's"], "the user's")


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_has_the_systems(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    init(places["the system's"])
    assert find() == (places["the system's"], "the system's")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="edgehands config init FILE"):
        default_place()


def test_root_makes_the_systems_config_and_others_their_own(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_place() == places["the system's"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_place() == places["the user's"]


def test_a_new_config_is_the_sample_and_knows_where_its_schema_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mine.toml"
    init(path)
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    assert rest == SAMPLE.read_text(encoding="utf-8").partition("\n")[2]
    assert Path(first.removeprefix("#:schema file://")).samefile(SCHEMA)
    assert load(path) == load(SAMPLE)


def test_a_config_is_replaced_only_by_force(tmp_path: Path) -> None:
    path, link = write(tmp_path, "# mine"), tmp_path / "my link.toml"
    link.symlink_to(path.name)
    for there in (path, link):
        with pytest.raises(UsageError, match=re.escape(f"--force {shlex.quote(str(there))}")):
            init(there)
    assert path.read_text() == "# mine"
    init(link, force=True)
    assert link.is_symlink()
    assert load(path) == load(SAMPLE)


@pytest.mark.parametrize("where", ["/", "/proc/no/config.toml", "/dev/null/config.toml"])
def test_where_no_config_can_be_written_one_line_says_so(where: str) -> None:
    with pytest.raises(InputError, match=f"cannot write {where}: "):
        init(Path(where), force=True)


@pytest.mark.parametrize("text", ["", FULL, WHOLE], ids=["empty", "full", "whole"])
@pytest.mark.parametrize("origins", [False, True])
def test_what_is_shown_is_a_config_that_means_the_same(
    text: str, origins: bool, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    config = load(path)
    shown = "\n".join(config_shown.lines(config, read_document(path), origins=origins))
    again = load(write(tmp_path, shown))
    assert again == (config if config.output else Config(output=(StdoutConfig(),)))


def test_every_value_says_where_it_came_from(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    origins: dict[str, str] = {}
    for line in config_shown.lines(load(path), read_document(path), origins=True):
        assignment, mark, origin = line.partition("  # ")
        if mark:
            origins.setdefault(assignment.strip(), origin.strip())
    for said, line in (
        ('name = "bench"', 'name = "bench"'),
        ("fps = 30.0", "fps = 30"),
        ("columns = 3", "columns = 3"),
        ("enter_delay = 1.0", "enter_delay = 1"),
    ):
        assert origins[said] == f"{path}:{FULL.splitlines().index(line) + 1}"
    assert origins["exit_delay = 0.2"] == "default"
    assert origins["mirrored = false"] == "default"


def test_every_setting_is_shown_even_without_a_file() -> None:
    shown = "\n".join(config_shown.lines(Config(), None, origins=True))
    for name in Config().tracker.__struct_fields__:
        assert re.search(rf"^(# )?{name} (=|is not set)", shown, re.MULTILINE), name
    assert "# every gesture: enabled = true, min_score = 0.5" in shown
    assert 'type = "stdout"' in shown


SECRETIVE = """
[[camera]]
source = "clip.mp4?pwd=hunter2"
[[output]]
type = "mqtt"
url = "mqtt://me@h"
[tracker.backend_options]
api_token = "hunter2"
"""


@pytest.mark.parametrize(
    ("more", "origin"),
    [
        ("", "nowhere"),
        ("password_file = '/x'\n", "the file /x"),
        ("password_variable = 'HUNT'\n", "the environment variable HUNT"),
        ("password_variable = 'NONE'\n", "the systemd credential mqtt-password"),
    ],
)
def test_no_secret_is_shown_but_where_it_comes_from(
    more: str, origin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUNT", "hunter2")
    if "systemd" in origin:
        (tmp_path / "mqtt-password").write_text("hunter2")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = write(tmp_path, SECRETIVE.replace("url =", f"{more}url ="))
    shown = "\n".join(config_shown.lines(load(path), read_document(path), origins=True))
    assert "hunter2" not in shown
    assert f"# the password comes from {origin}" in shown


# The command line.


def test_check_prints_every_mistake_of_every_file_where_editors_look(tmp_path: Path) -> None:
    files = {}
    for number, (text, line, column, _) in enumerate(BROKEN.values()):
        path = tmp_path / f"{number}.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        files[path] = f"{path}:{line}:{column}: "
    answer = edgehands(f"config check {' '.join(map(str, files))} {SAMPLE}")
    assert answer.returncode == 78
    assert answer.stderr == ""
    *mistakes, fine = answer.stdout.splitlines()
    assert fine == f"{SAMPLE}: no mistakes"
    assert len(mistakes) == len(files)
    for mistake, place in zip(mistakes, files.values(), strict=True):
        assert mistake.startswith(place)


def test_check_of_a_good_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, FULL)
    monkeypatch.setenv("EDGEHANDS_CONFIG", str(path))
    commands.check()
    assert capsys.readouterr() == (f"{path}: no mistakes\n", "")


@pytest.mark.usefixtures("places")
def test_without_any_file_check_says_how_to_make_one_and_show_shows_the_defaults(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UsageError, match="make one with: edgehands config init"):
        commands.check()
    commands.show()
    shown = capsys.readouterr().out
    assert shown.startswith("# no config file; the defaults\n")
    assert tomllib.loads(shown)["tracker"]["max_hands"] == 2


def test_show_names_the_file_and_refuses_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, FULL)
    monkeypatch.setenv("EDGEHANDS_CONFIG", str(path))
    commands.show()
    assert capsys.readouterr().out.startswith(f"# {path} ($EDGEHANDS_CONFIG)\n")
    with pytest.raises(ConfigError, match="1:2: unknown key 'trakcer'"):
        commands.show(write(tmp_path, "[trakcer]"))


@pytest.mark.usefixtures("models")
def test_a_new_users_way_from_init_to_run(tmp_path: Path) -> None:
    path = tmp_path / "edgehands" / "edgehands.toml"
    # Root's own would be the system's: not in a test.
    where = path if os.geteuid() == 0 else ""
    made = edgehands(f"config init {where}", XDG_CONFIG_HOME=tmp_path)
    assert made.returncode == 0, made.stderr
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"/dev/video0"', '"synthetic:"').replace("# frames =", "frames ="))
    ran = edgehands("run --frames 3 --model light", XDG_CONFIG_HOME=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines()[0] == f"edgehands: config {path} (the user's)"


def test_a_source_on_the_command_line_needs_no_config_and_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def keep(config: Config, **_: object) -> Summary:
        ran.append(config)
        return Summary(runs_on="")

    monkeypatch.setattr(run, "run_with_progress", keep)
    monkeypatch.setenv("EDGEHANDS_CONFIG", str(write(tmp_path, FULL)))
    run.run(source="clip.mp4")
    assert ran[0].tracker == TrackerConfig()
    assert capsys.readouterr().err == ""
    run.run(max_hands=2)
    assert ran[1].camera[0].name == "bench"
    assert ran[1].tracker.max_hands == 2
    assert "edgehands.toml ($EDGEHANDS_CONFIG)\n" in capsys.readouterr().err


def test_a_recording_is_made_with_the_config_that_is_found_as_a_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def keep(config: Config, **_: object) -> Summary:
        made.append(config)
        return Summary(runs_on="")

    monkeypatch.setattr(record, "run_with_progress", keep)
    monkeypatch.setenv("EDGEHANDS_CONFIG", str(write(tmp_path, FULL)))
    record.record(out=tmp_path / "a.hands")
    assert made[0].camera[0].name == "bench"
    assert made[0].output[-1] == RecordingConfig(path=str(tmp_path / "a.hands"))
    record.record(out=tmp_path / "a.hands", source="clip.mp4")
    assert made[1].camera[0].name == "camera"


def test_a_command_that_asks_a_broker_takes_the_one_of_the_config_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SECRETIVE.replace("url =", "password_file = '/x'\nurl =")
    monkeypatch.setenv("EDGEHANDS_CONFIG", str(write(tmp_path, text)))
    configured = MqttConfig(url="mqtt://me@h", password_file="/x")  # noqa: S106 (its place)
    assert broker_config(None, None, None, None) == configured
    # No other broker gets its password.
    assert broker_config("mqtt://other", None, None, None) == MqttConfig(url="mqtt://other")
    bare = write(tmp_path, "")
    assert broker_config(None, None, None, None).url == "mqtt://localhost"
    with pytest.raises(UsageError, match="give the broker's URL"):
        broker_config(None, bare, None, None)


MIRROR = """[[camera]]
source = "0"
width = "640"

[tracker]
model = "full"
min_presense = 0.5

[gestures.thumbs_up]
"""


def test_the_page_shows_what_check_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mirror.toml").write_text(MIRROR)
    with pytest.raises(typer.Exit):
        commands.check([Path("mirror.toml")])
    page = Path(__file__).parent.parent / "docs" / "configuration.md"
    assert capsys.readouterr().out in page.read_text(encoding="utf-8")


# For editors.


def test_the_schema_that_ships_is_that_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = SCHEMA.read_text(encoding="utf-8")
    assert shipped == schema() + "\n", "run: python -m edgehands.config_schema"
    Draft202012Validator.check_schema(json.loads(shipped))
    commands.schema()
    assert capsys.readouterr().out == shipped


def test_the_sample_is_as_its_schema_says() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for text in (SAMPLE.read_text(encoding="utf-8"), WHOLE, FULL):
        validator.validate(tomllib.loads(text))
    first = SAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert (SAMPLE.parent / first.removeprefix("#:schema ")).samefile(SCHEMA)


# JSON has no such number, takes 2.0 for a whole one, and looks at line ends otherwise.
UNSEEN = {"not a number", "infinite", "huge", "fraction for an integer", "name with a line end"}


def of_the_schema() -> Iterator[str]:
    """The broken configs that break the rules of form, not only of sense."""
    for name, (text, *_) in BROKEN.items():
        with suppress(tomllib.TOMLDecodeError):
            if isinstance(text, str) and find_problems(tomllib.loads(text), Config):
                yield name


@pytest.mark.parametrize("name", sorted(set(of_the_schema()) - UNSEEN))
def test_an_editor_sees_the_mistakes_too(name: str) -> None:
    text = BROKEN[name][0]
    assert isinstance(text, str)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert not Draft202012Validator(schema).is_valid(tomllib.loads(text))


def test_every_setting_explains_itself_in_the_editor() -> None:
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    for name in ("CameraConfig", "MqttConfig", "TrackerConfig"):
        for key, value in definitions[name]["properties"].items():
            assert key == "type" or "description" in value, (name, key)
    assert "None" not in SCHEMA.read_text(encoding="utf-8")
