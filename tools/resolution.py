"""What pip would install on another machine: versions, hashes, licences, and who wants what."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MACHINES = ("aarch64", "x86_64")
_OLDEST_GLIBC = 17  # of 2.x, that any wheel in use asks for


@dataclass(frozen=True)
class Release:
    """A Debian release, as far as wheels care."""

    name: str
    python: str
    glibc: int
    """The minor version: 36 is glibc 2.36."""
    pins: Mapping[str, str]
    """Versions that are given: numpy is Debian's own, against which apt's picamera2 is built."""


RELEASES = (
    Release("bookworm", "3.11", 36, {"numpy": "1.24.2"}),
    Release("trixie", "3.13", 41, {"numpy": "2.2.4"}),
)


@dataclass(frozen=True)
class Package:
    """One package of a lock."""

    name: str
    version: str
    hashes: frozenset[str]
    """SHA-256 of each file that some machine installs."""
    licence: str
    """An SPDX expression where the package gives one, its own words elsewhere."""
    homepage: str
    requires: tuple[str, ...] = field(repr=False)
    """Its requirements, with their markers."""


def resolve(release: Release, wanted: Iterable[str]) -> dict[str, Package]:
    """Return what installs `wanted` on that release, by name, the same versions on each machine."""
    found: dict[str, Package] = {}
    for machine in MACHINES:
        pins = {**release.pins, **{package.name: package.version for package in found.values()}}
        for name, package in _on(release, machine, list(wanted), pins).items():
            before = found.get(name, package)
            found[name] = Package(
                **{**vars(package), "hashes": package.hashes | before.hashes},
            )
    return dict(sorted(found.items()))


def tags(release: Release, machine: str) -> list[str]:
    """Return the options with which pip takes wheels for that machine."""
    abis = (f"cp{release.python.replace('.', '')}", "abi3", "none")
    glibcs = [f"manylinux_2_{minor}" for minor in range(_OLDEST_GLIBC, release.glibc + 1)]
    return [
        f"--python-version={release.python}",
        "--implementation=cp",
        *(f"--abi={abi}" for abi in abis),
        *(f"--platform={glibc}_{machine}" for glibc in ("manylinux2014", *glibcs)),
    ]


def wanted_by(package: Package, release: Release) -> set[str]:
    """Return the names of what a package requires on that release."""
    return {canonicalize_name(needed.name) for needed in _applying(package.requires, release)}


def closure(
    packages: Mapping[str, Package], release: Release, wanted: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return the names that `wanted` reaches, sorted, and requirements that `packages` lacks."""
    reached: set[tuple[str, str]] = set()
    lacking = set()
    waiting = _applying(wanted, release)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in packages:
            lacking.add(str(requirement).partition(";")[0].strip())
            continue
        for extra in ("", *requirement.extras):
            if (name, extra) not in reached:
                reached.add((name, extra))
                waiting += _applying(packages[name].requires, release, extra)
    return sorted({name for name, _ in reached}), sorted(lacking)


def _on(
    release: Release, machine: str, wanted: list[str], pins: Mapping[str, str]
) -> dict[str, Package]:
    """Ask pip, until nothing is lacking.

    It takes wheels for that machine but reads most environment markers as on this one, so what it
    leaves out for that reason is asked for by name, and what it takes in is left out here.
    """
    asked = list(wanted)
    while True:
        packages = _ask_pip(release, machine, asked, pins)
        names, lacking = closure(packages, release, wanted)
        if not lacking:
            return {name: packages[name] for name in names}
        asked += lacking


def _ask_pip(
    release: Release, machine: str, wanted: list[str], pins: Mapping[str, str]
) -> dict[str, Package]:
    given = [f"{name}=={version}" for name, version in pins.items() if name in _names(wanted)]
    command = [sys.executable, "-m", "pip", "install", "--isolated", "--quiet", "--dry-run",
               "--ignore-installed", "--only-binary=:all:", "--target=unused", "--report=-",
               *tags(release, machine), *wanted, *given]  # fmt: skip
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    packages = [_package(entry) for entry in json.loads(answer.stdout)["install"]]
    return {package.name: package for package in packages}


def _names(wanted: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in wanted}


def _package(entry: Mapping[str, Any]) -> Package:
    metadata = entry["metadata"]
    links = dict(link.split(", ", 1) for link in metadata.get("project_url", []))
    return Package(
        name=canonicalize_name(metadata["name"]),
        version=metadata["version"],
        hashes=frozenset([entry["download_info"]["archive_info"]["hashes"]["sha256"]]),
        licence=_licence(metadata),
        homepage=metadata.get("home_page") or next(iter(links.values()), ""),
        requires=tuple(metadata.get("requires_dist", [])),
    )


def _licence(metadata: Mapping[str, Any]) -> str:
    """Return what a package says of its licence, best first: an expression, a word, a class."""
    words = (metadata.get("license") or "").strip()
    if words and len(words) < 40 and "\n" not in words:
        said = words
    else:
        classes = [text for text in metadata.get("classifier", []) if text.startswith("License ::")]
        said = classes[0].rpartition(" :: ")[2] if classes else "unknown"
    expression: str = metadata.get("license_expression") or _SPDX.get(said, said)
    return expression


def _applying(requires: Iterable[str], release: Release, extra: str = "") -> list[Requirement]:
    """Return the requirements whose markers hold there, on any machine."""
    environment = {
        "extra": extra,
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{release.python}.2",
        "python_version": release.python,
        "sys_platform": "linux",
    }
    machines = [{**environment, "platform_machine": machine} for machine in MACHINES]
    return [
        needed
        for needed in map(Requirement, requires)
        if needed.marker is None or any(map(needed.marker.evaluate, machines))
    ]


# What packages of ours say where they give no SPDX expression.
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
}
