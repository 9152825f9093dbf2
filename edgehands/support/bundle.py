"""The file itself: gathered, scrubbed, packed."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

from edgehands.config_text import read_document
from edgehands.errors import EdgeHandsError
from edgehands.redaction import HIDDEN, is_secret, keep_secret
from edgehands.support.gathering import Item, gather
from edgehands.support.known import known_hosts, known_passwords
from edgehands.support.scrubbing import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


def collect(config: Path | None, *, keep_addresses: bool = False) -> Iterator[Item]:
    """Gather all there is to tell, without passwords, host names and addresses.

    Args:
        config: the config file, if there is one; passwords that it leads to are looked for in all
            texts, where this user can read them.
        keep_addresses: leave host names and addresses in.
    """
    try:
        tables = read_document(config).tables if config else {}
    except EdgeHandsError:  # what is wrong with it stands in the bundle
        tables = {}
    for password in known_passwords(tables):
        keep_secret(password)
    scrubber = Scrubber(tuple(known_hosts(tables)), keep_addresses=keep_addresses)
    for item in gather(config):
        if item.has_addresses:
            item = item._replace(content=_everywhere(scrubber.scrub, item.content))  # noqa: PLW2901
        yield item


def pack(items: Sequence[Item], folder: str, now: float) -> bytes:
    """Return a .tar.gz with a folder of these texts.

    Args:
        items: what stands in it.
        folder: its name.
        now: seconds since 1970, the time of all files.
    """
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=now) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for item in items:
            content = item.text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{folder}/{item.name}")
            entry.size, entry.mtime, entry.mode = len(content), int(now), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _everywhere(scrub: Callable[[str], str], content: object) -> object:
    """Return plain values with each text in them scrubbed by itself, so that they stay values."""
    if isinstance(content, str):
        return scrub(content)
    if isinstance(content, list | tuple):
        return [_everywhere(scrub, item) for item in content]
    if isinstance(content, dict):
        return {
            key: HIDDEN if is_secret(key) and item else _everywhere(scrub, item)
            for key, item in content.items()
        }
    return content
