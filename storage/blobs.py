"""Read many contents from a git repository through one process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storage.git import GitError, git


def read_blobs(git_dir: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the content of each object named. Raises GitError where one is not there."""
    wanted = list(dict.fromkeys(names))
    asked = "".join(f"{name}\n" for name in wanted).encode()
    answer = memoryview(git(f"--git-dir={git_dir}", "cat-file", "--batch", stdin=asked))
    contents: dict[str, bytes] = {}
    start = 0
    for name in wanted:
        end = start + bytes(answer[start : start + 100]).index(b"\n")
        told = bytes(answer[start:end]).split()
        if len(told) < 3:
            raise GitError(f"{name} is not in {git_dir}")
        size = int(told[2])
        contents[name] = bytes(answer[end + 1 : end + 1 + size])
        start = end + size + 2
    return contents
