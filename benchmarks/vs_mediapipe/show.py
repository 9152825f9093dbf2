"""The results for people: a table for the terminal, Markdown, and a plot where matplotlib is."""

from __future__ import annotations

from dataclasses import astuple
from statistics import median
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from edgehands.benchmarks.vs_mediapipe.figures import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edgehands.benchmarks.vs_mediapipe.contest import Result
    from edgehands.benchmarks.vs_mediapipe.figures import Agreement

_HEADS = {"cpu": "CPU", "rss": "RSS", "first": "first result"}
_UNITS = {"rss": "MB"}
_NOISY = 0.1  # share of the cores

RATIO_HEADS = (
    *("scenario", "who", "p50", "of rounds"),
    *(_HEADS.get(name, name) for name in NAMES[1:]),
    *("landmarks off", "MediaPipes apart", "same count"),
)
FIGURE_HEADS = (
    *("scenario", "who"),
    *(f"{_HEADS.get(name, name)} {_UNITS.get(name, 'ms')}" for name in NAMES),
    "others' load",
)
PLOT_HINT = "no plot: pip install matplotlib"


def ratio_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return EdgeHands as a share of the better MediaPipe, and how far they agree.

    Agreement is with the first MediaPipe; beside it stands how far the two MediaPipes are apart.
    """
    return [
        (
            *(result.title, name),
            *_ratio_cells(astuple(ratios), result.p50_range[name]),
            *_agreement_cells(result.agreement, name),
        )
        for result in results
        for name, ratios in result.ratios.items()
    ]


def figure_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return everybody's own figures, and what other processes took of the cores meanwhile."""
    return [
        (
            *(result.title, name),
            *(_number(value) for value in astuple(figures)),
            f"{median(result.others[name]):.0%}" if name in result.others else "–",
        )
        for result in results
        for name, figures in result.figures.items()
    ]


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table for the terminal; a scenario is named once."""
    shown = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for head in heads:
        shown.add_column(head, justify="left" if head in {"scenario", "who"} else "right")
    last = ""
    for row in rows:
        shown.add_row("" if row[0] == last else row[0], *row[1:])
        last = row[0]
    return shown


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    rule = "|" + "---|" * len(heads)
    return "\n".join([f"| {' | '.join(heads)} |", rule, *(f"| {' | '.join(r)} |" for r in rows)])


def versions(results: Sequence[Result]) -> str:
    """Say which release each contender was."""
    about = {name: each for result in results for name, each in result.about.items()}
    return "; ".join(
        f"{name}: {each.get('runs_on') or each.get('mediapipe')}" for name, each in about.items()
    )


def other_pixels(result: Result) -> str:
    """Say whose OpenCV decodes the clip to other pixels than EdgeHands'; nothing if nobody's."""
    pixels = {name: about["pixels"] for name, about in result.about.items()}
    ours = next((pixels[name] for name in result.ratios), None)
    others = [name for name, value in pixels.items() if value != ours]
    if ours is None or not others:
        return ""
    return f"{result.title}: the OpenCV of {' and '.join(others)} decodes it a little differently."


def noise(results: Sequence[Result]) -> str:
    """Say so when others were busy: who runs on two cores loses more to them than who runs on one.

    MediaPipe runs these models on one thread.
    """
    shares = [share for each in results for shares in each.others.values() for share in shares]
    if not shares or median(shares) <= _NOISY:
        return ""
    return (
        f"Other processes took {median(shares):.0%} of the cores in the median run: "
        "the ratios are worse than on an idle machine."
    )


def plot(results: Sequence[Result], path: Path) -> bool:
    """Draw p50 and CPU of everybody into a file; False where there is no matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(name for result in results for name in result.figures))
    ours = [name for result in results for name in result.ratios] or names
    height = 1.4 + 0.2 * len(names) * len(results)
    figure, axes = plt.subplots(1, 2, figsize=(12, height), sharey=True, layout="constrained")
    thickness = 0.8 / len(names)
    for axis, key, title in zip(
        axes, ("p50", "cpu"), ("p50 of a frame, ms", "CPU of a frame, ms"), strict=True
    ):
        for place, name in enumerate(names):
            rows = [(y, r.figures[name]) for y, r in enumerate(results) if name in r.figures]
            shade = 0.45 + 0.4 * place / len(names)
            axis.barh(
                [y + (place - (len(names) - 1) / 2) * thickness for y, _ in rows],
                [getattr(figures, key) for _, figures in rows],
                thickness * 0.92,
                label=name,
                color=mpl.colormaps["Blues" if name in ours else "Greys"](shade),
            )
        axis.set_title(title, loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(results)), [result.title for result in results])
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True


def _ratio_cells(ratios: tuple[float, ...], p50_range: tuple[float, float]) -> list[str]:
    first, *rest = (f"{ratio:.2f}" for ratio in ratios)
    return [first, "–".join(f"{ratio:.2f}" for ratio in p50_range), *rest]


def _agreement_cells(
    agreement: Mapping[str, Mapping[str, Agreement]], name: str
) -> tuple[str, str, str]:
    reference, ours = next(iter(agreement[name].items()))
    theirs = [others[reference] for others in agreement.values() if reference in others]
    # EdgeHands comes after the MediaPipes, so the first that was compared is the other of them.
    apart = theirs[0].distance if len(agreement[name]) > 1 else None
    return _share(ours.distance), _share(apart), f"{ours.same_count:.0%}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
