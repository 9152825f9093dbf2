"""A Debian of our own: a root made by mmdebstrap, booted with its own systemd by systemd-nspawn.

Its systemd is the real one: units, their sandbox, watchdog and credentials work as on a device. It
has no network but loopback, and the kernel is this machine's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RELEASE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "procps", "python3", "python3-venv"),
    *("mosquitto", "mosquitto-clients"),
)
TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter")

_BOOT_SECONDS = 30.0
_CGROUPS = Path("/sys/fs/cgroup")


def cache() -> Path:
    """The folder for roots and wheels, which take minutes to get."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "edgehands" / "system-tests"


def skip_without_tools() -> None:
    """Skip the test where no root can be made or booted, and say why."""
    if os.geteuid() != 0:
        pytest.skip("systemd-nspawn needs root: sudo make test-system")
    if any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip("no systemd-nspawn: apt install systemd-container mmdebstrap")


def base_root() -> Path:
    """Return the folder of a fresh Debian, made once."""
    root = cache() / RELEASE
    if not root.exists():
        part = root.with_name(f"{RELEASE}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        here(
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            *(RELEASE, str(part)),
        )
        # So that nobody is asked for a locale at the first start.
        (part / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
        # Only the tests start a broker.
        (part / "etc/systemd/system/mosquitto.service").symlink_to("/dev/null")
        part.rename(root)
    return root


class Machine:
    """A copy of the base root that can be booted."""

    def __init__(self, folder: Path, binds: Sequence[Path] = ()) -> None:
        """Make the copy in `folder`; it sees each of `binds` at the same path, read-only."""
        self.root = folder / "root"
        self._binds = binds
        self._log = folder / "boot.log"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._group = f"edgehands-test-{os.getpid()}-{folder.name}"
        here("cp", "-a", "--reflink=auto", str(base_root()), str(self.root))
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")

    def boot(self) -> None:
        """Start its systemd and wait until it is up."""
        Path("/run/systemd").mkdir(exist_ok=True)  # nspawn keeps its locks there
        binds = [f"--bind-ro={path}" for path in self._binds]
        # Its systemd takes the version 2 cgroups, where BPF programs keep devices, even if this
        # machine's own mounts are of version 1.
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with self._log.open("wb") as log:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"),
                    *("--register=no", "--keep-unit", "--private-network", "--link-journal=no"),
                    *("--system-call-filter=bpf", "--capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN"),
                    *("--console=pipe", "--resolv-conf=off", "--timezone=off", *binds),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                preexec_fn=self._enter_cgroup,  # noqa: PLW1509 (no thread is near)
            )
        wait_for(self._is_up, _BOOT_SECONDS, "the machine has booted")

    def stop(self) -> None:
        """End everything in it, at once."""
        if self._nspawn is not None:
            os.kill(self._leader or self._nspawn.pid, signal.SIGKILL)  # as a power cut
            self._nspawn.wait(_BOOT_SECONDS)
            self._nspawn, self._leader = None, 0
            self._leave_cgroup()

    def remove(self) -> None:
        """Leave nothing behind."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def run(
        self, *command: str, check: bool = True, timeout: float = 600, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root; `text` is its standard input."""
        answer = subprocess.run(
            ["nsenter", "--all", f"--target={self._leader}", "--", *command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={
                "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/root",
                "LANG": "C.UTF-8",
            },
        )
        if check:
            assert answer.returncode == 0, (command, answer.stdout + answer.stderr)
        return answer

    def write(self, path: str, text: str) -> None:
        """Write a file there, as root."""
        self.run("sh", "-c", 'cat > "$1"', "sh", path, text=text)

    def property(self, unit: str, name: str) -> str:
        """Return a property of a unit, as `systemctl show` has it."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, unit: str) -> str:
        """Return what a unit has said."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def _is_up(self) -> bool:
        nspawn = self._nspawn
        assert nspawn is not None
        assert nspawn.poll() is None, self._log.read_text(errors="replace")
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        if not children:
            return False
        self._leader = int(children[0])
        answer = self.run("systemctl", "is-system-running", check=False)
        return answer.stdout.strip() in {"running", "degraded"}

    def _cgroup(self, hierarchy: str) -> Path:
        return _CGROUPS / hierarchy / self._group

    def _hierarchies(self) -> list[str]:
        """The cgroup trees that nspawn puts its machine into: two where version 1 rules."""
        mixed = [name for name in ("unified", "systemd") if (_CGROUPS / name).is_dir()]
        return mixed or [""]

    def _enter_cgroup(self) -> None:
        """Keep machines apart: each nspawn calls its own group `payload`."""
        for name in self._hierarchies():
            group = self._cgroup(name)
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text(str(os.getpid()))

    def _leave_cgroup(self) -> None:
        for name in self._hierarchies():
            for folder, _, _ in os.walk(self._cgroup(name), topdown=False):
                Path(folder).rmdir()


def here(*command: str, folder: Path | None = None) -> str:
    """Run a command on this machine, which must succeed, and return what it printed."""
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, (command, answer.stdout + answer.stderr)
    return answer.stdout


def patience(seconds: float) -> float:
    """Return how long something may take that has this machine to itself for so many seconds."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until a condition holds and return after how long; it must within `seconds`."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begin
