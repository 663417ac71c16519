"""Rows of SWE-bench: the patch is the fix, the lists are JSON in strings."""

from __future__ import annotations

import json

from tasks.export.provenance import columns
from tasks.export.rows import Row
from tasks.material import Material


def row(material: Material) -> Row:
    """Return a task as a row of SWE-bench; ``base_commit`` holds the bug."""
    repository = material.repository
    return {
        "repo": f"{repository.owner}/{repository.name}",
        "instance_id": material.task.id,
        "base_commit": material.start.commit,
        "patch": material.fix,
        "test_patch": material.task.test_patch,
        "problem_statement": material.task.statement,
        "hints_text": "\n\n".join(material.task.hints),
        "created_at": material.task.created,
        "version": repository.version,
        "FAIL_TO_PASS": json.dumps(material.verdict.fail_to_pass),
        "PASS_TO_PASS": json.dumps(material.pass_to_pass),
        "environment_setup_commit": repository.commit,
        **columns(material),
    }
