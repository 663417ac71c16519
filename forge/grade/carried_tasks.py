"""Tasks as an export carries them: read back without a store, to be run again from nothing."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from forge.grade.lookup import StoredTask
from storage.errors import BugfoundryError, SourceError
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    FileChange,
    Origin,
    Plan,
    Repository,
    SandboxKind,
    Strategy,
    Task,
    Verdict,
)
from storage.trees import Trees
from tasks.export.full import FORMAT_VERSION, content_of

Row = Mapping[str, Any]
PLACES = ("tasks.jsonl", "data/*.parquet")
"""Where a folder export keeps its full records."""
INSTALL = "uv pip install "


def read_rows(path: Path) -> list[Row]:
    """Return the full records of an export: JSON lines, parquet, or a folder that holds one.

    Raises SourceError where there are none.
    """
    if path.is_dir():
        held = [found for place in PLACES for found in sorted(path.glob(place))]
        if not held:
            raise SourceError(f"{path} holds neither {' nor '.join(PLACES)}: no export of ours")
        return [row for place in held for row in read_rows(place)]
    try:
        rows = list(_rows(path))
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "neither JSON lines nor parquet"
        raise SourceError(f"{path}: {told}") from error
    if not rows:
        raise SourceError(f"{path} holds no task")
    for row in rows:
        if not isinstance(row, Mapping) or "bug_files" not in row or "lock" not in row:
            raise SourceError(
                f"{path} does not hold full records, which alone can be run from nothing; "
                "export again with --format jsonl, parquet, hf or harbor"
            )
    return rows


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        # Here alone: what it imports takes a while.
        from pyarrow import parquet  # type: ignore[import-untyped]

        yield from parquet.read_table(path).to_pylist()
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def load_export(path: Path, trees: Trees) -> dict[str, StoredTask]:
    """Return the tasks of an export by id; their trees are taken into the cache.

    Raises SourceError where a record is damaged or lacks something.
    """
    rows = read_rows(path)
    for row in rows:
        if row.get("tree_bundle"):
            _take_in(row, trees)
    found: dict[str, StoredTask] = {}
    for row in rows:
        try:
            task = found_of(row)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{path}: {row.get('instance_id')}: not a full record") from error
        if row["content_sha256"] != content_of(row):
            raise SourceError(
                f"{path}: {task.task.id} was changed after it was exported: its content does not "
                "have the digest that it names"
            )
        if not trees.holds(task.bug.tree):
            raise SourceError(f"{path}: the code that {task.task.id} is about is not in the file")
        found[task.task.id] = task
    return found


def _take_in(row: Row, trees: Trees) -> None:
    try:
        tree = trees.unpack(base64.b64decode(row["tree_bundle"]))
    except (BugfoundryError, ValueError) as error:
        raise SourceError(f"{row['instance_id']}: its code cannot be unpacked: {error}") from error
    if tree != row["tree"]:
        raise SourceError(f"{row['instance_id']}: its code is not that of the tree it names")


def found_of(row: Row) -> StoredTask:
    """Read one row. Raises KeyError, TypeError or ValueError where it is none."""
    if row["format_version"] != FORMAT_VERSION:
        raise ValueError(f"format version {row['format_version']} is not {FORMAT_VERSION}")
    environment = _environment(row)
    bug = _bug(row)
    return StoredTask(
        task=Task(
            id=row["instance_id"],
            bug=bug.id,
            environment=environment.id,
            statement=row["problem_statement"],
            created=row["created_at"],
            hints=tuple(row["hints"]),
            test_patch=row["test_patch"],
        ),
        bug=bug,
        verdict=Verdict(
            bug=bug.id,
            environment=environment.id,
            harness=row["harness"],
            mode=row["mode"],
            reason="valid",
            fail_to_pass=tuple(row["FAIL_TO_PASS"]),
            pass_to_pass=tuple(row["PASS_TO_PASS"]),
            spilled=tuple(row["spilled"]),
            seconds=row["seconds"],
        ),
        environment=environment,
        baseline=_baseline(row, environment.id),
        repository=_repository(row),
    )


def _repository(row: Row) -> Repository:
    owner, _, name = row["repo"].partition("/")
    return Repository(
        owner=owner,
        name=name,
        commit=row["commit"],
        tree=row["tree"],
        source="",
        date=row["commit_date"],
        version=row["version"],
    )


def _bug(row: Row) -> Bug:
    changes = []
    for told in row["bug_files"]:
        mode, sha256, path = told.split(" ", 2)
        changes.append(FileChange(path=path, mode=mode, sha256="" if sha256 == "-" else sha256))
    origin = Origin(
        strategy=cast("Strategy", row["strategy"]),
        operator=row["operator"],
        path=row["path"],
        entity=row["entity"],
        line=row["line"],
        seed=row["seed"],
        commit=row["fix_commit"],
        pull=row["pull_request"],
        undone=row["undone"],
    )
    return Bug(tree=row["tree"], patch=row["bug_patch"], changes=tuple(changes), origin=origin)


def _environment(row: Row) -> Environment:
    steps = [tuple(shlex.split(step.removeprefix(INSTALL))) for step in row["install"]]
    pairs = [each.partition("=") for each in row["env"]]
    return Environment(
        tree=row["tree"],
        plan=Plan(
            name=row["plan"],
            python=row["plan_python"],
            install=tuple(steps),
            pytest_args=tuple(row["pytest_args"]),
            env=tuple((name, value) for name, _, value in pairs),
            system=tuple(row["system"]),
            exclude_newer=row["exclude_newer"],
        ),
        sandbox=cast("SandboxKind", row["sandbox"]),
        python=row["python"],
        lock=row["lock"],
        base=row["base"],
        arch=row["arch"],
        handle=row["image"],
    )


def _baseline(row: Row, environment: str) -> Baseline:
    """The part of the baseline that a task carries: which tests pass, and how long they may take.

    Every test counts as slow as the slowest.
    """
    green = [*row["FAIL_TO_PASS"], *row["PASS_TO_PASS"]]
    tests = tuple(
        BaselineTest(id=test, outcome="passed", seconds=row["slowest_test"]) for test in green
    )
    return Baseline(environment=environment, tests=tests, seconds=row["suite_seconds"], runs=0)


def forget_environments(tasks: Mapping[str, StoredTask]) -> dict[str, StoredTask]:
    """Forget where environments are, so that they are built anew."""
    return {
        name: replace(found, environment=replace(found.environment, handle=""))
        for name, found in tasks.items()
    }
