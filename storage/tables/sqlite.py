"""sqlite-utils, imported the one way that costs no more than it has to."""

from __future__ import annotations

import sys

# sqlite_utils imports these wherever they are installed: a second that nothing here has use for.
_unused = [name for name in ("numpy", "pandas") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_unused))  # type: ignore[arg-type]
try:
    from sqlite_utils import Database, Migrations
finally:
    for _name in _unused:
        del sys.modules[_name]

__all__ = ["Database", "Migrations"]
