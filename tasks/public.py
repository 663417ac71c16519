"""What anybody who uses a project may know of it: its documentation and its public names."""

from __future__ import annotations

import builtins
import re
from pathlib import PurePosixPath

PROSE = frozenset({".md", ".rst", ".txt", ".adoc"})
LONGEST = 500_000
WORD = re.compile(r"[^\W\d]\w*")
DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+([^\W\d_]\w*)", re.M)
ASSIGNED = re.compile(r"^([^\W\d_]\w*)[ \t]*(?::[^=\n]+)?=[^=]", re.M)
TAKES = re.compile(r"def[ \t]+(?:[^\W\d_]|__)\w*[ \t]*\(([^)]*)\)")
BUILTIN = frozenset(dir(builtins))


def as_text(content: bytes) -> str:
    """Return a file as text, bounded."""
    return content[:LONGEST].decode("utf-8", "replace")


def is_documentation(path: str) -> bool:
    """Say whether a file tells users of the project; what releases and licences tell is not it.

    A changelog speaks of fixes, this one perhaps too.
    """
    place = PurePosixPath(path)
    name = place.stem.lower()
    if any(word in name for word in ("change", "history", "news", "release", "licen", "author")):
        return False
    folders = {part.lower() for part in place.parts[:-1]}
    told = name.startswith("readme") or bool(folders & {"doc", "docs", "documentation"})
    return told and (place.suffix.lower() in PROSE or not place.suffix)


def words_of(text: str) -> set[str]:
    """Return the words of a text that could be names."""
    return set(WORD.findall(text))


def public_names(source: str) -> set[str]:
    """Return the names that code shows: what it defines, and what its functions take.

    A name that begins with an underscore is nobody's outside.
    """
    found = {*DEFINED.findall(source), *ASSIGNED.findall(source)}
    for taken in TAKES.findall(source):
        found |= words_of(taken)
    return {name for name in found if not name.startswith("_")}
