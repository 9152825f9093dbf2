"""How hot the machine is, and whether it slows itself down: files of the kernel's sysfs."""

from __future__ import annotations

from pathlib import Path

SYS = Path("/sys")

_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
# The bits of now, of a Raspberry Pi's `vcgencmd get_throttled`; 16 to 19 are the same since boot.
_BITS = {
    0: "under-voltage: use a stronger power supply",
    1: "the firmware caps the clock",
    2: "the firmware throttles",
    3: "the firmware's temperature limit",
}


def temperature(sys: Path | None = None) -> float | None:
    """Return the temperature of the hottest thermal zone, °C; None where the kernel tells none.

    Args:
        sys: where sysfs is; None for its place.
    """
    degrees = []
    for zone in ((sys or SYS) / "class/thermal").glob("thermal_zone*/temp"):
        try:
            degrees.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):  # a sensor that is off
            continue
    return round(max(degrees), 1) if degrees else None


def throttling(sys: Path | None = None) -> str | None:
    """Return why a Raspberry Pi's firmware slows the machine down now; None if it does not.

    Args:
        sys: where sysfs is; None for its place.
    """
    try:
        bits = int(((sys or SYS) / _THROTTLED).read_text(), 16)
    except (OSError, ValueError):  # another board, or an older kernel
        return None
    return next((why for bit, why in _BITS.items() if bits >> bit & 1), None)
