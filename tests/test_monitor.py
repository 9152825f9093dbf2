"""How a run shows how it is doing: its status socket, its metrics, and `edgehands status`."""

from __future__ import annotations

import fcntl
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from edgehands.cli.commands import app
from edgehands.config import load_config
from edgehands.errors import ConfigError, RuntimeMissingError, UsageError
from edgehands.health import CameraHealth, Health, OutputHealth
from edgehands.monitor import answering, places
from edgehands.monitor.asking import ask, find_runs
from edgehands.monitor.monitor import Monitor
from edgehands.monitor.problems import duration, find_problems, why_blind
from edgehands.monitor.settings import MetricsConfig
from edgehands.monitor.sockets import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HALL = CameraHealth(
    name="hall",
    source="/dev/video0",
    state="ok",
    state_seconds=7,
    frames=1200,
    dropped=3,
    skipped=5,
    rejected=2,
    fps=29.7,
    age_ms=31,
    age_p99_ms=44,
    hands=1,
    duty_cycle=0.125,
    events=9,
)
DOOR = CameraHealth(
    name="door", source="/dev/video2", state="lost", state_seconds=71, reason="it was unplugged"
)
BROKER = OutputHealth(
    kind="mqtt", place="mqtts://broker:8883", delivered=1200, lost={"expired": 2, "overflowed": 1}
)
WELL = Health(
    version="1.2",
    pid=4321,
    uptime_s=93784,
    ready=True,
    runs_on="tflite",
    rss_mb=141.5,
    temperature=52.25,
    cameras=(HALL,),
    outputs=(BROKER,),
)


def changed(**changes: Any) -> Health:
    return msgspec.structs.replace(WELL, **changes)


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(places, "SYSTEM_FOLDER", tmp_path / "run" / "edgehands")


@pytest.fixture
def start() -> Iterator[Callable[..., Monitor]]:
    started: list[Monitor] = []

    def start_one(health: Health | Callable[[], Health] = WELL, **arguments: Any) -> Monitor:
        tell = health if callable(health) else lambda: health
        started.append(Monitor(tell, **arguments))
        started[-1].start()
        return started[-1]

    yield start_one
    for monitor in started:
        monitor.close()


def talk(path: Path | None, request: bytes) -> bytes:
    """Everything that is answered to what is sent."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_run_tells_its_health_over_its_socket(start: Callable[..., Monitor]) -> None:
    monitor = start(changed(cameras=(HALL, DOOR)), name="hall")
    assert monitor.socket is not None
    assert monitor.socket.stat().st_mode & 0o777 == 0o600
    assert ask(monitor.socket) == changed(cameras=(HALL, DOOR))
    (run,) = find_runs()
    assert run.name == "hall"
    monitor.close()
    assert not monitor.socket.exists()
    assert not find_runs()


def test_under_systemd_the_socket_is_in_the_folder_that_it_made(
    start: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "run" / "edgehands"
    folder.mkdir(parents=True)
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{folder}:/elsewhere")
    monitor = start()
    assert monitor.socket == folder / "edgehands.status"
    assert monitor.socket.stat().st_mode & 0o777 == 0o660
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert [run.name for run in find_runs()] == ["edgehands"]


def test_runs_side_by_side_are_told_apart(start: Callable[..., Monitor]) -> None:
    for name, uptime in (("hall", 1), ("door", 2), ("hall", 3)):
        start(changed(uptime_s=uptime), name=name)
    told = {run.name: run.health.uptime_s for run in find_runs() if run.health}
    assert told == {"hall": 1, "door": 2, f"hall-{os.getpid()}": 3}
    assert [run.name for run in find_runs("door")] == ["door"]


def test_what_a_killed_run_left_is_passed_over_and_replaced(
    start: Callable[..., Monitor], tmp_path: Path
) -> None:
    code = (
        "import os, signal\n"
        "from edgehands.monitor.monitor import Monitor\n"
        "monitor = Monitor(None, name='hall')\n"
        "monitor.start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "edgehands" / "hall.status").is_socket()
    assert not find_runs()
    assert start(name="hall").socket == tmp_path / "edgehands" / "hall.status"
    (run,) = find_runs()
    assert run.health == WELL


def test_what_is_no_socket_is_left_alone(
    start: Callable[..., Monitor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "edgehands").mkdir()
    (tmp_path / "edgehands" / "hall.status").write_text("precious")
    assert start(name="hall").socket is None
    assert (tmp_path / "edgehands" / "hall.status").read_text() == "precious"
    assert "is no socket" in caplog.text


def test_a_run_that_nobody_could_ask_runs_all_the_same(
    start: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 120)))
    assert start().socket is None
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert start().socket is None


def test_two_that_start_at_once_take_turns_to_look_what_is_left_over(tmp_path: Path) -> None:
    opened: list[Listener] = []
    thread = threading.Thread(target=lambda: opened.append(Listener(tmp_path / "one.status")))
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # as another has it that looks just now
    thread.start()
    thread.join(0.2)
    assert not opened
    os.close(folder)
    thread.join(10)
    with pytest.raises(FileExistsError):
        Listener(tmp_path / "one.status")
    opened[0].close()


@pytest.mark.parametrize(
    "request_",
    [
        *(b"\n", b"{}\n", b"[]\n", b'{"ask":1}\n', b'{"ask":"stop"}\n', b"GET / HTTP/1.1\r\n\r\n"),
        *(b'{"ask":"he\xff"}\n', b"[" * 1000 + b"\n", b"\0\n", b'{"ask":"\\ud800"}\n'),
    ],
)
def test_what_is_not_understood_gets_an_error(
    start: Callable[..., Monitor], request_: bytes
) -> None:
    answer = json.loads(talk(start().socket, request_))
    assert answer["error"].startswith("not understood: ")


def test_a_request_without_an_end_is_cut_short(start: Callable[..., Monitor]) -> None:
    monitor = start()
    assert json.loads(talk(monitor.socket, b"x" * 1025))["error"] == "the request is too long"
    assert talk(monitor.socket, b"x" * 1024) == b""


def test_a_health_that_fails_is_an_error_and_the_next_request_is_answered(
    start: Callable[..., Monitor], caplog: pytest.LogCaptureFixture
) -> None:
    answers = [None, WELL]

    def health() -> Health:
        answer = answers.pop(0)
        assert answer is not None
        return answer

    monitor = start(health)
    assert json.loads(talk(monitor.socket, b'{"ask":"health"}\n')) == {"error": "broken"}
    assert b"health" in talk(monitor.socket, b'{"ask":"health"}\n')
    assert "a bug in an answer" in caplog.text


def test_silent_clients_keep_nobody_from_an_answer_and_are_sent_away(
    start: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "CLIENT_SECONDS", 0.5)
    monitor = start()
    silent = []
    for _ in range(3 * answering.MAX_CLIENTS):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(str(monitor.socket))
        client.sendall(b'{"ask"')
        silent.append(client)
    assert monitor.socket is not None
    assert ask(monitor.socket) == WELL
    for client in silent:
        with client, suppress(ConnectionResetError):  # it had not even been read
            assert client.recv(1) == b""


def mangled(valid: bytes, chance: random.Random) -> bytes:
    """A request in which some places are changed, or noise."""
    request = bytearray(valid if chance.random() < 0.8 else chance.randbytes(40))
    for _ in range(chance.choice((0, 1, 1, 2, 8))):
        at = chance.randrange(len(request) + 1)
        match chance.randrange(4):
            case 0:
                request[at : at + 1] = chance.randbytes(1)
            case 1:
                del request[at : at + 1]
            case 2:
                request[at:at] = chance.randbytes(chance.choice((1, 3, 2000)))
            case 3:
                request = request * 2
    return bytes(request)


def fuzz(path: Path, count: int, seed: int) -> None:
    """Send valid requests that were mangled, and noise."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        request = mangled(b'{"ask":"health"}\n', chance)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(request)
            if chance.random() < 0.9:
                client.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda c=client: c.recv(65536), b""))  # type: ignore[misc]
                if answer:
                    assert set(json.loads(answer)) <= {"health", "error"}


@pytest.mark.parametrize(
    "count", [2000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.system])]
)
def test_no_request_does_any_harm(
    start: Callable[..., Monitor], caplog: pytest.LogCaptureFixture, count: int
) -> None:
    monitor = start()
    assert monitor.socket is not None
    fuzz(monitor.socket, count // 10, seed=1)
    files, memory = open_files(), rss_kb()
    fuzz(monitor.socket, count, seed=2)
    assert not caplog.records
    assert ask(monitor.socket) == WELL
    assert rss_kb() - memory < 2000
    assert open_files() <= files + answering.MAX_CLIENTS


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def rss_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def test_metrics_say_what_the_health_does(start: Callable[..., Monitor]) -> None:
    port = free_port()
    start(
        changed(cameras=(HALL, DOOR), outputs=(BROKER, msgspec.structs.replace(BROKER, ok=False))),
        metrics=MetricsConfig(listen=f"127.0.0.1:{port}"),
    )
    status, text = get(port, "/metrics")
    assert status == 200
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    hall, door = ("camera", "hall"), ("camera", "door")
    mqtt = (("output", "mqtt"), ("place", "mqtts://broker:8883"))
    expected = {
        ("edgehands_info", ("runs_on", "tflite"), ("version", "1.2")): 1,
        ("edgehands_ok",): 0,
        ("edgehands_ready",): 1,
        ("edgehands_uptime_seconds",): 93784,
        ("edgehands_config_mistaken",): 0,
        ("edgehands_resident_memory_bytes",): 141.5e6,
        ("edgehands_temperature_celsius",): 52.25,
        ("edgehands_frames_total", hall): 1200,
        ("edgehands_frames_total", door): 0,
        ("edgehands_frames_dropped_total", hall): 3,
        ("edgehands_frames_skipped_total", hall): 5,
        ("edgehands_frames_rejected_total", hall): 2,
        ("edgehands_frames_per_second", hall): 29.7,
        ("edgehands_frame_age_seconds", hall, ("quantile", "0.5")): 0.031,
        ("edgehands_frame_age_seconds", hall, ("quantile", "0.99")): 0.044,
        ("edgehands_camera_state", door, ("state", "lost")): 1,
        ("edgehands_camera_state", door, ("state", "ok")): 0,
        ("edgehands_camera_state_seconds", door): 71,
        ("edgehands_camera_reopened_total", hall): 0,
        ("edgehands_hands", hall): 1,
        ("edgehands_detector_duty_ratio", hall): 0.125,
        ("edgehands_events_total", hall): 9,
        ("edgehands_output_ok", *mqtt): 0,
        ("edgehands_events_delivered_total", *mqtt): 2400,
        ("edgehands_events_lost_total", *mqtt, ("reason", "expired")): 4,
        ("edgehands_events_lost_total", *mqtt, ("reason", "overflowed")): 2,
    }
    assert {key: samples.get(key) for key in expected} == expected
    assert not [key for key in samples if key[0] == "edgehands_frames_per_second" and door in key]


def test_nothing_listens_unless_it_is_asked_for(start: Callable[..., Monitor]) -> None:
    def listening() -> set[str]:
        inodes = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()}
        table = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        return {row[1] for row in table if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}

    before = listening()
    start()
    assert listening() == before
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{free_port()}"))
    assert len(listening()) == len(before) + 1


def test_health_and_readiness_have_pages(start: Callable[..., Monitor]) -> None:
    port, now = free_port(), [changed(ready=False)]
    start(lambda: now[0], metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/readyz") == (503, "starting: no camera has given a frame yet\n")
    now[0] = WELL
    assert get(port, "/readyz") == (200, "ready\n")
    now[0] = changed(cameras=(HALL, DOOR))
    assert get(port, "/readyz") == (200, "ready\n")  # one of two still sees
    now[0] = changed(cameras=(DOOR,))
    status, text = get(port, "/readyz")
    assert (status, text) == (503, "camera door has been lost for 1 min: it was unplugged\n")
    assert get(port, "/healthz") == (200, "alive\n")


def http(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET /healthz?x=1 HTTP/1.1\r\nhost: 127.0.0.1:9464\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: Mirror.lan:9464\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example:9464\r\n\r\n", 421),
        ("GET /../metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789", 405),
        ("GET /healthz HTTP/2\r\n\r\n", 400),
        ("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("hello\r\n\r\n", 400),
        (f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 9000}\r\n\r\n", 431),
    ],
)
def test_only_what_is_meant_for_it_is_answered(
    start: Callable[..., Monitor], request_: str, status: int
) -> None:
    port = free_port()
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}", hosts=("mirror.lan",)))
    answer = http(port, request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_no_noise_brings_the_pages_down(
    start: Callable[..., Monitor], caplog: pytest.LogCaptureFixture
) -> None:
    port, chance = free_port(), random.Random(3)  # noqa: S311
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    valid = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(500):
        request = mangled(valid, chance)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda c=client: c.recv(65536), b""))  # type: ignore[misc]
        assert answer[:9] in {b"", b"HTTP/1.1 "}
    assert get(port, "/healthz") == (200, "alive\n")
    assert not caplog.records


def test_the_head_of_a_page_can_be_had_alone(start: Callable[..., Monitor]) -> None:
    port = free_port()
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    answer = http(port, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 6" in answer


def test_slow_clients_keep_nobody_from_the_metrics(start: Callable[..., Monitor]) -> None:
    port = free_port()
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    before = threading.active_count()
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for client in slow:
        client.sendall(b"GET /metrics HTT")
    assert get(port, "/metrics")[0] == 200
    assert threading.active_count() == before
    for client in slow:
        client.close()


def test_who_asks_too_often_is_told_so(start: Callable[..., Monitor]) -> None:
    port = free_port()
    start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    assert 429 in {get(port, "/metrics")[0] for _ in range(200)}
    assert get(port, "/healthz")[0] == 200


def test_metrics_can_be_had_over_a_unix_socket(
    start: Callable[..., Monitor], tmp_path: Path
) -> None:
    start(metrics=MetricsConfig(listen=f"unix:{tmp_path}/metrics.sock"))
    answer = talk(tmp_path / "metrics.sock", b"GET /readyz HTTP/1.1\r\nHost: whatever\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_port_that_is_taken_stops_nothing_else(
    start: Callable[..., Monitor], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monitor = start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
    assert f"no metrics on 127.0.0.1:{port}: Address already in use" in caplog.text
    assert monitor.socket is not None
    assert ask(monitor.socket) == WELL


def test_a_port_that_was_taken_is_listened_on_once_it_is_free(
    start: Callable[..., Monitor],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monitor = start(metrics=MetricsConfig(listen=f"127.0.0.1:{port}"))
        monitor.try_again(time.monotonic() + 3600)
    monitor.try_again(time.monotonic())  # not before its time
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))
    for _ in range(2):
        monitor.try_again(time.monotonic() + 3600)
        assert get(port, "/readyz")[0] == 200
    assert monitor.socket is not None
    assert ask(monitor.socket) == WELL


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("0.0.0.0:9464", "'0.0.0.0:9464' can be reached from other machines: take 127.0.0.1:9464"),
        ("[::]:9464", "can be reached from other machines"),
        ("192.168.1.5:9464", "or say allow_remote = true"),
        ("mirror.lan:9464", "is no address with a port: take 127.0.0.1:9464"),
        ("127.0.0.1", "is no address with a port"),
        ("127.0.0.1:", "has no port from 1 to 65535"),
        ("127.0.0.1:70000", "has no port from 1 to 65535"),
        ("unix:metrics.sock", "a unix socket needs a whole path"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, listen: str, message: str
) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text(f'[metrics]\nlisten = "{listen}"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(config)
    assert str(caught.value).startswith(f"{config}:2:1: ")
    assert message in str(caught.value)
    with pytest.raises(UsageError):
        Monitor(lambda: WELL, metrics=MetricsConfig(listen=listen))


def test_an_address_for_others_is_taken_if_that_is_said(tmp_path: Path) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text('[metrics]\nlisten = "0.0.0.0:9464"\nallow_remote = true\n')
    assert load_config(config).metrics.listen == "0.0.0.0:9464"


def test_metrics_without_their_library_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "edgehands.monitor.metrics", raising=False)
    with pytest.raises(RuntimeMissingError, match="pip install prometheus-client"):
        Monitor(lambda: WELL, metrics=MetricsConfig(listen="127.0.0.1:9464"))


@pytest.mark.parametrize(
    "health",
    [
        WELL,
        changed(ready=False),
        changed(config_problem="a:1:1: no"),
        changed(cameras=(HALL, DOOR)),
        changed(outputs=(msgspec.structs.replace(BROKER, ok=False),)),
        changed(cameras=()),
    ],
)
def test_there_are_problems_exactly_where_the_health_is_not_ok(health: Health) -> None:
    assert (not find_problems(health)) == health.ok


def test_a_dark_camera_is_a_problem_and_still_ready() -> None:
    dark = msgspec.structs.replace(HALL, state="dark")
    health = changed(cameras=(dark,))
    (problem,) = find_problems(health)
    assert problem.mend == "is the lens covered, or the light off?"
    assert why_blind(health) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (90, "1 min"), (12_345, "3 h 25 min"), (93784, "1 d 2 h")],
)
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


class Said(NamedTuple):
    """What the command answers."""

    exit_code: int
    stdout: str


def status(*arguments: str) -> Said:
    """Ask here, where only the runs of this test are."""
    done = CliRunner().invoke(app, ["status", *arguments])
    return Said(done.exit_code, done.stdout)


def test_the_command_gives_the_verdict_first(start: Callable[..., Monitor]) -> None:
    none = status()
    assert none.exit_code == 69
    assert none.stdout.startswith("EdgeHands does not run: ")
    start()
    well = status()
    assert well.exit_code == 0
    assert well.stdout.splitlines()[0] == "EdgeHands is well, up 1 d 2 h"
    assert "29.7 frames/s" in well.stdout
    start(changed(cameras=(HALL, DOOR), config_problem="a.toml:3:1: no"), name="second")
    ill = status("second")
    assert ill.exit_code == 69
    assert ill.stdout.splitlines()[0] == (
        "EdgeHands needs help: camera door has been lost for 1 min: it was unplugged; "
        "1 more problem below"
    )
    assert "edgehands config check" in ill.stdout
    assert status("third").stdout.startswith("EdgeHands does not run: nothing of the name third")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("failed", "does not run: its unit is failed, exit code 78; see why: journalctl -u edge"),
        ("inactive", "does not run: its unit is off; start it: sudo systemctl start edgehands"),
        ("activating", "does not answer yet: its unit is activating; see why: journalctl"),
    ],
)
def test_where_nothing_answers_the_unit_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, verdict: str
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(
        f"#!/bin/sh\necho LoadState=loaded\necho ActiveState={state}\necho ExecMainStatus=78\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    answer = status()
    assert answer.exit_code == 69
    assert answer.stdout.startswith(f"EdgeHands {verdict}")


def test_the_command_says_the_same_as_json(start: Callable[..., Monitor]) -> None:
    assert json.loads(status("--json").stdout)["runs"] == []
    start()
    start(changed(cameras=(DOOR,)), name="second")
    answer = status("--json")
    report = json.loads(answer.stdout)
    assert answer.exit_code == report["exit_code"] == 69
    health = {run["name"]: run["health"] for run in report["runs"]}
    assert msgspec.convert(health["edgehands"], Health) == WELL
    (problem,) = report["runs"][1]["problems"]
    assert problem["line"] in report["verdict"]


def test_a_run_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgehands.monitor.asking._SECONDS", 0.2)
    listener = Listener(tmp_path / "edgehands" / "odd.status")
    (run,) = find_runs()
    listener.close()
    assert str(run.problems[0]).endswith("it hangs")
    assert run.problems[0].mend == "sudo systemctl restart edgehands"


def test_a_run_of_another_user_is_not_taken_for_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    listener = Listener(tmp_path / "edgehands" / "other.status")
    monkeypatch.setattr(socket.socket, "connect", refused)
    (run,) = find_runs()
    assert run.is_closed
    assert run.problems[0].mend == "sudo edgehands status"
    answer = status()
    assert answer.exit_code == 69
    verdict = answer.stdout.partition("\n")[0]
    assert verdict == "EdgeHands runs; only root may ask it: sudo edgehands status"
    monkeypatch.undo()
    listener.close()


class Says(answering.Protocol):
    """Says always the same."""

    end, limit = b"\n", 1000

    def __init__(self, said: bytes) -> None:
        self.said = said

    def answer(self, request: bytes) -> bytes:  # noqa: ARG002
        return self.said

    def refuse(self, why: answering.Refusal) -> bytes:  # noqa: ARG002
        return b""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'{"health":{"version":2}}\n', "is the run of another version? Restart it"),
        (b'{"health":{"version"', "is not understood"),
        (b'{"error":"busy"}\n', "busy"),
        (b"", "is not understood"),
    ],
)
def test_a_run_that_speaks_another_language_is_told(tmp_path: Path, said: bytes, told: str) -> None:
    server = answering.Answering([(Listener(tmp_path / "edgehands" / "odd.status"), Says(said))])
    server.start()
    (run,) = find_runs()
    server.close()
    assert told in str(run.problems[0])
