"""Our own full record, the same as JSON lines and as parquet."""

from __future__ import annotations

import hashlib
import shlex

from tasks.export.provenance import columns
from tasks.export.rows import Row
from tasks.material import Material

FORMAT_VERSION = 1


def row(material: Material) -> Row:
    """Return all that is known of a task, as one flat row."""
    return {
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
        "lock_sha256": hashlib.sha256(environment.lock.encode()).hexdigest(),
        "plan": plan.name,
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
    }
