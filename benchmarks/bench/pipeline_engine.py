"""What runs the models of a measured pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from edgehands.settings import TrackerSettings


@dataclass(frozen=True, slots=True)
class Engine:
    """Four arguments of `HandTracker` that go together."""

    model: str = "full"
    """Landmark model or ensemble."""
    backend: str = "auto"
    threads: int | None = None
    settings: TrackerSettings | None = None

    def tracker(self, max_hands: int, *, static: bool = False) -> HandTracker:
        """Open a tracker; errors are those of `HandTracker`."""
        return HandTracker(
            self.model,
            self.backend,
            max_hands=max_hands,
            static=static,
            threads=self.threads,
            settings=self.settings,
        )
