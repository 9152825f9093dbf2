"""All the checks in order, and what they come to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgehands.doctor import devices, service, software, system
from edgehands.doctor.findings import Finding, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


def examine(
    config_path: Path | None = None,
    machine: Machine | None = None,
    watch: Callable[[str], None] | None = None,
) -> Iterator[Finding]:
    """Give the findings of every check, each as soon as it is there.

    Args:
        config_path: check what this config will use; None checks the defaults.
        machine: the one to look at; None is this one.
        watch: told what takes its time next.
    """
    machine = machine or Machine()
    config, findings = software.check_config(config_path)
    tracker = config.tracker
    yield from findings
    yield from software.check_models(tracker)
    yield from software.check_backends(tracker, watch)
    yield from software.check_auto(tracker)
    yield from software.check_opencv()
    yield from devices.check_cameras(machine, [camera.source for camera in config.camera])
    yield from devices.check_accelerators(machine)
    yield from system.check_cpu(machine)
    yield from system.check_power(machine)
    yield from system.check_memory(machine)
    yield from software.check_disk(machine, tracker)
    yield from service.check_clock(machine)
    yield from service.check_service(machine)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the findings come to."""

    line: str
    """The last line of the report."""
    exit_code: int
    """0 if the main job can be done, 78 for a config or model, 69 for a runtime or device."""


def diagnose(findings: Sequence[Finding]) -> Diagnosis:
    """Sum up: errors first, then warnings."""
    errors = [finding for finding in findings if finding.level == "error"]
    warnings = [finding for finding in findings if finding.level == "warning"]
    if errors:
        more = len(errors) + len(warnings) - 1
        also = f"; {more} more problem{'s' if more > 1 else ''} above" if more else ""
        return Diagnosis(f"EdgeHands cannot work here: {errors[0].what}{also}", _code(errors))
    if warnings:
        count = f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''}"
        return Diagnosis(f"EdgeHands works here, with {count}: {warnings[0].what}", 0)
    return Diagnosis("EdgeHands works here: nothing to mend", 0)


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return all of it as plain values, for programs."""
    diagnosis = diagnose(findings)
    said = [asdict(finding) for finding in findings]
    return {"verdict": diagnosis.line, "exit_code": diagnosis.exit_code, "findings": said}


def _code(errors: Sequence[Finding]) -> int:
    """A mistake in a config or a model is the one that a restart cannot mend: it counts most."""
    return max(finding.exit_code for finding in errors)
