"""Recordings: a run's landmarks and events, never a pixel, in one compact file."""

from edgehands.recording.layout import SUFFIX, Entry, Header
from edgehands.recording.reader import Reader, frames, is_recording
from edgehands.recording.writer import Writer

__all__ = ["SUFFIX", "Entry", "Header", "Reader", "Writer", "frames", "is_recording"]
