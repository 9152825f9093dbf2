"""The report as a Markdown page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edgehands.benchmarks.bench import show
from edgehands.benchmarks.bench.paper_table import cited_grid, paper_grid, quality_grid

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.benchmarks.bench.rows import Report
    from edgehands.benchmarks.bench.table import Grid


def all_grids(report: Report, *, with_paper: bool) -> list[Grid]:
    """Return the tables of a report; `with_paper` adds what others published."""
    own = show.grids(report)
    if not with_paper:
        return own
    return [paper_grid(report.rows), *own, cited_grid(), quality_grid()]


def markdown(report: Report, place: Path, plot: Path | None, *, with_paper: bool) -> str:
    """Return the page that is to be written to `place`, with the picture that lies in `plot`."""
    about = [f"- {line}" for line in show.device_lines(report)]
    warned = [f"- **{line}**" for line in report.warnings]
    parts = [
        "# Latency, with an accuracy beside it",
        f"Measured on {report.made[:10]} by `{report.command}`.",
        "\n".join([*about, *warned]),
    ]
    if plot:
        picture = os.path.relpath(plot, place.parent)
        parts.append(f"![Latency against error, this device above the paper's phones]({picture})")
    parts += [grid.markdown() for grid in all_grids(report, with_paper=with_paper)]
    if marked := show.refused(report.rows):
        parts.append("## Not ranked\n\n" + "\n".join(f"- {line}" for line in marked))
    parts.append(_METHOD)
    return "\n\n".join(parts) + "\n"


_METHOD = """## How it is measured

Each model on each backend with each number of threads is a case. A case runs in several rounds,
each in a fresh process, in turns with the other cases. A round opens the model, runs it in blocks
of 0.1 s until one is no more than 3 % faster than the one before, and then times single runs on
crops of synthetic hands, cut as the tracker cuts them. Times are of the run alone, without cropping
and decoding; percentiles are over the runs of all rounds. CPU counts all cores, and threads that
wait in a loop. RSS is the whole process. Where it may, as root, a round comes before other
processes. The first round also compares the outputs with those of tflite, as `edgehands verify`
does, and measures the accuracy on 64 crops with exact truth, cut where a tracker that is right
would look; in int8 and fp16, whose outputs cannot be the same, that accuracy decides. A case that
crashes, hangs or gives wrong outputs is marked and not ranked."""
