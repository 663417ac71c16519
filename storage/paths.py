"""Where things are kept: the cache folder and the default store."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

STORE_NAME = "bugfoundry.db"
HEADER = b"SQLite format 3\0"
APPLICATION_ID = 0x62756766
"""Marks the file as a store of ours (SQLite's ``application_id``): ``bugf``."""


def cache_dir() -> Path:
    """Return the folder for sources and environments: ``BUGFOUNDRY_CACHE``, or the platform's."""
    named = os.environ.get("BUGFOUNDRY_CACHE")
    return Path(named or platformdirs.user_cache_dir("bugfoundry")).expanduser().absolute()


def default_store() -> Path:
    """Return the store's file: ``BUGFOUNDRY_STORE``, or ``bugfoundry.db`` in this folder."""
    return Path(os.environ.get("BUGFOUNDRY_STORE") or STORE_NAME).expanduser()


def is_store(path: Path) -> bool:
    """Say whether a file is a store of ours, without opening it as one."""
    with path.open("rb") as file:
        head = file.read(72)
    return head.startswith(HEADER) and head[68:72] == APPLICATION_ID.to_bytes(4, "big")
