"""`edgehands gestures`: what can be shown, and teaching it more."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.gesture_eval import evaluate_gestures
from edgehands.cli.options import (
    BackendOption,
    ModelOption,
    ModelsOption,
    ThreadsOption,
    tracker_flags,
)
from edgehands.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from edgehands.config import Config
    from edgehands.learning.confusion import Row
    from edgehands.learning.poses import Learning
    from edgehands.learning.takes import Takes

app = typer.Typer(
    help="List the gestures, learn new ones from examples, try and forget them.",
    no_args_is_help=True,
)
app.command("eval")(evaluate_gestures)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Of learned gestures; by default your own, and /etc/edgehands/gestures.",
        show_default=False,
    ),
]
FramesOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Stop each source after so many; a camera after 120.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")]

_CAMERA_FRAMES = 120


@app.command("learn")
def learn(
    name: Annotated[str, typer.Argument(help="Of the gesture: small letters, digits and _.")],
    source: Annotated[
        list[str],
        typer.Option(
            "--from",
            help="A recording, clip, picture or camera that shows it; may be repeated.",
        ),
    ],
    negatives: Annotated[
        list[str] | None,
        typer.Option(
            help="A recording, clip or picture that shows something else; may be repeated.",
            show_default=False,
        ),
    ] = None,
    attitude: Annotated[
        bool, typer.Option("--attitude", help="How the hand is turned belongs to the gesture.")
    ] = False,
    motion: Annotated[
        bool, typer.Option("--motion", help="The gesture is a motion: one in each source.")
    ] = False,
    static: Annotated[
        bool, typer.Option("--static", help="Every frame of a source is an example by itself.")
    ] = False,
    folder: FolderOption = None,
    frames: FramesOption = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
) -> None:
    """Learn a gesture from a few seconds of each of a few takes.

    Hold a pose for most of a take and turn the hand a little; use one hand,
    alone in view. Both hands can show it afterwards.
    """
    from edgehands.gestures.learned.store import save_learned

    _check_name(name)
    config = _config(model, backend, threads, models, frames, static=static)
    shown = [_takes(each, config, static=static) for each in source]
    others = [_takes(each, config, static=static) for each in negatives or ()]
    takes = [take for found in shown for take in found.takes]
    away = [take for found in others for take in found.takes]
    if motion:
        from edgehands.learning.motions import learn_motion

        learning = learn_motion(name, takes, away)
    else:
        from edgehands.learning.poses import learn_pose

        hands = [hand for take in away for hand in take.hands]
        learning = learn_pose(name, takes, hands, attitude=attitude)
    path = save_learned(learning.gesture, folder)
    print(_report(learning, shown))
    print(f"edgehands: kept in {path}", file=sys.stderr)


@app.command("list")
def list_gestures(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """List every gesture: static ones, motions, and those that you taught."""
    from edgehands.gestures.learned import LearnedMotion
    from edgehands.gestures.learned.store import load_learned
    from edgehands.gestures.motions import MOTIONS
    from edgehands.gestures.vocabulary import shipped_vocabulary

    learned = load_learned(folder)
    if as_json:
        kinds = dict.fromkeys(shipped_vocabulary(), "static") | dict.fromkeys(MOTIONS, "motion")
        kinds |= {
            each.name: f"learned {'motion' if isinstance(each, LearnedMotion) else 'pose'}"
            for each in learned
        }
        print(json.dumps(kinds, indent=2))
        return
    print(f"static   {', '.join(shipped_vocabulary())}")
    print(f"motions  {', '.join(MOTIONS)}")
    for each in learned:
        kind = "motion" if isinstance(each, LearnedMotion) else "pose"
        takes = f"{each.takes} take{'' if each.takes == 1 else 's'}"
        print(f"learned  {each.name}: {kind}, {len(each.examples)} examples from {takes}")


@app.command("test")
def try_gestures(
    pairs: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=SOURCE...",
            help="Gestures and what shows them; nothing=SOURCE for what shows none.",
            show_default=False,
        ),
    ],
    folder: FolderOption = None,
    frames: FramesOption = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what recordings, clips and pictures of gestures are taken for."""
    from edgehands.gestures.learned.store import load_learned
    from edgehands.learning.confusion import NOTHING, Row, confusion
    from edgehands.learning.takes import read_frames
    from edgehands.recording import Header

    known = _known(folder)
    config = _config(model, backend, threads, models, frames)
    header = Header(run="test", camera="test", learned=load_learned(folder))
    rows: dict[str, Row] = {}
    for pair in pairs:
        name, equals, source = pair.partition("=")
        if not equals or not source:
            raise UsageError(f"{pair!r} is not NAME=SOURCE, such as fist=fist.hands")
        if name not in {*known, NOTHING}:
            hint = did_you_mean(name, known) or "see: edgehands gestures list"
            raise UsageError(f"no gesture {name!r}: {hint.strip()}")
        row = confusion(name, read_frames(source, _with_source(config, source)), header)
        rows.setdefault(name, Row(name)).seen.update(row.seen)
    if as_json:
        print(json.dumps({name: dict(row.seen) for name, row in rows.items()}, indent=2))
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200).print(_table(list(rows.values())))


@app.command("forget")
def forget(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", show_default=False)],
    folder: FolderOption = None,
) -> None:
    """Take learned gestures away."""
    from edgehands.gestures.learned.store import forget_learned

    for name in names:
        print(f"edgehands: removed {forget_learned(name, folder)}", file=sys.stderr)


def _check_name(name: str) -> None:
    """Refuse a name that cannot be one, or is another gesture's.

    Raises:
        UsageError: it is.
    """
    from edgehands.gestures.definitions import name_mistake

    if mistake := name_mistake(name):
        raise UsageError(mistake)


def _known(folder: Path | None) -> set[str]:
    from edgehands.gestures.names import known_gestures

    return known_gestures(folder)


def _config(
    model: str | None,
    backend: str | None,
    threads: int | None,
    models: Path | None,
    frames: int | None,
    *,
    static: bool = False,
) -> "Config":
    from edgehands import config as configs

    return configs.overlay(
        configs.Config(camera=(configs.CameraConfig(source="synthetic:"),)),
        camera={"frames": frames},
        tracker=tracker_flags(model, backend, threads, models, static=static or None),
    )


def _with_source(config: "Config", source: str) -> "Config":
    """Return the config for one source; a camera, which never ends, stops after some seconds."""
    from edgehands import config as configs
    from edgehands.cameras import LIVE, split_source

    live = split_source(source)[0] in LIVE
    frames = config.camera[0].frames or (_CAMERA_FRAMES if live else None)
    return configs.overlay(config, camera={"source": source, "frames": frames})


def _takes(source: str, config: "Config", *, static: bool) -> "Takes":
    from edgehands.learning.takes import read_takes

    print(f"edgehands: {source} …", file=sys.stderr)
    return read_takes(source, _with_source(config, source), single=static)


def _report(learning: "Learning", shown: "Sequence[Takes]") -> str:
    gesture = learning.gesture
    lines = [
        f"{gesture.name}: {len(gesture.examples)} examples from {gesture.takes} takes",
        f"  {learning.steady} of {learning.frames} frames were steady",
        f"  examples lie within {learning.spread:.2f} palm sizes of each other",
        f"  a hand may be {gesture.within:.2f} palm sizes away from the nearest",
        f"  {learning.mistaken:.1%} of other hands would be taken for it"
        + (f", most of them {learning.like}" if learning.like else ""),
    ]
    if crowded := sum(found.crowded for found in shown):
        lines.append(f"  {crowded} frames with more than one hand were left out")
    return "\n".join(lines)


def _table(rows: "list[Row]") -> "Table":
    from rich import box
    from rich.table import Table

    seen = list(dict.fromkeys([row.meant for row in rows]))
    seen += sorted({name for row in rows for name in row.seen} - set(seen))
    table = Table("meant", box=box.SIMPLE)
    for name in (*seen, "of"):
        table.add_column(name, justify="right")
    for row in rows:
        shares = (f"{row.share(name):.1%}" if row.seen[name] else "" for name in seen)
        table.add_row(row.meant, *shares, str(row.total))
    return table
