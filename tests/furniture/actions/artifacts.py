"""The artifacts of one run, each a zip archive, as GitHub keeps them."""

from __future__ import annotations

import io
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path

from tests.furniture.actions.workflows import WorkflowError


class Artifacts:
    """Keeps archives by name; each upload and each deletion is noted."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self.uploads: list[str] = []

    def put(self, name: str, files: dict[str, bytes], *, overwrite: bool) -> None:
        """Keep files as an artifact. Raises WorkflowError where the name is taken."""
        if name in self.archives and not overwrite:
            raise WorkflowError(f"an artifact {name} exists already")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in files.items():
                archive.writestr(path, data)
        self.archives[name] = buffer.getvalue()
        self.uploads.append(name)

    def names(self, pattern: str) -> list[str]:
        """Return the names that match a pattern."""
        return sorted(name for name in self.archives if fnmatchcase(name, pattern))

    def unpack(self, name: str, folder: Path) -> None:
        """Unpack an artifact. Raises WorkflowError where there is none, or it is damaged."""
        if name not in self.archives:
            raise WorkflowError(f"there is no artifact {name}")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(io.BytesIO(self.archives[name])) as archive:
                archive.extractall(folder)
        except (zipfile.BadZipFile, OSError) as error:
            raise WorkflowError(f"the artifact {name} cannot be unpacked: {error}") from error


def gathered(workspace: Path, patterns: str) -> dict[str, bytes]:
    """Return the files that upload-artifact would take: below the least folder they have in common.

    Hidden files are left out.
    """
    found: list[Path] = []
    roots: list[Path] = []
    for line in patterns.split("\n"):
        if not line.strip():
            continue
        place = workspace / line.strip()
        roots.append(place if place.is_dir() else place.parent)
        if place.is_dir():
            found += (path for path in sorted(place.rglob("*")) if path.is_file())
        elif place.is_file():
            found.append(place)
    root = roots[0] if len(roots) == 1 else workspace
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    }
