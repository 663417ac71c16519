"""What the processes of the tests see around them: variables, and a clock that may be shifted."""

from __future__ import annotations

import glob
import os
import select
import time
from typing import Any

FAKETIME = (
    "/usr/lib/*/faketime/libfaketime.so.1",
    "/usr/lib*/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
)
WITH_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""The unbroken code is compiled once; who imports it later finds it so, until its file changes."""


def make_environment(conditions: dict[str, Any] | None = None) -> dict[str, str]:
    """Return what a process of the tests sees; ``conditions`` are other than usual."""
    conditions = conditions or {}
    env = dict(os.environ)
    env.update(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    if conditions.get("hash_seed"):
        env["PYTHONHASHSEED"] = str(int(conditions["hash_seed"]))
    library = find_faketime() if conditions.get("clock_days") else ""
    if library:
        env.update(
            LD_PRELOAD=library,
            FAKETIME="%+dd" % int(conditions["clock_days"]),
            FAKETIME_DISABLE_SHM="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            FAKETIME_NO_CACHE="1",
        )
    # Where a repository's environment has these, each run would be another than was planned.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPYCACHEPREFIX"):
        env.pop(name, None)
    return env


def find_faketime() -> str:
    """Return where the library is that shifts a process's clock; empty where it is not."""
    found = [path for pattern in FAKETIME for path in glob.glob(pattern)]
    return sorted(found)[0] if found else ""


def mend_clock() -> None:
    """Let a process sleep whose clock libfaketime shifts, and its children have the true clock.

    Its release 0.9.10 takes the shift off moments of the monotonic clock too, which it was told to
    leave alone: ``time.sleep`` of Python 3.11 and newer, which waits for one, fails.
    """
    os.environ.pop("LD_PRELOAD", None)

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        select.select((), (), (), seconds)

    # What is pickled by its name is found under it again.
    sleep.__module__, sleep.__qualname__ = "time", "sleep"
    time.sleep = sleep  # type: ignore[assignment]
