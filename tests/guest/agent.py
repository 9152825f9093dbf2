"""Inside the guest: runs what comes as a line of JSON on the second serial port, and answers."""

import json
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

with Path(sys.argv[1]).open("r+b", buffering=0) as port:
    tty.setraw(port.fileno(), termios.TCSANOW)
    port.write(json.dumps({"ready": time.monotonic()}).encode() + b"\n")
    for line in port:
        asked = json.loads(line)
        begun = time.monotonic()
        try:
            done = subprocess.run(
                ["sh", "-c", asked["run"]],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=asked["timeout"],
            )
            answer = {"rc": done.returncode, "out": done.stdout.decode(errors="replace")}
        except subprocess.TimeoutExpired as error:
            answer = {"rc": 124, "out": (error.stdout or b"").decode(errors="replace")}
        answer["took"] = time.monotonic() - begun
        port.write(json.dumps(answer).encode() + b"\n")
