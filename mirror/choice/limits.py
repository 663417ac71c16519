"""How large a fix may be for its pull request to be chosen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a fix may be."""

    files: int = 10
    """Source files."""
    lines: int = 500
    """Lines of source, added and removed."""
