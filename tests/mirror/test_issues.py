"""Texts of issues of which a crawl of the history knows no more than the number."""

from __future__ import annotations

import pytest

from mirror.github.client import GitHub
from mirror.github.issues import fetch_issues
from mirror.github.queries import ISSUES_AT_ONCE
from storage.errors import GitHubMissing
from storage.records import Issue
from storage.store import Store
from tests.furniture.github_world import World, secondary_limit

pytestmark = pytest.mark.github

NAME = "octo/thing"


async def test_texts_are_fetched_by_number_and_kept(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    issue = world.issue(made, "Empty prompt", "Steps …", labels=["bug"])
    world.comment(issue, "Me too", by=world.user("helper", "Bot"))
    store.pulls.add([], [Issue(repository=NAME, number=1)])

    numbers = [issue.number for issue in store.pulls.list_unfetched_issues(NAME)]
    store.pulls.add([], await fetch_issues(github, NAME, numbers))

    told = store.pulls.issue(NAME, 1)
    assert told is not None
    assert (told.title, told.body, told.labels) == ("Empty prompt", "Steps …", ("bug",))
    assert [(c.author, c.body, c.bot) for c in told.comments] == [("helper", "Me too", True)]
    assert store.pulls.list_unfetched_issues(NAME) == []


async def test_many_are_fetched_in_few_requests(world: World, github: GitHub) -> None:
    made = world.repository(NAME)
    for _ in range(2 * ISSUES_AT_ONCE + 5):
        world.issue(made)
    numbers = list(made.threads)
    issues = await fetch_issues(github, NAME, [*reversed(numbers), 1])
    assert [issue.number for issue in issues] == numbers
    assert len(world.asked) == 3


async def test_what_is_a_pull_request_or_gone_is_left_out(world: World, github: GitHub) -> None:
    made = world.repository(NAME)
    world.issue(made)
    world.pull(made)
    assert [i.number for i in await fetch_issues(github, NAME, [1, 2, 99])] == [1]


async def test_no_number_is_no_request(world: World, github: GitHub) -> None:
    assert await fetch_issues(github, NAME, []) == []
    assert world.asked == []


async def test_long_threads_are_read_to_their_end(world: World, github: GitHub) -> None:
    issue = world.issue(world.repository(NAME))
    for n in range(205):
        world.comment(issue, f"comment {n}")
    world.faults.add(secondary_limit(retry_after=5))
    [told] = await fetch_issues(github, NAME, [1])
    assert [comment.body for comment in told.comments] == [f"comment {n}" for n in range(205)]
    assert len(world.asked) == 4


async def test_issues_of_a_renamed_repository_keep_the_name_they_are_known_by(
    world: World, github: GitHub
) -> None:
    made = world.repository(NAME)
    world.issue(made)
    world.rename(made, "renamed")
    assert [i.repository for i in await fetch_issues(github, NAME, [1])] == [NAME]


async def test_a_repository_that_is_not_there_is_named(github: GitHub) -> None:
    with pytest.raises(GitHubMissing, match="octo/nothing"):
        await fetch_issues(github, "octo/nothing", [1])
