"""Tries what a service must not be able to do, and what it must; writes JSON: name → what happened.

Runs by itself, on any Python 3, inside the service's sandbox (test_sandbox.py puts it there) and
once outside, where most of it works: an attempt that always fails would prove nothing. No attempt
does harm if it works: the arguments are right only as far as the permission is checked.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSALS = {errno.EPERM, errno.EACCES, errno.EROFS, errno.EAFNOSUPPORT, errno.ESRCH}
STATE = Path("/var/lib/edgehands")

MANAGER = (
    *("org.freedesktop.systemd1", "/org/freedesktop/systemd1"),
    "org.freedesktop.systemd1.Manager",
)

_libc = ctypes.CDLL(None, use_errno=True)
_MACHINES = {"x86_64": 0, "aarch64": 1}
_MACHINE = _MACHINES[os.uname().machine]
# Of the system calls that libc has no function for, their numbers on each machine.
_NUMBERS = {
    "bpf": (321, 280),
    "init_module": (175, 105),
    "kexec_load": (246, 104),
    "perf_event_open": (298, 241),
    "reboot": (169, 142),
    "syslog": (103, 116),
}
_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
_PTRACE_ATTACH = 16
_ADDR_NO_RANDOMIZE = 0x0040000


def call(function: str, *arguments: object) -> None:
    """Call a function of libc that returns -1 for an error."""
    _libc_answer(getattr(_libc, function)(*arguments))


def system_call(name: str, *arguments: object) -> None:
    """Make a system call by its number."""
    _libc_answer(_libc.syscall(_NUMBERS[name][_MACHINE], *arguments))


def _libc_answer(value: int) -> None:
    if value == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def write(path: str) -> None:
    """Make a file, and take it away again."""
    file = Path(path)
    file.write_text("escaped")
    file.unlink()


def read(path: str) -> None:
    """Read from a file or device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.close(descriptor)


def write_setting(path: str) -> None:
    """Write what already stands in a file of the kernel's."""
    file = Path(path)
    file.write_text(file.read_text())


def see(path: str) -> None:
    """Look whether something is there; hidden is refused."""
    if not Path(path).exists():
        raise PermissionError(errno.EPERM, "hidden")


def open_socket(family: int, kind: int, protocol: int = 0) -> None:
    """Make a socket."""
    socket.socket(family, kind, protocol).close()


def listen_below_1024() -> None:
    """Take a port that only root may have."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 81))


def execute_a_file(folder: str) -> None:
    """Run a program that was put there now."""
    program = Path(folder) / "program"
    program.write_text("#!/bin/sh\n")
    try:
        program.chmod(0o755)
        subprocess.run([program], check=True)
    finally:
        program.unlink()


def make_suid() -> None:
    """Leave a program behind that gives its user's rights to others."""
    program = STATE / "suid"
    program.touch()
    try:
        program.chmod(0o4755)
    finally:
        program.unlink()


def execute_written_memory() -> None:
    """Execute what was written at run time, as injected code does."""
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def make_memory_executable() -> None:
    """The same, in two steps."""
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    call("mprotect", ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE), 1 | 4)


def ask_systemd(*request: str) -> None:
    """Ask the system's manager for something over its bus."""
    command = ["busctl", "call", *MANAGER, *request]
    answer = subprocess.run(command, capture_output=True, check=False)
    if answer.returncode != 0:
        raise PermissionError(errno.EACCES, answer.stderr.decode().strip())


def set_clock() -> None:
    """Set it to what it is."""
    time.clock_settime(time.CLOCK_REALTIME, time.time())


FORBIDDEN: dict[str, Callable[[], object]] = {
    "change the configuration": lambda: write("/etc/edgehands/escaped"),
    "change its own code": lambda: write("/opt/edgehands/escaped"),
    "change the system": lambda: write("/usr/escaped"),
    "leave a file in the root folder": lambda: write("/escaped"),
    "read the password hashes": lambda: read("/etc/shadow"),
    "read the broker's password file": lambda: read("/etc/edgehands/mqtt-password"),
    "read a home": lambda: read("/home/somebody/diary"),
    "read root's home": lambda: list(Path("/root").iterdir()),
    "open a disk": lambda: read("/dev/escape-disk"),
    "open another device": lambda: read("/dev/escape-device"),
    "make a device": lambda: os.mknod(STATE / "device", 0o20600, os.makedev(1, 1)),
    "mount a file system": lambda: call("mount", b"none", b"/mnt", b"nonesuch", 0, 0),
    "change its root": lambda: os.chroot("/"),
    "enter a user namespace": lambda: call("unshare", _CLONE_NEWUSER),
    "enter a mount namespace": lambda: call("unshare", _CLONE_NEWNS),
    "enter a network namespace": lambda: call("unshare", _CLONE_NEWNET),
    "become root": lambda: os.setuid(0),
    "take a group": lambda: os.setgroups([0]),
    "see other users' processes": lambda: see("/proc/1"),
    "signal another user's process": lambda: os.kill(1, 0),
    "trace another process": lambda: call("ptrace", _PTRACE_ATTACH, 1, 0, 0),
    "listen to the kernel's messages": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "listen to the network": lambda: open_socket(socket.AF_PACKET, socket.SOCK_RAW),
    "send forged packets": lambda: open_socket(socket.AF_INET, socket.SOCK_RAW, 255),
    "use the kernel's cipher sockets": lambda: open_socket(38, socket.SOCK_SEQPACKET),
    "take a port below 1024": listen_below_1024,
    "execute written memory": execute_written_memory,
    "make written memory executable": make_memory_executable,
    "execute a file of its state": lambda: execute_a_file("/var/lib/edgehands"),
    "execute a file of its cache": lambda: execute_a_file("/var/cache/edgehands"),
    "execute a file beside its sockets": lambda: execute_a_file("/run/edgehands"),
    "execute a temporary file": lambda: execute_a_file("/tmp"),
    "execute shared memory": lambda: execute_a_file("/dev/shm"),
    "make a set-user-id file": make_suid,
    "load a kernel module": lambda: system_call("init_module", 0, 0, b""),
    "replace the kernel": lambda: system_call("kexec_load", 0, 0, 0, -1),
    "reboot": lambda: system_call("reboot", 0, 0, 0, 0),
    "load a program into the kernel": lambda: system_call("bpf", -1, 0, 0),
    "measure other processes": lambda: system_call("perf_event_open", 0, -1, -1, -1, 0),
    "read the kernel's log": lambda: system_call("syslog", 10, 0, 0),
    "set the clock": set_clock,
    "name the host": lambda: socket.sethostname(socket.gethostname()),
    "change a kernel setting": lambda: write_setting("/proc/sys/kernel/core_pattern"),
    "change a control group": lambda: Path("/sys/fs/cgroup/escaped").mkdir(),
    "take the processor": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "go first": lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
    "change how memory is laid out": lambda: call("personality", _ADDR_NO_RANDOMIZE),
    "leave a core dump": lambda: call(
        "setrlimit", resource.RLIMIT_CORE, (ctypes.c_ulong * 2)(4096, 4096)
    ),
    "start a service": lambda: ask_systemd("StartUnit", "ss", "basic.target", "replace"),
    "change services' environment": lambda: ask_systemd("SetEnvironment", "as", "1", "ESCAPED=1"),
}


def share_memory() -> None:
    """What the camera's process hands frames over with."""
    descriptor = os.memfd_create("frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, 4096)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    mmap.mmap(descriptor, 4096).close()
    os.close(descriptor)


def keep_a_file(folder: str) -> None:
    """Write a file whole and on the disk, as `edgehands.folders` does."""
    part = Path(folder) / "part"
    with part.open("xb") as file:
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    part.replace(part.with_name("whole"))
    part.with_name("whole").unlink()


def end_a_child() -> None:
    """Kill a process of its own, as one that hangs in a driver must be."""
    child = subprocess.Popen(["sleep", "60"])
    child.kill()
    child.wait()


NEEDED: dict[str, Callable[[], object]] = {
    "read the processor's features": lambda: Path("/proc/cpuinfo").read_text(),
    "read its config": lambda: Path("/etc/edgehands/edgehands.toml").read_text(),
    "read its password": lambda: Path(
        os.environ.get("CREDENTIALS_DIRECTORY", "."), "mqtt-password"
    ).read_text(),
    "open its camera, by its group": lambda: read("/dev/escape-camera"),
    "keep state": lambda: keep_a_file("/var/lib/edgehands"),
    "keep a cache": lambda: keep_a_file("/var/cache/edgehands"),
    "keep sockets": lambda: keep_a_file("/run/edgehands"),
    "use a temporary file": lambda: keep_a_file("/tmp"),
    "run another process": lambda: subprocess.run(
        [sys.executable, "-c", "import threading; threading.Thread(target=print).start()"],
        check=True,
        stdout=subprocess.DEVNULL,
    ),
    "end that process": end_a_child,
    "share memory with it": share_memory,
    "talk to a broker": lambda: open_socket(socket.AF_INET, socket.SOCK_STREAM),
    "talk to a broker over IPv6": lambda: open_socket(socket.AF_INET6, socket.SOCK_STREAM),
    "talk to systemd": lambda: open_socket(socket.AF_UNIX, socket.SOCK_DGRAM),
}


def attempt(action: Callable[[], object]) -> str:
    """Say whether an action is "allowed", "refused" or "failed", and how."""
    try:
        action()
    except OSError as error:
        kind = "refused" if error.errno in REFUSALS else "allowed, then failed"
        return f"{kind}: {error.strerror or error}"
    except subprocess.SubprocessError as error:
        return f"failed: {error}"
    return "allowed"


if __name__ == "__main__":
    told = {
        "forbidden": {name: attempt(action) for name, action in FORBIDDEN.items()},
        "needed": {name: attempt(action) for name, action in NEEDED.items()},
    }
    json.dump(told, sys.stdout, indent=2)
