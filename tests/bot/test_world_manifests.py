"""The GitHub of the tests: an App is made from a manifest, as in a browser."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.furniture.github_world import World, call

pytestmark = pytest.mark.github

MANIFEST: dict[str, Any] = {
    "name": "Bug Foundry",
    "url": "https://bugfoundry.example.org",
    "redirect_url": "http://127.0.0.1:8000/made",
    "hook_attributes": {"url": "https://bugfoundry.example.org/webhooks"},
    "default_permissions": {"contents": "read", "issues": "write"},
    "default_events": ["label", "push"],
    "public": False,
}


async def post(world: World, path: str, **form: str) -> tuple[int, str, str]:
    """Post a form as a browser does; returns status, place to go to, and page."""
    async with aiohttp.ClientSession() as session:
        sent = session.post(f"{world.url}{path}", data=form, allow_redirects=False)
        async with sent as response:
            return response.status, response.headers.get("Location", ""), await response.text()


async def test_a_manifest_becomes_an_app_by_one_click(world: World) -> None:
    status, _, page = await post(
        world, "/settings/apps/new?state=abc", manifest=json.dumps(MANIFEST)
    )
    assert (status, "Create GitHub App for octocat" in page) == (200, True)
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    form = {name: html.unescape(value) for name, value in hidden.items()}
    action = re.findall(r'action="([^"]*)"', page)[0]
    status, place, _ = await post(world, action, **form)
    query = parse_qs(urlsplit(place).query)
    assert (status, place.split("?")[0], query["state"]) == (302, MANIFEST["redirect_url"], ["abc"])
    path = f"/app-manifests/{query['code'][0]}/conversions"
    made = await call(world, "POST", path)
    assert (made.status, made.json["slug"]) == (201, "bug-foundry")
    assert made.json["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    app = world.apps[made.json["id"]]
    assert app.webhook_secret == made.json["webhook_secret"]
    assert (await call(world, "GET", "/app", token=world.jwt(app))).json["events"] == [
        "label",
        "push",
    ]
    assert (await call(world, "POST", path)).status == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"default_events": ["pull_request"]}, "not supported by permissions"),
        ({"mood": "good"}, "Invalid GitHub App configuration: mood"),
        ({"redirect_url": ""}, "redirect_url is missing"),
    ],
    ids=["events", "unknown", "missing"],
)
async def test_a_manifest_that_github_does_not_take_is_told(
    world: World, change: dict[str, Any], said: str
) -> None:
    manifest = json.dumps({**MANIFEST, **change})
    status, _, page = await post(world, "/settings/apps/manifest", manifest=manifest)
    assert status == 422
    assert said in html.unescape(page)


async def test_a_code_is_good_for_an_hour(world: World) -> None:
    from tests.furniture.github_world import manifests

    code = manifests.create(world, MANIFEST)
    await world.clock.sleep(3601)
    assert (await call(world, "POST", f"/app-manifests/{code}/conversions")).status == 404


async def test_limits_are_told_without_cost(world: World) -> None:
    installation = world.install(world.app(), [world.repository(f"octo/r{n}") for n in range(22)])
    token = world.grant(installation).token
    for _ in range(2):
        told = await call(world, "GET", "/rate_limit", token=token)
    assert told.json["rate"] == {**told.json["rate"], "limit": 5100, "used": 0}
    assert (await call(world, "GET", "/meta", token=token)).status == 200
