"""Queries: within GitHub's node limit, counted as GitHub documents it, and valid by its schema."""

from __future__ import annotations

import pytest
from graphql import parse, validate

from mirror.github.queries import (
    FIRST,
    ISSUES_AT_ONCE,
    LISTS_AT_ONCE,
    PAGE,
    PULLS,
    Unfinished,
    follow_up,
    issues_by_number,
)
from tests.furniture.github_world.counting import MOST_NODES, size_of
from tests.furniture.github_world.descriptions import Descriptions

LISTS = [
    Unfinished(type=kind, field=field)
    for kind, field in [
        ("PullRequest", "labels"),
        ("PullRequest", "files"),
        ("PullRequest", "commits"),
        ("PullRequest", "closingIssuesReferences"),
        ("Issue", "labels"),
        ("Issue", "comments"),
        ("Commit", "history"),
    ]
]
DOCUMENTED = """
query { viewer {
  repositories(first: 50) { edges { repository: node { name
    pullRequests(first: 20) { edges { pullRequest: node { title
      comments(first: 10) { edges { comment: node { bodyHTML } } } } } }
    issues(first: 20) { edges { issue: node { title bodyHTML
      comments(first: 10) { edges { comment: node { bodyHTML } } } } } } } } }
  followers(first: 10) { edges { follower: node { login } } } } }
"""
"""https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api"""


def test_nodes_are_counted_as_github_does_in_its_own_example() -> None:
    assert size_of(parse(DOCUMENTED), {}).nodes == 22_060


def test_a_page_is_far_below_the_node_limit() -> None:
    size = size_of(parse(PULLS), {"first": PAGE})
    issue = 1 + FIRST["labels"] + FIRST["comments"]
    ancestors = 2 + 2 + 2 + 2
    lists = FIRST["labels"] + FIRST["files"] + FIRST["commits"]
    pull = 1 + lists + ancestors + FIRST["closingIssuesReferences"] * issue
    assert size.nodes == PAGE * pull
    assert size.nodes < MOST_NODES / 3


def test_a_thousand_pull_requests_are_a_small_part_of_an_hours_points() -> None:
    assert size_of(parse(PULLS), {"first": PAGE}).cost * 1000 / PAGE < 5000 / 10


@pytest.mark.parametrize("one", LISTS, ids=lambda one: f"{one.type}.{one.field}")
def test_the_largest_follow_up_is_below_the_node_limit(one: Unfinished) -> None:
    assert size_of(parse(follow_up([one] * LISTS_AT_ONCE)), {}).nodes < MOST_NODES / 3


def test_the_most_issues_at_once_are_below_the_node_limit() -> None:
    assert size_of(parse(issues_by_number(range(1, ISSUES_AT_ONCE + 1))), {}).nodes < MOST_NODES / 3


@pytest.mark.github
@pytest.mark.parametrize(
    "query",
    [PULLS, issues_by_number([1, 2]), *(follow_up([one]) for one in LISTS), follow_up(LISTS)],
    ids=["pulls", "issues", *(f"{one.type}.{one.field}" for one in LISTS), "all lists"],
)
def test_queries_are_valid_by_githubs_schema(query: str, descriptions: Descriptions) -> None:
    assert validate(descriptions.graphql, parse(query)) == []
