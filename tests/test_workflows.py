"""The workflows are what GitHub takes, and give nobody more than they have to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.furniture.actionlint import Finding, lint
from tests.furniture.actions.workflows import load, read_workflow

GITHUB = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
EXPLAINED = (
    # The self-repository syntax is younger than this actionlint:
    # https://github.blog/changelog/2026-07-30-reference-same-repository-actions-with-self-repository-syntax/
    re.compile(r'specifying action "\$/[\w./-]+" in invalid format because ref is missing'),
    re.compile(r'reusable workflow call "\$/[\w./-]+" at "uses" is not following the format'),
    # It is 25 since December 2025.
    re.compile('maximum number of inputs for "workflow_dispatch" event is 10'),
)
OWN = ("ci.yml", "nightly.yml")
"""Those that test this repository itself, and are called by nobody."""
CONTEXT = re.compile(r"\$\{\{")


def documents() -> list[tuple[str, Mapping[str, Any]]]:
    return [(path.name, load(path)) for path in WORKFLOWS] + [
        (path.parent.name, load(path)) for path in ACTIONS
    ]


def steps() -> list[tuple[str, Mapping[str, Any]]]:
    found = []
    for name, document in documents():
        if "runs" in document:
            found += [(name, step) for step in document["runs"]["steps"]]
        for job in document.get("jobs", {}).values():
            found += [(name, step) for step in job.get("steps", [])]
    return found


@pytest.mark.slow
@pytest.mark.network
def test_actionlint_finds_nothing_that_is_not_explained() -> None:
    try:
        found = lint(WORKFLOWS)
    except (OSError, ValueError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"actionlint cannot be had: {error}")

    assert [each for each in found if not explained(each)] == []
    assert any(explained(each) for each in found), "the explanations are not needed any more"


def explained(finding: Finding) -> bool:
    return any(pattern.search(finding.message) for pattern in EXPLAINED)


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("zizmor")),
            "--offline",
            "--no-progress",
            "--quiet",
            str(GITHUB),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_ignored_finding_says_why() -> None:
    for path in (*WORKFLOWS, *ACTIONS):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if "zizmor: ignore" in line:
                assert lines[number - 1].strip().startswith("#"), f"{path.name}:{number + 1}"


def test_nothing_from_outside_stands_in_a_script() -> None:
    for name, step in steps():
        assert not CONTEXT.search(step.get("run", "")), f"{name}: {step}"


def test_actions_of_others_are_pinned_by_commit_with_their_version_beside() -> None:
    pinned = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    for path in (*WORKFLOWS, *ACTIONS):
        for line in path.read_text().splitlines():
            if "uses: " in line and "uses: $/" not in line:
                assert pinned.search(line), f"{path.name}: {line.strip()}"


def test_one_action_has_one_version() -> None:
    pins: dict[str, set[str]] = {}
    for _, step in steps():
        name, at, commit = step.get("uses", "").partition("@")
        if at:
            pins.setdefault(name, set()).add(commit)

    assert {name: commits for name, commits in pins.items() if len(commits) > 1} == {}


def test_workflows_start_from_no_permission_and_never_run_strangers_code_with_a_token() -> None:
    for path in WORKFLOWS:
        workflow = read_workflow(path) if path.name not in OWN else load(path)
        assert "pull_request_target" not in workflow["on"], path.name
        if path.name in OWN:
            assert workflow["permissions"] == {"contents": "read"}, path.name
            continue
        assert workflow["permissions"] == {}, path.name
        for name, job in workflow["jobs"].items():
            given = job["permissions"]
            assert "write" not in {v for k, v in given.items() if k != "packages"}, name


def test_no_checkout_leaves_a_token_behind() -> None:
    for name, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name


def test_what_was_judged_is_kept_though_no_task_passes_the_gates() -> None:
    result = load(GITHUB / "workflows" / "validate.yml")["jobs"]["result"]["steps"]
    (upload,) = [step for step in result if "upload-artifact" in step.get("uses", "")]

    assert "bugfoundry.db" in upload["with"]["path"]
    assert upload["if"] == "${{ !cancelled() }}"


def test_a_dispatch_and_a_call_take_the_same_inputs() -> None:
    for path in WORKFLOWS:
        on = load(path)["on"]
        if "workflow_dispatch" in on and "workflow_call" in on:
            called, dispatched = (
                {
                    name: (about["type"], about["default"])
                    for name, about in on[event]["inputs"].items()
                }
                for event in ("workflow_call", "workflow_dispatch")
            )
            assert called == dispatched, path.name
            assert len(dispatched) <= 25
