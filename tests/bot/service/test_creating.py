"""`bugfoundry app create`: a page with one button, a round through GitHub, and private files."""

from __future__ import annotations

import asyncio
import html
import json
import re
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.service.base.config import load, secret
from bot.service.registration.creation import Made, create
from bot.service.registration.credentials import CredentialPaths, keep, make_room
from bot.service.registration.manifest import Wish, api_url, manifest, new_app_url
from bot.service.registration.permissions import events, permissions
from storage.errors import ConfigError, GitHubError
from tests.furniture.github_world import World, github_world
from tests.furniture.github_world.descriptions import Descriptions

MADE = Made(
    id=7, slug="bugs", name="Bugs", url="https://github.com/apps/bugs",
    private_key="-----BEGIN RSA PRIVATE KEY-----\n", webhook_secret="hush",
)  # fmt: skip


def wish(**changed: object) -> Wish:
    given = {"name": "Bug Smith", "public_url": "https://bugs.example", **changed}
    return Wish(**given)  # type: ignore[arg-type]


def mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


@pytest.fixture
async def world(descriptions: Descriptions) -> AsyncIterator[World]:
    """A world as an Enterprise Server: where its API is follows from its address."""
    async with github_world(descriptions, enterprise=True, real_time=True) as world:
        yield world


class Browser:
    """What a person's browser does with pages and forms."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def open(self, url: str) -> tuple[int, str]:
        async with self._session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def press(self, page: str, base: str) -> tuple[str, str]:
        """Press the button of a page; return where that leads, and the page there."""
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in hidden.items()}
        action = html.unescape(re.findall(r'action="([^"]*)"', page)[0])
        url = action if "://" in action else base + action
        async with self._session.post(url, data=form, allow_redirects=False) as answer:
            return answer.headers.get("Location", ""), await answer.text()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession() as session:
        yield Browser(session)


@pytest.mark.github
async def test_one_click_makes_the_app_and_stores_what_it_is_known_by(
    world: World, tmp_path: Path
) -> None:
    config = tmp_path / "bugfoundry.toml"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "app", "create",
        "--url", "https://bugs.example", "--name", "Bug Smith", "--organization", "acme",
        "--github-url", world.url, "--config", str(config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    told = ""
    while "http://127.0.0.1" not in told:
        told += (await process.stderr.readline()).decode()
    async with browser() as person:
        status, page = await person.open(re.findall(r"http://127\S+", told)[0])
        assert (status, "Create the App on GitHub" in page) == (200, True)
        assert "issues" in page
        _, at_github = await person.press(page, world.url)
        back, _ = await person.press(at_github, world.url)
        status, done = await person.open(back)
    assert (status, "Bug Smith</b> is there" in done) == (200, True)
    said, _ = await asyncio.wait_for(process.communicate(), 300)

    assert process.returncode == 0
    app = next(iter(world.apps.values()))
    assert (app.permissions, app.events) == (permissions(), events())
    assert app.hook_url == "https://bugs.example/webhooks"
    assert app.owner.login == "acme"
    found = load(config, {})
    assert (found.app.id, found.app.slug) == (str(app.id), "bug-smith")
    assert found.app.api_url == f"{world.url}/api/v3"
    assert secret("private_key", found.app.private_key_file, {}) == app.pem.strip()
    assert secret("webhook_secret", found.app.webhook_secret_file, {}) == app.webhook_secret
    assert len(secret("operator_token", found.serve.operator_token_file, {})) >= 32
    assert "bugfoundry app check" in said.decode()
    assert "/apps/bug-smith/installations/new" in said.decode()
    for name in ("private_key_file", "webhook_secret_file"):
        assert mode(Path(getattr(found.app, name))) == 0o600
    assert (mode(config), mode(tmp_path / "bugfoundry-secrets")) == (0o600, 0o700)
    for text in (said.decode(), told, page, done):
        assert app.pem not in text
        assert str(app.webhook_secret) not in text


@asynccontextmanager
async def creating(
    world: World, places: CredentialPaths
) -> AsyncIterator[tuple[str, asyncio.Task[Made]]]:
    """The page's address, and what will come of it."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asked = wish(web_url=world.url)
    task = asyncio.create_task(
        create(asked, api_url=world.api, ready=ready.set_result,
               keep=lambda made: keep(places, made, asked, api_url=world.api))
    )  # fmt: skip
    yield await ready, task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def origin(page: str) -> str:
    return "http://" + urlsplit(page).netloc


@pytest.mark.github
@pytest.mark.parametrize("state", ["", "guessed", "\u00e9"])
async def test_a_code_that_the_page_did_not_ask_for_is_not_taken(
    world: World, tmp_path: Path, state: str
) -> None:
    places = CredentialPaths(config=tmp_path / "bugfoundry.toml")
    async with creating(world, places) as (page, task), browser() as person:
        status, text = await person.open(f"{origin(page)}/created?code=theirs&state={state}")
        assert (status, "was not asked for" in text) == (400, True)
        assert not task.done()
        assert (await person.open(f"{origin(page)}/"))[0] == 404
    assert list(tmp_path.iterdir()) == []
    assert not [one for one in world.asked if "conversions" in one.path]


@pytest.mark.github
async def test_a_name_that_leads_to_this_machine_is_not_answered(
    world: World, tmp_path: Path
) -> None:
    places = CredentialPaths(config=tmp_path / "bugfoundry.toml")
    async with (
        creating(world, places) as (page, _),
        aiohttp.ClientSession() as session,
        session.get(page, headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 403
        assert "manifest" not in await answer.text()


@pytest.mark.github
async def test_a_code_that_github_does_not_take_ends_it_with_a_reason(
    world: World, tmp_path: Path
) -> None:
    places = CredentialPaths(config=tmp_path / "bugfoundry.toml")
    async with creating(world, places) as (page, task), browser() as person:
        _, form = await person.open(page)
        action = html.unescape(re.findall(r'action="([^"]*)"', form)[0])
        state = parse_qs(urlsplit(action).query)["state"][0]
        status, text = await person.open(f"{origin(page)}/created?code=old&state={state}")
        assert (status, "does not take the code" in text) == (502, True)
        with pytest.raises(GitHubError, match="older than an hour"):
            await task
    assert not places.config.exists()


@pytest.mark.github
async def test_nobody_waits_for_ever(world: World) -> None:
    with pytest.raises(ConfigError, match="begin again"):
        await create(wish(), api_url=world.api, keep=print, ready=lambda _: None, patience=0.05)


def test_the_manifest_has_the_fields_that_github_documents() -> None:
    made = manifest(wish(), redirect_url="http://127.0.0.1:1/created")

    assert made["hook_attributes"] == {"url": "https://bugs.example/webhooks", "active": True}
    assert made["default_permissions"]["metadata"] == "read"
    assert "installation" not in made["default_events"]
    assert made["public"] is False
    assert json.loads(json.dumps(made)) == made
    assert new_app_url(wish(organization="acme"), state="a b") == (
        "https://github.com/organizations/acme/settings/apps/new?state=a+b"
    )


@pytest.mark.parametrize(
    ("web", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://git.example.org", "https://git.example.org/api/v3"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
    ],
)
def test_the_api_follows_from_where_people_read(web: str, api: str) -> None:
    assert api_url(web) == api


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": ""}, "--name"),
        ({"name": "x" * 35}, "--name"),
        ({"organization": "a/b"}, "--organization"),
        ({"public_url": "bugs.example"}, "--url"),
        ({"public_url": "http://bugs.example"}, "use https"),
        ({"public_url": "http://localhost:8080"}, "cannot reach"),
        ({"public_url": "http://192.168.0.7"}, "cannot reach"),
        ({"public_url": "https://user:secret@bugs.example"}, "--url"),
        ({"web_url": "github"}, "--github-url"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_told_before_anything_is_done(
    changed: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        wish(**changed).validate()


def test_what_is_there_is_not_written_over_unasked(tmp_path: Path) -> None:
    places = CredentialPaths(config=tmp_path / "bugfoundry.toml")
    places.config.write_text("mine")

    with pytest.raises(ConfigError, match="--replace"):
        make_room(places, replace=False)
    make_room(places, replace=True)
    assert places.config.read_text() == "mine"

    kept = keep(places, MADE, wish(), api_url="https://api.github.com")
    kept += keep(places, MADE, wish(), api_url="https://api.github.com")
    assert [place.name for place in kept[:2]] == [
        "bugfoundry.toml.before1", "private-key.pem.before1",
    ]  # fmt: skip
    assert kept[0].read_text() == "mine"
    assert "bugfoundry.toml.before2" in {place.name for place in kept}
    assert load(places.config, {}).app.slug == "bugs"


def test_a_folder_that_cannot_be_written_is_told_before_the_app_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        make_room(CredentialPaths(config=tmp_path / "none" / "bugfoundry.toml"), replace=False)
