"""The service: is it installed, does it run, may it have what it needs, and is its clock right?"""

from __future__ import annotations

import grp
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from edgehands.config_files import SYSTEM
from edgehands.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edgehands.doctor.findings import Machine

_MANY_RESTARTS = 3
_ENABLED = {"enabled", "enabled-runtime", "static", "generated", "alias", "linked"}
# What a camera needs. `service install` sees to the groups of accelerators, if the config uses one.
_DEVICES = ("dev/video*", "dev/media*", "dev/dma_heap/*")
_CONTAINER_SIGNS = (".dockerenv", "run/.containerenv", "run/systemd/container")


def check_service(machine: Machine) -> list[Finding]:
    """The unit of systemd, and the run behind it."""
    unit = machine.ask_unit()
    if unit is None:
        return [Finding("service", "off", "no systemd answers here, so there is no service")]
    if unit.get("LoadState") != "loaded":
        return [Finding("service", "off", "not installed: sudo edgehands service install")]
    problems = [*_unit(unit), *_groups(machine, unit), *_config(machine, unit)]
    if unit.get("ActiveState") == "active":
        problems += _run(machine)
    watchdog = unit.get("WatchdogUSec", "")
    fine = f"runs, and starts with the machine; watchdog {watchdog}"
    return problems or [Finding("service", "ok", fine)]


def _unit(unit: Mapping[str, str]) -> Iterator[Finding]:
    state, code = unit.get("ActiveState", ""), unit.get("ExecMainStatus", "")
    if state != "active":
        yield _warning(
            f"the service is {state} ({unit.get('Result')}, exit code {code})",
            "nothing looks for hands",
            "see why: journalctl -u edgehands -n 30; then: sudo systemctl restart edgehands",
        )
    if unit.get("UnitFileState") not in _ENABLED:
        yield _warning(
            "the service does not start with the machine",
            "after a power cut it stays off",
            "sudo systemctl enable edgehands",
        )
    if unit.get("WatchdogUSec", "0") in {"0", "infinity"}:
        yield _warning(
            "the service has no watchdog",
            "if it hangs, it hangs until somebody comes",
            "sudo edgehands service install",
        )
    restarts = int(unit.get("NRestarts", "0") or 0)
    if state == "active" and restarts >= _MANY_RESTARTS:
        yield _warning(
            f"the service was started again {restarts} times after it had failed",
            "something ends it again and again",
            "see what: journalctl -u edgehands -p warning -n 50",
        )


def _groups(machine: Machine, unit: Mapping[str, str]) -> Iterator[Finding]:
    """Devices of this machine that the unit's groups do not open to it."""
    if _is_root(unit):
        return
    groups = _groups_of(unit)
    missing: dict[str, str] = {}
    for path in (path for pattern in _DEVICES for path in machine.paths(pattern)):
        with suppress(OSError):
            status = path.stat()
            name = _group_name(status.st_gid)
            for_group = status.st_mode & stat.S_IWGRP and not status.st_mode & stat.S_IWOTH
            if for_group and name not in groups:
                missing.setdefault(name, machine.shown(path))
    for name, device in missing.items():
        yield _warning(
            f"the service is not in the group {name}",
            f"it cannot use {device}",
            f"sudo systemctl edit edgehands, and set SupplementaryGroups={name} below [Service]; "
            "then: sudo systemctl restart edgehands",
        )


def _config(machine: Machine, unit: Mapping[str, str]) -> Iterator[Finding]:
    path = machine.root / SYSTEM.relative_to("/")
    shown = machine.shown(path)
    if not path.exists():
        yield _warning(
            f"the service has no config: there is no {shown}",
            "it does not start without a camera",
            "sudo edgehands config init, then edit that file",
        )
    elif not _is_root(unit) and not _may_read(path, _groups_of(unit)):
        yield _warning(
            f"the service cannot read its config {shown}",
            "it runs as a user of its own, and this file is closed to it; passwords do not stand "
            "in it",
            f"sudo chmod 644 {shown} && sudo chmod 755 {machine.shown(path.parent)}",
        )


def _run(machine: Machine) -> Iterator[Finding]:
    runs = machine.find_runs()
    if not runs:
        yield _warning(
            "the service does not answer on its status socket",
            "nobody sees how it is doing",
            "see whether it starts: journalctl -u edgehands -n 30",
        )
    problems = [problem for run in runs if not run.is_closed for problem in run.problems]
    if problems:
        yield _warning(
            f"the service needs help: {problems[0]}",
            f"{len(problems)} things are to be mended" if problems[1:] else "this is to be mended",
            "edgehands status",
        )


def check_clock(machine: Machine) -> list[Finding]:
    """Whether the wall clock is set by the network: small boards forget the time without power."""
    is_set = machine.is_clock_set()
    if is_set:
        return [Finding("clock", "ok", "set by the network")]
    if is_set is None:
        return [Finding("clock", "off", "nobody says whether it is right")]
    in_container = any((machine.root / sign).exists() for sign in _CONTAINER_SIGNS)
    return [
        Finding(
            "clock",
            # There, it is the host's.
            "note" if in_container else "warning",
            "the clock is not set by the network",
            "events may carry a wrong time, and the certificate of a broker may be refused",
            "sudo timedatectl set-ntp true; then look: timedatectl",
        )
    ]


def _is_root(unit: Mapping[str, str]) -> bool:
    return unit.get("DynamicUser") != "yes" and unit.get("User", "") in {"", "root"}


def _groups_of(unit: Mapping[str, str]) -> set[str]:
    return set(f"{unit.get('Group', '')} {unit.get('SupplementaryGroups', '')}".split())


def _may_read(path: Path, groups: set[str]) -> bool:
    """Whether somebody in these groups, and none but them, could read a file."""
    status = path.stat()
    of_group = status.st_mode & stat.S_IRGRP and _group_name(status.st_gid) in groups
    return bool(status.st_mode & stat.S_IROTH or of_group) and bool(
        path.parent.stat().st_mode & stat.S_IXOTH
    )


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:  # as in a container, whose /etc/group is another
        return str(number)


def _warning(what: str, means: str, mend: str) -> Finding:
    return Finding("service", "warning", what, means, mend)
