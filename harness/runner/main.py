"""The roles of the runner, by the first argument.

All of its modules are imported from here, before any code of the repository runs: what is loaded
later could be taken from the repository, or be seen by it.
"""

from __future__ import annotations

import os
import sys

from .forker import run_forker
from .places import ARCHIVE
from .server import RunnerServer
from .session import run_keeper
from .start import run_pytest


def main(argv: list[str]) -> None:
    """Become what the first argument says."""
    role, given = "".join(argv[1:2]), argv[2:]
    leave_path(in_tree=role != "serve")
    if role == "serve":
        RunnerServer(given).serve()
    elif role == "forker":
        run_forker(int(given[0]))
    elif role == "keeper":
        run_keeper(int(given[0]))
    elif role == "pytest":
        run_pytest(int(given[0]), int(given[1]))
    else:
        sys.exit("usage: runner.zip serve [FOLDER ...]")


def leave_path(*, in_tree: bool) -> None:
    """Take the archive off the path that modules are found on; the tree comes in its place.

    Python puts an archive that it runs there even with ``-I``
    (https://docs.python.org/3/using/cmdline.html#interface-options). The server imports nothing
    more, and nothing of the tree.
    """
    sys.path[:1] = [os.getcwd()] if in_tree else []
    # ``importlib.invalidate_caches`` would read the archive anew for each finder that is left.
    for place in [each for each in sys.path_importer_cache if each.startswith(ARCHIVE)]:
        del sys.path_importer_cache[place]
