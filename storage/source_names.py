"""Read what a person typed as a source.

A folder in it is named as pip does: https://pip.pypa.io/en/stable/topics/vcs-support/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from storage.errors import SourceError

Kind = Literal["pypi", "path", "git", "github"]

PYPI = re.compile(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:==(?P<version>[\w.!+-]+))?")
GITHUB = re.compile(
    r"(?P<place>[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}(?:@|$))[\w.-]+)(?:@(?P<revision>.+))?"
)
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/]*)(?P<path>/.*)?")
SCP = re.compile(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[^:].*)")
SUBDIRECTORY = "subdirectory="
SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySource:
    """Where a repository comes from. ``place`` is a name, a path, or a URL."""

    text: str
    """As it was typed."""
    kind: Kind
    place: str
    revision: str = ""
    """Version of a package; commit, branch or tag of a repository; empty for the newest."""
    subdirectory: str = ""
    """Folder of the package in it; empty for the root, or for detection to find it."""


def parse(text: str) -> RepositorySource:
    """Read a source. A path that exists wins over any other reading. Raises SourceError."""
    text = text.strip()
    if not text or text.startswith("-") or not text.isprintable():
        raise SourceError(f"{text!r} is no source; name a folder, pypi:NAME, git URL or owner/name")
    if text.startswith("pypi:"):
        return _pypi(text)
    if "#" in text and not _exists(text):
        folder = _read_folder(text)
        return replace(parse(text.rpartition("#")[0]), text=text, subdirectory=folder)
    return _path(text) or _git(text) or _github(text) or _refuse(text)


def read_subdirectory(text: str) -> str:
    """Return the folder that a source names, empty where it names none."""
    _, mark, fragment = text.rpartition(f"#{SUBDIRECTORY}")
    return fragment.strip("/") if mark else ""


def _read_folder(text: str) -> str:
    fragment = text.rpartition("#")[2]
    folder = fragment.removeprefix(SUBDIRECTORY).strip("/")
    if not fragment.startswith(SUBDIRECTORY) or not folder or "\\" in folder:
        raise SourceError(f"{text!r}: write SOURCE#subdirectory=FOLDER to name a folder in it")
    if not {"", ".", ".."}.isdisjoint(folder.split("/")):
        raise SourceError(f"{text!r}: {folder!r} is no folder below the root")
    return folder


def _pypi(text: str) -> RepositorySource:
    found = PYPI.fullmatch(text.removeprefix("pypi:").strip())
    if found is None:
        raise SourceError(f"{text!r} is no package; write pypi:NAME or pypi:NAME==1.2.3")
    version = found["version"] or ""
    return RepositorySource(text=text, kind="pypi", place=found["name"], revision=version)


def _path(text: str) -> RepositorySource | None:
    if _exists(text):
        return RepositorySource(text=text, kind="path", place=text)
    place, at, revision = text.rpartition("@")
    if at and _exists(place):
        return RepositorySource(
            text=text, kind="path", place=place, revision=_revision(revision, text)
        )
    return None


def _exists(text: str) -> bool:
    try:
        place = Path(text).expanduser()
        if place.is_file():
            raise SourceError(f"{text} is a file; name a folder (unpack it first)")
        return bool(text) and place.is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def _git(text: str) -> RepositorySource | None:
    if "::" in text:
        raise SourceError(f"{text!r}: transports with :: are refused; use https, ssh, git or file")
    if not (found := URL.fullmatch(text) or SCP.fullmatch(text)):
        return None
    scheme = found.groupdict().get("scheme")
    if scheme and scheme.lower() not in SCHEMES:
        raise SourceError(f"{scheme}:// is not supported; use https, ssh, git or file")
    if ":" in found["host"].rpartition("@")[0]:
        raise SourceError("leave the password out of the URL: it would be kept and shown")
    if found["host"].startswith("-") or not (found["path"] or "").strip("/"):
        raise SourceError(f"{text!r} names no repository; write the whole URL")
    _, at, revision = found["path"].rpartition("@")
    if not at:
        return RepositorySource(text=text, kind="git", place=text)
    url = text.removesuffix(f"@{revision}")
    return RepositorySource(text=text, kind="git", place=url, revision=_revision(revision, text))


def _github(text: str) -> RepositorySource | None:
    found = GITHUB.fullmatch(text)
    if found is None:
        return None
    revision = _revision(found["revision"], text) if found["revision"] else ""
    place = found["place"].removesuffix(".git")
    return RepositorySource(text=text, kind="github", place=place, revision=revision)


def _revision(text: str, source: str) -> str:
    if not text or text.startswith("-") or re.search(r"[\s:^~?*\[\\]|\.\.", text):
        raise SourceError(f"{source!r}: {text!r} is no commit, branch or tag")
    return text


def _refuse(text: str) -> RepositorySource:
    if PYPI.fullmatch(text) and "/" not in text:
        raise SourceError(f"there is no folder {text!r} here; for the package write pypi:{text}")
    raise SourceError(
        f"there is no folder {text!r}, and it is no pypi:NAME, git URL or owner/name either"
    )
