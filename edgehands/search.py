"""Detection off the frame's path: begun in one frame, joined in the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

    from edgehands.hand import Palm


class Search:
    """Runs one detection at a time in a thread of its own.

    What is begun in a frame is joined in the next, waiting for it if need be: when it gets done
    does not change the answer, so a replay is exact.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[list[Palm]] | None = None

    def begin(self, detect: Callable[[], list[Palm]]) -> None:
        """Start a detection that holds its own copy of the picture."""
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor  # the first search, not the start

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="edgehands-search")
        self._running = self._thread.submit(detect)

    @property
    def is_running(self) -> bool:
        """Whether there is one to join."""
        return self._running is not None

    def join(self) -> list[Palm]:
        """Return what the detection found, nothing if none was begun; raise what it raised."""
        running, self._running = self._running, None
        return running.result() if running else []

    def close(self) -> None:
        """Wait for the detection that is under way, and drop it."""
        self._running = None
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
