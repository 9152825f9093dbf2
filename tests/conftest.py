"""What more than one test file needs: real media and real models, where they are to be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgehands.models import store


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real pictures and clips."""
    folder = os.environ.get("EDGEHANDS_MEDIA")
    if not folder:
        pytest.skip("no real media: set EDGEHANDS_MEDIA to their folder")
    if not Path(folder).is_dir():
        pytest.skip(f"no real media: EDGEHANDS_MEDIA={folder} is no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def models() -> None:
    """Every model of the catalog, so that `store.load` finds them."""
    if bad := [state.problem for state in store.check() if state.status != "ok"]:
        pytest.skip(f"no real models: {bad[0]}")
