"""The main loop: camera → tracker → gestures → events → outputs, from one config.

`edgehands run`, `edgehands demo` and the service are this with different configs. Each camera has a
thread of its own (`camera_loop`), the outputs are shared, and the thread that called only waits and
supervises (`running`): whatever hangs, somebody is there to hear a signal and to tell a watchdog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.service.plans import run_id
from edgehands.service.running import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.config import Config
    from edgehands.outputs import Output
    from edgehands.service.hub import Watch
    from edgehands.summary import Summary

__all__ = ["Service", "run", "run_id"]


def run(config: Config, watch: Watch | None = None, listeners: Sequence[Output] = ()) -> Summary:
    """Run until every camera ends or has its number of frames, or Ctrl-C.

    Args:
        config: everything there is to know.
        watch: called after each frame, in a camera's thread, with the frames so far and how many
            there should be, if anybody knows.
        listeners: outputs besides the config's.

    Raises:
        EdgeHandsError: what could not be opened, or broke; see `edgehands.errors`.
    """
    return Service(config, watch, listeners).run()
