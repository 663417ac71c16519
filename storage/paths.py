"""Where things are kept: the cache folder and the default store."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

STORE_NAME = "bugfoundry.db"


def cache_dir() -> Path:
    """Return the folder for sources and environments: ``BUGFOUNDRY_CACHE``, or the platform's."""
    named = os.environ.get("BUGFOUNDRY_CACHE")
    return Path(named or platformdirs.user_cache_dir("bugfoundry")).expanduser().absolute()


def default_store() -> Path:
    """Return the store's file: ``BUGFOUNDRY_STORE``, or ``bugfoundry.db`` in this folder."""
    return Path(os.environ.get("BUGFOUNDRY_STORE") or STORE_NAME).expanduser()
