"""Inside the guest: does what comes as a line of JSON on the second serial port, and answers."""

import json
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path
from typing import Any


def run(asked: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        ["sh", "-c", asked["run"]],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=asked["timeout"],
    )
    return {"rc": done.returncode, "out": done.stdout.decode(errors="replace")}


def do(asked: dict[str, Any]) -> dict[str, Any]:
    if "write" in asked:
        Path(asked["write"]).write_text(asked["text"])
    elif "step" in asked:
        now = time.clock_gettime(time.CLOCK_REALTIME)
        oldest = time.monotonic() + 1  # 1970, as on a board without a clock: the kernel's limit
        time.clock_settime(time.CLOCK_REALTIME, max(now + asked["step"], oldest))
    else:
        return run(asked)
    return {"rc": 0, "out": ""}


with Path(sys.argv[1]).open("r+b", buffering=0) as port:
    tty.setraw(port.fileno(), termios.TCSANOW)
    port.write(json.dumps({"ready": time.monotonic()}).encode() + b"\n")
    for line in port:
        begun = time.monotonic()
        try:
            answer = do(json.loads(line))
        except (OSError, subprocess.TimeoutExpired) as error:
            answer = {"rc": 124, "out": repr(error)}
        answer["took"] = time.monotonic() - begun
        port.write(json.dumps(answer).encode() + b"\n")
