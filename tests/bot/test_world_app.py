"""The GitHub of the tests: an App, its own token, its installations and theirs."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.furniture.github_world import Descriptions, World, call, github_world

pytestmark = pytest.mark.github


@pytest.mark.parametrize(
    ("claims", "status", "said"),
    [
        ({}, 200, ""),
        ({"exp": lambda now: now + 660}, 401, "is too far in the future"),
        ({"exp": lambda now: now - 1}, 401, "must be a numeric value representing the future time"),
        ({"iat": lambda now: now + 90}, 401, "'Issued at' claim ('iat') must be an Integer"),
        ({"iss": lambda _: "another"}, 404, "Integration not found"),
    ],
    ids=["good", "too long", "over", "clock ahead", "not this App"],
)
async def test_an_app_is_known_by_its_own_token(
    world: World, claims: dict[str, Any], status: int, said: str
) -> None:
    app = world.app()
    made = {name: value(int(world.clock.now)) for name, value in claims.items()}
    answered = await call(world, "GET", "/app", token=world.jwt(app, **made))
    assert answered.status == status
    assert said in answered.json.get("message", "")
    moment = parsedate_to_datetime(answered.headers["Date"]).timestamp()
    assert moment == int(world.clock.now)


async def test_a_token_signed_with_another_key_is_refused(world: World) -> None:
    app, other = world.app(), world.app("other", own_key=True)
    token = world.jwt(other, iss=app.client_id)
    answered = await call(world, "GET", "/app", token=token)
    assert answered.status == 401
    assert answered.json["message"] == "A JSON web token could not be decoded"


async def test_an_installation_has_its_repositories_and_no_others(world: World) -> None:
    app = world.app()
    one, other = world.repository("octo/one", private=True), world.repository("octo/other")
    hidden = world.repository("octo/hidden", private=True)
    installation = world.install(app, [one, other])
    token = world.grant(installation).token
    answered = await call(world, "GET", "/installation/repositories", token=token)
    assert [r["full_name"] for r in answered.json["repositories"]] == ["octo/one", "octo/other"]
    assert (await call(world, "GET", f"/repos/{one.full_name}", token=token)).status == 200
    assert (await call(world, "GET", f"/repos/{hidden.full_name}", token=token)).status == 404
    path = f"/repos/{other.full_name}/installation"
    found = await call(world, "GET", path, token=world.jwt(app))
    assert found.json["id"] == installation.id


async def test_a_token_is_good_for_an_hour(world: World) -> None:
    installation = world.install(world.app(), world.repository("octo/one"))
    path = f"/app/installations/{installation.id}/access_tokens"
    made = await call(world, "POST", path, token=world.jwt(installation.app))
    assert made.status == 201
    token = made.json["token"]
    assert (await call(world, "GET", "/installation/repositories", token=token)).status == 200
    await world.clock.sleep(3600)
    assert (await call(world, "GET", "/installation/repositories", token=token)).status == 401


async def test_a_token_can_be_narrowed_but_not_widened(world: World) -> None:
    one, other = world.repository("octo/one"), world.repository("octo/other", private=True)
    installation = world.install(world.app(permissions={"issues": "read"}, events=()), [one, other])
    path = f"/app/installations/{installation.id}/access_tokens"
    jwt = world.jwt(installation.app)
    made = await call(world, "POST", path, {"repositories": ["one"]}, token=jwt)
    assert [r["name"] for r in made.json["repositories"]] == ["one"]
    hidden = await call(world, "GET", "/repos/octo/other", token=made.json["token"])
    assert hidden.status == 404
    refused = await call(world, "POST", path, {"permissions": {"issues": "write"}}, token=jwt)
    assert refused.status == 422
    unknown = await call(world, "POST", path, {"repositories": ["third"]}, token=jwt)
    assert unknown.status == 422


async def test_graphql_needs_permissions_too(world: World) -> None:
    repository = world.repository("octo/one")
    issue = world.issue(repository)
    query = """query { repository(owner: "octo", name: "one") { issue(number: 1) { title } } }"""
    told: list[Any] = []
    for permissions in ({"issues": "read"}, {"contents": "read"}):
        app = world.app(f"app-{len(told)}", permissions=permissions, events=())
        token = world.grant(world.install(app, repository)).token
        answered = await call(world, "POST", "/graphql", {"query": query}, token=token)
        told.append(answered.json)
    assert told[0]["data"]["repository"]["issue"]["title"] == issue.title
    assert told[1]["errors"][0]["type"] == "FORBIDDEN"


async def test_a_suspended_installation_is_refused_and_a_removed_one_is_gone(world: World) -> None:
    installation = world.install(world.app(), world.repository("octo/one"))
    jwt, token = world.jwt(installation.app), world.grant(installation).token
    path = f"/app/installations/{installation.id}/access_tokens"
    world.suspend(installation)
    assert (await call(world, "GET", "/installation/repositories", token=token)).status == 403
    assert (await call(world, "POST", path, token=jwt)).status == 403
    world.uninstall(installation)
    assert (await call(world, "GET", "/installation/repositories", token=token)).status == 401
    assert (await call(world, "POST", path, token=jwt)).status == 404


async def test_a_world_can_live_in_our_time(descriptions: Descriptions) -> None:
    async with github_world(descriptions, real_time=True, minutes_ahead=-30) as world:
        app = world.app()
        now = int(world.clock.now)
        ours = world.jwt(app, iat=now + 1800, exp=now + 1800 + 540)
        assert (await call(world, "GET", "/app", token=ours)).status == 401
        assert (await call(world, "GET", "/app", token=world.jwt(app))).status == 200
