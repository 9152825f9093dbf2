"""The installed service, seen from outside: status, journal, doctor, metrics, support bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.conftest import CONFIG, INSTALL, USERS_EDGEHANDS
from tests.system.machine import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.machine import Machine

pytestmark = pytest.mark.system

CANARY = "canary-b70f15"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def status(machine: Machine) -> dict[str, Any]:
    answer = machine.run(USERS_EDGEHANDS, "status", "--json", check=False)
    return dict(json.loads(answer.stdout))


def is_well(machine: Machine) -> bool:
    return bool(status(machine)["exit_code"] == 0)


def test_root_may_ask_the_service_and_nobody_else(installed: Machine) -> None:
    wait_for(lambda: is_well(installed), 30, "a service that is well")
    (run,) = status(installed)["runs"]
    assert run["socket"] == "/run/edgehands/edgehands.status"
    assert run["health"]["cameras"][0]["frames"] > 0
    mode = installed.run("stat", "--format=%A", run["socket"]).stdout.strip()
    assert mode == "srw-rw----"
    copy = installed.run("sh", "-c", "command -v python3").stdout.strip()
    refused = installed.run(
        *(*NOBODY, copy, "-c"),
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/edgehands/edgehands.status')",
        check=False,
    )
    assert "PermissionError" in refused.stderr


def test_a_warning_has_its_priority_and_code_in_the_journal(installed: Machine) -> None:
    installed.run("sh", "-c", "kill -9 $(pgrep edgehands-cam)")

    def warnings() -> list[str]:
        shown = installed.run(
            "journalctl", "--unit=edgehands", "--priority=warning", "--output=json", "--no-pager"
        ).stdout
        return [str(json.loads(line)["MESSAGE"]) for line in shown.splitlines()]

    wait_for(lambda: any(line.startswith("EH1105 ") for line in warnings()), 30, "EH1105")
    wait_for(lambda: is_well(installed), 30, "a service that is well")


def test_doctor_finds_a_sound_service_sound(installed: Machine) -> None:
    wait_for(lambda: is_well(installed), 30, "a service that is well")
    answer = installed.run(USERS_EDGEHANDS, "doctor", "--json", check=False)
    findings = [
        each for each in json.loads(answer.stdout)["findings"] if each["check"] == "service"
    ]
    assert [each["what"] for each in findings] == [
        "runs, and starts with the machine; watchdog 10s"
    ]


PLACE = "/etc/edgehands/edgehands.toml"
ASK = """
import socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("/run/edgehands/metrics.sock")
    client.sendall(b"GET /metrics HTTP/1.0\\r\\n\\r\\n")
    print(client.makefile().read())
"""


@pytest.fixture
def measured(installed: Machine) -> Iterator[Machine]:
    """The service with metrics on a unix socket, which its sandbox without a network allows."""
    metrics = '[metrics]\nlisten = "unix:/run/edgehands/metrics.sock"\n'
    installed.run("tee", PLACE, text=CONFIG + metrics)
    installed.run(*INSTALL)
    installed.run("systemctl", "restart", "edgehands")
    yield installed
    installed.run("tee", PLACE, text=CONFIG)
    installed.run(*INSTALL)
    installed.run("systemctl", "restart", "edgehands")


def test_metrics_can_be_had_from_the_sandbox(measured: Machine) -> None:
    wait_for(lambda: is_well(measured), 30, "a service that is well")
    assert "edgehands_ok 1.0" in measured.run("python3", "-c", ASK).stdout


def test_the_bundle_has_the_services_log_and_no_password(installed: Machine) -> None:
    installed.run("sh", "-c", f"umask 077; echo {CANARY} > /etc/edgehands/mqtt-password")
    installed.run("systemctl", "restart", "edgehands")
    wait_for(lambda: is_well(installed), 30, "a service that is well")
    answer = installed.run(USERS_EDGEHANDS, "support-bundle", "--out", "/root/bundle.tar.gz")
    installed.run("rm", "/etc/edgehands/mqtt-password")
    assert answer.stdout.splitlines()[-1].startswith("/root/bundle.tar.gz is written")
    texts = installed.run("tar", "-xOzf", "/root/bundle.tar.gz").stdout
    assert CANARY not in texts
    assert "WatchdogSec=10" in texts
    assert '"state": "ok"' in texts
