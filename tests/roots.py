"""Debian roots to install EdgeHands in: bookworm and trixie, x86-64 and emulated aarch64.

A root is made once, into .cache/roots/; what runs in it writes to a layer of its own. An emulated
one runs in a user namespace whose kernel knows aarch64 programs, so that programs start programs
there as they do on the device. A root has no network: packages come from a folder of wheels,
downloaded by the hashes of the lock.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.resolution import RELEASES, Release, tags

PROJECT = Path(__file__).parent.parent
CACHE = PROJECT / ".cache" / "roots"
EMULATOR = "/usr/bin/qemu-aarch64-static"
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
# An aarch64 root is unpacked, not set up: so the packages' own scripts need no emulation.
UNPACKED = "coreutils,dash,libc-bin,libgomp1,libstdc++6"
# The first bytes of an aarch64 program, and those bits of them that count.
_MAGIC = r"\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00"
_MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
_ENTER = """
set -eu
cd "$LAYER"
mount -t overlay overlay -o "userxattr,lowerdir=$LOWER,upperdir=up,workdir=work" root
cd root
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mkdir -p wheels
mount --bind "$WHEELS" wheels
if [ -n "$BOARD" ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    echo ":aarch64:M::$MAGIC:$MASK:$EMULATOR:F" > /proc/sys/fs/binfmt_misc/register
    export QEMU_CPU="$BOARD"
    mount --bind "$LAYER/cpuinfo" proc/cpuinfo
fi
exec chroot . /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 \\
    PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels ${BOARD:+QEMU_CPU=$BOARD} sh -eu -c "$1"
"""


@dataclass(frozen=True)
class Board:
    """What the kernel says of a Raspberry Pi's processor; the emulator passes on the host's."""

    core: str
    part: str
    features: str

    def cpuinfo(self) -> str:
        """Return two of its cores, as /proc/cpuinfo has them."""
        core = f"BogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
        core += f"CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {self.part}\n"
        return "".join(f"processor\t: {number}\n{core}CPU revision\t: 3\n\n" for number in (0, 1))


BOARDS = {
    "bookworm": Board("cortex-a72", "0xd08", "fp asimd evtstrm crc32 cpuid"),
    "trixie": Board(
        "cortex-a76",
        "0xd0b",
        "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp",
    ),
}


@dataclass(frozen=True)
class Root:
    """A root with a layer that takes what is written."""

    release: Release
    machine: str
    layer: Path
    packages: tuple[str, ...]
    """What apt is asked for."""
    kind: str = ""
    """Tells roots with other packages apart."""
    extras: tuple[str, ...] = ()
    """Whose locks' wheels are there too."""

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return f"{self.release.name}-{self.machine}{self.kind and '-'}{self.kind}"

    @property
    def emulated(self) -> bool:
        """Whether its programs are for another machine."""
        return self.machine != os.uname().machine

    def prepare(self) -> None:
        """Make what is not there yet: the root, its wheels, the layer."""
        if not (CACHE / self.name).exists():
            self._make()
        for folder in ("up", "work", "root"):
            (self.layer / folder).mkdir()
        (self.layer / "cpuinfo").write_text(BOARDS[self.release.name].cpuinfo())

    @property
    def wheels(self) -> Path:
        """The folder that pip takes packages from; it knows no other place."""
        return open_wheels(self.release.name, self.machine, self.extras)

    def path(self, inside: str) -> Path:
        """Return where a file that is put there shows up inside, and one written there outside."""
        return self.layer / "up" / inside.lstrip("/")

    def run(
        self, script: str, *, timeout: float = 900, network: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run lines of a shell as root, without a network or in this machine's."""
        apart = ["--user", "--map-root-user", "--mount", "--pid", "--fork"]
        apart += [] if network else ["--net"]
        board = BOARDS[self.release.name].core if self.emulated else ""
        environment = {
            "LOWER": str(CACHE / self.name), "LAYER": str(self.layer), "WHEELS": str(self.wheels),
            "BOARD": board, "MAGIC": _MAGIC, "MASK": _MASK, "EMULATOR": EMULATOR,
            "PATH": os.environ["PATH"],
        }  # fmt: skip
        return subprocess.run(
            ["unshare", *apart, "--kill-child", "sh", "-c", _ENTER, "sh", script],
            capture_output=True, text=True, timeout=timeout, check=False, env=environment,
        )  # fmt: skip

    def _make(self) -> None:
        new = CACHE / f"{self.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        how = ["--variant=minbase", f"--include={','.join(self.packages)}"]
        if self.emulated:
            hook = "/usr/share/mmdebstrap/hooks/merged-usr"
            how = ["--variant=extract", f"--hook-dir={hook}"]
            how.append(f"--include={','.join(self.packages)},{UNPACKED}")
        run(["mmdebstrap", "--quiet", f"--architecture={DEBIAN[self.machine]}", *how,
             self.release.name, str(new)])  # fmt: skip
        for folder in ("proc", "sys", "dev", "tmp", "root"):
            (new / folder).mkdir(exist_ok=True)
        if self.emulated:
            _trust(new)
        new.rename(CACHE / self.name)


def _trust(root: Path) -> None:
    """Do what the script of ca-certificates does; Debian's own pip does not start without."""
    known = sorted((root / "usr" / "share" / "ca-certificates").rglob("*.crt"))
    bundle = root / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in known))


def lock_of(release: str, extra: str = "") -> Path:
    """Return the file that names what is installed there, each with its hash."""
    return PROJECT / "systemd" / f"requirements-{release}{extra and '-'}{extra}.txt"


def open_wheels(release: str, machine: str, extras: tuple[str, ...] = ()) -> Path:
    """Return a folder of all that the locks name for that machine, downloaded once."""
    (known,) = (entry for entry in RELEASES if entry.name == release)
    locks = [lock_of(release, extra) for extra in ("", *extras)]
    key = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:8]
    folder = CACHE / f"wheels-{release}-{machine}-{key}"
    if not folder.exists():
        new = folder.with_name(f"{folder.name}.new")
        run([sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
             "--only-binary=:all:", *(f"--requirement={lock}" for lock in locks),
             "--dest", str(new), *tags(known, machine)])  # fmt: skip
        new.rename(folder)
    return folder


def open_root(
    release: str,
    machine: str,
    layer: Path,
    packages: tuple[str, ...],
    kind: str = "",
    extras: tuple[str, ...] = (),
) -> Root:
    """Return a root that is ready, or skip where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("roots need root")
    if machine != os.uname().machine and machine != "aarch64":
        pytest.skip(f"{machine} is not emulated")
    needed = ["mmdebstrap", "unshare", *([EMULATOR] if machine != os.uname().machine else [])]
    for tool in needed:
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt install mmdebstrap qemu-user-static")
    (known,) = (entry for entry in RELEASES if entry.name == release)
    root = Root(known, machine, layer, packages, kind, extras)
    root.prepare()
    return root


def run(command: list[str]) -> None:
    """Run a command on this machine; it must succeed."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
