"""Hide the copies of a project's packages that the machine's own interpreter holds."""

from __future__ import annotations

import json
from pathlib import Path

from harness.sandboxes.local_sandbox import outside_system
from harness.sandboxes.own_packages import own_packages
from harness.sandboxes.second_copies import copies
from harness.sandboxes.start_state import files_of
from storage.whole_files import make_once


def find_hidden_copies(root: Path, prefix: Path, folder: str = "") -> list[tuple[Path, Path]]:
    """Return what to lay over copies of the project's packages in the machine's interpreter.

    Pairs of what is empty and of the copy. Found once for an environment, and kept beside it.
    """
    nothing, empty = root / "nothing", root / "nothing.whl"
    if not outside_system(prefix):
        return []

    def write_list(part: Path) -> None:
        nothing.mkdir(exist_ok=True)
        empty.touch()
        names = own_packages(files_of(root / "w00" / "tree"), folder)
        part.write_text(json.dumps([str(path) for path in copies(prefix, names)] if names else []))

    listed = make_once(root / "hidden.json", write_list)
    paths = map(Path, json.loads(listed.read_text()))
    return [(nothing if path.is_dir() else empty, path) for path in paths if path.exists()]
