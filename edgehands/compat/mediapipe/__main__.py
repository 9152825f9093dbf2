"""Run a program that was written for MediaPipe, unchanged.

python -m edgehands.compat.mediapipe program.py its arguments
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from edgehands.compat.mediapipe import alias

_USAGE = "usage: python -m edgehands.compat.mediapipe PROGRAM.py [ARGUMENTS]"


def main() -> None:
    """Run the program named by the first argument, with `mediapipe` meaning this package."""
    if len(sys.argv) < 2:
        sys.exit(_USAGE)
    program = Path(sys.argv[1])
    if not program.is_file():
        print(f"edgehands: no program {program}: {_USAGE}", file=sys.stderr)  # noqa: T201
        sys.exit(66)
    alias.install(always=True)
    del sys.argv[0]
    sys.path[0] = str(program.parent)
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
