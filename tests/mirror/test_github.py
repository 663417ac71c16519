"""The client against a GitHub where things go wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from mirror.github.client import PATIENCE, GitHub, graphql_url
from mirror.github.etags import EtagCache
from mirror.github.lookups import changed_files, fetch_repository
from mirror.github.requests import ATTEMPTS
from storage.errors import (
    GitHubBroken,
    GitHubError,
    GitHubGone,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubRejected,
    GitHubSuspended,
)
from tests.furniture.github_world import (
    TOKEN,
    Change,
    Descriptions,
    Fault,
    World,
    bad_gateway,
    client_of,
    github_world,
    graphql_limited,
    lost,
    primary_limit,
    secondary_limit,
)

pytestmark = pytest.mark.github

NAME = "octo/thing"
QUERY = 'query { repository(owner: "octo", name: "thing") { nameWithOwner } }'
ANSWER = {"repository": {"nameWithOwner": NAME}}
PULLS = f"/repos/{NAME}/pulls"


@pytest.fixture(autouse=True)
def repository(world: World) -> None:
    world.repository(NAME)


async def ask(github: GitHub) -> dict[str, Any]:
    return await github.graphql(QUERY, what="the name")


async def get(github: GitHub, etag: str = "") -> Any:
    return await github.get(PULLS, what="pull requests", etag=etag)


def waited(world: World) -> float:
    return sum(world.clock.slept)


@pytest.mark.parametrize(
    "fault",
    [
        bad_gateway(502),
        bad_gateway(503),
        bad_gateway(504),
        bad_gateway(502, after=True),
        lost(),
        lost(after=True),
        Fault(status=200, body="<html>Welcome to this hotel's network</html>"),
        Fault(status=200, body='{"data": {"repository": {"nameWi'),
    ],
    ids=["502", "503", "504", "502 after", "lost", "lost after", "not GitHub", "half an answer"],
)
async def test_a_read_that_fails_is_asked_again(world: World, github: GitHub, fault: Fault) -> None:
    world.faults.add(fault, times=2)
    assert await ask(github) == ANSWER
    assert world.clock.slept == [1, 2]
    world.faults.add(fault, times=2)
    assert (await get(github)).data == []
    assert len(world.asked) == 6


async def test_a_github_that_stays_broken_is_given_up_in_one_line(
    world: World, github: GitHub
) -> None:
    world.faults.add(bad_gateway(), times=99)
    with pytest.raises(GitHubBroken, match=r"^GitHub did not answer the name \(502\); .+$"):
        await ask(github)
    assert len(world.asked) == ATTEMPTS


LIMITS = {
    "403, Retry-After": (secondary_limit(403, retry_after=45), 45),
    "429, Retry-After": (secondary_limit(429, retry_after=45), 45),
    "403, no hint": (secondary_limit(403), 60),
    "429, no hint": (secondary_limit(429), 60),
}


@pytest.mark.parametrize(("fault", "seconds"), LIMITS.values(), ids=LIMITS)
async def test_a_secondary_limit_is_waited_for(
    world: World, github: GitHub, fault: Fault, seconds: float
) -> None:
    world.faults.add(fault)
    assert await ask(github) == ANSWER
    world.faults.add(fault)
    assert (await get(github)).status == 200
    world.faults.add(fault)
    assert (await fetch_repository(github, NAME)).name == NAME
    assert world.clock.slept == [seconds] * 3


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
async def test_a_primary_limit_told_in_an_answer_that_is_200_is_waited_for(
    world: World, github: GitHub, kind: str
) -> None:
    world.faults.add(graphql_limited(reset=world.clock.now + 900, kind=kind))
    assert await ask(github) == ANSWER
    assert world.clock.slept == [901]


@pytest.mark.parametrize("status", [403, 429])
async def test_a_primary_limit_is_waited_for_until_it_ends(
    world: World, github: GitHub, status: int
) -> None:
    world.faults.add(primary_limit(status, reset=world.clock.now + 900))
    assert (await get(github)).status == 200
    assert world.clock.slept == [901]


async def test_a_reset_in_the_past_is_no_reason_to_wait_long_nor_to_storm(
    world: World, github: GitHub
) -> None:
    world.faults.add(primary_limit(reset=world.clock.now - 900), times=3)
    assert (await get(github)).status == 200
    assert world.clock.slept == [1, 2, 4]


async def test_the_points_of_an_hour_are_spent_and_then_the_next_hour_is_waited_for(
    world: World, github: GitHub
) -> None:
    rate = world.rates.of(TOKEN, "graphql", now=world.clock.now)
    rate.used = rate.limit - 2
    for _ in range(3):
        assert await ask(github) == ANSWER
    # The answer that spent the last point said so: nothing was sent in vain.
    assert [asked.status for asked in world.asked] == [200, 200, 200]
    assert world.clock.slept == [3601]


async def test_a_wait_beyond_our_patience_is_told_at_once(
    world: World, descriptions: Descriptions
) -> None:
    world.faults.add(primary_limit(reset=world.clock.now + 1800))
    async with client_of(world, patience=600) as github:
        with pytest.raises(GitHubLimited, match="another 31 minutes"):
            await get(github)
    assert world.clock.slept == []


async def test_waits_add_up_to_no_more_than_our_patience(world: World, github: GitHub) -> None:
    world.faults.add(secondary_limit(retry_after=1), times=99)
    with pytest.raises(GitHubLimited):
        await get(github)
    assert PATIENCE / 2 < waited(world) <= PATIENCE
    assert len(world.asked) < 15


async def test_a_limit_that_one_meets_holds_back_the_others(world: World, github: GitHub) -> None:
    await ask(github)
    world.faults.add(graphql_limited(reset=world.clock.now + 900))
    answers = await asyncio.gather(*(ask(github) for _ in range(3)))
    assert answers == [ANSWER] * 3
    assert waited(world) < 2 * 901 + 10


async def test_an_answer_that_did_not_change_costs_nothing(world: World, github: GitHub) -> None:
    first = await get(github)
    rate = world.rates.of(TOKEN, "core", now=world.clock.now)
    used = rate.used

    again = await get(github, first.headers["etag"])

    assert (again.status, again.data) == (304, None)
    assert rate.used == used
    world.pull(world.repositories[NAME])
    assert (await get(github, first.headers["etag"])).status == 200


async def test_a_tag_is_not_good_for_another_token(world: World, github: GitHub) -> None:
    etag = (await get(github)).headers["etag"]
    world.tokens["ghp_another"] = "octocat"
    async with client_of(world, token="ghp_another") as another:
        assert (await get(another, etag)).status == 200


async def test_an_answer_that_is_kept_is_given_again_as_long_as_it_holds(
    world: World, github: GitHub
) -> None:
    async def read() -> list[int]:
        answer = await github.get(PULLS, {"state": "all"}, what="pull requests", cached=True)
        return [one["number"] for one in answer.data]

    world.pull(world.repositories[NAME])
    rate = world.rates.of(TOKEN, "core", now=world.clock.now)
    assert await read() == await read() == await read() == [1]
    assert [one.status for one in world.asked] == [200, 304, 304]
    assert rate.used == 1
    world.pull(world.repositories[NAME])
    assert sorted(await read()) == [1, 2]


async def test_what_is_kept_is_not_shown_to_another(world: World) -> None:
    known = EtagCache()
    world.tokens["ghp_another"] = "octocat"
    for token in (TOKEN, "ghp_another", TOKEN):
        async with GitHub(world.api, token=token, viewer=token, known=known) as github:
            await github.get(PULLS, what="pull requests", cached=True)
    assert [one.status for one in world.asked] == [200, 200, 304]


async def test_neither_a_redirection_nor_a_link_leads_to_another_host(
    world: World, github: GitHub
) -> None:
    world.faults.add(Fault(status=301, headers={"Location": "https://example.org/x"}))
    with pytest.raises(GitHubError, match="301 to pull requests"):
        await get(github)
    link = '<https://example.org/repos?page=2>; rel="next"'
    world.faults.add(Fault(status=200, headers={"Link": link}, body="[]"))
    with pytest.raises(GitHubError, match="leads to another host"):
        async for _ in github.pages(PULLS, what="pull requests"):
            pass
    world.faults.add(Fault(status=301, headers={"Location": PULLS}), times=9)
    with pytest.raises(GitHubError, match="301"):
        await get(github)


async def test_a_renamed_repository_is_followed(world: World, github: GitHub) -> None:
    world.pull(world.repositories[NAME])
    world.rename(world.repositories[NAME], "renamed")
    answer = await get(github)
    assert [one["number"] for one in answer.data] == [1]
    assert (await fetch_repository(github, NAME)).name == "octo/renamed"
    assert (await changed_files(github, NAME, 1))[0].path == "src/a.py"


async def test_a_token_that_is_no_good_is_told_in_one_line_that_does_not_show_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(world, token="ghp_thisisasecret") as github:
        for question in (ask(github), get(github), fetch_repository(github, NAME)):
            with pytest.raises(GitHubRefused, match="wrong, expired or revoked") as refused:
                await question
            assert "\n" not in str(refused.value)
            assert "thisisasecret" not in str(refused.value)
    assert "thisisasecret" not in caplog.text
    assert len(world.asked) == 3


async def test_neither_token_nor_payload_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "github", "mirror"):
        caplog.set_level(logging.DEBUG, logger)
    world.issue(world.repositories[NAME], "a private matter")
    world.rename(world.repositories[NAME], "renamed")
    world.faults.add(secondary_limit(retry_after=45), where="/graphql")
    asked = 'query { repository(owner: "octo", name: "thing") { issue(number: 1) { title } } }'
    async with client_of(world) as github:
        assert "a private matter" in str(await github.graphql(asked, what="an issue"))
        await fetch_repository(github, NAME)
    assert "waiting 45 s" in caplog.text
    assert "a private matter" not in caplog.text
    assert "renamed" not in caplog.text
    assert TOKEN not in caplog.text


async def test_without_a_token_graphql_is_not_even_asked(world: World) -> None:
    async with client_of(world, token=None) as github:
        with pytest.raises(GitHubRefused, match="GITHUB_TOKEN"):
            await ask(github)
        assert world.asked == []
        assert (await get(github)).data == []
        assert (await fetch_repository(github, NAME)).name == NAME
        assert [one.who for one in world.asked] == ["", ""]


async def test_what_is_not_there_is_named(github: GitHub) -> None:
    with pytest.raises(GitHubMissing, match="no repository octo/none"):
        await fetch_repository(github, "octo/none")
    with pytest.raises(GitHubMissing, match="no pull requests"):
        await github.get("/repos/octo/none/pulls", what="pull requests")


async def test_what_the_token_may_not_see_is_null_in_graphql(github: GitHub) -> None:
    asked = 'query { repository(owner: "octo", name: "none") { nameWithOwner } }'
    assert await github.graphql(asked, what="a name") == {"repository": None}


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Fault(status=403, body='{"message": "Resource not accessible"}'), GitHubRefused, "Res"),
        (Fault(status=403, body="<html>"), GitHubRefused, "no reason given"),
        (Fault(status=410, body='{"message": "Issues are off"}'), GitHubGone, "no longer.*Issues"),
        (Fault(status=451, body='{"message": "Blocked\\nby law"}'), GitHubGone, "Blocked by law"),
        (
            Fault(
                status=422,
                body='{"message": "Validation failed", "errors": ['
                '{"resource": "Issue", "field": "title", "code": "missing_field"}]}',
            ),
            GitHubRejected,
            r"Validation failed \(title missing_field\)",
        ),
        (
            Fault(status=403, body='{"message": "This installation has been suspended"}'),
            GitHubSuspended,
            "pull requests: the App is suspended",
        ),
        (Fault(status=409, body='{"message": "Conflict"}'), GitHubError, "409.*Conflict"),
    ],
    ids=["403", "403 without a word", "410", "451", "422", "suspended", "409"],
)
async def test_a_refusal_for_good_is_one_line_and_not_repeated(
    world: World, github: GitHub, fault: Fault, kind: type[GitHubError], said: str
) -> None:
    world.faults.add(fault)
    with pytest.raises(kind, match=f"^.*{said}.*$"):
        await get(github)
    assert world.clock.slept == []
    assert len(world.asked) == 1


async def test_a_query_that_asks_for_too_much_is_told_as_too_heavy(github: GitHub) -> None:
    inner = "issues: pullRequests(first: 100) { nodes { files(first: 100) { nodes { path } } } }"
    comments = f"comments(first: 100) {{ nodes {{ id }} }} repository {{ {inner} }}"
    asked = (
        'query { repository(owner: "octo", name: "thing") { '
        f"pullRequests(first: 100) {{ nodes {{ {comments} }} }} }} }}"
    )
    with pytest.raises(GitHubBroken, match="too heavy"):
        await github.graphql(asked, what="everything")


async def test_a_query_that_github_finds_fault_with_is_told(github: GitHub) -> None:
    asked = (
        'query { repository(owner: "octo", name: "thing") '
        '{ pullRequests(first: 1, after: "x") { totalCount } } }'
    )
    with pytest.raises(GitHubRejected, match="valid cursor"):
        await github.graphql(asked, what="pull requests")


async def test_pygithub_neither_waits_nor_retries_by_itself(
    world: World, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s in a thread")

    monkeypatch.setattr("time.sleep", no_sleep)
    world.faults.add(secondary_limit(retry_after=7))
    world.faults.add(bad_gateway())
    world.faults.add(lost())
    found = await fetch_repository(github, NAME)
    assert (found.name, found.default_branch, found.private) == (NAME, "main", False)
    assert world.clock.slept == [7, 2, 4]
    assert [asked.status for asked in world.asked] == [403, 502, 0, 200]


async def test_pygithub_gives_the_diff_where_no_clone_does(world: World, github: GitHub) -> None:
    patch = "@@ -1 +1 @@\n-a = 1\n+a = 2"
    changes = [Change(path=f"f{n:03}.py", patch=patch) for n in range(130)]
    moved = Change(path="src/new.py", status="renamed", previous="old.py")
    pull = world.pull(world.repositories[NAME], changes=[moved, *changes])

    files = await changed_files(github, NAME, pull.number)

    assert (files[0].path, files[0].status, files[0].previous) == (
        "src/new.py",
        "renamed",
        "old.py",
    )
    assert [one.path for one in files[1:]] == [one.path for one in changes]
    assert files[1].patch == patch
    assert len(world.asked) == github.requests == 4


async def test_enterprise_has_graphql_beside_the_rest_api(descriptions: Descriptions) -> None:
    async with github_world(descriptions, enterprise=True) as world:
        world.repository(NAME)
        assert world.api.endswith("/api/v3")
        async with client_of(world) as github:
            assert await ask(github) == ANSWER
            assert (await get(github)).data == []
            assert (await fetch_repository(github, NAME)).name == NAME


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example.org/api/v3", "https://ghe.example.org/api/graphql"),
        ("https://ghe.example.org/api/v3/", "https://ghe.example.org/api/graphql"),
        ("https://api.octo.ghe.com", "https://api.octo.ghe.com/graphql"),
    ],
)
def test_graphql_is_found_from_the_base_url(base: str, expected: str) -> None:
    assert graphql_url(base) == expected
