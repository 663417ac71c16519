"""The one way in for a foreign patch: as git takes it; else as the field's harness does, noted."""

from __future__ import annotations

import re
from dataclasses import replace

from storage.errors import PatchError
from storage.patch_program import apply_by_program
from storage.patch_repairs import RepairedPatch, is_unprefixed, repair_patch, split_binary
from storage.patched_trees import AppliedPatch, apply_by_git, compare_trees
from storage.trees import Trees

NO_CONTEXT = re.compile(
    rb"^@@ -(?!0,0 )\S+ \+(?!0,0 )[^\n]*\n(?:[-+\\][^\n]*\n)+(?=@@|diff |\Z)", re.M
)

UNSAFE = ("outside what it may change", "beyond a symbolic link")
"""Refusals that nothing makes good."""


def apply_foreign_patch(trees: Trees, tree: str, patch: bytes) -> AppliedPatch:
    """Return what a patch makes of a tree, with notes where git did not take it as it is.

    A patch of white space alone changes nothing. Raises PatchError with git's own reason where
    neither git, nor a repair of what patches lose on their way, nor patch(1) makes it apply.
    """
    if not patch.strip():
        return AppliedPatch(tree=tree, files={}, modes={})
    try:
        made = apply_by_git(trees, tree, patch)
    except PatchError as refused:
        if any(word in str(refused) for word in UNSAFE):
            raise
        return apply_leniently(trees, tree, patch, refused)
    return note_misplaced(trees, tree, patch, made)


def note_misplaced(trees: Trees, tree: str, patch: bytes, made: AppliedPatch) -> AppliedPatch:
    """Note where git appended lines of hunks without context, whatever their line number says."""
    if not NO_CONTEXT.search(patch):
        return made
    try:
        meant = apply_by_git(trees, tree, patch, "--unidiff-zero")
    except PatchError:
        return made
    if meant.tree == made.tree:
        return made
    note = "its hunks have no context: git put them at the end of files; write it with context"
    return replace(made, notes=(*made.notes, note))


def apply_leniently(trees: Trees, tree: str, patch: bytes, refused: PatchError) -> AppliedPatch:
    """Try what git's refusal may be due to. Raises PatchError with the refusal."""
    repaired = repair_patch(patch)
    for options in list_options(repaired.patch):
        try:
            return apply_repaired(trees, tree, repaired, options)
        except PatchError:
            continue
    try:
        return apply_with_fuzz(trees, tree, repaired)
    except PatchError as error:
        missing = f"; {error}" if "not installed" in str(error) else ""
        raise PatchError(f"{refused}{missing}") from refused


def apply_with_fuzz(trees: Trees, tree: str, repaired: RepairedPatch) -> AppliedPatch:
    """Let patch(1) place the hunks, and git the binary files. Raises PatchError."""
    text, binary = split_binary(repaired.patch)
    strip = 0 if is_unprefixed(text) else 1
    made = apply_by_program(trees, tree, text, strip=strip)
    whole = apply_by_git(trees, made.tree, binary, f"-p{strip}") if binary else made
    compared = compare_trees(trees, tree, whole.tree)
    return replace(compared, notes=(*repaired.notes, *made.notes))


def list_options(patch: bytes) -> list[tuple[str, ...]]:
    """List what git may be asked to do: as ever, without prefixes, with little or no context.

    A hunk without context after its change means the end of the file to git, and to patch(1), which
    then puts it anywhere; the last option takes it where its own lines stand.
    """
    bare = ("-p0",) if is_unprefixed(patch) else ()
    options: list[tuple[str, ...]] = [(), bare] if bare else [()]
    return [*options, (*bare, "--unidiff-zero")]


def apply_repaired(
    trees: Trees, tree: str, repaired: RepairedPatch, options: tuple[str, ...]
) -> AppliedPatch:
    """Let git apply a repaired patch, and note what was done. Raises PatchError."""
    if not repaired.patch.strip():
        return AppliedPatch(tree=tree, files={}, modes={}, notes=repaired.notes)
    made = apply_by_git(trees, tree, repaired.patch, *options)
    told = {
        "-p0": "its paths have no a/ and b/ before them",
        "--unidiff-zero": "its hunks lack context: placed by their lines and line numbers",
    }
    notes = (*repaired.notes, *(told[option] for option in options), *made.notes)
    return replace(made, notes=notes)
