"""A three-way merge of one file, by git."""

from __future__ import annotations

import subprocess

from storage.git import environment
from storage.scratch import scratch_folder


def merge_file(ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """Return ``ours`` with what leads from ``base`` to ``theirs``; None where they conflict."""
    with scratch_folder() as folder:
        names = []
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            path = folder / name
            path.write_bytes(content)
            names.append(str(path))
        done = subprocess.run(
            ["git", "merge-file", "--stdout", "--quiet", *names],
            capture_output=True,
            env=environment(),
            check=False,
        )
    return done.stdout if done.returncode == 0 else None
