"""Crawling the GitHub of the tests with the real client, into a real store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from graphql import parse

from mirror.github.client import GitHub
from mirror.github.crawl import Crawled, crawl
from mirror.github.queries import PAGE, PULLS, SMALLEST_PAGE
from storage.errors import GitHubBroken, GitHubMissing, GitHubRefused
from storage.records import Crawl, Issue, Link, PullRequest
from storage.store import Store
from tests.furniture.github_world import (
    Change,
    Fault,
    Repository,
    World,
    bad_gateway,
    client_of,
    lost,
    secondary_limit,
)
from tests.furniture.github_world.counting import size_of

pytestmark = pytest.mark.github

NAME = "octo/thing"


class Stop(Exception):
    """The crawl is cut off here."""


@dataclass
class Interrupted:
    """A store whose process dies right after it kept so many pages."""

    store: Store
    pages: int
    before: Callable[[int], None] = field(default=lambda page: None)

    def add(
        self,
        pulls: Iterable[PullRequest],
        issues: Iterable[Issue] = (),
        crawl: Crawl | None = None,
    ) -> None:
        self.store.pulls.add(pulls, issues, crawl)
        self.pages -= 1
        self.before(self.pages)
        if not self.pages:
            raise Stop

    def crawl(self, repository: str, origin: str) -> Crawl | None:
        return self.store.pulls.crawl(repository, origin)


def filled(world: World, pulls: int) -> Repository:
    """A repository with so many merged pull requests, each closing an issue of its own."""
    made = world.repository(NAME)
    for n in range(pulls):
        issue = world.issue(made, f"Wrong {n}", labels=["bug"])
        world.comment(issue, "Me too")
        world.merge(world.pull(made, f"Right {n}", closes=[issue]))
    return made


def numbers(store: Store) -> list[int]:
    return sorted(pull.number for pull in store.pulls.all(NAME))


async def test_a_merged_pull_request_is_kept_whole(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    bot = world.user("helper", "Bot")
    issue = world.issue(made, "Empty prompt", "Steps …", labels=["bug", "cli"])
    world.comment(issue, "I see that too")
    world.comment(issue, "Labelled", by=bot)
    pull = world.pull(
        made,
        "Fill the prompt",
        "It was `#9`. See #7.",
        closes=[issue],
        labels=["fix"],
        branch="fix-prompt",
        association="MEMBER",
        changes=[Change(path="src/b.py"), Change(path="src/a.py", status="added")],
        commits=2,
    )
    world.merge(pull, "squash")
    world.pull(made, "Still open", closes=[issue])

    counts = await crawl(github, store.pulls, NAME)

    [kept] = store.pulls.all(NAME)
    assert pull.merge_commit is not None
    assert kept == PullRequest(
        repository=NAME,
        commit=pull.merge_commit.oid,
        base=pull.merge_commit.parents[0],
        number=2,
        title="Fill the prompt",
        body="It was `#9`. See #7.",
        author="author",
        association="MEMBER",
        branch="fix-prompt",
        labels=("fix",),
        created=pull.created,
        merged=pull.merged or "",
        updated=pull.updated,
        files=("src/a.py", "src/b.py"),
        commits=tuple(commit.oid for commit in pull.commits),
        links=(
            Link(repository=NAME, number=1, evidence="closing-reference"),
            Link(repository=NAME, number=7, evidence="mention", marks=("late",)),
        ),
    )
    told = store.pulls.issue(NAME, 1)
    assert told is not None
    assert (told.title, told.body, told.author) == ("Empty prompt", "Steps …", "reporter")
    assert told.labels == ("bug", "cli")
    assert told.created == issue.created
    assert [(c.author, c.body, c.bot) for c in told.comments] == [
        ("other", "I see that too", False),
        ("helper", "Labelled", True),
    ]
    assert [c.created for c in told.comments] == [c.created for c in issue.comments]
    assert counts == Crawled(
        repository=NAME, pulls=1, closing=1, issues=1, pages=1, requests=len(world.asked)
    )


async def test_an_issue_is_marked_when_it_came_later_or_from_a_program(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    by_bot = world.issue(made, by=world.user("scanner", "Bot"))
    pull = world.pull(made, closes=[by_bot])
    late = world.issue(made)
    pull.closes.append(late)
    world.merge(pull)

    await crawl(github, store.pulls, NAME)

    [kept] = store.pulls.all(NAME)
    assert [(link.number, link.marks) for link in kept.links] == [(1, ("bot",)), (3, ("late",))]
    kept_issue = store.pulls.issue(NAME, 1)
    assert kept_issue is not None
    assert kept_issue.bot


async def test_an_issue_of_another_repository_is_kept_there(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    elsewhere = world.issue(world.repository("other/place"), "Breaks you")
    hidden = world.issue(world.repository("secret/place", private=True))
    world.merge(world.pull(made, closes=[elsewhere, hidden]))

    await crawl(github, store.pulls, NAME)

    [kept] = store.pulls.all(NAME)
    assert [(link.repository, link.number) for link in kept.closes] == [("other/place", 1)]
    told = store.pulls.issue("other/place", 1)
    assert told is not None
    assert told.title == "Breaks you"
    assert store.pulls.issue(NAME, 1) is None


async def test_what_a_deleted_account_wrote_has_nobody_as_author(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    pull = world.pull(made)
    pull.author = None
    world.merge(pull)
    await crawl(github, store.pulls, NAME)
    assert [kept.author for kept in store.pulls.all(NAME)] == ["ghost"]


async def test_a_pull_request_without_a_commit_is_counted_and_left_out(
    world: World, github: GitHub, store: Store
) -> None:
    made = filled(world, 2)
    made.pulls[0].merge_commit = None
    counts = await crawl(github, store.pulls, NAME)
    assert (counts.pulls, counts.without_commit) == (1, 1)
    assert numbers(store) == [4]


async def test_an_empty_repository_is_crawled(world: World, github: GitHub, store: Store) -> None:
    world.repository(NAME)
    counts = await crawl(github, store.pulls, NAME)
    assert (counts.pulls, counts.pages) == (0, 1)
    world.merge(world.pull(world.repositories[NAME]))
    assert (await crawl(github, store.pulls, NAME)).pulls == 1


@pytest.mark.slow
@pytest.mark.parametrize(("long", "most"), [(False, 12), (True, 30)], ids=["short", "long"])
async def test_a_thousand_pull_requests_take_at_most_thirty_requests(
    world: World, github: GitHub, store: Store, long: bool, most: int
) -> None:
    made = filled(world, 1000)
    for pull in made.pulls[::40] if long else ():
        # A few on each page do not fit: files, comments and the commits of a rebased branch.
        pull.changes = [Change(path=f"src/f{n:03}.py") for n in range(150)]
        pull.closes[0].comments *= 150
        pull.commits = world.pull(made, commits=9).commits
        world.merge(pull, "rebase")

    counts = await crawl(github, store.pulls, NAME)

    assert len(store.pulls.all(NAME)) == counts.pulls == counts.closing == 1000
    assert store.pulls.list_unfetched_issues(NAME) == []
    assert counts.requests == len(world.asked) <= most
    assert max(asked.nodes for asked in world.asked) <= 500_000
    assert sum(asked.cost for asked in world.asked) <= 500


async def test_long_lists_are_read_to_their_end(world: World, github: GitHub, store: Store) -> None:
    made = world.repository(NAME)
    issues = [world.issue(made) for _ in range(13)]
    for n in range(250):
        world.comment(issues[12], f"comment {n}")
    for n in range(30):
        issues[0].labels += world.issue(made, labels=[f"label-{n:02}"]).labels
    pull = world.pull(
        made,
        closes=issues,
        changes=[Change(path=f"src/f{n:03}.py") for n in range(230)],
        commits=120,
    )
    world.merge(pull)

    await crawl(github, store.pulls, NAME)

    [kept] = store.pulls.all(NAME)
    assert len(kept.files) == 230
    assert kept.commits == tuple(commit.oid for commit in pull.commits)
    assert [link.number for link in kept.closes] == [issue.number for issue in issues]
    last, first = store.pulls.issue(NAME, 13), store.pulls.issue(NAME, 1)
    assert last is not None
    assert first is not None
    assert [c.body for c in last.comments] == [f"comment {n}" for n in range(250)]
    assert len(first.labels) == 30


async def test_lists_that_fit_cost_no_request_more(
    world: World, github: GitHub, store: Store
) -> None:
    made = world.repository(NAME)
    issues = [world.issue(made) for _ in range(10)]
    changes = [Change(path=f"f{n}") for n in range(100)]
    world.merge(world.pull(made, closes=issues, changes=changes, commits=100))
    assert (await crawl(github, store.pulls, NAME)).requests == 3


async def test_a_second_crawl_of_what_did_not_change_asks_for_no_page(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, 3)
    await crawl(github, store.pulls, NAME)
    world.asked.clear()

    counts = await crawl(github, store.pulls, NAME)

    assert (counts.pulls, counts.pages) == (0, 0)
    assert [(asked.path, asked.status) for asked in world.asked] == [
        (f"/repos/{NAME}", 200),
        (f"/repos/{NAME}/pulls", 304),
    ]


async def test_a_second_crawl_reads_only_what_changed(
    world: World, github: GitHub, store: Store
) -> None:
    made = filled(world, PAGE + 20)
    await crawl(github, store.pulls, NAME)
    world.touch(made.pulls[0], "Right, but better")
    world.merge(world.pull(made, "New"))
    world.asked.clear()

    counts = await crawl(github, store.pulls, NAME)

    # What has the very time of the last known change is read again: more may have had it.
    assert (counts.pulls, counts.pages) == (3, 1)
    assert len(world.asked) == 3
    assert len(store.pulls.all(NAME)) == PAGE + 21
    assert "Right, but better" in {pull.title for pull in store.pulls.all(NAME)}


async def test_a_change_in_the_same_second_as_the_last_known_one_is_not_lost(
    world: World, github: GitHub, store: Store
) -> None:
    made = filled(world, 3)
    await crawl(github, store.pulls, NAME)
    twin, newest = made.pulls[1:]
    twin.title, twin.updated = "Edited", newest.updated
    assert (await crawl(github, store.pulls, NAME)).pulls == 2
    assert "Edited" in {pull.title for pull in store.pulls.all(NAME)}


@pytest.mark.parametrize("keyset", [True, False], ids=["place-in-order", "position"])
async def test_a_crawl_cut_in_the_middle_goes_on_and_comes_to_the_same(
    world: World, github: GitHub, store: Store, keyset: bool
) -> None:
    world.keyset_cursors = keyset
    filled(world, 2 * PAGE + 50)
    with Store(":memory:") as whole:
        await crawl(github, whole.pulls, NAME)
        with pytest.raises(Stop):
            await crawl(github, Interrupted(store, pages=1), NAME)
        assert len(store.pulls.all(NAME)) == PAGE

        async with client_of(world) as another:
            counts = await crawl(another, store.pulls, NAME)

        assert counts.pulls == PAGE + 50
        assert store.pulls.all(NAME) == whole.pulls.all(NAME)
        assert store.pulls.crawl(NAME, "github") == whole.pulls.crawl(NAME, "github")
        assert store.pulls.issue(NAME, 1) == whole.pulls.issue(NAME, 1)


@pytest.mark.parametrize("keyset", [True, False], ids=["place-in-order", "position"])
async def test_nothing_is_lost_when_pages_change_underneath(
    world: World, github: GitHub, store: Store, keyset: bool
) -> None:
    world.keyset_cursors = keyset
    made = filled(world, 3 * PAGE)

    def change(_: int) -> None:
        for pull in (made.pulls[5], made.pulls[PAGE + 5], made.pulls[-5]):
            world.touch(pull, f"{pull.title}, edited")
        world.merge(world.pull(made, "Came while we read"))

    await crawl(github, Interrupted(store, pages=99, before=change), NAME)
    await crawl(github, store.pulls, NAME)

    with Store(":memory:") as fresh:
        await crawl(github, fresh.pulls, NAME)
        assert store.pulls.all(NAME) == fresh.pulls.all(NAME)


async def test_what_changed_before_a_cut_crawl_goes_on_is_read_too(
    world: World, github: GitHub, store: Store
) -> None:
    made = filled(world, PAGE + 10)
    with pytest.raises(Stop):
        await crawl(github, Interrupted(store, pages=1), NAME)
    world.touch(made.pulls[-1], "Edited meanwhile")

    await crawl(github, store.pulls, NAME)

    assert "Edited meanwhile" in {pull.title for pull in store.pulls.all(NAME)}
    assert len(store.pulls.all(NAME)) == PAGE + 10


async def test_a_cursor_that_github_no_longer_takes_starts_the_walk_anew(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, PAGE + 10)
    with pytest.raises(Stop):
        await crawl(github, Interrupted(store, pages=1), NAME)
    known = store.pulls.crawl(NAME, "github")
    assert known is not None
    store.pulls.add([], [], replace(known, cursor="no cursor"))

    await crawl(github, store.pulls, NAME)

    assert len(store.pulls.all(NAME)) == PAGE + 10


def errors(kind: str, message: str) -> Fault:
    """An answer that is 200 and none."""
    return Fault(status=200, body=json.dumps({"errors": [{"type": kind, "message": message}]}))


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (bad_gateway(), 4),
        (errors("", "Something went wrong while executing your query. This may be …"), 4),
        (errors("RESOURCE_LIMITS_EXCEEDED", "Resource limits exceeded"), 2),
    ],
    ids=["502", "timed out", "resource limits"],
)
async def test_pages_shrink_until_github_manages_them(
    world: World, github: GitHub, store: Store, fault: Fault, times: int
) -> None:
    filled(world, 40)
    world.faults.add(fault, times=times, where="/graphql")

    counts = await crawl(github, store.pulls, NAME)

    assert (counts.pulls, counts.pages) == (40, 2)
    whole = size_of(parse(PULLS), {"first": PAGE}).nodes
    assert [asked.nodes for asked in world.asked if asked.nodes] == [whole // 4] * 2


async def test_a_github_that_never_answers_ends_the_crawl_and_what_came_is_kept(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, PAGE + 10)

    def fail(_: int) -> None:
        world.faults.add(bad_gateway(504), times=99, where="/graphql")

    with pytest.raises(GitHubBroken, match=f"pull requests of {NAME}.*504"):
        await crawl(github, Interrupted(store, pages=9, before=fail), NAME)
    assert len(store.pulls.all(NAME)) == PAGE
    # Halved down to the smallest page, and tried at that as often as anything.
    assert world.faults.left == 99 - (2 * len(_sizes()) + 6)


async def test_a_token_that_expires_in_the_middle_is_told_and_the_next_one_goes_on(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, PAGE + 10)
    token = next(iter(world.tokens))
    login = world.tokens[token]

    with pytest.raises(GitHubRefused, match="expired or revoked") as refused:
        await crawl(github, Interrupted(store, 9, lambda _: world.tokens.clear()), NAME)
    assert token not in str(refused.value)

    world.tokens["ghp_another"] = login
    async with client_of(world, token="ghp_another") as another:
        await crawl(another, store.pulls, NAME)
    assert len(store.pulls.all(NAME)) == PAGE + 10


async def test_faults_in_the_middle_do_not_change_what_is_kept(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, PAGE + 10)
    with Store(":memory:") as calm:
        await crawl(github, calm.pulls, NAME)
        for fault in (lost(), bad_gateway(503, after=True), secondary_limit(429, retry_after=30)):
            world.faults.add(fault, where="/graphql")
        world.faults.add(secondary_limit(retry_after=61), where="/repos/")

        await crawl(github, store.pulls, NAME)

        assert world.faults.left == 0
        assert store.pulls.all(NAME) == calm.pulls.all(NAME)
    assert {30.0, 61.0} <= set(world.clock.slept)


async def test_what_may_not_be_seen_does_not_end_the_walk(
    world: World, github: GitHub, store: Store
) -> None:
    filled(world, 3)
    page = {"nodes": [None], "pageInfo": {"hasNextPage": True, "endCursor": None}}
    data = {"data": {"repository": {"pullRequests": page}}, "errors": [{"type": "FORBIDDEN"}]}
    world.faults.add(Fault(status=200, body=json.dumps(data)), where="/graphql")
    assert (await crawl(github, store.pulls, NAME)).pulls == 3


async def test_a_renamed_repository_is_kept_under_its_new_name(
    world: World, github: GitHub, store: Store
) -> None:
    made = filled(world, 2)
    world.rename(made, "renamed")
    counts = await crawl(github, store.pulls, NAME)
    assert counts.repository == "octo/renamed"
    assert len(store.pulls.all("octo/renamed")) == 2


async def test_a_repository_that_is_not_there_is_named(github: GitHub, store: Store) -> None:
    with pytest.raises(GitHubMissing, match="no repository octo/nothing"):
        await crawl(github, store.pulls, "octo/nothing")


async def test_progress_is_told_page_by_page(world: World, github: GitHub, store: Store) -> None:
    filled(world, PAGE + 10)
    told: list[Crawled] = []
    counts = await crawl(github, store.pulls, NAME, on_page=told.append)
    assert [one.pulls for one in told] == [PAGE, PAGE + 10]
    assert told[-1] == counts
    assert all(one.requests < other.requests for one, other in pairwise(told))


def _sizes() -> list[int]:
    sizes, size = [], PAGE
    while size > SMALLEST_PAGE:
        sizes.append(size)
        size = max(size // 2, SMALLEST_PAGE)
    return sizes
