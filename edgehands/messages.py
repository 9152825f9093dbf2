"""What to do about each warning and error of the log, by its code; docs/messages.md tells more.

A code is never given to anything else. EH10 and the exit code are the errors that end a command;
EH11 cameras, EH12 models and backends, EH13 outputs, EH14 the run, EH15 who watches it.
"""

from __future__ import annotations

FOREIGN = "EH1900"
"""What another library says."""

ADVICE = {
    "EH1002": "see the command's --help",
    "EH1066": "look at that file or stream",
    "EH1069": "edgehands doctor",
    "EH1070": "a bug: please report it with edgehands support-bundle",
    "EH1078": "edgehands config check",
    "EH1101": "plug the camera in again; another port or cable if it comes back",
    "EH1102": "ask for a size that the camera has",
    "EH1103": "take a whole copy of the file",
    "EH1104": "give the cache a folder that can be written",
    "EH1105": "see the end of dmesg; a camera whose pictures kill their decoder is best replaced",
    "EH1106": "a bug: please report it with edgehands support-bundle",
    "EH1201": "edgehands doctor",
    "EH1202": "take --backend auto",
    "EH1203": "edgehands tune",
    "EH1204": "edgehands tune",
    "EH1205": "give the cache a folder that can be written",
    "EH1206": "look at the permissions of that file",
    "EH1207": "delete that file: it is made again",
    "EH1208": "wait, or end the other fetch",
    "EH1301": "allow it in the broker's access list: docs/mqtt.md",
    "EH1302": "allow it in the broker's access list: docs/mqtt.md",
    "EH1303": "look at the broker, its address and the password: docs/mqtt.md",
    "EH1304": "nothing to do",
    "EH1305": "send what docs/mqtt.md says",
    "EH1401": "edgehands config check, then systemctl reload edgehands",
    "EH1402": "nothing to do",
    "EH1403": "see to it, then systemctl reload edgehands",
    "EH1404": "do what the message says",
    "EH1410": "do what the message says",
    "EH1411": "cool it, or take a lighter model: docs/latency.md",
    "EH1412": "edgehands doctor",
    "EH1501": "see what holds so many files open: ls /proc/$(pgrep -o edgehands)/fd",
    "EH1502": "a bug: please report it with edgehands support-bundle",
    "EH1503": "edgehands status will not find this run; look at that folder",
    "EH1504": "see who has it: ss -ltnp; or change listen in [metrics]",
    "EH1511": "a bug: please report it with edgehands support-bundle",
    "EH1512": "a bug: please report it with edgehands support-bundle",
    "EH1513": "see who has it: ss -ltnp; or change address in [web]",
    FOREIGN: "what it means stands with that library",
}
"""Short enough to stand behind the message, in brackets."""
