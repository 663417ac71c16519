from dataclasses import replace

from forge.run.summary import Tally
from storage.records import Bug, FileChange, Origin, Verdict


def bug(operator: str, content: str) -> Bug:
    return Bug(
        tree="t",
        patch="",
        changes=(FileChange(path="a.py", mode="100644", sha256=content),),
        origin=Origin(strategy="procedural", operator=operator),
    )


def verdict(of: Bug, reason: str, seconds: float = 1.0) -> Verdict:
    return Verdict(
        bug=of.id, environment="e", harness="1", mode="full", reason=reason, seconds=seconds
    )


def test_counts_are_kept_apart_by_operator() -> None:
    loop, constant, unjudged = bug("loop", "1"), bug("constant", "2"), bug("loop", "3")
    tally = Tally()

    for each in (loop, constant, unjudged):
        tally.propose(each)
    tally.judge(loop, verdict(loop, "valid"))
    tally.judge(constant, verdict(constant, "no-test-failed", 2.0))

    assert (tally.proposed, tally.judged) == (3, 2)
    assert [
        (r.operator, r.proposed, r.judged, r.valid, r.worker_seconds) for r in tally.rows()
    ] == [
        ("loop", 2, 1, 1, 1.0),
        ("constant", 1, 1, 0, 2.0),
    ]


def test_an_operator_that_was_not_judged_has_no_yield() -> None:
    tally = Tally()
    tally.propose(bug("loop", "1"))

    assert [row.share for row in tally.rows()] == [0.0]


def test_the_commonest_reason_comes_first() -> None:
    some, tally = bug("loop", "1"), Tally()

    for reason in ("timeout", "valid", "valid"):
        tally.judge(some, verdict(some, reason))

    assert tally.reasons() == (("valid", 2), ("timeout", 1))


def test_valid_bugs_with_more_red_in_company_than_alone_are_counted() -> None:
    some, tally = bug("loop", "1"), Tally()
    valid = replace(verdict(some, "valid"), fail_to_pass=("t1", "t2"))

    for spilled in (("t3", "t4", "t5"), ("t3", "t4"), ()):
        tally.judge(some, replace(valid, spilled=spilled))
    tally.judge(some, replace(verdict(some, "spilled"), spilled=("t1",)))

    assert tally.spilled == 1
