"""Results kept as they come, a line of JSON each, so that a run that was killed goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from storage.errors import ConfigError
from storage.locks import hold_lock
from storage.whole_files import write_whole_file


class Ledger:
    """A file of results by their keys. A last line that was cut off is left out, and overwritten.

    Raises ConfigError where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with hold_lock(path):
                self._held, whole = read_ledger(path)
                with path.open("ab") as file:
                    file.truncate(whole)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was kept under a key."""
        return self._held.get(key)

    def values(self) -> Iterator[Mapping[str, Any]]:
        """Yield all that is kept."""
        yield from self._held.values()

    def add(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a result, on disk before this returns."""
        kept = {"key": key, **value}
        line = json.dumps(kept, ensure_ascii=True).encode() + b"\n"
        # Another run may add to the same file: no line is written into that of another.
        with hold_lock(self.path), self.path.open("ab") as file:
            file.write(line)
        self._held[key] = kept


def read_ledger(path: Path) -> tuple[dict[str, Mapping[str, Any]], int]:
    """Return what a ledger holds by its keys, and how many bytes of it are whole lines.

    Nothing where there is no such file, and nothing of it is changed. Raises ConfigError.
    """
    held: dict[str, Mapping[str, Any]] = {}
    whole = 0
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        for line in lines:
            if not line.endswith(b"\n"):
                break
            found = json.loads(line)
            held[found["key"]] = found
            whole += len(line)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is there and holds something else; name another file") from error
    return held, whole


def results_path(export: Path, what: str) -> Path:
    """Name a file of results beside an export."""
    return export.with_name(f"{export.name}.{what}.lines")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all. Raises ConfigError."""
    try:
        write_whole_file(path, text.encode())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
