"""`edgehands service` on a real Debian: installed, kept up to date, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.conftest import USERS_EDGEHANDS

if TYPE_CHECKING:
    from tests.system.machine import Machine

pytestmark = pytest.mark.system


def test_the_service_is_installed_and_runs(installed: Machine) -> None:
    assert installed.property("edgehands", "ActiveState") == "active"
    told = installed.run(USERS_EDGEHANDS, "service", "status").stdout
    assert "active (running)" in told
