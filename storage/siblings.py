"""Tell whether a package in a folder needs what lies beside it in its checkout."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGING = re.compile(
    r"pyproject\.toml|setup\.(?:py|cfg)|[\w.-]*(?:requirements?)[\w.-]*\.(?:txt|in)"
)
OUTWARD = re.compile(r"(?<![\w.])(?:\.\./)+[\w.@+-][\w./@+-]*|(?<![\w./])\.\.(?![\w./])")
LARGEST = 500_000
"""Bytes of a file that still is a setting."""


def find_siblings(folder: Path, top: Path) -> list[Path]:
    """Return what packaging files of a folder name above it, within the checkout."""
    found: set[Path] = set()
    for file in folder.iterdir():
        if PACKAGING.fullmatch(file.name) and file.is_file() and file.stat().st_size < LARGEST:
            text = file.read_text(encoding="utf-8", errors="replace")
            found.update((folder / each.rstrip("/")).resolve() for each in OUTWARD.findall(text))
    return sorted(
        path
        for path in found
        if path.exists() and path.is_relative_to(top) and not path.is_relative_to(folder)
    )
