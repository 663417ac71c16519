from bot.summary import operator_rows, reason_counts
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

    rows = operator_rows(
        [loop, constant, unjudged],
        [(loop, verdict(loop, "valid")), (constant, verdict(constant, "no-test-failed", 2.0))],
    )

    assert [(r.operator, r.proposed, r.judged, r.valid, r.seconds) for r in rows] == [
        ("loop", 2, 1, 1, 1.0),
        ("constant", 1, 1, 0, 2.0),
    ]


def test_an_operator_that_was_not_judged_has_no_yield() -> None:
    (row,) = operator_rows([bug("loop", "1")], [])

    assert row.share == 0.0


def test_the_commonest_reason_comes_first() -> None:
    some = bug("loop", "1")

    counts = reason_counts([verdict(some, reason) for reason in ("timeout", "valid", "valid")])

    assert counts == (("valid", 2), ("timeout", 1))
