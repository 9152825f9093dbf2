"""Debian's kernel for the guest: unpacked, not installed, with the modules that are needed."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

META = "linux-image-amd64"
BUSYBOX = "busybox-static"
AT_START = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
LATER = ("virtio_net", "vivid")
_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules); do /bin/busybox insmod $module; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""


def fetch(folder: Path) -> None:
    """Unpack the kernel and busybox below `folder`, once."""
    if folder.exists():
        return
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    depends = _output("apt-cache", "depends", META)
    image = re.search(r"linux-image-\d\S+", depends)
    assert image, depends
    _output("apt-get", "download", image[0], BUSYBOX, cwd=new)
    for package in new.glob("*.deb"):
        _output("dpkg-deb", "--extract", str(package), str(new))
        package.unlink()
    new.rename(folder)


def image(folder: Path) -> Path:
    """Return the kernel itself."""
    (found,) = (folder / "boot").glob("vmlinuz-*")
    return found


def version(folder: Path) -> str:
    """Return its version, the name of its folder of modules."""
    return image(folder).name.removeprefix("vmlinuz-")


def in_order(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Return the modules and all that they need, each after what it needs."""
    known = {path.stem.replace("-", "_"): path for path in folder.rglob("*.ko")}
    found: list[Path] = []

    def add(name: str) -> None:
        path = known[name.replace("-", "_")]
        if path not in found:
            depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
            for needed in depends[1].decode().split(",") if depends else []:
                if needed:
                    add(needed)
            found.append(path)

    for name in names:
        add(name)
    return found


def install_modules(folder: Path, root: Path) -> None:
    """Copy what the guest loads once it is up; `depmod` has to follow, in the root."""
    for path in in_order(folder, (*AT_START, *LATER)):
        target = root / "usr" / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in (folder / "lib" / "modules").glob("*/modules.*"):
        shutil.copy(path, root / "usr" / path.relative_to(folder))


def write_initramfs(folder: Path, path: Path) -> None:
    """Write what the kernel starts with: it loads the disk's modules and goes on to the root."""
    modules = in_order(folder, AT_START)
    files = {"init": (0o755, _INIT.encode())}
    files["bin/busybox"] = (0o755, (folder / "bin" / "busybox").read_bytes())
    files["modules"] = (0o644, "".join(f"/{module.name}\n" for module in modules).encode())
    files |= {module.name: (0o644, module.read_bytes()) for module in modules}
    archive = b"".join(
        [_entry("bin", 0o40755, b""), _entry("dev", 0o40755, b"")]
        + [_entry(name, 0o100000 | mode, content) for name, (mode, content) in files.items()]
        + [_entry("TRAILER!!!", 0, b"")]
    )
    path.write_bytes(gzip.compress(archive, 1))


def _entry(name: str, mode: int, content: bytes) -> bytes:
    """One file of a cpio archive in the newc format."""
    raw = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers)
    return _padded(head + raw) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _output(*command: str, cwd: Path | None = None) -> str:
    answer = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout
