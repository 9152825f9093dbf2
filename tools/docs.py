"""Build the documentation site into build/site, strictly: a broken link fails.

    python -m tools.docs           # what `make docs` runs; needs the extra `docs`

Pages lie in build/docs as they lie in the repository, so that one link works in both; the README
is the first page, and the references of command line, config and Python are made from the code.
"""

from __future__ import annotations

import os.path
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"

PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/results/*.md")
PICTURES = ("docs/*.png", "docs/*.gif", "docs/schemas/*", "benchmarks/results/*.png")

# Names whose docstrings are the Python reference, by page title.
API = {
    "Tracking": (
        "edgehands.HandTracker",
        "edgehands.tracker.StageTracker",
        "edgehands.open_camera",
        "edgehands.draw_hands",
    ),
    "Values": (
        "edgehands.hand.Hand",
        "edgehands.hand.Landmark",
        "edgehands.hand.Palm",
        "edgehands.hand.Roi",
        "edgehands.frame.Frame",
        "edgehands.report.FrameReport",
    ),
    "Settings": (
        "edgehands.settings.TrackerSettings",
        "edgehands.settings.GestureRules",
        "edgehands.settings.EventSettings",
    ),
    "Gestures and events": (
        "edgehands.interpreter.Interpreter",
        "edgehands.events.Event",
        "edgehands.outputs.Output",
        "edgehands.outputs.Result",
    ),
    "Backends": ("edgehands.inference.Session", "edgehands.inference.Description"),
    "Errors": ("edgehands.errors",),
}

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\]\([^)]*\))*)\]\(([^()\s]+)\)")


def main() -> None:
    """Gather the sources and build the site from them."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    for pattern in PICTURES:
        for path in ROOT.glob(pattern):
            _write(path.relative_to(ROOT), path.read_bytes())
    pages = {Path("README.md"), *(p.relative_to(ROOT) for name in PAGES for p in ROOT.glob(name))}
    for page in sorted(pages):
        text = (ROOT / page).read_text(encoding="utf-8")
        _write(_on_site(page), linked(text, page, pages).encode())
    _write(Path("docs/reference/cli.md"), _command_line().encode())
    _write(Path("docs/reference/config.md"), _config().encode())
    _write(Path("docs/reference/python.md"), _python().encode())
    command = ["zensical", "build", "--strict", "--clean"]
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    _check_hosts()


def linked(text: str, page: Path, pages: set[Path]) -> str:
    """Return a page with links as they are on the site.

    A link to a page or picture stays, one to any other file of the repository becomes its text:
    that file is not on the site. One to nothing stays, for the strict build to complain of.
    """

    def on_site(match: re.Match[str]) -> str:
        mark, label, target = match.groups()
        if "://" in target or target.startswith("#"):
            return match[0]
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path
        inside = Path(os.path.normpath(file)).relative_to(ROOT) if file.exists() else None
        if mark or inside is None or (SOURCES / inside).is_file():
            return match[0]
        if inside not in pages:
            return label
        there = _on_site(inside)
        up = "../" * (len(_on_site(page).parts) - 1)
        return f"[{label}]({up}{there.as_posix()}{'#' * bool(anchor)}{anchor})"

    return _LINK.sub(on_site, text)


def _on_site(page: Path) -> Path:
    return Path("index.md") if page == Path("README.md") else page


def _write(path: Path, content: bytes) -> None:
    place = SOURCES / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def _command_line() -> str:
    """Every command with its arguments and options, as typer tells them."""
    import typer
    from typer.cli import get_docs_for_click

    from edgehands.cli.commands import app

    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="edgehands")
    text = get_docs_for_click(obj=command, ctx=context, name="edgehands", title="Command line")
    # What a terminal shows as it is would be HTML and links here, but in code.
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    for index in range(0, len(parts), 2):
        parts[index] = parts[index].replace("<", "&lt;").replace("[", "&#91;")
    return "".join(parts)


def _config() -> str:
    sample = (ROOT / "systemd" / "edgehands.toml").read_text(encoding="utf-8")
    return (
        "# Every key\n\nThe commented file that `edgehands config init` writes; "
        "[configuration.md](../configuration.md) says where it is looked for. A key behind a bare "
        f"# stands at its default.\n\n```toml\n{sample}```\n"
    )


def _python() -> str:
    parts = ["# Python\n"]
    for title, names in API.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts.append(f"::: {name}\n    options:\n      heading_level: 3\n")
    return "\n".join(parts)


def _check_hosts() -> None:
    """Refuse a site that would load anything from another host."""
    loads = re.compile(
        r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["']?(https?://[^"'>]+)"""
    )
    found = sorted(
        f"{page.relative_to(SITE)}: {match[1]}"
        for page in SITE.rglob("*.html")
        for match in loads.finditer(page.read_text(encoding="utf-8"))
        if "rel=canonical" not in match[0].replace('"', "")
    )
    if found:
        sys.exit("loaded from another host:\n" + "\n".join(found))


if __name__ == "__main__":
    main()
