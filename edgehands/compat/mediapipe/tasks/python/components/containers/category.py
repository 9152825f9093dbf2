"""A class with its score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Category:
    """What something is taken for."""

    index: int | None = None
    score: float | None = None
    display_name: str | None = None
    category_name: str | None = None
