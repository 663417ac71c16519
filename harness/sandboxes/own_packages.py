"""Under which names a tree's own code is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable

from syntax.paths import BUILD_FILES, is_source_path

PACKAGE = re.compile(r"(?:(?:src|lib)/)?([^\W\d]\w*)(?:/__init__)?\.py")


def own_packages(paths: Iterable[str], folder: str = "") -> tuple[str, ...]:
    """Return the names of a tree's packages and modules at its top, or in src or lib, sorted.

    ``folder`` is the package's, below the root.
    """
    start = f"{folder}/" if folder else ""
    paths = [path.removeprefix(start) for path in paths if path.startswith(start)]
    found = {
        match[1]
        for path in paths
        if path not in BUILD_FILES and is_source_path(path) and (match := PACKAGE.fullmatch(path))
    }
    return tuple(sorted(found - {"__init__", "__main__"}))
