"""A benchmark in the terminal, and in the files that were asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from edgehands.benchmarks.bench import chart, document, rows, show
from edgehands.benchmarks.bench.compare import machine_notes
from edgehands.errors import InputError
from edgehands.outputs.files import cannot_write, check_suffix, make_folder_for, write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.benchmarks.bench.compare import Change
    from edgehands.benchmarks.bench.rows import Report


class Files(NamedTuple):
    """Where to write what."""

    json: Path | None
    markdown: Path | None
    plot: Path | None

    def check(self) -> None:
        """Find out now what would be a pity to find out in the end.

        Raises:
            UsageError: a name that no picture can have.
            InputError: a folder cannot be made, or a file is one.
            RuntimeMissingError: nothing here can draw.
        """
        if self.plot:
            check_suffix(self.plot, (".png", ".svg", ".pdf"))
            chart.check_plots()
        for file in filter(None, self):
            make_folder_for(file)
            if file.is_dir():
                raise InputError(f"cannot write {file}: it is a folder")

    def write(self, report: Report, *, with_paper: bool) -> None:
        """Write what was asked for.

        Raises:
            InputError: a file cannot be written.
        """
        if self.json:
            write_bytes(self.json, rows.encode(report))
        if self.plot:
            try:
                chart.draw(report, self.plot)
            except OSError as error:
                raise cannot_write(self.plot, error) from error
        if self.markdown:
            page = document.markdown(report, self.markdown, self.plot, with_paper=with_paper)
            write_bytes(self.markdown, page.encode())


def print_report(report: Report, *, with_paper: bool) -> None:
    """Print device, tables and reasons; warnings go to stderr."""
    console = _console()
    for line in show.device_lines(report):
        print(line)
    for grid in document.all_grids(report, with_paper=with_paper):
        console.print()
        console.print(grid.terminal())
        for note in grid.notes:
            console.print(note, style="dim")
    for line in show.refused(report.rows):
        print(line)
    for line in report.warnings:
        print(f"edgehands: {line}", file=sys.stderr)


def print_changes(old: Report, new: Report, changes: Sequence[Change]) -> None:
    """Print what changed, and in one line whether anything did."""
    console = _console()
    console.print()
    console.print(show.compare_grid(changes).terminal())
    for change in changes:
        if change.reason:
            print(f"{change.case}: {change.verdict}: {change.reason}")
    for note in machine_notes(old, new):
        print(f"edgehands: {note}", file=sys.stderr)
    verdicts = [change.verdict for change in changes]
    counts = [(verdicts.count(each), each) for each in ("regression", "gone", "faster")]
    print(", ".join(f"{count} × {each}" for count, each in counts if count) or "no change")


def _console() -> Console:
    # Into a pipe or file, a line is as long as it needs to be.
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)
