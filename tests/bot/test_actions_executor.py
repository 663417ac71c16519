"""The executor does with a workflow what GitHub would, and refuses what it does not know."""

from __future__ import annotations

import json
import subprocess
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.furniture.actions import Dispatch, Run, RunResult, WorkflowError
from tests.furniture.actions.expressions import ExpressionError, as_text, evaluate, render
from tests.furniture.actions.machines import StepFailed, assignments

CONTEXTS = {
    "inputs": {"name": "Shop", "empty": "", "count": 3},
    "needs": {"plan": {"result": "success", "outputs": {"matrix": '{"shard":[0,1]}'}}},
    "steps": {"first": {"outputs": {"ended": "done"}}},
    "list": [{"id": 1}, {"id": 2}],
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("inputs.name == 'shop'", True),
        ("inputs.name != 'shop'", False),
        ("inputs.missing", None),
        ("inputs.missing == ''", True),
        ("inputs.empty || inputs.name", "Shop"),
        ("inputs.empty && inputs.name", ""),
        ("!inputs.empty", True),
        ("inputs.count > 2 && inputs.count <= 3", True),
        ("needs.plan.outputs.shards != '0'", False),
        ("fromJSON(needs.plan.outputs.matrix).shard[1]", 1),
        ("steps['first'].outputs.ended == 'done'", True),
        ("contains('hello', 'ELL')", True),
        ("startsWith(inputs.name, 'sh')", True),
        ("format('{0}-{1}', inputs.name, 7)", "Shop-7"),
        ("join(list.*.id, '+')", "1+2"),
        ("'it''s'", "it's"),
        ("(1 == 1) == true", True),
        ("null == 0", True),
        ("'a' == 0", False),
    ],
)
def test_expressions_are_those_of_github(source: str, value: object) -> None:
    assert evaluate(source, CONTEXTS) == value


@pytest.mark.parametrize("source", ["secrets.TOKEN", "hashFiles('x')", "1 +", "inputs.name)", "'x"])
def test_what_is_not_known_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(source, CONTEXTS)


def test_text_around_expressions_stays_and_whole_ones_keep_their_kind() -> None:
    assert render("a ${{ inputs.name }} b", CONTEXTS) == "a Shop b"
    assert render("${{ fromJSON('[1]') }}", CONTEXTS) == [1]
    assert as_text(render("${{ inputs.count }}", CONTEXTS)) == "3"


def test_outputs_are_read_in_both_forms() -> None:
    assert assignments("a=1\nb<<END\nx\ny\nEND\nc=d=e\n") == {"a": "1", "b": "x\ny", "c": "d=e"}
    with pytest.raises(StepFailed):
        assignments("b<<END\nx\n")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "file.txt").write_text("content\n")
    for words in (
        ("init", "--quiet"),
        ("config", "uploadpack.allowAnySHA1InWant", "true"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Start"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path / "code", check=True)
    return tmp_path


def dispatch(site: Path, jobs: str, inputs: dict[str, Any] | None = None) -> Dispatch:
    workflows = site / "tool" / ".github" / "workflows"
    workflows.mkdir(parents=True, exist_ok=True)
    (workflows / "own.yml").write_text(
        "on:\n  workflow_dispatch:\n    inputs:\n      name: {type: string, default: World}\n"
        "permissions: {contents: read}\njobs:\n" + textwrap.indent(textwrap.dedent(jobs), "  ")
    )
    subprocess.run(["git", "init", "--quiet"], cwd=site / "tool", check=True)
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=site / "code", capture_output=True, text=True, check=True
    ).stdout.strip()
    return Dispatch(
        tool=site / "tool",
        workflow="own.yml",
        inputs=inputs or {},
        code=site / "code",
        sha=sha,
        root=site / "machines",
    )


def run(site: Path, jobs: str, inputs: dict[str, Any] | None = None) -> RunResult:
    return Run(dispatch(site, jobs, inputs)).execute()


def test_outputs_go_from_step_to_step_and_from_job_to_job(site: Path) -> None:
    result = run(
        site,
        """\
        plan:
          runs-on: ubuntu-24.04
          outputs: {matrix: "${{ steps.made.outputs.matrix }}"}
          steps:
            - id: made
              run: echo 'matrix={"shard":[3,4]}' >> "$GITHUB_OUTPUT"
        judge:
          needs: plan
          name: shard ${{ matrix.shard }}
          runs-on: ubuntu-24.04
          strategy: {matrix: "${{ fromJSON(needs.plan.outputs.matrix) }}"}
          env: {SHARD: "${{ matrix.shard }}", NAME: "${{ inputs.name }}"}
          steps:
            - run: |
                echo "GREETING=hello $NAME" >> "$GITHUB_ENV"
                mkdir tools; printf '#!/bin/sh\\necho own' > tools/own; chmod +x tools/own
                echo "$PWD/tools" >> "$GITHUB_PATH"
            - run: echo "$GREETING from $SHARD by $(own)"
        """,
        {"name": "you"},
    )

    assert result.conclusion == "success"
    assert "hello you from 3 by own" in result.log("shard 3")
    assert "hello you from 4 by own" in result.log("shard 4")


def test_what_is_printed_as_a_command_is_obeyed_until_it_is_stopped(site: Path) -> None:
    result = run(
        site,
        """\
        one:
          runs-on: ubuntu-24.04
          steps:
            - id: told
              run: |
                echo "  ::set-output name=first::1%0A2"
                echo "seen: ##[set-output name=second]2"
                echo "::add-mask::hush"
                echo "say hush"
                echo "::stop-commands::Word"
                echo "::set-output name=first::stopped"
                echo "::stop-commands::other"
                echo "::other::"
                echo "##[set-output name=second]stopped"
                echo "::word::"
                echo "::set-output name=third::3" >&2
                echo "in words ::set-output name=third::4"
            - env: {GOT: "${{ toJSON(steps.told.outputs) }}"}
              run: echo "got" $GOT
            - run: echo "::set-env name=PATH::/tmp"
        """,
    )

    assert "no longer taken from what is printed" in result.log("one")
    assert result.conclusion == "failure"
    assert "say ***" in result.log("one")
    got = next(line for line in result.log("one").splitlines() if line.startswith("   got "))
    assert json.loads(got.removeprefix("   got ")) == {
        "first": "1\n2", "second": "2", "third": "3"
    }  # fmt: skip


def test_a_failure_skips_what_follows_but_for_what_runs_always(site: Path) -> None:
    result = run(
        site,
        """\
        one:
          runs-on: ubuntu-24.04
          steps:
            - {id: forgiven, run: exit 3, continue-on-error: true}
            - run: echo "it was ${{ steps.forgiven.outcome }}"
            - run: exit 1
            - run: echo never
            - {if: always(), run: echo always}
        two: {needs: one, runs-on: ubuntu-24.04, steps: [{run: echo two}]}
        three:
          needs: one
          if: ${{ !cancelled() && needs.one.result == 'failure' }}
          runs-on: ubuntu-24.04
          steps: [{run: echo three}]
        """,
    )

    assert result.jobs == {"one": "failure", "two": "skipped", "three": "success"}
    assert result.conclusion == "failure"
    log = result.log("one")
    assert "it was failure" in log
    assert "   always" in log
    assert "   never" not in log


def test_a_cancelled_run_is_told_gently_and_what_runs_always_is_run(site: Path) -> None:
    made = dispatch(
        site,
        """\
        one:
          runs-on: ubuntu-24.04
          steps:
            - run: |
                trap 'echo gently; exit 0' INT
                touch began
                while true; do sleep 0.1; done
            - run: echo never
            - {if: always(), run: echo always}
        two: {needs: one, runs-on: ubuntu-24.04, steps: [{run: echo two}]}
        """,
    )
    running = Run(made)

    def cancel() -> None:
        while not (site / "machines" / "machine-1" / "work" / "began").exists():
            time.sleep(0.05)
        running.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    result = running.execute()

    assert result.conclusion == "cancelled"
    assert result.jobs == {"one": "cancelled", "two": "cancelled"}
    log = result.log("one")
    assert "gently" in log
    assert "   always" in log
    assert "   never" not in log


def test_artifacts_go_from_job_to_job_without_hidden_files(site: Path) -> None:
    upload = "actions/upload-artifact@" + "0" * 40
    download = "actions/download-artifact@" + "0" * 40
    result = run(
        site,
        f"""\
        one:
          runs-on: ubuntu-24.04
          steps:
            - run: mkdir -p out/deep; echo a > out/a; echo b > out/deep/b; echo h > out/.hidden
            - uses: {upload}
              with: {{name: left-1, path: out}}
            - uses: {upload}
              with: {{name: left-2, path: out/a}}
        two:
          needs: one
          runs-on: ubuntu-24.04
          steps:
            - uses: {download}
              with: {{pattern: left-*, path: "in"}}
            - run: find in -type f | sort
        """,
    )

    lines = [line.strip() for line in result.logs["two"] if line.startswith("   ")]
    assert lines == ["in/left-1/a", "in/left-1/deep/b", "in/left-2/a"]


def test_a_token_may_do_what_its_job_was_given_and_is_not_in_the_log(site: Path) -> None:
    checkout = "actions/checkout@" + "0" * 40
    result = run(
        site,
        f"""\
        may:
          runs-on: ubuntu-24.04
          steps:
            - uses: {checkout}
              with: {{path: code, persist-credentials: false}}
            - run: cat code/file.txt; echo token $TOKEN
              env: {{TOKEN: "${{{{ github.token }}}}"}}
        may_not:
          permissions: {{}}
          runs-on: ubuntu-24.04
          steps: [{{uses: {checkout}, with: {{persist-credentials: false}}}}]
        """,
    )

    assert result.jobs == {"may": "success", "may_not": "failure"}
    assert "content" in result.log("may")
    assert "token ***" in result.log("may")
    assert "may not read" in result.log("may_not")


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ("one: {runs-on: windows-2025, steps: []}", "a machine we do not have"),
        ("one: {runs-on: ubuntu-24.04, needs: zero, steps: []}", "which does not exist"),
        ("one: {runs-on: ubuntu-24.04, services: {}, steps: []}", "services is not built here"),
        (
            "one: {runs-on: ubuntu-24.04, steps: [{uses: actions/checkout@v4}]}",
            "not pinned by a commit",
        ),
        (
            f"one: {{runs-on: ubuntu-24.04, steps: [{{uses: evil/action@{'0' * 40}}}]}}",
            "nothing stands in for evil/action",
        ),
        (
            "one: {runs-on: ubuntu-24.04, permissions: {contents: write, packages: admin}, "
            "steps: []}",
            "admin",
        ),
    ],
)
def test_what_github_would_refuse_or_is_not_built_fails(site: Path, jobs: str, said: str) -> None:
    with pytest.raises((WorkflowError, KeyError), match=said):
        run(site, jobs)


def test_an_input_that_nobody_declared_is_refused(site: Path) -> None:
    with pytest.raises(WorkflowError, match="no input other"):
        run(site, "one: {runs-on: ubuntu-24.04, steps: []}", {"other": "x"})
