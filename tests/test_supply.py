"""What the service is installed from: locked by hash, listed with licences, started offline."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgehands import __version__
from edgehands.models.catalog import shipped_catalog
from tools.lock import EXTRAS
from tools.resolution import RELEASES, Release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / "systemd"
ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)
NAMES = [release.name for release in RELEASES]

releases = pytest.mark.parametrize("release", RELEASES, ids=NAMES)


def locked(release: Release, *extras: str) -> dict[str, tuple[str, set[str]]]:
    """Version and hashes by name; a name that is in two of the files is an error."""
    found = {}
    for extra in ("", *extras):
        name = "-".join(filter(None, ("requirements", release.name, extra)))
        text = (FOLDER / f"{name}.txt").read_text().replace(" \\\n   ", "")
        for line in text.splitlines():
            if not line.startswith("#"):
                entry = ENTRY.fullmatch(line)
                assert entry, line
                assert entry["name"] not in found
                hashes = set(re.findall("[0-9a-f]{64}", entry["hashes"]))
                found[entry["name"]] = (entry["version"], hashes)
    return found


def bill(release: Release) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"sbom-{release.name}.cdx.json").read_text())
    return document


@releases
def test_the_lock_has_what_the_project_requires_in_versions_it_allows(release: Release) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = {"": project["dependencies"]}
    wanted |= {extra: project["optional-dependencies"][extra] for extra in EXTRAS}
    for extra, requirements in wanted.items():
        found = locked(release, extra) if extra else locked(release)
        for requirement in map(Requirement, requirements):
            if requirement.marker is None or requirement.marker.evaluate(
                {"python_version": release.python}
            ):
                version, _ = found[canonicalize_name(requirement.name)]
                assert requirement.specifier.contains(version), requirement


@releases
def test_what_is_compiled_is_locked_for_both_machines(release: Release) -> None:
    found = locked(release, *EXTRAS)
    compiled = {name for name, (_, hashes) in found.items() if len(hashes) == 2}
    assert {"ai-edge-litert", "numpy", "opencv-python-headless", "msgspec"} <= compiled
    assert {"onnxruntime", "openvino"} <= compiled
    assert all(len(hashes) <= 2 for _, hashes in found.values())


@releases
def test_the_bill_of_materials_lists_what_is_locked_and_the_models(release: Release) -> None:
    document = bill(release)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["version"] == __version__
    listed = {
        part["name"]: (part["version"], {one["content"] for one in part["hashes"]})
        for part in document["components"]
        if part["type"] == "library"
    }
    assert listed == locked(release, *EXTRAS)
    models = {part["name"] for part in document["components"]} - set(listed)
    assert models == {model.file for model in shipped_catalog().models}
    for part in document["components"]:
        (licence,) = part["licenses"]
        assert licence.get("expression") or licence["license"]["name"] != "unknown", part["name"]


@releases
def test_the_bill_of_materials_says_who_needs_what(release: Release) -> None:
    document = bill(release)
    references = {part["bom-ref"] for part in document["components"]} | {"edgehands"}
    edges = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    assert all(set(needed) <= references for needed in edges.values())
    reached, waiting = set(), ["edgehands"]
    while waiting:
        reference = waiting.pop()
        if reference not in reached:
            reached.add(reference)
            waiting += edges.get(reference, [])
    base = {f"pkg:pypi/{name}@{version}" for name, (version, _) in locked(release).items()}
    assert base <= reached


@pytest.mark.usefixtures("models")
def test_the_first_start_needs_no_network(tmp_path: Path) -> None:
    """In a network namespace of its own without so much as a loopback, and nothing even tried."""
    apart = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "asked = ('socket.connect', 'socket.sendto', 'socket.getaddrinfo', 'socket.bind')\n"
        "def watch(event, arguments):\n"
        "    if event in asked:\n"
        "        os.write(2, f'{event} {arguments}\\n'.encode())\n"
        "        os._exit(99)\n"
        "sys.addaudithook(watch)\n"
    )
    paths = [str(tmp_path), str(PROJECT)]
    home = {name: str(tmp_path / name) for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME")}
    answer = subprocess.run(
        [*apart, sys.executable, "-m", "edgehands", "demo", "--frames", "60", "--model", "light"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, **home, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert '"event_type":"open_palm"' in answer.stdout


@pytest.mark.system
def test_the_lock_of_this_python_installs_and_another_file_is_refused(tmp_path: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    release = next((release for release in RELEASES if release.python == version), None)
    if release is None:
        pytest.skip(f"no lock for Python {version}")
    venv.create(tmp_path / "venv", with_pip=True)
    pip = [str(tmp_path / "venv" / "bin" / "pip"), "install", "--quiet", "--no-deps"]
    lock = FOLDER / f"requirements-{release.name}.txt"
    installed = subprocess.run([*pip, "--require-hashes", "-r", lock], check=False)
    assert installed.returncode == 0
    check = subprocess.run([pip[0], "check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
    _, hashes = locked(release)["mdurl"]
    forged = tmp_path / "forged.txt"
    forged.write_text(lock.read_text().replace(min(hashes), "0" * 64))
    again = [*pip, "--force-reinstall", "--require-hashes", "-r", str(forged)]
    refused = subprocess.run(again, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
