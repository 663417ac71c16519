"""A three-way merge of one file, by git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.git import environment


def merge_file(ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """Return ``ours`` with what leads from ``base`` to ``theirs``; None where they conflict."""
    with TemporaryDirectory(prefix="bugfoundry-") as folder:
        names = []
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            path = Path(folder) / name
            path.write_bytes(content)
            names.append(str(path))
        done = subprocess.run(
            ["git", "merge-file", "--stdout", "--quiet", *names],
            capture_output=True,
            env=environment(),
            check=False,
        )
    return done.stdout if done.returncode == 0 else None
