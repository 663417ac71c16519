"""The statement of a mirrored bug: the issue's own words, from before the fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.records import Comment, Issue, PullRequest
from tasks.mirrored import HINTS_LIMIT, STATEMENT_LIMIT, Mirrored, mirrored_statement
from tasks.statements import statement
from tests.tasks.traces import FIX, SHA

PULL = PullRequest(
    repository="acme/shop",
    commit=SHA,
    base="f" * 40,
    number=123,
    title="Multiply by the count",
    body="Sums price times count. Fixes #100",
    branch="fix-empty-cart",
    commits=("a" * 40,),
    created="2024-05-02T10:00:00Z",
    merged="2024-05-04T10:00:00Z",
)
ISSUE = Issue(
    repository="acme/shop",
    number=100,
    title="Total is too small (see #123)",
    body="Buying three costs as\r\nmuch as one.\r\n\r\nMaybe aaaaaaaaa broke it.",
    created="2024-05-01T10:00:00Z",
)
FAILING = ["tests/test_cart.py::test_total"]


def told(*issues: Issue, pull: PullRequest = PULL) -> Mirrored:
    return mirrored_statement(pull, issues, FIX, name="shop", failing=FAILING)


def test_the_statement_is_the_issue_without_what_gives_the_fix_away() -> None:
    found = told(ISSUE)
    assert found.statement == (
        "# Total is too small (see)\n\nBuying three costs as\nmuch as one.\n\nMaybe broke it.\n"
    )
    assert [each.kind for each in found.removed] == ["number", "commit"]
    assert found.source == "issues"


def test_several_issues_are_joined() -> None:
    other = Issue(repository="acme/shop", number=101, title="Wrong bill for three", created="x")
    assert told(ISSUE, other).statement.endswith("broke it.\n\n---\n\n# Wrong bill for three\n")


@pytest.mark.parametrize(
    "issues",
    [(), (Issue(repository="acme/shop", number=100),), (replace(ISSUE, title="#123", body=""),)],
)
def test_without_the_words_of_an_issue_the_tests_are_told_and_never_the_pull_request(
    issues: tuple[Issue, ...],
) -> None:
    found = told(*issues)
    assert found.source == "tests"
    assert found.statement == statement("shop", FAILING)
    assert "count" not in found.statement


def comment(created: str, body: str, author: str = "sam", *, bot: bool = False) -> Comment:
    return Comment(author=author, created=created, body=body, bot=bot)


def test_hints_are_what_people_said_before_the_pull_request_was_opened() -> None:
    comments = (
        comment("2024-05-01T11:00:00Z", "It is worse with\r\nfive, see #123."),
        comment("2024-05-02T11:30:00+02:00", "An hour before."),
        comment("2024-05-01T12:00:00Z", "Stale.", bot=True),
        comment("2024-05-01T12:00:00Z", "Stale.", "stale[bot]"),
        comment("2024-05-01T13:00:00Z", "#123"),
        comment("2024-05-02T10:00:00Z", "Opened a pull request."),
        comment("2024-05-05T10:00:00Z", "Fixed: multiply."),
        comment("", "When?"),
    )
    found = told(replace(ISSUE, comments=comments))
    assert found.hints == ("It is worse with\nfive, see.", "An hour before.")
    assert "worse" not in found.statement


def test_where_only_the_merge_is_known_it_bounds_the_hints() -> None:
    comments = (
        comment("2024-05-03T10:00:00Z", "Before."),
        comment("2024-05-05T10:00:00Z", "After"),
    )
    issue = replace(ISSUE, comments=comments)
    assert told(issue, pull=replace(PULL, created="")).hints == ("Before.",)
    assert told(issue, pull=replace(PULL, created="", merged="")).hints == ()


def test_statement_and_hints_are_bounded() -> None:
    comments = tuple(comment("2024-05-01T10:00:00Z", "word " * 9000) for _ in range(9))
    found = told(replace(ISSUE, body="many words\n" * 9000, comments=comments))
    assert len(found.statement) <= STATEMENT_LIMIT + 1
    assert found.statement.endswith("many words\n\n[…]\n")
    assert 0 < sum(map(len, found.hints)) <= HINTS_LIMIT
