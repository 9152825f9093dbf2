"""`edgehands explain`: why a gesture was seen, or what kept it from being seen."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.options import (
    BackendOption,
    ModelOption,
    ModelsOption,
    ThreadsOption,
    tracker_flags,
)
from edgehands.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from edgehands.config import Config
    from edgehands.events import Event
    from edgehands.explain import Explainer, Missed, Span
    from edgehands.recording import Header

_SHOWN_NEEDS = 2


def explain(
    recording: Annotated[
        Path | None, typer.Argument(metavar="[FILE.hands]", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="A camera or clip instead, as for `edgehands run`.", show_default=False),
    ] = None,
    gesture: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Speak of this gesture only.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With this TOML config's gestures.", show_default=False),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Stop after so many.", show_default=False)
    ] = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Every stretch as a JSON line, with all conditions.")
    ] = False,
) -> None:
    """Say for each stretch of time what a hand showed, and what it lacked.

    Events stand between, marked with >, and motions that were nearly made.
    """
    from edgehands import config as configs
    from edgehands import config_files

    if (recording is None) == (source is None):
        raise UsageError("say either a recording, FILE.hands, or --source with a camera or clip")
    flags = {"frames": frames, "model": model, "backend": backend, "threads": threads}
    given = [name for name, value in {**flags, "models": models}.items() if value is not None]
    if recording is not None and given:
        raise UsageError(f"--{given[0]} goes with --source: a recording is taken as it is")
    base = configs.Config()
    if config is not None:
        base = config_files.load(config)
    if recording is not None:
        _explain_recording(recording, base if config else None, gesture, as_json=as_json)
        return
    whole = configs.overlay(
        base,
        camera={"source": source, "frames": frames},
        tracker=tracker_flags(model, backend, threads, models),
        output=(),
    )
    _explain_live(whole, gesture, as_json=as_json)


def _explain_recording(
    path: Path, config: "Config | None", gesture: str | None, *, as_json: bool
) -> None:
    from edgehands.recording import Reader
    from edgehands.replay import with_config

    with Reader(path) as reader:
        header = with_config(reader.header, config) if config else reader.header
        explainer = _explainer(header, gesture)
        ts = 0.0
        for entry in reader:
            ts = entry.ts
            if entry.change is not None and config is None:
                explainer.take_over(entry.change)
            if entry.cut:
                found = explainer.finish(ts)
            else:
                picture = header.width, header.height
                found = explainer.update(entry.hands, entry.time, ts, picture)
            _print(*found, entry.time, as_json=as_json)
        if reader.ending is not None:
            _print(*explainer.finish(ts), None, as_json=as_json)


def _explain_live(config: "Config", gesture: str | None, *, as_json: bool) -> None:
    from edgehands.cli.running import run_with_progress
    from edgehands.outputs import Output, Result
    from edgehands.recording import Header
    from edgehands.replay import with_config

    # What it would refuse is refused before a camera is opened.
    _explainer(with_config(Header(run="explain", camera="camera"), config), gesture)

    class Listener(Output):
        """Explains every frame as it comes."""

        def begin(self, header: Header) -> None:
            """Read hands as the run does: a picture has no before and after."""
            self._explainer = _explainer(header, gesture)

        def result(self, result: Result) -> None:
            height, width = result.frame.image.shape[:2]
            time = result.frame.time
            found = self._explainer.update(result.hands, time, result.ts, (width, height))
            _print(*found, time, as_json=as_json)

        def end(self, events: Sequence["Event"]) -> None:
            _print(self._explainer.finish(0.0)[0], events, [], None, as_json=as_json)

    run_with_progress(config, listeners=(Listener(),))


def _explainer(header: "Header", gesture: str | None) -> "Explainer":
    from edgehands.explain import Explainer
    from edgehands.gestures.learned import LearnedMotion
    from edgehands.gestures.motions import COMPARED, MOTIONS
    from edgehands.gestures.vocabulary import shipped_vocabulary

    learned = {each.name: each for each in header.learned}
    known = {*shipped_vocabulary(), *MOTIONS, *header.own, *learned}
    is_learned = isinstance(learned.get(gesture or ""), LearnedMotion)
    if is_learned or gesture in set(MOTIONS) - set(COMPARED):
        told = ", ".join(COMPARED)
        raise UsageError(f"{gesture} has only events: of motions these are explained: {told}")
    if gesture is not None and gesture not in known:
        hint = did_you_mean(gesture, known) or "see: edgehands gestures list"
        raise UsageError(f"no gesture {gesture!r}: {hint.strip()}")
    return Explainer(header, gesture)


def _print(
    spans: "Sequence[Span]",
    events: "Iterable[Event]",
    missed: "Iterable[Missed]",
    time: float | None,
    *,
    as_json: bool,
) -> None:
    import msgspec

    for span in spans:
        if as_json:
            print(msgspec.json.encode(span).decode())
        else:
            print(_line(span))
            for need in _worth_saying(span):
                print(f"{'':27}{need}")
    for motion in missed:
        if as_json:
            print(msgspec.json.encode(motion).decode())
            continue
        who = f"{motion.hand} {motion.side}"
        print(f"{motion.time:>14.2f}  {who:<9}not quite {motion.gesture}, score {motion.score:.2f}")
        for lacking in motion.worst():
            print(f"{'':27}{lacking}")
    for event in events:
        if as_json:
            print(msgspec.json.encode(event).decode())
        else:
            when = f"{time:.2f}" if time is not None else "end"
            print(f"{when:>14}  > {event.event_type} ({event.score:.2f})")
    sys.stdout.flush()


def _line(span: "Span") -> str:
    when = f"{span.begin:.2f} to {span.end:.2f}"
    who = f"{span.hand} {span.side}"
    low, high = (f"{score:.2f}" for score in span.scores)
    scores = low if low == high else f"{low} to {high}"
    words = {
        "shown": f"{span.gesture}: score {scores}",
        "fading": f"{span.gesture} goes on for a moment: its pose is gone",
        "waiting": f"{span.gesture} waits",
        "blocked": f"{span.gesture} is held back",
        "torn": f"{span.gesture} is not alone, score {scores}",
        "short": f"not quite {span.gesture}, score {scores}",
        "nothing": "no gesture, nor nearly one",
    }[span.verdict]
    times = (
        f" {need.high:.2f} of {need.needed[0]:.2f} s" for need in span.needs if need.unit == "s"
    )
    told = f"{span.reason}{''.join(times)}"
    return f"{when:>14}  {who:<9}{words}{told and ': '}{told}"


def _worth_saying(span: "Span") -> list[str]:
    """Return what the reader needs to know of a span's conditions, in a line each."""
    if span.verdict in ("fading", "short"):
        return [f"{need.what}: {need}" for need in span.unmet()[:_SHOWN_NEEDS]]
    return []
