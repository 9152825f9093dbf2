"""`import mediapipe` finds this package where there is no other, under all the old names."""

from __future__ import annotations

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

HERE = __package__ or ""
NAME = "mediapipe"
# `mediapipe.python.solutions` is where the solutions lie, `mediapipe.solutions` their short name.
_OLD_HOMES = {
    f"{NAME}.python.solutions": f"{HERE}.solutions",
    f"{HERE}.python.solutions": f"{HERE}.solutions",
    NAME: HERE,
}


class _Alias(MetaPathFinder, Loader):
    """Gives a module a second name. There is never a second copy, so classes stay the same."""

    always = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the name says enough)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if home_of(fullname) is None or not self._is_ours(fullname):
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python: the empty module is replaced at once."""

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        sys.modules[name] = importlib.import_module(home_of(name) or name)

    def _is_ours(self, fullname: str) -> bool:
        """Say no where MediaPipe itself is installed, unless everything is to be ours."""
        if fullname.startswith(HERE):
            return True
        if fullname == NAME:
            return self.always or PathFinder.find_spec(NAME) is None
        return sys.modules.get(NAME) is sys.modules[HERE]


def home_of(fullname: str) -> str | None:
    """Return the name of the module that an old name means; None for any other name."""
    for old, home in _OLD_HOMES.items():
        if fullname == old or fullname.startswith(f"{old}."):
            return home + fullname.removeprefix(old)
    return None


_ALIAS = _Alias()


def install(*, always: bool = False) -> None:
    """Let `import mediapipe` find this package.

    Args:
        always: even where MediaPipe is installed.
    """
    _ALIAS.always = _ALIAS.always or always
    if _ALIAS not in sys.meta_path:
        sys.meta_path.insert(0, _ALIAS)
