"""Our own full record, the same as JSON lines and as parquet."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from typing import Any

from tasks.export.provenance import columns
from tasks.export.rows import Row
from tasks.material import Material

FORMAT_VERSION = 2
LOOSE = frozenset(
    {
        "created_at",
        "content_sha256",
        "overlap_count",
        "split",
        "tree_bundle",
        "verified_rounds",
        "verified_score",
    }
)
"""Fields that are no part of what a task is."""


def row(material: Material) -> Row:
    """Return all that is known of a task, as one flat row: enough to run it again from nothing."""
    found = {
        "format_version": FORMAT_VERSION,
        "instance_id": material.task.id,
        "created_at": material.task.created,
        "problem_statement": material.task.statement,
        **_repository(material),
        **_bug(material),
        **_environment(material),
        **_verdict(material),
        **columns(material),
    }
    return {**found, "content_sha256": content_of(found), "tree_bundle": ""}


def content_of(row: Mapping[str, Any]) -> str:
    """Return the sha256 of what a task is, as canonical JSON: the row but its loose fields."""
    kept = {name: value for name, value in row.items() if name not in LOOSE}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _repository(material: Material) -> Row:
    repository = material.repository
    return {
        "repo": f"{repository.owner}/{repository.name}",
        "commit": repository.commit,
        "commit_date": repository.date,
        "version": repository.version,
        "tree": repository.tree,
    }


def _bug(material: Material) -> Row:
    origin = material.bug.origin
    return {
        "bug_id": material.bug.id,
        "strategy": origin.strategy,
        "operator": origin.operator,
        "operators_all": sorted({found.operator for found in material.origins}),
        "path": origin.path,
        "entity": origin.entity,
        "line": origin.line,
        "seed": origin.seed,
        "bug_patch": material.bug.patch,
        "bug_files": [f"{c.mode} {c.sha256 or '-'} {c.path}" for c in material.bug.changes],
        "fix_patch": material.fix,
        "test_patch": material.task.test_patch,
        "start_commit": material.start.commit,
        "start_tree": material.start.tree,
        "tests_visible": not material.task.test_patch,
        "hints": list(material.task.hints),
        "fix_commit": origin.commit,
        "pull_request": origin.pull,
        "undone": origin.undone,
    }


def _environment(material: Material) -> Row:
    environment = material.environment
    plan = environment.plan
    return {
        "environment_id": environment.id,
        "sandbox": environment.sandbox,
        "python": environment.python,
        "arch": environment.arch,
        "base": environment.base,
        "image": environment.handle if environment.sandbox == "docker" else "",
        "lock": environment.lock,
        "lock_sha256": hashlib.sha256(environment.lock.encode()).hexdigest(),
        "plan": plan.name,
        "plan_python": plan.python,
        "system": list(plan.system),
        "exclude_newer": plan.exclude_newer,
        "install": [f"uv pip install {shlex.join(step)}" for step in plan.install],
        "pytest_args": list(plan.pytest_args),
        "env": [f"{name}={value}" for name, value in plan.env],
    }


def _verdict(material: Material) -> Row:
    verdict = material.verdict
    return {
        "harness": verdict.harness,
        "mode": verdict.mode,
        "seconds": verdict.seconds,
        "FAIL_TO_PASS": list(verdict.fail_to_pass),
        "PASS_TO_PASS": list(material.pass_to_pass),
        "pass_to_pass_all": len(verdict.pass_to_pass),
        "spilled": list(verdict.spilled),
        "suite_seconds": material.suite_seconds,
        "slowest_test": material.slowest_test,
    }
