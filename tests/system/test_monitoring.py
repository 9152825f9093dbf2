"""The installed service, seen from outside: status, journal, doctor, metrics, support bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.machine import wait_for
from tests.system.running import CAMERA, LIGHT, STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

CANARY = "canary-b70f15"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
METRICS = """
[metrics]
listen = "unix:/run/edgehands/metrics.sock"
"""
PAGE = """
[web]
enabled = true
"""
VISIT = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:8770/").read().decode())
"""
CONNECT = """
import socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("/run/edgehands/edgehands.status")
"""
SCRAPE = """
import socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("/run/edgehands/metrics.sock")
    client.sendall(b"GET /metrics HTTP/1.0\\r\\n\\r\\n")
    print(client.makefile().read())
"""


def told(service: Service) -> dict[str, Any]:
    """What `edgehands status --json` says once all is well."""

    def ask() -> dict[str, Any]:
        answer = service.machine.run("edgehands", "status", "--json", check=False)
        return dict(json.loads(answer.stdout))

    wait_for(lambda: bool(ask()["exit_code"] == 0), 30, "a service that is well")
    return ask()


def test_root_may_ask_the_service_and_nobody_else(service: Service) -> None:
    (run,) = told(service)["runs"]
    assert run["socket"] == "/run/edgehands/edgehands.status"
    assert run["health"]["cameras"][0]["frames"] > 0
    mode = service.machine.run("stat", "--format=%A", run["socket"]).stdout.strip()
    assert mode == "srw-rw----"
    refused = service.machine.run(*NOBODY, "python3", "-c", CONNECT, check=False)
    assert "PermissionError" in refused.stderr


def test_a_warning_has_its_priority_and_code_in_the_journal(service: Service) -> None:
    service.machine.run("pkill", "-KILL", "edgehands-cam")

    def warnings() -> list[str]:
        shown = service.machine.run(
            *("journalctl", "--unit=edgehands", "--priority=warning"),
            *("--output=json", "--no-pager"),
        ).stdout
        return [str(json.loads(line)["MESSAGE"]) for line in shown.splitlines()]

    wait_for(lambda: any(line.startswith("EH1105 ") for line in warnings()), 30, "EH1105")
    told(service)


def test_doctor_finds_a_sound_service_sound(service: Service) -> None:
    told(service)
    answer = service.machine.run("edgehands", "doctor", "--json", check=False)
    findings = json.loads(answer.stdout)["findings"]
    said = [finding["what"] for finding in findings if finding["check"] == "service"]
    assert said == ["runs, and starts with the machine; watchdog 8s"]


@pytest.fixture
def measured(service: Service) -> Iterator[Service]:
    """The service with metrics on a unix socket, which its sandbox without a network allows."""
    service.configure(CAMERA, STDOUT, LIGHT, METRICS)
    yield service
    service.configure(CAMERA, STDOUT, LIGHT)


def test_metrics_can_be_had_from_the_sandbox(measured: Service) -> None:
    told(measured)
    assert "edgehands_ok 1.0" in measured.machine.run("python3", "-c", SCRAPE).stdout


@pytest.fixture
def watched(service: Service) -> Iterator[Service]:
    """The service with its live page."""
    service.configure(CAMERA, STDOUT, LIGHT, PAGE)
    yield service
    service.configure(CAMERA, STDOUT, LIGHT)


def test_the_live_page_can_be_had_from_the_sandbox(watched: Service) -> None:
    told(watched)
    assert "<title>EdgeHands" in watched.machine.run("python3", "-c", VISIT).stdout


def test_the_bundle_has_the_services_state_and_no_password(service: Service) -> None:
    place = "/etc/edgehands/mqtt-password"
    service.machine.run("install", "-m", "600", "/dev/null", place)
    service.machine.write(place, CANARY)
    service.machine.run("systemctl", "restart", "edgehands")
    told(service)
    answer = service.machine.run("edgehands", "support-bundle", "--out", "/root/bundle.tar.gz")
    service.machine.run("rm", place)
    assert answer.stdout.splitlines()[-1].startswith("/root/bundle.tar.gz is written")
    texts = service.machine.run("tar", "-xOzf", "/root/bundle.tar.gz").stdout
    assert CANARY not in texts
    assert "WatchdogSec=8" in texts
    assert '"state": "ok"' in texts
