"""The guest's disk: Debian bookworm with systemd, the service installed from the wheel, a camera.

It is made once for each wheel, into .cache/guest/.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgehands.models import store
from tests.guest import kernel
from tests.roots import CACHE as ROOTS
from tests.roots import PROJECT, open_wheels
from tests.test_entry_points import example
from tests.test_entry_points import install as install_package

AGENT = Path(__file__).with_name("agent.py")
CACHE = PROJECT / ".cache" / "guest"
RELEASE = "bookworm"
PACKAGES = "systemd,systemd-sysv,dbus,udev,kmod,python3-venv,v4l-utils"
TOOLS = ("mmdebstrap", "systemd-nspawn", "mke2fs", "qemu-system-x86_64")
MODELS = ("light", "palm-lite")
CAMERA = "/dev/v4l/by-path/platform-vivid.0-video-index0"
BROKER = "10.0.2.2"
CONFIG = """\
[[camera]]
source = "{camera}"
name = "vivid"
width = 320
height = 180
fps = 5.0

[[output]]
type = "mqtt"
url = "mqtt://{broker}:{port}"
node = "guest"

[tracker]
model = "light"
backend = "{backend}"
"""
_FILES = {
    "etc/hostname": "guest\n",
    "etc/fstab": "/dev/vda / ext4 rw 0 1\n/dev/vdb /etc/edgehands ext4 rw 0 2\n",
    "etc/modules-load.d/guest.conf": "virtio_net\nvivid\n",
    # One camera, one input: a webcam; no vertical blanking, radio, output or anything else.
    "etc/modprobe.d/guest.conf": "options vivid n_devs=1 node_types=0x1 num_inputs=1 "
    "input_types=0x0 multiplanar=1 no_error_inj=1\n",
    "etc/systemd/network/eth0.network": "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\n"
    "Gateway=10.0.2.2\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    "etc/systemd/journald.conf.d/guest.conf": "[Journal]\nStorage=volatile\n",
    "etc/systemd/system/agent.service": "[Unit]\nDescription=The tests' hand in the guest\n"
    "[Service]\nExecStart=/usr/bin/python3 /opt/agent.py /dev/ttyS1\n"
    "[Install]\nWantedBy=multi-user.target\n",
}


@dataclass(frozen=True)
class Image:
    """What QEMU boots."""

    kernel: Path
    initramfs: Path
    root: Path
    """The disk; no guest writes to it."""

    @property
    def settings(self) -> Path:
        """A folder with what `edgehands service install` wrote into /etc/edgehands."""
        return self.root.with_suffix("")


def make(wheel: Path) -> Image:
    """Return the image for a wheel, made if it is not there."""
    if os.geteuid() != 0:
        pytest.skip("the guest's root needs root")
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: see CONTRIBUTING.md, make test-guest")
    CACHE.mkdir(parents=True, exist_ok=True)
    sources = CACHE / "kernel"
    kernel.fetch(sources)
    ours = (Path(__file__), Path(kernel.__file__), AGENT)
    parts = [wheel.read_bytes(), *(path.read_bytes() for path in ours)]
    key = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    image = Image(
        kernel=kernel.image(sources),
        initramfs=CACHE / "initramfs.gz",
        root=CACHE / f"root-{key}.img",
    )
    if not image.root.exists():
        for old in CACHE.glob("root-*.img"):
            old.unlink()
            shutil.rmtree(old.with_suffix(""), ignore_errors=True)
        kernel.write_initramfs(sources, image.initramfs)
        _make_disks(image, sources, wheel)
    return image


def write_config(image: Image, disk: Path, port: int, backend: str) -> str:
    """Make the disk of /etc/edgehands for a broker on this machine; return the config."""
    folder = disk.with_suffix(".etc")
    shutil.copytree(image.settings, folder)
    config = config_text(port, backend)
    (folder / "edgehands.toml").write_text(config)
    _format(folder, disk, "24M")
    return config


def config_text(port: int, backend: str) -> str:
    """Return the service's config, for a broker at that port of this machine."""
    return CONFIG.format(camera=CAMERA, broker=BROKER, port=port, backend=backend)


def _make_disks(image: Image, sources: Path, wheel: Path) -> None:
    stage = CACHE / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    run("cp", "--archive", "--reflink=auto", str(_base()), str(stage))
    for name, content in _FILES.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(content)
    shutil.copy(AGENT, stage / "opt")
    kernel.install_modules(sources, stage)
    wheels = open_wheels(RELEASE, "x86_64")
    (stage / "opt" / "config.toml").write_text(config_text(1883, "tflite"))
    _install(stage, wheels, wheel, kernel.version(sources))
    shutil.rmtree(image.settings, ignore_errors=True)
    shutil.copytree(stage / "etc" / "edgehands", image.settings)
    (site,) = (stage / "opt" / "edgehands").glob("venv-*/lib/python*/site-packages")
    install_package(site, "edgehands_blind", example("python"), blind="edgehands_blind")
    part = image.root.with_suffix(".part")
    _format(stage, part, "1600M")
    shutil.rmtree(stage)
    part.rename(image.root)


def _install(stage: Path, wheels: Path, wheel: Path, version: str) -> None:
    """What a user types, but in a root that is not booted yet: systemd hears of it later."""
    lock = PROJECT / "systemd" / f"requirements-{RELEASE}.txt"
    models = stage / "opt" / "models"
    models.mkdir()
    for model in MODELS:
        shutil.copy(store.find(model), models)
    inside(
        stage,
        f"""
        depmod {version}
        python3 -m venv /tmp/first
        pip="/tmp/first/bin/pip install --quiet --no-index --no-deps"
        $pip --find-links /wheels --require-hashes -r /lock.txt
        $pip /{wheel.name}
        mkdir -p /run/systemd/system
        export SYSTEMD_OFFLINE=1
        /tmp/first/bin/edgehands service install --no-start --config /opt/config.toml \\
            --models /opt/models --wheelhouse /wheels --wheel /{wheel.name}
        rm -r /tmp/first /opt/models
        systemctl enable edgehands systemd-networkd agent
        systemctl mask systemd-networkd-wait-online getty.target serial-getty@ttyS0
        """,
        f"--bind-ro={wheels}:/wheels",
        f"--bind-ro={lock}:/lock.txt",
        f"--bind-ro={wheel}:/{wheel.name}",
    )


def inside(root: Path, script: str, *options: str) -> str:
    """Run lines of a shell in a root that is not booted; without a network."""
    return run(
        *("systemd-nspawn", "--quiet", f"--directory={root}", "--register=no", "--keep-unit"),
        *("--private-network", "--pipe", *options, "sh", "-euc", script),
    )


def _base() -> Path:
    """A bookworm with systemd, made once."""
    root = ROOTS / f"guest-{RELEASE}"
    if not root.exists():
        new = root.with_name(f"{root.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        ROOTS.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--quiet", "--variant=minbase", "--architecture=amd64",
            f"--include={PACKAGES}", RELEASE, str(new))  # fmt: skip
        (new / "etc" / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        new.rename(root)
    return root


def _format(folder: Path, disk: Path, size: str) -> None:
    disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", str(folder), str(disk), size)


def run(*command: str) -> str:
    """Run a command on this machine; it must succeed."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"
    return answer.stdout
