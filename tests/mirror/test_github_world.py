"""The GitHub of the tests does not invent: what GitHub does not have fails the test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mirror.github.client import GitHub
from storage.errors import BugfoundryError
from tests.furniture.github_world import Descriptions, World, client_of, github_world, rest
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Reply
from tests.furniture.github_world.view import View

pytestmark = pytest.mark.github

NAME = "octo/thing"
IN_REPOSITORY = 'query {{ repository(owner: "octo", name: "thing") {{ {} }} }}'


async def complaints(
    descriptions: Descriptions, act: Callable[[GitHub, World], Awaitable[object]]
) -> list[str]:
    """What a world that fails a test for this complains of."""
    with pytest.raises(AssertionError):
        async with github_world(descriptions) as world:
            world.repository(NAME)
            async with client_of(world, patience=100) as github:
                with pytest.raises(BugfoundryError):
                    await act(github, world)
            found = world.complaints
    return found


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("fullName", "Cannot query field 'fullName'"),
        ("issue(id: 3) { id }", "Unknown argument 'id'"),
        ("pullRequests(first: 1, states: SHIPPED) { totalCount }", "SHIPPED"),
        ("stargazerCount", "no Repository.stargazerCount in this world"),
    ],
    ids=["field", "argument", "value", "not built here"],
)
async def test_a_query_for_what_is_not_there_fails_the_test(
    descriptions: Descriptions, inner: str, said: str
) -> None:
    found = await complaints(
        descriptions, lambda github, _: github.graphql(IN_REPOSITORY.format(inner), what="it")
    )
    assert said in found[0]


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        (f"/repos/{NAME}/merges-of-today", {}, "is not in GitHub's description"),
        (f"/repos/{NAME}/pulls", {"since": "2024"}, "has no parameter 'since'"),
        (f"/repos/{NAME}/pulls", {"state": "merged"}, "'merged' is not one of"),
        (f"/repos/{NAME}/pulls", {"per_page": "many"}, "not of type 'integer'"),
        (f"/repos/{NAME}/topics", {}, "no GET /repos/{owner}/{repo}/topics in this world"),
    ],
    ids=["path", "parameter", "value", "type", "not built here"],
)
async def test_a_request_that_is_not_in_the_description_fails_the_test(
    descriptions: Descriptions, path: str, params: dict[str, str], said: str
) -> None:
    found = await complaints(descriptions, lambda github, _: github.get(path, params, what="it"))
    assert said in found[0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"names": ["a"], "mood": "good"}, "/mood"),
        ({"names": "a"}, "not of type 'array'"),
        ({}, "'names' is a required property"),
    ],
    ids=["invented", "wrong type", "missing"],
)
async def test_an_answer_that_github_would_not_give_fails_the_test(
    descriptions: Descriptions, monkeypatch: pytest.MonkeyPatch, body: object, said: str
) -> None:
    def topics(_: View, __: Operation) -> Reply:
        return Reply(200, body)

    monkeypatch.setitem(rest.ROUTES, ("GET", "/repos/{owner}/{repo}/topics"), topics)
    found = await complaints(
        descriptions, lambda github, _: github.get(f"/repos/{NAME}/topics", what="it")
    )
    assert said in found[0]


async def test_a_date_that_is_none_fails_the_test(descriptions: Descriptions) -> None:
    async def act(github: GitHub, world: World) -> None:
        world.issue(world.repositories[NAME]).created = "yesterday"
        await github.graphql(IN_REPOSITORY.format("issue(number: 1) { createdAt }"), what="it")

    assert "'yesterday' is no DateTime" in (await complaints(descriptions, act))[0]
