"""Lock what the service's own environment is made of: `python -m tools.lock`, or `make lock`.

For each Debian release one file of the dependencies, one for each extra with what comes on top of
them, and a bill of materials. pip asks its index for all of it; nothing is downloaded or installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import __version__
from tools import sbom
from tools.resolution import RELEASES, Package, Release, closure, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / "systemd"
EXTRAS = ("metrics", "onnxruntime", "openvino", "web")
"""Those that a device may want."""


def main() -> None:
    """Write every file anew."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base: list[str] = project["dependencies"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    for release in RELEASES:
        everything = [*base, *(text for extra in EXTRAS for text in extras[extra])]
        packages = resolve(release, everything)
        names, _ = closure(packages, release, base)
        write(release, "", (packages[name] for name in names))
        for extra in EXTRAS:
            more, _ = closure(packages, release, extras[extra])
            write(release, extra, (packages[name] for name in more if name not in names))
        document = sbom.describe(release, packages, base)
        (FOLDER / f"sbom-{release.name}.cdx.json").write_text(document, encoding="utf-8")


def write(release: Release, extra: str, packages: Iterable[Package]) -> None:
    """Write one file of requirements, for `pip install --require-hashes --no-deps -r`."""
    what = f"On top of requirements-{release.name}.txt: {extra}" if extra else "EdgeHands' own"
    lines = [
        f"# {what}, on Debian {release.name} (Python {release.python}), x86-64 and aarch64.",
        f"# Made by `make lock` for EdgeHands {__version__}; not to be edited.",
    ]
    for package in packages:
        hashes = [f"--hash=sha256:{digest}" for digest in sorted(package.hashes)]
        lines.append(" \\\n    ".join([f"{package.name}=={package.version}", *hashes]))
    name = "-".join(filter(None, ("requirements", release.name, extra)))
    (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
