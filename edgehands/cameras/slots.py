"""Pictures handed from one process to another: three places in memory that both see.

A place belongs to the parent from the message that hands it over until nobody looks at the picture
any more, and else to the child: no picture is copied here, and none changes under its reader.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import weakref
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.cameras.messages import Picture
    from edgehands.hand import ImageArray

COUNT = 3
MAX_PIXELS = 8192 * 8192
"""A larger picture is no picture of a camera."""


def fits(image: object) -> bool:
    """Whether it is a picture: uint8 [H, W, 3], not empty and not absurdly large."""
    return (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and 0 < image.shape[0] * image.shape[1] <= MAX_PIXELS
    )


class Slots:
    """The child's side: pictures are put in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._end = 0
        self._memory: list[mmap.mmap | None] = [None] * COUNT
        self._offsets = [0] * COUNT

    def put(self, free: Sequence[int], image: ImageArray) -> tuple[int, int]:
        """Copy a picture to a free slot; return the slot and its offset in the memory."""
        # The roomiest, so that one that had to grow is used again.
        slot = max(free, key=self._room)
        if self._room(slot) < image.nbytes:
            self._grow(slot, image.nbytes)
        memory = self._memory[slot]
        assert memory is not None  # noqa: S101 (for the type checker)
        place = np.frombuffer(memory, np.uint8, image.size)
        np.copyto(place.reshape(image.shape), image)
        return slot, self._offsets[slot]

    def _room(self, slot: int) -> int:
        memory = self._memory[slot]
        return 0 if memory is None else len(memory)

    def _grow(self, slot: int, size: int) -> None:
        # Powers of two: a camera whose size creeps up cannot eat all memory. Room that is never
        # written to costs none.
        room = max(mmap.ALLOCATIONGRANULARITY, 1 << (size - 1).bit_length())
        self._offsets[slot] = self._end
        self._end += room
        os.ftruncate(self._descriptor, self._end)
        self._memory[slot] = mmap.mmap(self._descriptor, room, offset=self._offsets[slot])


class Loans:
    """The parent's side: pictures are looked at where they lie, and given back when forgotten."""

    def __init__(self) -> None:
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        self.descriptor = os.memfd_create("edgehands-frames", flags)
        # It can grow, and a child that has gone mad cannot pull it away from under its reader.
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self._memory: mmap.mmap | None = None
        self._lent: dict[int, weakref.ref[ImageArray]] = {}

    def free(self) -> list[int]:
        """Slots that nobody looks at; never none."""
        return [slot for slot in range(COUNT) if not self._is_lent(slot)]

    def look_at(self, picture: Picture) -> ImageArray:
        """Return the picture, read-only; a copy where no slot would be left for the next.

        Raises:
            ValueError: there can be no such picture.
        """
        size = 3 * picture.width * picture.height
        if not (
            picture.slot in self.free()
            and min(picture.width, picture.height) > 0
            and picture.width * picture.height <= MAX_PIXELS
            and 0 <= picture.offset <= os.fstat(self.descriptor).st_size - size
        ):
            raise ValueError(f"no picture can be at {picture}")
        # Every view of a view refers to this array: while one lives, it does.
        pixels = np.frombuffer(self._mapped(picture.offset + size), np.uint8, size, picture.offset)
        image = pixels.reshape(picture.height, picture.width, 3)
        if len(self.free()) == 1:
            image = image.copy()
            image.flags.writeable = False
            return image
        self._lent[picture.slot] = weakref.ref(pixels)
        return image

    def close(self) -> None:
        """Forget the memory; pictures that somebody looks at stay."""
        self._memory = None
        os.close(self.descriptor)

    def _is_lent(self, slot: int) -> bool:
        lent = self._lent.get(slot)
        return lent is not None and lent() is not None

    def _mapped(self, size: int) -> mmap.mmap:
        if self._memory is None or len(self._memory) < size:
            # The one before stays as long as somebody looks at a picture in it.
            self._memory = mmap.mmap(self.descriptor, 0, prot=mmap.PROT_READ)
        return self._memory
