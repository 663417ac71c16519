"""Rounds of proof: what the time decided is run again with more of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from forge.grade.verification import describe_result, patiently
from harness.judge.grader import Grader
from harness.judge.judge import grade
from harness.judge.worker import Terms
from harness.runs.conditions import AS_JUDGED
from harness.runs.suite import Result, SuiteRun
from harness.sandboxes.sandbox import SandboxLimits
from storage.records import Baseline, BaselineTest, Verdict
from tests.harness.plain import PlainBackend, make_environment

SLOW = "import time\ntime.sleep(2)\n"
TESTS = "from code_of import one, two\ndef test_one(): assert one() == 1\ndef test_two(): two()\n"
FAIL, PASS = "test_it.py::test_one", "test_it.py::test_two"
CODES = {
    "import": f"{SLOW}def one():\n    return 1\ndef two():\n    pass\n",
    "test": "import time\ndef one():\n    return 1\ndef two():\n    time.sleep(2)\n",
}
VERDICT = Verdict(
    bug="bug",
    environment="e",
    harness="2",
    mode="full",
    reason="valid",
    fail_to_pass=(FAIL,),
    pass_to_pass=(PASS,),
)


@pytest.fixture
def grader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grader:
    """One that gives a second to collection and to each test."""
    monkeypatch.setattr("harness.environments.baseline.LEAST_TEST_TIMEOUT", 1.0)
    (tmp_path / "project").mkdir()
    (tmp_path / "project/code_of.py").write_text("def one():\n    return 1\ndef two():\n    pass\n")
    (tmp_path / "project/test_it.py").write_text(TESTS)
    backend = PlainBackend(tmp_path / "project", tmp_path / "places")
    tests = tuple(BaselineTest(id=t, outcome="passed", seconds=0.01) for t in (FAIL, PASS))
    return Grader(
        backend=backend,
        terms=Terms(
            environment=make_environment(),
            baseline=Baseline(environment="e", tests=tests, seconds=0.1, runs=2),
            read=lambda path: None,
        ),
        read=lambda path: None,
        limits=SandboxLimits(),
    )


@pytest.mark.parametrize("where", CODES)
async def test_what_is_cut_off_is_run_again_with_more_time(grader: Grader, where: str) -> None:
    files = {"code_of.py": CODES[where].encode()}

    run = await patiently(grader, VERDICT, files, AS_JUDGED, fixed=True)

    assert grade((FAIL,), (PASS,), run).resolved


async def test_what_a_bug_does_to_another_test_of_the_process_does_not_count(
    grader: Grader,
) -> None:
    spilling = "done = []\ndef one():\n    done.append(1)\ndef two():\n    assert not done\n"
    files = {"code_of.py": spilling.encode()}

    start = await patiently(grader, VERDICT, files, AS_JUDGED, fixed=False)
    fix = await patiently(grader, VERDICT, files, AS_JUDGED, fixed=True)

    assert (start.outcome(FAIL), start.outcome(PASS)) == ("failed", "passed")
    assert fix.outcome(PASS) == "failed"


def test_a_round_that_failed_says_what_its_first_test_said() -> None:
    failed = Result(outcome="failed", detail="AssertionError: 2 != 1")
    run = SuiteRun(results={FAIL: failed}, collected=(FAIL, PASS))

    assert describe_result(run, FAIL) == "failed: AssertionError: 2 != 1"
    assert describe_result(run, PASS) == "not run"
    assert describe_result(replace(run, exhausted=True), PASS) == "the time ran out: not run"
    assert describe_result(run, "test_it.py::test_gone") == "missing"


async def test_a_failing_test_may_hang_in_the_start_state(grader: Grader) -> None:
    hanging = "import time\ndef one():\n    time.sleep(2)\n    return 1\ndef two():\n    pass\n"

    run = await patiently(grader, VERDICT, {"code_of.py": hanging.encode()}, AS_JUDGED, fixed=False)

    assert run.outcome(FAIL) == "timeout"
    assert run.outcome(PASS) == "passed"
