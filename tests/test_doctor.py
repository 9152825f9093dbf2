"""Every fault that doctor knows, put into a machine that is otherwise well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from edgehands import probe, verdict
from edgehands.cameras.v4l2 import Device
from edgehands.doctor import software
from edgehands.doctor.examination import Diagnosis, diagnose, examine
from edgehands.doctor.findings import Machine
from edgehands.errors import DeviceError, RuntimeMissingError
from edgehands.inference import Description
from edgehands.models import store
from edgehands.monitor.asking import Run
from edgehands.monitor.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.doctor.findings import Finding

pytestmark = pytest.mark.usefixtures("models")

ARM_FEATURES = "fp asimd crc32 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
TREE = {
    "proc/cpuinfo": f"processor\t: 0\nFeatures\t: {ARM_FEATURES}\nCPU implementer\t: 0x41\n"
    "CPU part\t: 0xd0b\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B\0",
    "proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\n",
    "proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t90\t1\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "cpufreq-dt\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "2400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/class/thermal/thermal_zone0/temp": "52300\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "critical\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "110000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/bus/usb/devices/2-1/idVendor": "18d1\n",
    "sys/bus/usb/devices/2-1/idProduct": "9302\n",
    "sys/bus/usb/devices/2-1/busnum": "2\n",
    "sys/bus/usb/devices/2-1/devnum": "7\n",
    "dev/bus/usb/002/007": "",
    "dev/dri/renderD128": "",
    "dev/video0": "",
    "dev/media0": "",
    "dev/dma_heap/linux,cma": "",
    "etc/edgehands/edgehands.toml": "",
}
UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "Result": "success",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "ExecMainStatus": "0",
    "WatchdogUSec": "10s",
    "User": "edgehands",
    "DynamicUser": "yes",
    "Group": "",
    "SupplementaryGroups": "video",
}
RUN = Run(Path("/run/edgehands/edgehands.status"), None, ())
X86 = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse4_2 avx hypervisor\n"


def answer(device: str = "CPU, 4 threads, XNNPACK") -> probe.Trial:
    return probe.Trial(
        "ok",
        "works",
        description=Description("tflite", "ai-edge-litert", "2.3.0", device, "fp32"),
        open_seconds=0.1,
        run_seconds=(0.005,) * 22,
    )


@dataclass
class Patient:
    """A machine that is well until a fault is put in."""

    root: Path
    models: Path
    monkeypatch: pytest.MonkeyPatch
    forbidden: str = "nothing"
    config: Path | None = None
    unit: dict[str, str] | None = field(default_factory=UNIT.copy)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        for path, text in TREE.items():
            self.write(path, text)
        for state in store.check():
            assert state.path is not None
            (self.models / state.path.name).symlink_to(state.path)
        self.machine = Machine(
            root=self.root,
            architecture="aarch64",
            may_use=lambda path: self.forbidden not in str(path),
            cameras=lambda: [Device("/dev/video0", ("usb-Camera",))],
            ask_firmware=lambda: None,
            free_bytes=lambda _: 10**10,
            ask_unit=lambda: self.unit,
            find_runs=lambda: [RUN],
            is_clock_set=lambda: True,
        )
        self.monkeypatch.setenv("EDGEHANDS_MODELS", str(self.models))
        self.monkeypatch.setattr(store, "SYSTEM_FOLDER", Path("/nonexistent"))
        self.monkeypatch.setenv("XDG_DATA_HOME", str(self.root))
        self.monkeypatch.setattr(software, "backend_names", lambda: ("tflite", "replay"))
        self.answer(answer())

    def write(self, path: str, text: str) -> Patient:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return self

    def delete(self, path: str) -> Patient:
        (self.root / path).unlink()
        return self

    def mode(self, path: str, mode: int) -> Patient:
        (self.root / path).chmod(mode)
        return self

    def change(self, **changes: Any) -> Patient:
        self.machine = replace(self.machine, **changes)
        return self

    def serve(self, **changes: str) -> Patient:
        """Change what systemd says of the service."""
        self.unit = {**UNIT, **changes}
        return self

    def forbid(self, part: str) -> Patient:
        self.forbidden = part
        return self

    def answer(self, tried: probe.Trial) -> None:
        """What every backend does when it is tried."""
        self.monkeypatch.setattr(probe, "probe", lambda *_, **__: tried)

    def model(self, name: str, data: bytes | None) -> None:
        """Give a model's file another content, or take it away."""
        path = self.models / store.find(name).name
        path.unlink()
        if data is not None:
            path.write_bytes(data)

    def model_folder(self, name: str) -> None:
        path = self.models / store.find(name).name
        path.unlink()
        path.mkdir()

    def settings(self, text: str) -> None:
        self.config = self.root / "edgehands.toml"
        self.config.write_text(text)

    def examine(self) -> tuple[list[Finding], Diagnosis]:
        findings = list(examine(self.config, self.machine))
        return findings, diagnose(findings)


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    models = tmp_path / "models"
    models.mkdir()
    return Patient(tmp_path / "root", models, monkeypatch)


def no_cv2(patient: Patient) -> None:
    patient.monkeypatch.setitem(sys.modules, "cv2", None)


def no_runtime(patient: Patient) -> None:
    error = RuntimeMissingError("no TensorFlow Lite runtime: run `pip install ai-edge-litert`")
    patient.answer(probe.Trial("error", str(error), error=error))


def no_device(patient: Patient) -> None:
    error = DeviceError("no Edge TPU found")
    patient.answer(probe.Trial("error", str(error), error=error))
    patient.settings('[tracker]\nbackend = "tflite"\n')


def crash(patient: Patient) -> None:
    patient.answer(probe.Trial("died", "tflite, tried on full, died by signal SIGILL"))


def hang(patient: Patient) -> None:
    patient.answer(probe.Trial("timed out", "tflite, tried on full, hung: killed after 60 s"))


def old_verdict(patient: Patient) -> None:
    patient.monkeypatch.setenv("XDG_STATE_HOME", str(patient.root))
    before = msgspec.structs.replace(verdict.fingerprint(), edgehands="0.0.1")
    verdict.save(verdict.Verdict(before, "2026-01-01", ()))


CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"
ZONE = "sys/class/thermal/thermal_zone0"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"

FAULTS: dict[str, tuple[Callable[[Patient], object], str, int]] = {
    "hidden cpuinfo": (
        lambda it: it.delete("proc/cpuinfo"),
        "/proc/cpuinfo cannot be read",
        0,
    ),
    "32 bit": (
        lambda it: it.change(architecture="armv7l"),
        "this is a 32-bit or unknown system (armv7l)",
        69,
    ),
    "no AVX2 in a virtual machine": (
        lambda it: it.change(architecture="x86_64").write("proc/cpuinfo", X86),
        "the processor has no AVX2",
        0,
    ),
    "powersave governor": (
        lambda it: it.write(f"{CPUFREQ}/scaling_governor", "powersave\n"),
        "the CPU governor is powersave",
        0,
    ),
    "limited clock": (
        lambda it: it.write(f"{CPUFREQ}/scaling_max_freq", "600000\n"),
        "the clock is limited to 600 of 2400 MHz",
        0,
    ),
    "hot": (
        lambda it: it.write(f"{ZONE}/temp", "84100\n"),
        "cpu-thermal is at 84 °C, it slows down at 80",
        0,
    ),
    "hot by its own limit": (
        lambda it: (
            it.write(f"{ZONE}/trip_point_1_type", "passive\n"),
            it.write(f"{ZONE}/trip_point_1_temp", "50000\n"),
        ),
        "cpu-thermal is at 52 °C, it slows down at 50",
        0,
    ),
    "under-voltage": (
        lambda it: it.write(THROTTLED, "50005\n"),
        "the firmware reports under-voltage, throttling now",
        0,
    ),
    "under-voltage before, by vcgencmd": (
        lambda it: (it.delete(THROTTLED), it.change(ask_firmware=lambda: "throttled=0x10000\n")),
        "the firmware has seen under-voltage since it started",
        0,
    ),
    "no memory cgroup": (
        lambda it: it.write("sys/fs/cgroup/cgroup.controllers", "cpu io pids\n"),
        "the memory cgroup is disabled",
        0,
    ),
    "no memory cgroup, version 1": (
        lambda it: (
            it.delete("sys/fs/cgroup/cgroup.controllers"),
            it.write("proc/cgroups", "cpu\t1\t9\t1\nmemory\t0\t90\t0\n"),
        ),
        "the memory cgroup is disabled",
        0,
    ),
    "little memory": (
        lambda it: it.write("proc/meminfo", "MemAvailable: 100000 kB\n"),
        "only 97 MB of memory are available",
        0,
    ),
    "no camera": (lambda it: it.change(cameras=list), "no camera found", 0),
    "camera of another group": (
        lambda it: it.forbid("video0"),
        "the camera /dev/video0 (usb-Camera) belongs to the group {group}, and this user",
        0,
    ),
    "GPU of another group": (
        lambda it: it.forbid("renderD128"),
        "the GPU /dev/dri/renderD128 belongs to the group {group}, and this user",
        0,
    ),
    "Coral of another group": (
        lambda it: (it.write("dev/apex_0", ""), it.forbid("apex_0")),
        "the Coral /dev/apex_0 belongs to the group {group}, and this user",
        0,
    ),
    "PCIe Coral without a driver": (
        lambda it: (
            it.write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1ac1\n"),
            it.write("sys/bus/pci/devices/0000:01:00.0/device", "0x089a\n"),
        ),
        "a PCIe Coral is built in and there is no /dev/apex_0",
        0,
    ),
    "USB Coral of another group": (
        lambda it: it.forbid("usb/002/007"),
        "the USB Coral /dev/bus/usb/002/007 belongs to the group {group}, and this user",
        0,
    ),
    "USB Coral without a device node": (
        lambda it: it.delete("dev/bus/usb/002/007"),
        "the USB Coral has no device node /dev/bus/usb/002/007",
        0,
    ),
    "no model": (
        lambda it: it.model("full", None),
        "the model full is missing (hand_landmark_full.tflite)",
        78,
    ),
    "no palm model": (lambda it: it.model("palm-full", None), "the model palm-full is missing", 78),
    "truncated model": (
        lambda it: it.model("full", store.find("full").read_bytes()[:1000]),
        "the model full has a wrong SHA-256 ({models}/hand_landmark_full.tflite, 1000 bytes)",
        78,
    ),
    "another model's file": (
        lambda it: it.model("full", store.find("light").read_bytes()),
        "the model full has a wrong SHA-256",
        78,
    ),
    "a folder for a model": (
        lambda it: it.model_folder("full"),
        "the model full cannot be read ({models}/hand_landmark_full.tflite)",
        78,
    ),
    "wrong model that is not needed": (
        lambda it: it.model("light", b"?"),
        "the model light has a wrong SHA-256",
        0,
    ),
    "no OpenCV": (no_cv2, "OpenCV does not load (", 69),
    "no runtime": (no_runtime, "tflite: no TensorFlow Lite runtime: run `pip install", 69),
    "crash": (crash, "tflite, tried on full, died by signal SIGILL", 69),
    "hang": (hang, "tflite, tried on full, hung: killed after 60 s", 69),
    "device of the config": (no_device, "tflite: no Edge TPU found", 69),
    "no XNNPACK": (
        lambda it: it.answer(answer("CPU, 4 threads, no XNNPACK")),
        "tflite runs without XNNPACK: 5.0 ms for full",
        0,
    ),
    "mistake in the config": (
        lambda it: it.settings("[tracker]\nmax_hand = 1\n"),
        "{root}/edgehands.toml:2:1: unknown key 'max_hand'",
        78,
    ),
    "no such config": (
        lambda it: setattr(it, "config", it.root / "no.toml"),
        "no config file {root}/no.toml",
        78,
    ),
    "unknown model in the config": (
        lambda it: it.settings('[tracker]\nmodel = "huge"\n'),
        "{root}/edgehands.toml:2:1: no landmark model 'huge'",
        78,
    ),
    "unknown backend in the config": (
        lambda it: it.settings('[tracker]\nbackend = "tflit"\n'),
        "{root}/edgehands.toml:2:1: no backend 'tflit': did you mean 'tflite'?",
        78,
    ),
    "camera of the config": (
        lambda it: it.settings('[[camera]]\nsource = "/dev/video63"\n'),
        "the config's camera '/dev/video63': /dev/video63 does not exist",
        69,
    ),
    "CSI memory of another group": (
        lambda it: it.forbid("dma_heap"),
        "the memory of CSI cameras belongs to the group {group}, and this user is not allowed",
        0,
    ),
    "no CSI memory": (
        lambda it: it.delete("dev/dma_heap/linux,cma"),
        "there is no /dev/dma_heap",
        0,
    ),
    "clock that nobody sets": (
        lambda it: it.change(is_clock_set=lambda: False),
        "the clock is not set by the network",
        0,
    ),
    "service that failed": (
        lambda it: it.serve(ActiveState="failed", Result="exit-code", ExecMainStatus="78"),
        "the service is failed (exit-code, exit code 78)",
        0,
    ),
    "service that is started again and again": (
        lambda it: it.serve(NRestarts="12"),
        "the service was started again 12 times after it had failed",
        0,
    ),
    "service that stays off": (
        lambda it: it.serve(UnitFileState="disabled"),
        "the service does not start with the machine",
        0,
    ),
    "service without a watchdog": (
        lambda it: it.serve(WatchdogUSec="infinity"),
        "the service has no watchdog",
        0,
    ),
    "service without its groups": (
        lambda it: it.mode("dev/video0", 0o660).serve(SupplementaryGroups="plugdev"),
        "the service is not in the group {group}",
        0,
    ),
    "service without a config": (
        lambda it: it.delete("etc/edgehands/edgehands.toml"),
        "the service has no config: there is no /etc/edgehands/edgehands.toml",
        0,
    ),
    "config that is closed to the service": (
        lambda it: it.mode("etc/edgehands/edgehands.toml", 0o600),
        "the service cannot read its config /etc/edgehands/edgehands.toml",
        0,
    ),
    "service without an answer": (
        lambda it: it.change(find_runs=list),
        "the service does not answer on its status socket",
        0,
    ),
    "service that needs help": (
        lambda it: it.change(
            find_runs=lambda: [replace(RUN, problems=(Problem("camera hall", "is lost"),))]
        ),
        "the service needs help: camera hall is lost",
        0,
    ),
    "full disk": (lambda it: it.change(free_bytes=lambda _: 5_000_000), "only 5 MB are free", 0),
    "tuned before an update": (
        old_verdict,
        "what `edgehands tune` found does not hold any more: edgehands 0.0.1 → ",
        0,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gives_its_line_first(patient: Patient, fault: str) -> None:
    put_in, line, exit_code = FAULTS[fault]
    put_in(patient)
    findings, diagnosis = patient.examine()
    problem = next(finding for finding in findings if finding.is_problem)
    assert problem.what.startswith(
        line.format(root=patient.root, models=patient.models, group=own_group(patient.root))
    )
    assert problem.means
    assert problem.mend or "`" in problem.what or "ls -l" in problem.what
    assert diagnosis.exit_code == exit_code
    assert problem.level == ("error" if exit_code else "warning")
    assert problem.what in diagnosis.line


def own_group(path: Path) -> str:
    return path.group()


def test_a_machine_that_is_well_gets_one_line_for_each_check(patient: Patient) -> None:
    findings, diagnosis = patient.examine()
    shown = [finding for finding in findings if finding.level != "note"]
    assert {finding.level for finding in shown} == {"ok"}
    checks = [finding.check for finding in shown]
    assert len(checks) == len(set(checks)) == 12
    assert diagnosis == Diagnosis("EdgeHands works here: nothing to mend", 0)
    said = {finding.check: finding.what for finding in shown}
    assert said["cpu"] == "Raspberry Pi 5 Model B, 0x41/0xd0b, 1 cores"
    assert said["power"] == "governor ondemand, 52 °C"
    assert said["accelerators"] == "GPU /dev/dri/renderD128, USB Coral /dev/bus/usb/002/007"
    assert "5.0 ms" in said["backends"]
    assert said["service"] == "runs, and starts with the machine; watchdog 10s"


def test_where_there_is_no_service_nothing_is_wrong_with_it(patient: Patient) -> None:
    for unit in (None, {"LoadState": "not-found"}):
        patient.unit = unit
        findings, diagnosis = patient.examine()
        assert [each.level for each in findings if each.check == "service"] == ["off"]
        assert diagnosis.line.endswith("nothing to mend")


def test_a_service_of_root_may_have_everything(patient: Patient) -> None:
    (patient.root / "etc/edgehands/edgehands.toml").chmod(0o600)
    patient.serve(User="", DynamicUser="no", SupplementaryGroups="")
    assert patient.examine()[1].line.endswith("nothing to mend")


def test_a_service_that_only_root_may_ask_is_fine(patient: Patient) -> None:
    closed = replace(RUN, problems=(Problem("run edgehands", "may not be asked"),), is_closed=True)
    patient.change(find_runs=lambda: [closed])
    assert patient.examine()[1].line.endswith("nothing to mend")


def test_in_a_container_the_clock_is_the_hosts(patient: Patient) -> None:
    patient.change(is_clock_set=lambda: False).write("run/.containerenv", "")
    findings, diagnosis = patient.examine()
    assert [each.level for each in findings if each.check == "clock"] == ["note"]
    assert diagnosis.line.endswith("nothing to mend")


def test_powersave_is_normal_where_the_driver_does_the_rest(patient: Patient) -> None:
    patient.write(f"{CPUFREQ}/scaling_governor", "powersave\n")
    patient.write(f"{CPUFREQ}/scaling_driver", "intel_pstate\n")
    _, diagnosis = patient.examine()
    assert diagnosis.line.endswith("nothing to mend")


def test_a_runtime_that_is_not_installed_is_no_problem_beside_one_that_works(
    patient: Patient,
) -> None:
    error = RuntimeMissingError("no OpenVINO: run `pip install openvino`")
    missing = probe.Trial("error", str(error), error=error)
    patient.monkeypatch.setattr(software, "backend_names", lambda: ("tflite", "openvino"))
    patient.monkeypatch.setattr(
        probe,
        "probe",
        lambda name, *_, **__: missing if name == "openvino" else answer(),
    )
    findings, diagnosis = patient.examine()
    assert [each.level for each in findings if each.check == "backends"] == ["ok", "off"]
    assert diagnosis.line.endswith("nothing to mend")


def test_an_old_arm_processor_is_a_note(patient: Patient) -> None:
    patient.write("proc/cpuinfo", "processor : 0\nFeatures : fp asimd crc32\n")
    findings, diagnosis = patient.examine()
    (note,) = [finding for finding in findings if finding.level == "note"]
    assert note.what.startswith("the processor has no atomics, asimddp")
    assert diagnosis.exit_code == 0


def test_the_command_ends_with_the_verdict_and_says_the_same_as_json(tmp_path: Path) -> None:
    # A runtime that does not load, for real: the package on the path comes first.
    for name in ("ai_edge_litert", "tflite_runtime", "openvino", "onnxruntime"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('broken')\n")
    (tmp_path / "edgehands.toml").touch()  # and not the config of this machine
    usual = {**os.environ, "EDGEHANDS_CONFIG": str(tmp_path / "edgehands.toml")}
    broken = {**usual, "PYTHONPATH": str(tmp_path)}
    text = doctor(broken)
    assert text.returncode == 69
    lines = text.stdout.splitlines()
    assert lines[-1].startswith("EdgeHands cannot work here: tflite: no TensorFlow Lite runtime (")
    assert any(line.startswith("FAIL  backends      tflite: no Tensor") for line in lines)
    assert any(line.strip() == "mend:  pip install ai-edge-litert" for line in lines)
    assert not text.stderr
    whole = doctor(usual, "--json", "--verbose")
    report = json.loads(whole.stdout)
    assert whole.returncode == report["exit_code"] == 0
    assert report["verdict"].startswith("EdgeHands works here")
    (tflite,) = [
        finding
        for finding in report["findings"]
        if finding["check"] == "backends" and finding["what"].startswith("tflite: ")
    ]
    assert tflite["level"] == "ok"
    assert " ms, opened in " in tflite["what"]


def doctor(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", "doctor", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
