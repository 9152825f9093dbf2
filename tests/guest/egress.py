"""What left the guest: its packets, as QEMU captured them on the wire."""

from __future__ import annotations

import ipaddress
import struct
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUEST = "10.0.2.15"
_CARD = bytes.fromhex("525400123456")  # of QEMU's first network card
_IPV4, _ARP = 0x0800, 0x0806
_TCP, _UDP = 6, 17


class Peer(NamedTuple):
    """Somebody that the guest sent something to."""

    address: str
    protocol: int
    port: int


def read(capture: Path) -> tuple[dict[Peer, bytes], list[bytes]]:
    """Return what was sent to each peer, in order and once, and frames that are no IPv4 or ARP."""
    streams: dict[Peer, dict[int, bytes]] = defaultdict(dict)
    strange = []
    for frame in _frames(capture.read_bytes()):
        if frame[6:12] != _CARD:  # what comes in
            continue
        (kind,) = struct.unpack_from("!H", frame, 12)
        if kind == _IPV4:
            packet = frame[14:]
            head, (length,) = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)
            source, target = (str(ipaddress.ip_address(packet[at : at + 4])) for at in (12, 16))
            if source == GUEST:
                key, content = _content(packet[9], packet[head:length])
                streams[Peer(target, packet[9], key[0])].setdefault(key[1], content)
        elif kind != _ARP:
            strange.append(frame)
    sent = {peer: b"".join(parts[at] for at in sorted(parts)) for peer, parts in streams.items()}
    return sent, strange


def _content(protocol: int, packet: bytes) -> tuple[tuple[int, int], bytes]:
    """Port, place in the stream, and payload; what is sent again has the same place."""
    if protocol == _TCP:
        port, sequence = struct.unpack_from("!2xHI", packet)
        return (port, sequence), packet[(packet[12] >> 4) * 4 :]
    if protocol == _UDP:
        return (struct.unpack_from("!2xH", packet)[0], id(packet)), packet[8:]
    return (0, id(packet)), packet


def _frames(data: bytes) -> Iterator[bytes]:
    at = 24
    while at + 16 <= len(data):
        (length,) = struct.unpack_from("<8xI", data, at)
        yield data[at + 16 : at + 16 + length]
        at += 16 + length
