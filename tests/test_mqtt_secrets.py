"""Passwords and certificates: what works, what is refused in one line, and that nothing leaks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from edgehands.errors import ConfigError, UsageError
from edgehands.mqtt import link
from edgehands.mqtt.access import find_password, tls_context
from edgehands.mqtt.broker import parse_url
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
from tests.brokers import PROGRAM, Mosquitto, event, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = "canary-0d1f7c"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
SECURE = (
    "listener {{port}} 127.0.0.1",
    "password_file {0}/passwords",
    "cafile {0}/ca.pem",
    "certfile {0}/{1}.pem",
    "keyfile {0}/{1}.key",
)


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def sign(folder: Path, name: str, names: str, days: int = 30) -> None:
    """Make a certificate for host `names`, signed by the authority in `folder`."""
    openssl(
        *("req", *EC, "-nodes", "-keyout", f"{name}.key"),
        *("-out", f"{name}.csr", "-subj", f"/CN={name}"),
        folder=folder,
    )
    # Python 3.13 refuses what leaves these out.
    (folder / f"{name}.ext").write_text(
        f"subjectAltName={names}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl(
        *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        folder=folder,
    )


def authority(folder: Path, name: str = "ca") -> None:
    openssl(
        *("req", "-x509", *EC, "-nodes", "-keyout", f"{name}.key"),
        *("-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "30"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        folder=folder,
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys, certificates and passwords."""
    if PROGRAM is None:
        pytest.skip("no broker: apt install mosquitto")
    folder = tmp_path_factory.mktemp("keys")
    authority(folder)
    authority(folder, "stranger")
    sign(folder, "here", "IP:127.0.0.1,DNS:localhost")
    sign(folder, "elsewhere", "DNS:broker.example.org")
    sign(folder, "expired", "IP:127.0.0.1", days=-1)
    sign(folder, "client", "DNS:mirror")
    (folder / "passwords").write_text(f"mirror:{CANARY}\n")
    subprocess.run(["mosquitto_passwd", "-U", "passwords"], cwd=folder, check=True)
    (folder / "secret").write_text(f"{CANARY}\n")
    (folder / "secret").chmod(0o600)
    (folder / "wrong").write_text(f"not-{CANARY}\n")
    (folder / "wrong").chmod(0o600)
    return folder


@pytest.fixture
def open_output() -> Iterator[Callable[..., MqttOutput]]:
    opened: list[MqttOutput] = []

    def open_one(url: str, **config: Any) -> MqttOutput:
        opened.append(MqttOutput(MqttConfig(url=url, node="lab", **config), Subject("bench")))
        return opened[-1]

    yield open_one
    for output in opened:
        output.close()


def secure(keys: Path, certificate: str = "here", *more: str) -> tuple[str, ...]:
    return (*(line.format(keys, certificate) for line in SECURE), *more)


def url(broker: Mosquitto) -> str:
    return f"mqtts://mirror@127.0.0.1:{broker.port}"


def test_tls_and_password_work(
    start_broker: Callable[..., Mosquitto], open_output: Callable[..., MqttOutput], keys: Path
) -> None:
    broker = start_broker(*secure(keys))
    output = open_output(
        url(broker), ca_file=str(keys / "ca.pem"), password_file=str(keys / "secret")
    )
    output.event_captured(event(1), time.monotonic())
    wait_for(lambda: "1 events acknowledged" in output.account())


def test_a_client_certificate_works(
    start_broker: Callable[..., Mosquitto], open_output: Callable[..., MqttOutput], keys: Path
) -> None:
    broker = start_broker(*secure(keys, "here", "require_certificate true"))
    output = open_output(
        url(broker),
        ca_file=str(keys / "ca.pem"),
        cert_file=str(keys / "client.pem"),
        key_file=str(keys / "client.key"),
        password_file=str(keys / "secret"),
    )
    wait_for(lambda: output.link.online)


def test_the_key_of_a_client_certificate_may_come_from_systemd(
    start_broker: Callable[..., Mosquitto],
    open_output: Callable[..., MqttOutput],
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "mqtt-key").write_bytes((keys / "client.key").read_bytes())
    broker = start_broker(*secure(keys, "here", "require_certificate true"))
    output = open_output(
        url(broker),
        ca_file=str(keys / "ca.pem"),
        cert_file=str(keys / "client.pem"),
        password_file=str(keys / "secret"),
    )
    wait_for(lambda: output.link.online)


@pytest.mark.parametrize(
    ("certificate", "config", "line"),
    [
        ("here", {"ca_file": "stranger.pem"}, "not trusted: give that authority's certificate as"),
        ("here", {"ca_file": None}, "not trusted: give that authority's certificate as ca_file"),
        ("expired", {}, "its certificate has expired: renew it"),
        ("elsewhere", {}, "its certificate is for another host"),
        ("here", {"password_file": "wrong"}, "refused: user name or password is wrong"),
        ("here", {"password_file": None}, "refused: user name or password is wrong"),
    ],
    ids=["wrong CA", "no CA", "expired", "other host", "wrong password", "no password"],
)
def test_a_refusal_is_one_line_and_is_tried_again(
    start_broker: Callable[..., Mosquitto],
    open_output: Callable[..., MqttOutput],
    keys: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    certificate: str,
    config: dict[str, str | None],
    line: str,
) -> None:
    monkeypatch.setattr(link, "_MINUTE", 0.0)  # the same line is not even told once a minute
    broker = start_broker(*secure(keys, certificate))
    whole = {"ca_file": "ca.pem", "password_file": "secret", **config}
    files = {key: str(keys / name) for key, name in whole.items() if name is not None}
    output = open_output(url(broker), **files)
    wait_for(lambda: broker.log.count("New connection") >= 4)  # the first is the fixture's look
    assert not output.link.online
    (message,) = caplog.messages
    assert line in message
    assert "\n" not in message
    assert CANARY not in caplog.text


def test_a_certificate_nobody_vouches_for_can_be_taken_on_purpose(
    start_broker: Callable[..., Mosquitto], open_output: Callable[..., MqttOutput], keys: Path
) -> None:
    broker = start_broker(*secure(keys, "elsewhere"))
    output = open_output(url(broker), verify=False, password_file=str(keys / "secret"))
    wait_for(lambda: output.link.online)


def test_a_password_that_is_put_right_is_taken_without_a_restart(
    start_broker: Callable[..., Mosquitto],
    open_output: Callable[..., MqttOutput],
    keys: Path,
    tmp_path: Path,
) -> None:
    broker = start_broker(*secure(keys))
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("wrong")
    output = open_output(url(broker), ca_file=str(keys / "ca.pem"), password_file=str(secret))
    time.sleep(0.3)
    assert not output.link.online
    secret.write_text(CANARY)
    wait_for(lambda: output.link.online)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(
        UsageError, match=r"password in the broker URL of host: .*password_file"
    ) as e:
        parse_url(f"mqtt://mirror:{CANARY}@host/prefix")
    assert CANARY not in str(e.value)


@pytest.mark.parametrize(
    "wrong",
    [
        *(f"me:{CANARY}@broker", f"mqtt:me:{CANARY}@broker", f"mqtt//me:{CANARY}@broker"),
        *(f"mqtt://host/p?password={CANARY}", f"mqtt://me@ho st:{CANARY}", f"mqtt://me:{CANARY}"),
        *(f"mqtt:///me:{CANARY}@broker", f"mqtt://host/+me:{CANARY}@broker"),
    ],
)
def test_a_password_is_not_repeated_from_what_is_no_url_either(wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(wrong)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("prefix", ["home/#", "+", "$SYS", "a//b", "", "a\n"])
def test_a_discovery_prefix_that_is_no_topic_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="topic prefix"):
        MqttOutput(MqttConfig(url="mqtt://127.0.0.1:1", discovery_prefix=prefix), Subject("b"))
    table = {"type": "mqtt", "url": "mqtt://host", "discovery_prefix": prefix}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, MqttConfig)


@pytest.mark.parametrize(
    "wrong",
    [
        *("host", "http://host", "mqtt://", "mqtt://host:0", "mqtt://host:99999", "mqtt://host?x"),
        *("unix://host/path", "unix://", "unix:///", "unix:///run/broker?x"),
        *("mqtt://host/a+b", "mqtt://host/#", "mqtt://host/a//b", "mqtt://[::1", "mqtt://h/%00"),
    ],
)
def test_a_url_that_means_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        parse_url(wrong)


@pytest.mark.parametrize(
    ("url_", "parts"),
    [
        ("mqtt://host", ("host", 1883, None, "edgehands")),
        ("mqtts://me@host/", ("host", 8883, "me", "edgehands")),
        ("ws://host:9001/site/one", ("host", 9001, None, "site/one")),
        ("wss://m%40e@[::1]/p", ("::1", 443, "m@e", "p")),
        ("unix://me@/run/broker.sock", ("/run/broker.sock", 0, "me", "edgehands")),
    ],
)
def test_what_a_url_leaves_out_has_its_usual_value(url_: str, parts: tuple[object, ...]) -> None:
    broker = parse_url(url_)
    assert (broker.host, broker.port, broker.username, broker.prefix) == parts


def test_the_password_is_found_in_its_file_then_the_environment_then_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt-password").write_text("from systemd\n")
    (tmp_path / "file").write_text("from file\r\n")
    (tmp_path / "mqtt-password").chmod(0o400)
    (tmp_path / "file").chmod(0o600)
    config = MqttConfig(url="mqtt://host", password_variable="EDGEHANDS_TEST_SECRET")  # noqa: S106
    assert find_password(config) is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert find_password(config) == "from systemd"
    monkeypatch.setenv("EDGEHANDS_TEST_SECRET", "from the environment")
    assert find_password(config) == "from the environment"
    assert "EDGEHANDS_TEST_SECRET" not in os.environ  # no child inherits it
    assert find_password(config) == "from the environment"
    named = MqttConfig(url="mqtt://host", password_file=str(tmp_path / "file"))
    assert find_password(named) == "from file"


def test_a_service_that_may_not_read_its_password_hears_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(Path, "open", forbidden)
    config = MqttConfig(url="mqtt://host", password_file="/etc/edgehands/mqtt-password")  # noqa: S106
    with pytest.raises(ConfigError, match=r"denied; a service takes it from systemd, without this"):
        find_password(config)


def test_an_empty_line_from_systemd_is_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt-password").write_text("\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert find_password(MqttConfig(url="mqtt://host")) is None


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"secret", 0o644, "anybody can read it; chmod 600"),
        (b"", 0o600, "expected the password alone, on one line"),
        (b"user\nsecret", 0o600, "expected the password alone, on one line"),
        (b"\xff\xfe", 0o600, "not UTF-8"),
        (b"x" * 70000, 0o600, "expected the password alone"),
        (None, 0, "No such file"),
    ],
)
def test_a_password_file_that_cannot_be_right_is_refused(
    tmp_path: Path, content: bytes | None, mode: int, message: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigError, match=message):
        MqttOutput(MqttConfig(url="mqtt://127.0.0.1:1", password_file=str(path)), Subject("b"))


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
def test_a_certificate_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    config = MqttConfig(url="mqtts://host", **{key: str(tmp_path / "x.pem")})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=key):
        tls_context(config, parse_url(config.url))


def access_list() -> str:
    """The one that docs/mqtt.md shows."""
    text = (Path(__file__).parent.parent / "docs" / "mqtt.md").read_text(encoding="utf-8")
    return next(block for block in text.split("```") if "acl_file" in block)


def test_the_documented_access_list_lets_a_device_do_its_work_and_nothing_else(
    start_broker: Callable[..., Mosquitto],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acl = tmp_path / "acl"
    acl.write_text(access_list())
    acl.chmod(0o600)
    listener = ("listener {port} 127.0.0.1", "allow_anonymous true", f"acl_file {acl}")
    broker = start_broker(*listener)
    for node, reason in (("lab", "acknowledged"), ("other", "refused")):
        config = MqttConfig(url=f"mqtt://lab@127.0.0.1:{broker.port}", node=node)
        output = MqttOutput(config, Subject("bench", ("fist",)))
        output.event_captured(event(1), time.monotonic())
        wait_for(lambda: getattr(output.counts, reason) == 1)  # noqa: B023
        output.close()
        assert ("refuses messages on edgehands/other" in caplog.text) == (node == "other")


def environments(process: int) -> list[bytes]:
    """What the process, and each of its children, was started with."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if process in (parent, int(folder.name)):
                found.append((folder / "cmdline").read_bytes())
            if parent == process:
                found.append((folder / "environ").read_bytes())
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    "way",
    [
        "environment",
        pytest.param("file", marks=pytest.mark.system),
        pytest.param("systemd", marks=pytest.mark.system),
    ],
)
def test_the_password_shows_up_nowhere(
    start_broker: Callable[..., Mosquitto], keys: Path, tmp_path: Path, way: str
) -> None:
    broker = start_broker(*secure(keys))
    config = tmp_path / "edgehands.toml"
    file = f'password_file = "{keys}/secret"' if way == "file" else ""
    config.write_text(
        f"""
[[camera]]
source = "synthetic:"
[[output]]
type = "mqtt"
url = "{url(broker)}"
node = "lab"
ca_file = "{keys}/ca.pem"
{file}
"""
    )
    environment = dict(os.environ)
    if way == "environment":
        environment["EDGEHANDS_MQTT_PASSWORD"] = CANARY
    if way == "systemd":
        (tmp_path / "mqtt-password").write_text(CANARY)
        (tmp_path / "mqtt-password").chmod(0o400)
        environment["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "-vv", "run", "--config", str(config)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: "New client connected" in broker.log, 60)
        seen = environments(process.pid)
        kept = subprocess.run(
            [
                *("mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "#"),
                *("--cafile", f"{keys}/ca.pem", "-u", "mirror", "-P", CANARY, "-W", "2", "-v"),
            ],
            capture_output=True,
            check=False,
        ).stdout
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=30)
    assert b"edgehands/lab/state" in kept
    for place in (*seen, kept, output, broker.log.encode()):
        assert CANARY.encode() not in place
