"""The figures of a soak, and as Markdown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from edgehands.benchmarks.soak.rig import WATCHDOG_SECONDS
from edgehands.benchmarks.soak.samples import slope_per_hour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.soak.faults import Mended
    from edgehands.benchmarks.soak.rig import Setting
    from edgehands.benchmarks.soak.samples import Sample

WARM_SHARE = 0.15
"""Of the run, at its beginning, in which memory may still grow."""
_EDGE = 0.2
"""Share of the quiet samples that stands for the beginning, and for the end."""


@dataclass(frozen=True)
class Soak:
    """One run."""

    minutes: float
    command: str
    device: dict[str, Any]
    setting: Setting
    survived: bool
    """The process that was started is the one that was ended, with exit code 0."""
    end_seconds: float
    """From SIGTERM to its end."""
    watchdog_gap: float
    faults: Sequence[Mended]
    samples: Sequence[Sample]

    @property
    def steady(self) -> list[Sample]:
        """Samples without a fault, after the start."""
        warm = self.minutes * 60 * WARM_SHARE
        return [sample for sample in self.samples if sample.quiet and sample.seconds >= warm]

    @property
    def passed(self) -> bool:
        """Whether it ended as the process that began, with every fault mended."""
        return self.survived and all(fault.seconds is not None for fault in self.faults)

    def as_json(self) -> dict[str, Any]:
        """Return all of it, the samples one a minute."""
        step = max(len(self.samples) // max(round(self.minutes), 1), 1)
        return {
            "command": self.command,
            "minutes": round(self.minutes, 1),
            "device": self.device,
            "setting": self.setting._asdict(),
            "survived": self.survived,
            "end_seconds": round(self.end_seconds, 2),
            "watchdog_gap": round(self.watchdog_gap, 2),
            "figures": self.figures(),
            "faults": [fault._asdict() for fault in self.faults],
            "samples": [asdict(sample) for sample in self.samples[::step]],
        }

    def figures(self) -> dict[str, float]:
        """Return what the steady samples say."""
        steady = self.steady
        if len(steady) < 4:
            return {}
        edge = max(int(len(steady) * _EDGE), 1)
        ends = {"first": steady[:edge], "last": steady[-edge:]}
        times = [sample.seconds for sample in steady]
        found = {
            "rss_mb_per_hour": slope_per_hour(times, [sample.rss_mb for sample in steady]),
            "rss_mb": median(sample.rss_mb for sample in steady),
            "camera_rss_mb": median(sample.camera_rss_mb for sample in steady),
            "written_bytes": steady[-1].written - steady[0].written,
            "frames": self.samples[-1].frames,
            "delivered": self.samples[-1].delivered,
        }
        for end, some in ends.items():
            found[f"fds_{end}"] = median(sample.fds for sample in some)
            found[f"threads_{end}"] = median(sample.threads for sample in some)
            found[f"age_ms_{end}"] = median(sample.age_ms for sample in some)
            found[f"age_p99_ms_{end}"] = median(sample.age_p99_ms for sample in some)
        return {name: round(value, 3) for name, value in found.items()}


def markdown(soak: Soak) -> str:
    """Return the figures as Markdown."""
    figures = soak.figures()
    done = sum(fault.seconds is not None for fault in soak.faults)
    rows = {
        "the same process from beginning to end": "yes" if soak.survived else "**no**",
        "faults mended": f"{done} of {len(soak.faults)}",
        f"longest without feeding a watchdog of {WATCHDOG_SECONDS:.0f} s": (
            f"{soak.watchdog_gap:.1f} s"
        ),
        "SIGTERM → end": f"{soak.end_seconds:.2f} s",
    }
    if figures:
        rows |= {
            "memory": f"{figures['rss_mb']:.1f} MB, {figures['rss_mb_per_hour']:+.2f} MB an hour",
            "memory of the camera's process": f"{figures['camera_rss_mb']:.1f} MB",
            "open files, first fifth → last": _change(figures, "fds"),
            "threads": _change(figures, "threads"),
            "age of a frame with its result, median": f"{_change(figures, 'age_ms')} ms",
            "… p99": f"{_change(figures, 'age_p99_ms')} ms",
            "written to disks": f"{figures['written_bytes']:.0f} bytes",
            "frames": f"{figures['frames']:.0f}",
            "messages delivered": f"{figures['delivered']:.0f}",
        }
    source, model, fps = soak.setting
    lines = [
        f"`{soak.command}`: {soak.minutes:.0f} minutes, `{source}` at {fps:g} frames a second.",
        f"Model {model}; {len(soak.faults)} faults.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows.items()),
    ]
    lines += ["", "| fault | times | mended after, median | worst |", "|---|---|---|---|"]
    kinds = defaultdict(list)
    for fault in soak.faults:
        kinds[fault.name].append(fault.seconds)
    for name, all_ in kinds.items():
        times = [seconds for seconds in all_ if seconds is not None]
        missing = "" if len(times) == len(all_) else f", {len(all_) - len(times)} never"
        shown = f"{median(times):.1f} s | {max(times):.1f} s{missing}" if times else "– | never"
        lines.append(f"| {name} | {len(all_)} | {shown} |")
    return "\n".join(lines)


def _change(figures: dict[str, float], name: str) -> str:
    return f"{figures[f'{name}_first']:g} → {figures[f'{name}_last']:g}"
