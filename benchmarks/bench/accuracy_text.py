"""The long form of the accuracy as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.bench.accuracy_extended import Extended
    from edgehands.benchmarks.bench.accuracy_whole import WholeAccuracy

_ERRORS = ("error", "p95", "MSE", "PCK@0.2", "side right")


def markdown(result: Extended) -> str:
    """Return three tables and the sentences that they need."""
    head = (
        f"**{result.model}** with {result.palm_model}, on {result.runs_on}. Synthetic hands; "
        "errors are mean distances in palm sizes over the hands that were found."
    )
    parts = (head, _pictures(result), _sizes(result), _presence(result), _alone(result))
    return "\n\n".join(parts)


def _pictures(result: Extended) -> str:
    return _table(
        ("pictures", "hands", "found", "false", *_ERRORS),
        [
            ("random", *_whole_cells(result.whole)),
            ("four hands, max_hands = 4", *_whole_cells(result.four)),
            *(
                (f"two hands, {row.gap:.1f} palm sizes apart", *_whole_cells(row.whole))
                for row in result.gaps
            ),
        ],
    )


def _sizes(result: Extended) -> str:
    return _table(
        ("palm size, px of 960 × 540", "found", "error", "error where followed"),
        [
            (
                f"{row.palm_px:.0f}",
                f"{row.whole.found} of {row.whole.hands}",
                percent(row.whole.mean_error),
                percent(row.region_error),
            )
            for row in result.sizes
        ],
    )


def _presence(result: Extended) -> str:
    return _table(
        ("presence above", "of regions with a hand", "of regions without"),
        [
            (f"{point.threshold:g}", percent(point.found), percent(point.false))
            for point in result.roc
        ],
    )


def _alone(result: Extended) -> str:
    model, jitter = result.landmarks, result.jitter
    return (
        f"Landmark model alone, {model.pictures} crops: mean error {percent(model.mean_error)}, "
        f"MSE {percent(model.mse, 2)}, PCK@0.2 {percent(model.pck)}, side right "
        f"{percent(model.handedness)}, presence AUC {model.presence_auc:.3f}. Palm model alone: AP "
        f"at IoU 0.5 {percent(result.palms.ap)}. A still hand trembles by "
        f"{percent(jitter.raw, 2)} of palm size (root mean square, {jitter.hands} hands), by "
        f"{percent(jitter.smoothed, 2)} once smoothed."
    )


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as per cent, a dash for none."""
    return "–" if share is None else f"{share:.{digits}%}"


def _whole_cells(whole: WholeAccuracy) -> tuple[str, ...]:
    return (
        str(whole.hands),
        str(whole.found),
        str(whole.false_hands),
        percent(whole.mean_error),
        percent(whole.p95_error),
        percent(whole.mse, 2),
        percent(whole.pck),
        percent(whole.handedness),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
