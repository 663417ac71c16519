"""What Python runs of the archive, where this file lies beside the package and not in it."""

from __future__ import annotations

import importlib
import os
import sys
import zipimport
from typing import Any

PACKAGE = "bugfoundry_runner"


class PlainImporter(zipimport.zipimporter):
    """Finds the package in the archive, and compiles each module once."""

    def get_filename(self, fullname: str) -> str:
        """Return where a module lies.

        The one that is replaced compiles the module to learn it, and the import does so again:
        https://github.com/python/cpython/blob/v3.13.0/Lib/zipimport.py#L162
        """
        name = fullname.rpartition(".")[2]
        end = os.sep + "__init__.py" if fullname == PACKAGE else ".py"
        return os.path.join(self.archive, self.prefix + name + end)


def load_package(archive: str) -> Any:
    """Import all modules of the runner; return the one that knows the roles."""
    for place in (archive, os.path.join(archive, PACKAGE)):
        sys.path_importer_cache[place] = PlainImporter(place)
    return importlib.import_module(PACKAGE + ".main")


if __name__ == "__main__":
    roles = load_package(sys.path[0])
    # As a script has it: what a test may ask of the main module is no other than it was.
    __package__ = None  # type: ignore[assignment]
    roles.main(sys.argv)
