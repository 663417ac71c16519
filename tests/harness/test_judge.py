"""The rules by which a bug gets its verdict, each shown on outcomes alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.judge.judge import Decision, agree, decide, grade, screen, status
from harness.runs.suite import Result, SuiteRun
from storage.records import Outcome

GREEN = tuple(f"t{number}" for number in range(10))


def run(
    *, collected: tuple[str, ...] | None = GREEN, exhausted: bool = False, **outcomes: Outcome
) -> SuiteRun:
    """A run in which every test passed but those named."""
    seen: dict[str, Outcome] = dict.fromkeys(collected or (), "passed")
    seen.update(outcomes)
    results = {t: Result(outcome=o) for t, o in seen.items() if o != "missing"}
    kept = None if collected is None else tuple(t for t in collected if seen[t] != "missing")
    return SuiteRun(results=results, collected=kept, exhausted=exhausted)


@pytest.mark.parametrize("outcome", ["failed", "error", "missing", "timeout", "crashed"])
def test_what_counts_as_red(outcome: Outcome) -> None:
    assert status(run(t1=outcome), "t1") == "red"


@pytest.mark.parametrize("outcome", ["skipped", "xfailed"])
def test_skipped_and_xfailed_are_neither_red_nor_green(outcome: Outcome) -> None:
    assert status(run(t1=outcome), "t1") == "neither"
    found = screen(GREEN, run(t1=outcome))
    assert found.reason == "no-test-failed"


def test_a_test_skipped_with_the_bug_is_in_neither_list() -> None:
    decision = decide(GREEN, run(t1="failed", t2="skipped"), run(t1="failed"))

    assert decision.fail_to_pass == ("t1",)
    assert "t2" not in decision.pass_to_pass


def test_a_bug_that_no_test_sees_is_rejected() -> None:
    assert screen(GREEN, run()).reason == "no-test-failed"


def test_more_than_half_of_the_suite_red_is_too_much() -> None:
    half: dict[str, Any] = dict.fromkeys(GREEN[:5], "failed")
    assert screen(GREEN, run(**half)).reason == ""
    assert screen(GREEN, run(**half, t5="failed")).reason == "breaks-everything"


def test_a_package_that_cannot_be_imported_breaks_everything() -> None:
    assert screen(GREEN, run(collected=None)).reason == "breaks-everything"
    assert screen(GREEN, run(collected=())).reason == "breaks-everything"


def test_a_bug_whose_only_red_tests_hang_is_a_timeout() -> None:
    assert screen(GREEN, run(t1="timeout", t2="timeout")).reason == "timeout"
    assert screen(GREEN, run(t1="timeout", t2="failed")).reason == ""


def test_decisions_that_differ_in_spilled_tests_alone_agree() -> None:
    valid = Decision(reason="valid", fail_to_pass=("t1",), pass_to_pass=("t3",))
    spilled = Decision(reason="valid", fail_to_pass=("t1", "t2"))
    assert agree(valid, replace(valid, spilled=("t2",)))
    assert agree(spilled, replace(valid, spilled=("t2",)))
    assert not agree(spilled, valid)
    assert agree(Decision(reason="no-test-failed"), Decision(reason="spilled", spilled=("t2",)))
    assert agree(valid, Decision(reason="spilled", spilled=("t1",)))
    assert not agree(Decision(reason="no-test-failed"), valid)
    assert agree(Decision(reason="no-test-failed"), valid, set_aside=["t1"])
    assert not agree(Decision(reason="timeout"), Decision(reason="no-test-failed"))


def test_a_suite_that_runs_out_of_time_is_a_timeout() -> None:
    assert screen(GREEN, run(t1="failed", exhausted=True)).reason == "timeout"


def test_tests_that_were_not_baseline_green_count_for_nothing() -> None:
    assert screen(GREEN[1:], run(t0="failed")).reason == "no-test-failed"


def test_what_is_red_in_company_and_green_alone_is_spilled() -> None:
    decision = decide(GREEN, run(t1="failed", t2="failed"), run(t1="failed", t2="passed"))

    assert decision.reason == "valid"
    assert decision.fail_to_pass == ("t1",)
    assert decision.spilled == ("t2",)
    assert decision.pass_to_pass == tuple(t for t in GREEN if t not in ("t1", "t2"))


def test_where_nothing_is_red_any_more_no_test_failed() -> None:
    assert decide(GREEN, run(), run()).reason == "no-test-failed"


def test_a_bug_with_nothing_but_spilled_tests_is_rejected() -> None:
    assert decide(GREEN, run(t1="failed"), run(t1="passed")).reason == "spilled"


def test_lists_are_in_the_order_of_the_baseline() -> None:
    decision = decide(GREEN, run(t7="failed", t3="error"), run(t3="error", t7="failed"))

    assert decision.fail_to_pass == ("t3", "t7")


def test_a_patch_solves_when_every_listed_test_is_green() -> None:
    assert grade(["t1"], ["t2"], run()).resolved
    assert not grade(["t1"], ["t2"], run(t1="failed")).resolved
    assert not grade(["t1"], ["t2"], run(t2="missing")).resolved
    assert not grade(["t1"], ["t2"], run(t1="skipped")).resolved
    assert not grade(["t1"], ["t2"], run(collected=None)).resolved


def test_it_is_noted_in_which_ways_tests_failed() -> None:
    alone = run(t1="failed", t2="timeout", t3="missing", t4="error", t5="failed")
    said = {
        "t4": Result(outcome="error", detail="ModuleNotFoundError: No module named 'shop'"),
        "t5": Result(outcome="failed", detail="assert 'ImportError' == ''"),
    }
    alone = replace(alone, results={**alone.results, **said})

    decision = decide(GREEN, alone, alone)

    assert decision.reason == "valid"
    assert decision.kinds == (("failed", 2), ("import", 1), ("missing", 1), ("timeout", 1))
