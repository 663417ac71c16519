"""Rows of SWE-smith: the patch introduces the bug, the lists are lists."""

from __future__ import annotations

from tasks.export.provenance import columns
from tasks.export.rows import Row
from tasks.ids import environment_key
from tasks.material import Material

ARCHITECTURES = {"aarch64": "arm64"}


def row(material: Material) -> Row:
    """Return a task as a row of SWE-smith."""
    repository = material.repository
    architecture = material.environment.arch
    key = f"{repository.owner}_1776_{repository.name}.{repository.commit[:8]}"
    image = f"swebench/swesmith.{ARCHITECTURES.get(architecture, architecture)}.{key}"
    return {
        "instance_id": material.task.id,
        "patch": material.bug.patch,
        "FAIL_TO_PASS": list(material.verdict.fail_to_pass),
        "PASS_TO_PASS": list(material.pass_to_pass),
        "image_name": image.lower(),
        "repo": f"swesmith/{environment_key(repository)}",
        "problem_statement": material.task.statement,
        **columns(material),
    }
