"""The unit and its drop-ins as files: systemd understands them, and scores how exposed they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgehands.errors import ConfigError, ModelError, UsageError

SYSTEMD = Path(__file__).parent.parent / "systemd"
UNIT = SYSTEMD / "edgehands.service"
DROPINS = sorted(UNIT.with_suffix(".service.d").iterdir())
# The scores of systemd 252, in tenths.
ONE_PROCESS = 13
WITHOUT_NETWORK = 6


@pytest.fixture(autouse=True)
def _analyzer() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze: apt install systemd")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy of the unit that could start here."""
    copy = tmp_path / UNIT.name
    program = "/opt/edgehands/venv/bin/edgehands"
    copy.write_text(UNIT.read_text().replace(program, "/bin/true"))
    return copy


def analyze(*arguments: str) -> tuple[int, str]:
    answer = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )
    return answer.returncode, answer.stdout + answer.stderr


def with_dropin(unit: Path, dropin: Path) -> None:
    folder = unit.with_suffix(".service.d")
    folder.mkdir(exist_ok=True)
    shutil.copy(dropin, folder)


def test_systemd_finds_no_mistake_in_the_unit(unit: Path) -> None:
    code, told = analyze("verify", str(unit))
    assert (code, told) == (0, "")


@pytest.mark.parametrize("dropin", DROPINS, ids=lambda path: path.stem)
def test_systemd_finds_no_mistake_in_a_dropin(unit: Path, dropin: Path) -> None:
    with_dropin(unit, dropin)
    code, told = analyze("verify", str(unit))
    assert (code, told) == (0, "")


def test_the_unit_is_hardly_exposed(unit: Path) -> None:
    assert_exposed(unit, ONE_PROCESS)


@pytest.mark.parametrize("dropin", DROPINS, ids=lambda path: path.stem)
def test_the_unit_is_hardly_exposed_with_a_dropin(unit: Path, dropin: Path) -> None:
    with_dropin(unit, dropin)
    assert_exposed(unit, WITHOUT_NETWORK if dropin.stem == "no-network" else ONE_PROCESS)


@pytest.mark.parametrize("other", ["coral", "csi"])
def test_a_dropin_keeps_its_netlink_beside_the_one_without_a_network(
    unit: Path, other: str
) -> None:
    for name in ("no-network", other):
        with_dropin(unit, next(path for path in DROPINS if path.stem == name))
    _, told = analyze("security", "--offline=true", "--json=short", str(unit))
    refused = {each["json_field"]: each["set"] for each in json.loads(told)}
    assert not refused["RestrictAddressFamilies_AF_NETLINK"]
    assert refused["RestrictAddressFamilies_AF_INET_INET6"]
    assert refused["RestrictAddressFamilies_AF_PACKET"]


def assert_exposed(unit: Path, tenths: int) -> None:
    """Fail if systemd's score, from 0 (safe) to 10, is above so many tenths."""
    code, told = analyze("security", "--offline=true", f"--threshold={tenths}", str(unit))
    assert code == 0, told


def test_it_is_started_again_after_all_but_what_only_somebody_can_mend() -> None:
    (codes,) = re.findall(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.MULTILINE)
    lasting = {UsageError.exit_code, ConfigError.exit_code, ModelError.exit_code}
    assert set(map(int, codes.split())) == lasting


def test_what_can_be_written_cannot_be_run() -> None:
    settings = dict(
        line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"\w+=", line)
    )
    no_exec = settings["NoExecPaths"].split()
    for kind, base in (("State", "/var/lib"), ("Cache", "/var/cache"), ("Runtime", "/run")):
        assert f"{base}/{settings[f'{kind}Directory']}" in no_exec
