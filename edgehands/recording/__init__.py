"""Recordings: a run's landmarks and events, never a pixel, in one compact file."""

from edgehands.recording.layout import SUFFIX, Change, Cut, Entry, Header
from edgehands.recording.reader import Reader, frames, is_recording
from edgehands.recording.writer import Writer

__all__ = [
    "SUFFIX",
    "Change",
    "Cut",
    "Entry",
    "Header",
    "Reader",
    "Writer",
    "frames",
    "is_recording",
]
