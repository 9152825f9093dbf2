"""Who may see the live page and change settings on it, and what everybody else can do: nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiohttp", reason="the live page needs: pip install 'edgehands[web]'")

import aiohttp

from edgehands.control import Control
from edgehands.errors import ConfigError, DeviceError, UsageError
from edgehands.passwords import take_from_environment
from edgehands.web import viewers
from edgehands.web.guard import HEADERS
from edgehands.web.listener import MOST_CONNECTIONS
from edgehands.web.live import LivePage
from edgehands.web.sessions import COOKIE, Sessions
from edgehands.web.token import find_token
from edgehands.web_settings import WebConfig, parse_address
from tests.pages import loop, open_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pages import Site

TOKEN = "correct horse battery staple"  # noqa: S105
CHANGE = {"mirrored": True}


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as site:
        yield site


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


async def status_of_socket(site: Site, **headers: str) -> int:
    """Open the page's WebSocket; 101 if it is let in."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(f"{site.url}live", headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


# Names and origins


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        "127.0.0.2",
        "user@localhost",
        "localhost/",
        "localhost,evil.example",
        "[::1",
        "localhost:http",
        "ｌocalhost".encode().decode("latin-1"),
    ],
)
def test_a_foreign_name_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/settings", "/live"):
        assert site.ask(path, Host=host.format(port=site.port)).status in {400, 421}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "[::1]:80"])
def test_loopback_goes_by_all_its_names(site: Site, host: str) -> None:
    assert site.ask("/", Host=host).status == 200


def test_names_of_the_config_are_taken() -> None:
    with open_site(hosts=("mirror.example",)) as site:
        assert site.ask("/", Host="mirror.example").status == 200
        assert site.ask("/", Host="other.example").status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "file://127.0.0.1:{port}"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_page_changes_no_setting(site: Site, headers: dict[str, str]) -> None:
    given = {name: value.format(port=site.port) for name, value in headers.items()}
    for path in ("/settings", "/save", "/login"):
        assert site.ask(path, CHANGE, **given).status in {403, 415, 421}
    assert site.control.tuning is None
    assert site.ask("/settings", CHANGE).status == 200  # the page itself does
    assert site.control.tuning is not None


def test_another_page_reads_no_setting(site: Site) -> None:
    assert site.ask("/settings", Sec_Fetch_Site="cross-site").status == 403


def test_a_socket_from_another_page_is_refused(site: Site) -> None:
    assert asyncio.run(status_of_socket(site, Origin=site.url[:-1])) == 101
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert asyncio.run(status_of_socket(site, Origin=origin)) == 403
    assert asyncio.run(status_of_socket(site)) == 403
    foreign = {"Origin": "http://evil.example", "Host": "evil.example"}
    assert asyncio.run(status_of_socket(site, **foreign)) == 421


@pytest.mark.parametrize(
    "path",
    [
        "/../token.py",
        "/page/../../token.py",
        "/%2e%2e/token.py",
        "/..%2ftoken.py",
        "/%252e%252e%252ftoken.py",
        "/....//token.py",
        "//etc/passwd",
        "/etc/passwd",
        "/index.html/../../../../etc/passwd",
        "/index.html%00.css",
        "/static/../main.js/../../__init__.py",
        "/.git/config",
        "/page/index.html",
    ],
)
def test_only_the_pages_own_files_are_served(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert answer.status in {400, 404}
    assert b"import" not in answer.body
    assert b"root:" not in answer.body


def test_every_answer_has_the_headers_that_lock_a_browser_up(site: Site) -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy  # no other place is named
    for answer in (
        site.ask("/"),
        site.ask("/main.js"),
        site.ask("/nothing"),
        site.ask("/settings"),
        site.ask("/", Host="evil.example"),
        site.ask("/settings", CHANGE, Origin="http://evil.example"),
        site.ask("/settings", b"x" * 20_000),
        site.ask("/settings", method="DELETE", Origin=site.url[:-1]),
    ):
        assert HEADERS.items() <= answer.headers.items()


def test_the_page_names_no_other_place_and_has_nothing_inline() -> None:
    import edgehands.web

    for file in (Path(edgehands.web.__file__).parent / "page").iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, not a place
        assert not re.search(r"""//[\w.-]+\.\w+|["'(]//""", text), file
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert not re.search(r"<[^>]+\s(on\w+|style)=|javascript:", text), file


# Too much of everything


@pytest.mark.parametrize("path", ["/settings", "/save", "/login", "/"])
def test_ten_megabytes_are_refused_and_change_nothing(site: Site, path: str) -> None:
    with loop(site) as taken:
        try:
            status = site.ask(path, b" " * 10_000_000).status
        except ConnectionError:  # it hung up before everything was sent
            status = 413
        assert status in {405, 413}
        assert_frames_go_on(taken)
    assert site.ask("/settings").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"mirrored"',
        b"\xff\xfe",
        b'{"mirrored": 1}',
        b'{"mirrored": "true"}',
        b'{"model": "light"}',
        b'{"min_presence": 2}',
        b'{"min_presence": NaN}',
        b'{"smoothing_min_cutoff": 0}',
        b'{"smoothing_beta": 1e999}',
        b'{"gestures": {"no_such": {"min_score": 0.5}}}',
        b'{"gestures": {"fist": {"zone": [0.5, 0, 0.5, 1]}}}',
        b'{"gestures": {"fist": {"zone": [0, 0, 1]}}}',
        b'{"masks": {"other": []}}',
        b'{"masks": {"camera": [[0, 0, 1, 2]]}}',
        b'{"mirrored": true, "masks": {"other": []}}',
        b'{"masks": {"camera": ' + str([[0, 0, 1, 1]] * 17).encode() + b"}}",
        b"[" * 10_000,
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(site: Site, body: bytes) -> None:
    before = site.ask("/settings").json
    answer = site.ask("/settings", body)
    assert answer.status == 422
    assert "\n" not in answer.json["error"]
    assert site.ask("/settings").json == before
    assert site.control.tuning is None


def test_a_page_that_talks_nonsense_is_hung_up_on(site: Site) -> None:
    async def talk(word: str | bytes) -> None:
        async with aiohttp.ClientSession() as session:
            origin = {"Origin": site.url[:-1]}
            async with session.ws_connect(f"{site.url}live", headers=origin) as page:
                await (page.send_bytes(word) if isinstance(word, bytes) else page.send_str(word))
                while not (await page.receive(timeout=30)).type.name.startswith("CLOS"):
                    pass

    for word in ("nonsense", "[]", '{"camera": 1}', b"\x00", "x" * 100_000):
        asyncio.run(talk(word))
    assert site.ask("/").status == 200


HOLDER = """
import socket, sys
sockets, refused = [], 0
for number in range(1000):
    try:
        held = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=40)
        held.sendall([b"GET / HTTP/1.1\\r\\nHost: loc", b"POST / HTTP/1.1\\r\\n", b""][number % 3])
        sockets.append(held)
    except OSError:
        refused += 1
print(len(sockets), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_thousand_slow_connections_take_nothing_from_the_loop_or_a_viewer(site: Site) -> None:
    def open_files() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    before = open_files()
    command = [sys.executable, "-c", HOLDER, str(site.port)]
    with (
        loop(site) as taken,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder,
    ):
        time.sleep(0.5)
        assert site.ask("/settings").status == 200  # while they come
        assert holder.stdout is not None
        assert int(holder.stdout.readline()) > 900
        assert site.ask("/settings").status == 200  # and when all are there
        assert open_files() - before <= MOST_CONNECTIONS + 8
        assert_frames_go_on(taken)
    assert asyncio.run(status_of_socket(site, Origin=site.url[:-1])) == 101


def test_a_connection_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgehands.web.listener.IDLE_SECONDS", 0.2)
    with open_site() as site, socket.create_connection(("127.0.0.1", site.port)) as held:
        held.settimeout(30)
        held.sendall(b"GET / HTTP/1.1\r\nHost: ")
        with suppress(ConnectionError):  # reset is as good as closed
            assert held.recv(100) == b""


def test_a_stalled_viewer_is_dropped_and_nothing_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "STALLED_SECONDS", 1.0)
    with open_site(pixels=True) as site, loop(site) as taken:
        with socket.socket() as stalled:
            stall(stalled, site)
            before = memory()
            wait_for(lambda: not site.feed.watched)
            assert memory() - before < 20_000_000
        assert_frames_go_on(taken)


def test_a_viewer_that_stalls_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as stalled:
        with open_site(pixels=True) as site, loop(site):
            stall(stalled, site)
            time.sleep(0.5)  # in which all buffers fill
            begin = time.monotonic()
        assert time.monotonic() - begin < 10
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_more_viewers_than_there_is_room_for_are_told_so(site: Site) -> None:
    async def crowd() -> list[int]:
        async with aiohttp.ClientSession() as session:
            origin = {"Origin": site.url[:-1]}
            crowd = [
                await session.ws_connect(f"{site.url}live", headers=origin)
                for _ in range(viewers.MOST_VIEWERS)
            ]
            refused = await status_of_socket(site, **origin)
            await crowd[0].close()
            return [refused, await status_of_socket(site, **origin)]

    assert asyncio.run(crowd()) == [503, 101]


# The token


def test_without_the_token_there_is_a_page_and_nothing_on_it(token_file: Path) -> None:
    with open_site(token_file=str(token_file)) as site:
        assert site.ask("/").status == 200
        for answer in (
            site.ask("/settings"),
            site.ask("/settings", CHANGE),
            site.ask("/save", {}),
            site.ask("/settings", Cookie=f"{COOKIE}={TOKEN}"),
            site.ask("/login", {"token": "wrong"}),
            site.ask("/login", {"token": ""}),
            site.ask("/login", b"nonsense"),
        ):
            assert answer.status == 401
        assert asyncio.run(status_of_socket(site, Origin=site.url[:-1])) == 401
        assert site.control.tuning is None


def test_with_the_token_a_browser_gets_a_secret_of_its_own(token_file: Path) -> None:
    with open_site(token_file=str(token_file)) as site:
        cookie = site.ask("/login", {"token": TOKEN}).headers["Set-Cookie"]
        assert TOKEN not in cookie
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        secret = cookie.partition(";")[0]
        assert site.ask("/settings", Cookie=secret).status == 200
        headers = {"Origin": site.url[:-1], "Cookie": secret}
        assert asyncio.run(status_of_socket(site, **headers)) == 101


def test_a_page_that_is_touched_keeps_its_session(token_file: Path) -> None:
    async def stay(site: Site, secret: str) -> None:
        headers = {"Origin": site.url[:-1], "Cookie": secret}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{site.url}live", headers=headers) as page,
        ):
            for _ in range(8):
                await asyncio.sleep(0.25)
                await page.send_json({"touched": True})

    with open_site(token_file=str(token_file), idle_timeout=1.5) as site:
        cookie = site.ask("/login", {"token": TOKEN}).headers["Set-Cookie"]
        secret = cookie.partition(";")[0]
        asyncio.run(stay(site, secret))
        assert site.ask("/settings", Cookie=secret).status == 200


def test_a_read_only_page_changes_and_saves_nothing() -> None:
    with open_site(read_only=True) as site:
        assert site.ask("/settings").status == 200
        for path in ("/settings", "/save"):
            answer = site.ask(path, CHANGE)
            assert answer.status == 403
            assert "read_only in [web]" in answer.json["error"]
        assert site.control.tuning is None


def test_guessing_is_slowed_down(token_file: Path) -> None:
    with open_site(token_file=str(token_file)) as site:
        for _ in range(10):
            assert site.ask("/login", {"token": "guess"}).status == 401
        assert site.ask("/login", {"token": TOKEN}).status == 429


def test_an_unused_session_ends() -> None:
    sessions = Sessions(TOKEN, idle=60)
    secret = sessions.begin(TOKEN, 0.0)
    assert sessions.lets_in(secret, 59.0)
    assert sessions.lets_in(secret, 118.0)  # being used keeps it
    assert not sessions.lets_in(secret, 179.0)
    assert not sessions.lets_in(secret, 179.0)
    assert not sessions.lets_in(None, 0.0)


def test_sessions_are_few_and_the_longest_unused_makes_room() -> None:
    sessions = Sessions(TOKEN, idle=0)
    first = sessions.begin(TOKEN, 0.0)
    later = [sessions.begin(TOKEN, 1.0 + number) for number in range(64)]
    assert not sessions.lets_in(first, 100.0)
    assert all(sessions.lets_in(secret, 100.0) for secret in later)


def test_beyond_loopback_a_token_is_needed() -> None:
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.7:0"):
        with pytest.raises(ConfigError, match=r"it needs a token.*umask 077"):
            LivePage(WebConfig(address=address), [], Control())


def test_a_token_comes_from_its_file_the_environment_or_systemd(
    token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_token(WebConfig()) is None
    assert find_token(WebConfig(token_file=str(token_file))) == TOKEN
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    take_from_environment("MY_TOKEN")
    assert "MY_TOKEN" not in os.environ  # no child inherits it
    assert find_token(WebConfig(token_variable="MY_TOKEN")) == TOKEN  # noqa: S106
    token_file.rename(tmp_path / "web-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert find_token(WebConfig()) == TOKEN


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (TOKEN, 0o604, "anybody can read it; chmod 600"),
        ("short", 0o600, "16 to 512 characters"),
        ("two lines of\nsome length each", 0o600, "alone, on one line"),
        ("x" * 600, 0o600, "16 to 512 characters"),
        ("\udcff" * 20, 0o600, "not UTF-8"),
        (None, 0o600, "no token file .*: make one: .*umask 077"),
    ],
)
def test_a_token_file_that_keeps_no_secret_is_refused(
    tmp_path: Path, content: str | None, mode: int, message: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
        path.chmod(mode)
    with pytest.raises(ConfigError, match=message) as caught:
        find_token(WebConfig(token_file=str(path)))
    assert content is None or content not in str(caught.value)


# Addresses


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80),
        (":9000", "127.0.0.1", 9000),
        ("9000", "127.0.0.1", 9000),
        ("localhost", "localhost", 8770),
        ("[::1]:9000", "::1", 9000),
        ("[::1]", "::1", 8770),
        ("0.0.0.0:8770", "0.0.0.0", 8770),  # noqa: S104
    ],
)
def test_an_address_is_a_host_a_port_or_both(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", "a b:1", "h:-1", "::1:x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        parse_address(text)


def test_only_loopback_is_loopback() -> None:
    loopback = ("127.0.0.1", "127.9.9.9", "[::1]", "localhost")
    assert all(parse_address(host).is_loopback for host in loopback)
    others = ("0.0.0.0", "[::]", "192.168.1.2", "localhost.example")  # noqa: S104
    assert not any(parse_address(host).is_loopback for host in others)


def test_a_taken_port_is_told_in_one_line(site: Site) -> None:
    message = rf"{site.port}: Address already in use; .*--web-address"
    with pytest.raises(DeviceError, match=message), open_site(address=f"127.0.0.1:{site.port}"):
        pass


def stall(viewer: socket.socket, site: Site) -> None:
    """Open the page and read nothing."""
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.connect(("127.0.0.1", site.port))
    viewer.sendall(
        b"GET /live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: %b\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % (site.port, site.url[:-1].encode())
    )
    wait_for(lambda: site.feed.watched)


def assert_frames_go_on(taken: list[float]) -> None:
    """Wait for another quarter of a second of frames."""
    before = len(taken)
    wait_for(lambda: len(taken) > before + 10)


def memory() -> int:
    """Bytes that this process occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def wait_for(condition: object, seconds: float = 40.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never true"
        time.sleep(0.02)
