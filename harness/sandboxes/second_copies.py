"""Copies of a project's packages beneath its environment: in the image, or the machine's Python.

Pip vendors a dozen libraries (tenacity, requests, rich, packaging …), and a Python comes with it,
as a package and in a wheel for ``ensurepip``. Nothing that runs the tests needs it: their
environment is made by uv. What the virtual environment itself holds is needed, and stays.

This file is run in a container too, ``python3 -c TEXT KEPT NAME…``, by whatever Python is there.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

PLACES = ("site-packages", "dist-packages", "_vendor")


def copies(top: Path, names: Collection[str], kept: Collection[str] = ()) -> Iterator[Path]:
    """Yield packages of these names below a folder, and wheels that hold one; ``kept`` apart."""
    for current, folders, files in os.walk(top):
        folders[:] = sorted(
            name
            for name in folders
            if os.path.join(current, name) not in kept  # noqa: PTH118 (a million of them)
            and not os.path.islink(os.path.join(current, name))  # noqa: PTH114, PTH118
        )
        is_place = os.path.basename(current) in PLACES  # noqa: PTH119
        for name in (*folders, *sorted(files)):
            bare = name[:-3] if name.endswith(".py") else name
            if (is_place and bare in names) or (
                name.endswith(".whl") and holds(Path(current, name), names)
            ):
                yield Path(current, name)
        if is_place:
            folders[:] = [name for name in folders if name not in names]


def holds(wheel: Path, names: Collection[str]) -> bool:
    """Say whether a wheel holds a package of one of these names, or vendors one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    starts = tuple(start for name in names for start in (f"{name}/", f"{name}.py"))
    inside = [f"/{member}".partition("/_vendor/")[2] for member in members]
    return any(member.startswith(starts) for member in (*members, *inside))


def main(arguments: Sequence[str]) -> None:
    """Remove the copies, and say which they were."""
    kept, names = arguments[0].split(":"), arguments[1:]
    for path in list(copies(Path("/"), names, kept)):
        print(path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
