"""Puts the runner's archive into the wheel, by the bytes that a checkout derives for itself."""

from __future__ import annotations

import runpy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ArchiveHook(BuildHookInterface):
    """Adds ``harness/runner.zip``; an editable install derives it in the cache."""

    folder = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the archive where the build finds it."""
        if version == "editable":
            return
        archive = runpy.run_path(str(Path(self.root) / "harness" / "runner_archive.py"))
        self.folder = tempfile.mkdtemp()
        place = Path(self.folder) / "runner.zip"
        place.write_bytes(archive["archive_data"]())
        place.chmod(0o644)
        build_data["force_include"][str(place)] = "harness/runner.zip"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it again."""
        if self.folder:
            shutil.rmtree(self.folder)
