"""The bar a suite must pass, and the tests that are set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environments.baseline import (
    NOT_COLLECTED,
    check_bar,
    combine,
    list_runnable_tests,
    measure,
)
from harness.environments.diagnosis import diagnose
from harness.runs.suite import Result, SuiteRun
from harness.sandboxes.sandbox import BuildFailed, SandboxLimits
from storage.records import Outcome
from tests.harness.plain import PlainBackend, make_environment


def run(outcomes: dict[str, Outcome], **settings: bool) -> SuiteRun:
    results = {test: Result(outcome=outcome) for test, outcome in outcomes.items()}
    return SuiteRun(results=results, collected=tuple(outcomes), **settings)  # type: ignore[arg-type]


def many(passed: int, failed: int = 0, skipped: int = 0) -> dict[str, Outcome]:
    kinds: list[Outcome] = ["passed"] * passed + ["failed"] * failed + ["skipped"] * skipped
    return {f"t{number}": kind for number, kind in enumerate(kinds)}


def reason(refused: SuiteRun) -> str:
    with pytest.raises(BuildFailed) as told:
        check_bar(refused)
    return told.value.reason


def test_twenty_tests_that_pass_are_enough_and_skipped_ones_do_not_count() -> None:
    check_bar(run(many(20, skipped=80)))
    check_bar(run(many(95, failed=5)))


def test_a_suite_that_cannot_serve_is_refused_with_the_reason() -> None:
    assert reason(run(many(19))) == "too-few-pass"
    assert reason(run(many(94, failed=6))) == "too-few-pass"
    assert reason(run({})) == "no-tests"
    assert reason(run(many(30), exhausted=True)) == "timeout"
    assert reason(run(many(30), restored=False)) == "tree-not-restored"


def test_the_refusal_names_the_tests_that_failed() -> None:
    with pytest.raises(BuildFailed) as told:
        check_bar(run(many(30, failed=6)))

    assert "6 x failed" in told.value.detail
    assert "(t30)" in told.value.detail
    assert "30 of 36 tests pass" in told.value.detail


def test_a_suite_that_is_skipped_for_a_module_names_it() -> None:
    results = {"t.py::a": Result(outcome="skipped", detail="could not import 'six': No module")}
    lacking = SuiteRun(results=results, collected=tuple(results))
    whole = SuiteRun(results={}, collected=(), collect_skips=(("t.py", "could not import 'six'"),))
    for refused in (lacking, whole):
        with pytest.raises(BuildFailed) as told:
            check_bar(refused)
        (finding,) = diagnose(told.value.reason, told.value.detail)
        assert (finding.kind, finding.subject) == ("missing-module", "six")


def test_only_tests_green_every_time_serve() -> None:
    first = run({"good": "passed", "flaky": "passed", "gone": "passed", "company": "passed"})
    second = run({"good": "passed", "flaky": "failed", "company": "passed", "new": "passed"})
    alone = run({"good": "passed", "flaky": "passed", "gone": "passed", "company": "failed"})

    baseline = combine("e", [first, second], alone, seconds=1.0, place="/w")

    assert baseline.green == ("good",)
    assert {t.id: t.set_aside for t in baseline.tests} == {
        "good": "",
        "flaky": "unstable",
        "gone": "unstable",
        "company": "company-only",
        "new": "unstable",
    }


async def test_a_test_named_by_its_place_does_not_serve(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/test_it.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('path', [__file__])\n"
        "def test_path(path): assert path\n"
        "@pytest.mark.parametrize('n', range(20))\n"
        "def test_n(n): pass\n"
    )
    backend = PlainBackend(tmp_path / "project", tmp_path / "places")
    sandbox = await backend.start(make_environment(), limits=SandboxLimits())
    try:
        baseline, _ = await measure(sandbox, make_environment())
    finally:
        await sandbox.close()

    assert len(baseline.green) == 20
    assert [(t.id.partition("[")[0], t.set_aside) for t in baseline.tests if t.set_aside] == [
        ("test_it.py::test_path", "place-bound")
    ]


async def test_a_file_of_tests_that_cannot_be_collected_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    many = "import pytest\n\n@pytest.mark.parametrize('n', range(24))\ndef test_it(n):\n    pass\n"
    (project / "test_it.py").write_text(many)
    (project / "test_other.py").write_text("import nothing_here\n\ndef test_it():\n    pass\n")
    (project / "test_skip.py").write_text("import pytest\n\npytest.importorskip('nothing_here')\n")
    backend = PlainBackend(project, tmp_path / "places")
    sandbox = await backend.start(make_environment(), limits=SandboxLimits())
    try:
        baseline, _ = await measure(sandbox, make_environment())
    finally:
        await sandbox.close()

    assert len(baseline.green) == 24
    assert [(t.id, t.outcome, t.set_aside) for t in baseline.tests if t.set_aside] == [
        ("test_other.py", "missing", NOT_COLLECTED),
        ("test_skip.py", "skipped", NOT_COLLECTED),
    ]
    assert list_runnable_tests(baseline) is None
