"""patch(1), which places hunks that git does not: the last resort of the field's harness.

https://github.com/SWE-bench/SWE-bench tries ``git apply --verbose``, then ``git apply --verbose
--reject``, then ``patch --batch --fuzz=5 -p1 -i``. The second succeeds only where the first does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import gettempdir

from storage.errors import PatchError
from storage.folder_files import EXECUTABLE
from storage.patch_repairs import drop_garbage, list_names
from storage.patched_trees import AppliedPatch, compare_trees
from storage.scratch import scratch_folder
from storage.trees import Trees

PATCH = ("patch", "--batch", "--fuzz=5", "--input=-", "--reject-file=-", "--no-backup-if-mismatch")
TIMEOUT = 120.0
LINK_MODE = re.compile(rb"^(?:new file|deleted file|old|new) mode 120000\r?$", re.M)


def apply_by_program(trees: Trees, tree: str, patch: bytes, *, strip: int) -> AppliedPatch:
    """Return what patch(1) makes of a tree's files. Raises PatchError where it refuses."""
    if shutil.which("patch") is None:
        raise PatchError("patch(1), which is more lenient, is not installed")
    if LINK_MODE.search(patch):
        raise PatchError("symbolic links are left to git")
    # An ed script in a patch may run commands, whatever patch(1) is told: hunks alone are let in.
    if not (clean := drop_garbage(patch)):
        raise PatchError("the patch is malformed: it names no file")
    with scratch_folder() as folder:
        lay_out(trees, tree, clean, strip, folder)
        before = read_folder(folder)
        told = run_patch(folder, clean, strip)
        after = read_folder(folder)
    changed: dict[str, bytes | None] = {path: None for path in before if path not in after}
    changed |= {path: content for path, (_, content) in after.items()}
    made = trees.with_changes(tree, changed, {path: mode for path, (mode, _) in after.items()})
    return compare_trees(trees, tree, made, (describe(told),))


def lay_out(trees: Trees, tree: str, patch: bytes, strip: int, folder: Path) -> None:
    """Write the ordinary files of a tree that a patch names into a folder."""
    modes = trees.paths(tree)
    named = {os.fsdecode(name.split(b"/", strip)[-1]) for name in list_names(patch)}
    wanted = [path for path in sorted(named) if modes.get(path, "").startswith("100")]
    for path, content in trees.read_all(tree, wanted).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        (folder / path).chmod(0o755 if modes[path] == EXECUTABLE else 0o644)


def run_patch(folder: Path, patch: bytes, strip: int) -> str:
    """Run patch(1) in a folder, and return what it said. Raises PatchError."""
    kept = {
        "PATH": os.environ.get("PATH", ""),
        "LC_ALL": "C",
        "TMPDIR": gettempdir(),
    }
    try:
        done = subprocess.run(
            [*PATCH, "--get=0", f"--strip={strip}"],
            cwd=folder,
            input=patch,
            env=kept,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise PatchError(f"patch(1) took more than {TIMEOUT:.0f} seconds") from error
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode:
        raise PatchError(f"patch(1) refuses it too: {told.strip().splitlines()[-1:]}")
    return told


def read_folder(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Return mode and content of each ordinary file below a folder, by path."""
    files = [place for place in folder.rglob("*") if place.is_file() and not place.is_symlink()]
    return {
        os.fspath(place.relative_to(folder)): (
            EXECUTABLE if os.access(place, os.X_OK) else "100644",
            place.read_bytes(),
        )
        for place in files
    }


def describe(told: str) -> str:
    """Say how patch(1) placed the hunks."""
    if "Assuming -R" in told:
        return "git refused it; patch(1) took it the other way round, as a patch to undo"
    fuzz = [int(number) for number in re.findall(r"with fuzz (\d+)", told)]
    how = f" with fuzz {max(fuzz)}" if fuzz else ""
    return f"git refused it; patch(1) applied it{how}"
