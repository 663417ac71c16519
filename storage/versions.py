"""The version that build backends which ask version control are to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from storage.git import GitError, line


def tag_version(tag: str) -> Version | None:
    """Return the version in a tag such as ``v1.2``, ``release-1.2`` or ``name-1.2``."""
    found = re.search(r"(?:^|[^\d.])v?(\d+(?:[._]\d+)*[\w.+-]*)$", tag)
    try:
        return Version(found[1].replace("_", ".")) if found else None
    except InvalidVersion:
        return None


def version_after(version: Version, distance: int) -> str:
    """Return the version of a commit that many commits after a tag."""
    if not distance:
        return version.public
    if version.is_prerelease or len(version.release) == 0:
        return f"{version.public}.dev{distance}" if version.dev is None else version.public
    release = [*version.release[:-1], version.release[-1] + 1]
    return ".".join(map(str, release)) + f".dev{distance}"


def describe_version(folder: Path, commit: str) -> str:
    """Return the version that the nearest tag gives a commit; empty where none does."""
    try:
        told = line("describe", "--tags", "--long", "--match=*[0-9]*", commit, cwd=folder)
    except GitError:
        return ""
    tag, distance, _ = told.rsplit("-", 2)
    version = tag_version(tag)
    return version_after(version, int(distance)) if version else ""


def newest(tags: Iterable[str]) -> str:
    """Return the version after the newest final one among tags; empty where there is none."""
    versions = [version for tag in tags if (version := tag_version(tag))]
    final = [version for version in versions if not version.is_prerelease]
    return version_after(max(final), 1) if final else ""
