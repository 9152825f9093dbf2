"""One table, shown in the terminal or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells with a title and remarks."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    notes: tuple[str, ...] = ()
    left: int = 1
    """So many columns hold words and begin at the left; the others hold figures."""
    cited: frozenset[int] = field(default_factory=frozenset)
    """The numbers of rows that others published."""

    def terminal(self) -> Table:
        """Return it for a rich console."""
        shown = Table(
            title=self.title,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            title_style="bold",
            padding=(0, 1, 0, 0),
        )
        for place, head in enumerate(self.heads):
            is_figure = place >= self.left
            shown.add_column(head, justify="right" if is_figure else "left", no_wrap=is_figure)
        for number, row in enumerate(self.rows):
            shown.add_row(*row, style="dim italic" if number in self.cited else None)
        return shown

    def markdown(self) -> str:
        """Return it as Markdown, with a heading."""
        rule = ["---" if place < self.left else "---:" for place in range(len(self.heads))]
        lines = [_line([head.replace("\n", " ") for head in self.heads]), _line(rule)]
        for number, row in enumerate(self.rows):
            cells = [f"*{cell}*" for cell in row] if number in self.cited else row
            lines.append(_line(cells))
        notes = "".join(f"\n\n{note}" for note in self.notes)
        return f"## {self.title}\n\n" + "\n".join(lines) + notes


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure with so many digits that mean something, "–" for None."""
    if value is None:
        return NOTHING
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    whole = len(str(int(abs(value))))
    return f"{value:.{max(digits - whole, 0)}f}"


def percent(share: float | None, places: int = 1) -> str:
    """Return a share as per cent, "–" for None."""
    return NOTHING if share is None else f"{100 * share:.{places}f} %"
