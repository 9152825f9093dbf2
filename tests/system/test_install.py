"""`edgehands service` on a real Debian: installed, kept up to date, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.running import BROKER, CAMERA, CONFIG, LIGHT, STDOUT, USERS_EDGEHANDS

if TYPE_CHECKING:
    from tests.system.running import Service

pytestmark = pytest.mark.system

FIND_OURS = (
    "find / -xdev ( -path /proc -o -path /root -o -path /tmp ) -prune -o -name *edgehands* -print"
)


def test_it_is_ready_after_its_first_frame(service: Service) -> None:
    service.machine.run("systemctl", "restart", "edgehands")
    assert service.status()["cameras"][0]["frames"] >= 1
    assert service.gets_on()


def test_it_stands_as_its_config_wants(service: Service) -> None:
    told = service.machine.run("edgehands", "service", "status").stdout
    assert "active (running)" in told
    assert "hashes right" in told


def test_the_logs_are_shown(service: Service) -> None:
    assert "event_type" in service.machine.run("edgehands", "service", "logs", "-n", "5").stdout


def test_to_install_again_changes_nothing(service: Service) -> None:
    pid = service.pid
    told = service.install()
    assert {line.split()[0] for line in told.splitlines()} == {"keep"}
    assert service.pid == pid


def test_another_config_gets_what_it_needs(service: Service) -> None:
    network = "/etc/systemd/system/edgehands.service.d/no-network.conf"
    assert service.machine.run("test", "-f", network, check=False).returncode == 0
    service.machine.write(CONFIG, CAMERA + STDOUT + BROKER + LIGHT)
    answer = service.machine.run("edgehands", "service", "status", check=False)
    assert answer.returncode == 69
    assert "no-network.conf is not needed any more" in answer.stdout
    told = service.install()
    assert f"remove  {network}" in told
    assert CONFIG in told
    service.machine.run("edgehands", "service", "status")
    service.configure(CAMERA, STDOUT, LIGHT)
    service.machine.run("test", "-f", network)


def test_a_config_with_a_mistake_stops_and_does_not_loop(service: Service) -> None:
    service.machine.write(CONFIG, "[tracker]\nmax_hand = 3\n")
    service.machine.run("systemctl", "restart", "edgehands", check=False)
    assert service.machine.property("edgehands", "ActiveState") == "failed"
    assert service.machine.property("edgehands", "ExecMainStatus") == "78"
    answer = service.machine.run(USERS_EDGEHANDS, "service", "install", check=False)
    assert answer.returncode == 78
    assert f"{CONFIG}:2:1: " in answer.stderr
    service.configure(CAMERA, STDOUT, LIGHT)
    assert service.is_ready()


def test_uninstalled_nothing_is_left_but_what_is_the_users(service: Service) -> None:
    def ours() -> set[str]:
        return set(service.machine.run(*FIND_OURS.split()).stdout.split())

    service.machine.run(USERS_EDGEHANDS, "service", "uninstall")
    # State and its folder remain: gestures, what was tuned. The models were installed.
    assert ours() <= {"/etc/edgehands", CONFIG, "/var/lib/private/edgehands", "/var/lib/edgehands"}
    service.machine.run("test", "-f", CONFIG)
    service.machine.run(USERS_EDGEHANDS, "service", "uninstall")  # twice does no harm
    service.machine.run(USERS_EDGEHANDS, "service", "uninstall", "--purge")
    assert ours() == set()
    service.install("--config", "/root/edgehands.toml")
    assert service.is_ready()
