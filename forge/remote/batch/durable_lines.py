"""A file to which lines are added, each durable before work goes on."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from forge.remote.batch.line_files import to_line


class Appending:
    """Opens a file for adding lines; what a killed process left half written is cut off."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._file.seek(0)
        self.found = self._file.read()
        """What was there, whole lines only."""
        whole = self.found.rfind(b"\n") + 1
        if whole < len(self.found):
            self.found = self.found[:whole]
            self._file.truncate(whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, record: object) -> None:
        """Add one line; it is on the disk when this returns."""
        self._file.write(to_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())
