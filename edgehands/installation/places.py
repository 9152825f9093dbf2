"""Where everything of the service lies."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from edgehands import folders

SHIPPED = Path(__file__).parent.parent / "systemd"
"""The unit, its drop-ins, the sample config and what else is installed as it is."""
UNIT = "edgehands.service"
SERVICE = "edgehands"
HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))
"""What the service does not see: ProtectHome=yes."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a machine, below `root`."""

    root: Path = Path("/")

    def at(self, path: str) -> Path:
        """Return an absolute path of the machine."""
        return self.root / path.lstrip("/")

    @property
    def home(self) -> Path:
        """The service's own folder: its environments and the list of what was installed."""
        return self.at("/opt/edgehands")

    @property
    def venv(self) -> Path:
        """A link to the environment that is used."""
        return self.home / "venv"

    @property
    def program(self) -> Path:
        """What the unit starts."""
        return self.venv / "bin" / "edgehands"

    @property
    def manifest(self) -> Path:
        """The list of what was installed."""
        return self.home / "installed.json"

    @property
    def unit(self) -> Path:
        """The unit."""
        return self.at(f"/etc/systemd/system/{UNIT}")

    @property
    def dropins(self) -> Path:
        """The folder of its drop-ins, the user's own among them."""
        return self.unit.with_name(f"{UNIT}.d")

    @property
    def config(self) -> Path:
        """The config file."""
        return self.at("/etc/edgehands/edgehands.toml")

    @property
    def models(self) -> Path:
        """The model files; their folder is the service's state."""
        return self.at("/var/lib/edgehands/models")

    @property
    def kept(self) -> tuple[Path, ...]:
        """Where config and state lie, which are the user's."""
        return (self.config.parent, *self._private("/var/lib"))

    @property
    def caches(self) -> tuple[Path, ...]:
        """What can be made again."""
        return self._private("/var/cache")

    def _private(self, base: str) -> tuple[Path, ...]:
        """Return where systemd keeps a folder while its user comes and goes, and the link there."""
        return self.at(f"{base}/private/{SERVICE}"), self.at(f"{base}/{SERVICE}")


def callers_config() -> Path | None:
    """Return the config file of whoever installs, under sudo of whoever typed that; if any."""
    home, own = callers_home(), folders.config()
    for folder in (home and home / ".config/edgehands", own):
        if folder and (folder / "edgehands.toml").is_file():
            return folder / "edgehands.toml"
    return None


def callers_home() -> Path | None:
    """Return the home of whoever typed sudo, None without sudo."""
    number = os.environ.get("SUDO_UID", "")
    if not number.isdecimal() or number == "0":
        return None
    try:
        return Path(pwd.getpwuid(int(number)).pw_dir)
    except KeyError:
        return None
