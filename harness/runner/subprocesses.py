"""Programs that a watched test starts: they are asked to note what they run as well."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from typing import Any

FORKING = ("os.fork", "os.forkpty")
STARTING = {"subprocess.Popen": (0, 1, 3), "os.posix_spawn": (0, 1, 2), "os.exec": (0, 1, 2)}
"""Events (``sys.audit``) of starting a program, and where its name, arguments and environment are.

``multiprocessing`` raises none, and hands the environment on.
"""
WATCHED = "BUGFOUNDRY_WATCHED"
"""Names the folder for what processes see that a test starts, and the root of the tree."""
SITE = """
import importlib, importlib.machinery, importlib.util, os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if path != here]
if %(name)r in os.environ:
    sys.path.insert(0, %(archive)r)
    watch = importlib.import_module(%(package)r + ".watch")
    sys.path.remove(%(archive)r)
    watch.watch_this_process()
spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
if spec is not None:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""
"""A ``sitecustomize``, which Python imports at its start; it hands on to the one that it hides.

https://docs.python.org/3/library/site.html#module-sitecustomize
"""


def is_watched_python(program: Any, arguments: Any) -> bool:
    """Say whether a program is a Python that takes notice of its environment."""
    try:
        given = [os.fsdecode(each) for each in arguments]
        name = os.fsdecode(program or given[0])
        found = shutil.which(name)
        if found is None:
            return False
        if re.match(r"(python|pypy)[0-9.]*$", os.path.basename(found)):
            # With these it reads neither PYTHONPATH nor ``sitecustomize``.
            options = itertools.takewhile(lambda each: each.startswith("-"), given[1:])
            return not any(re.match(r"-[a-zA-Z]*[EISV]", each) for each in options)
        with open(found, "rb") as file:
            line = file.readline(300)
        return line.startswith(b"#!") and b"python" in line
    except (OSError, TypeError, ValueError, IndexError):
        return False
