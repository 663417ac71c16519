"""Globs over repository paths, as people know them from ignore files."""

from __future__ import annotations

import re
from functools import lru_cache

TOKENS = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(path: str, pattern: str) -> bool:
    """Say whether ``pattern`` covers ``path``.

    ``*`` stays inside a folder, ``**`` does not; a pattern without a slash is tried against
    every part of the path, and one that names a folder covers all below it.
    """
    return compile_glob(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def compile_glob(pattern: str) -> re.Pattern[str]:
    clean = pattern.removeprefix("./").rstrip("/")
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", clean.removeprefix("/"))
    body = "".join(TOKENS.get(part, re.escape(part)) for part in parts)
    anywhere = "" if "/" in clean else "(?:.*/)?"
    return re.compile(f"{anywhere}{body}(?:/.*)?")
