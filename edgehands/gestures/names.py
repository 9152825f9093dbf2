"""Every gesture by its name, whatever kind it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.gestures.learned.store import learned_names
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import shipped_vocabulary

if TYPE_CHECKING:
    from pathlib import Path


def known_gestures(learned: str | Path | None = None) -> set[str]:
    """Return the names of all gestures but those that a config file defines.

    Args:
        learned: folder of learned gestures; None looks in the usual ones.
    """
    return {*shipped_vocabulary(), *MOTIONS, *learned_names(learned)}
