"""Columns that rows of every format have: whose code it is, where it is public, what it overlaps.

Readers of SWE-bench and SWE-smith rows pass over columns that they do not know.
"""

from __future__ import annotations

from tasks.benchmarks import INDEX
from tasks.export.rows import Row
from tasks.material import Material

LOCAL = "local"


def columns(material: Material) -> Row:
    """Return the columns of one task; ``overlap_count`` is that of the whole export."""
    return {
        "license": material.licence,
        "provenance": provenance(material),
        "benchmarks": list(material.benchmarks),
        "overlap_count": material.overlaps,
    }


def provenance(material: Material) -> str:
    """Say where the unbroken code, and the fix, can be read by anybody."""
    repository, origin = material.repository, material.bug.origin
    name = f"{repository.owner}/{repository.name}"
    if repository.owner == LOCAL:
        where = f"the code is a checkout of {repository.name}; whether it is public is not known"
    elif repository.owner == INDEX:
        where = f"the code without the bug is public: {repository.source} on the package index"
    else:
        where = f"the code without the bug is public: {name} at {repository.commit}"
    if origin.strategy != "mirror":
        return f"{where}; the bug was made by {origin.strategy} and is nowhere public"
    fix = f"pull request {origin.pull}, commit {origin.commit}" if origin.pull else origin.commit
    return f"{where}; the bug is a real one, and its fix is public too: {fix}"
