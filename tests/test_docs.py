"""The documentation keeps its word: links lead somewhere, commands exist and run, examples work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import typer

from edgehands import config_files
from edgehands.synthetic import DEMO_CLIP

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

# What may be run anywhere: it asks for no camera, broker or service, and ends by itself.
HARMLESS = re.compile(
    r"edgehands (demo(?! --web)|doctor|verify|models (list|check)|config (show|check|schema)"
    r"|gestures list|ha blueprint)( --[a-z-]+)*$"
)
# `doctor` and `check` tell what they find by their exit code.
TELLING = {0, 69, 78}


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language, with the page it is on."""
    return [
        (page.name, re.sub(rf"(?m)^{indent}", "", body))
        for page in PAGES
        for indent, name, body in FENCE.findall(page.read_text(encoding="utf-8"))
        if name == language
    ]


def commands() -> list[tuple[str, str]]:
    """Every line of a block that is a command of ours, without its comment."""
    lines = [
        (page, line.partition(" #")[0].strip())
        for kind in ("", "sh", "console")
        for page, body in blocks(kind)
        for line in body.replace("\\\n", " ").splitlines()
    ]
    lines = [(page, re.sub(r"^(\$ )?(sudo )?", "", line)) for page, line in lines]
    return list(dict.fromkeys(line for line in lines if re.match(r"edgehands [a-z]", line[1])))


@cache
def command_line() -> typer.core.TyperGroup:
    from edgehands.cli.commands import app

    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    return command


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_shown_exists_with_its_options(page: str, line: str) -> None:  # noqa: ARG001
    words = shlex.split(re.split(r" [|>&] ?| && ", line)[0])[1:]
    command: object = command_line()
    context = command_line().make_context("edgehands", [], resilient_parsing=True)
    while isinstance(command, typer.core.TyperGroup):
        assert words, line
        found = command.get_command(context, words[0])
        assert found is not None, f"no command {words[0]!r}"
        command = found
        words = words[1:]
    assert isinstance(command, typer.core.TyperCommand)
    command.make_parser(context).parse_args(args=words)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_harmless_commands_run_as_they_are_shown(tmp_path: Path) -> None:
    binary = tmp_path / "bin" / "edgehands"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m edgehands "$@"\n', encoding="ascii")
    binary.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{binary.parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    lines = [line for _, line in commands() if HARMLESS.fullmatch(line)]
    assert len(set(lines)) >= 3
    # `config init` without a name would write the system's, for root.
    config_files.init(tmp_path / "config" / "edgehands" / "edgehands.toml")
    for line in sorted(set(lines)):
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        telling = "doctor" in line or "check" in line or "verify" in line
        assert done.returncode in (TELLING if telling else {0}), f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr, line


@pytest.mark.parametrize(("page", "code"), blocks("python"))
@pytest.mark.usefixtures("models")
def test_every_python_example_runs(page: str, code: str, tmp_path: Path) -> None:
    """With the demo's clip where a camera is asked for."""
    swapped = (
        "import edgehands\n"
        "real = edgehands.open_camera\n"
        f"edgehands.open_camera = lambda source, **more: real({str(DEMO_CLIP)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", swapped + code], cwd=tmp_path, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{page}\n{done.stderr}"


# --- the site -------------------------------------------------------------------------------------


def test_every_page_is_in_the_sites_navigation() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    named = set(re.findall(r"'([^']+\.md)'", str(site["project"]["nav"])))
    pages = {"docs/" + page.name for page in (ROOT / "docs").glob("*.md")}
    assert pages <= named, f"add to zensical.toml: {sorted(pages - named)}"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of what the site is made from."""
    pytest.importorskip("zensical", reason="the extra docs is not installed")
    copy = tmp_path / "copy"
    for path in ("docs", "tools", "benchmarks/results", "systemd"):
        shutil.copytree(ROOT / path, copy / path)
    for path in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "zensical.toml"):
        shutil.copy(ROOT / path, copy / path)
    for path in ("edgehands", "backends", "models", "LICENSE"):
        (copy / path).symlink_to(ROOT / path)
    return copy


def build(site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.docs"], cwd=site, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(site: Path) -> None:
    done = build(site)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((site / "build" / "site").rglob("*.html"))
    assert len(pages) > 20
    tracker = (site / "build" / "site" / "docs" / "reference" / "python.html").read_text("utf-8")
    assert "Follows hands through a stream of images" in tracker
    cli = (site / "build" / "site" / "docs" / "reference" / "cli.html").read_text("utf-8")
    assert "--max-hands" in cli


@pytest.mark.slow
@pytest.mark.parametrize("link", ["[gone](nothing.md)", "[there](tracker.md#no-such-part)"])
def test_a_broken_link_fails_the_build(site: Path, link: str) -> None:
    page = site / "docs" / "privacy.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\n{link}\n", encoding="utf-8")
    done = build(site)
    assert done.returncode != 0
    assert "privacy.md" in done.stdout + done.stderr
