"""`bugfoundry app check`: each thing that can be wrong has its line, and says what to do."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.service.app.server import service
from bot.service.base.config import AppConfig, Config, ServeConfig, WorkConfig
from bot.service.checkup import machine
from bot.service.checkup.address import ask_address
from bot.service.checkup.checks import check
from bot.service.checkup.findings import CheckupFinding, is_healthy
from bot.service.checkup.github import unreachable
from bot.service.registration.permissions import events, permissions
from forge.run.settings import EngineSettings, EnvironmentSettings
from tests.bot.service.made import SECRET, private_key
from tests.bot.service.process import write_private
from tests.furniture.github_world import World, github_world
from tests.furniture.github_world.apps import App
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import bad_gateway

SOMEWHERE = "https://bugs.example"


@dataclass
class Setup:
    """An App in a world, and the settings that fit it."""

    world: World
    app: App
    config: Config

    async def found(self) -> dict[str, CheckupFinding]:
        """Return what the check finds, by what was looked at."""
        return {one.what: one async for one in check(self.config)}

    async def verdict(self, what: str) -> tuple[str, str, str]:
        one = (await self.found())[what]
        return one.verdict, one.said, one.do

    def change(self, table: str, **values: object) -> None:
        changed = replace(getattr(self.config, table), **values)
        self.config = replace(self.config, **{table: changed})


@asynccontextmanager
async def setting_up(
    descriptions: Descriptions, folder: Path, *, minutes_ahead: float = 0
) -> AsyncIterator[Setup]:
    async with github_world(descriptions, real_time=True, minutes_ahead=minutes_ahead) as world:
        app = world.app(permissions=permissions(), events=events(),
                        hook_url=f"{SOMEWHERE}/webhooks", webhook_secret=SECRET)  # fmt: skip
        yield Setup(world=world, app=app, config=config_of(folder, app, world))


def config_of(folder: Path, app: App, world: World) -> Config:
    for name, text in (("key", app.pem), ("hook", SECRET), ("token", "t" * 40)):
        write_private(folder / name, text)
    return Config(
        app=AppConfig(
            id=str(app.id), slug=app.slug, api_url=world.api, web_url=world.url,
            private_key_file=str(folder / "key"), webhook_secret_file=str(folder / "hook"),
        ),
        serve=ServeConfig(
            port=0, public_url=SOMEWHERE, store=str(folder / "bugs.db"),
            cache=str(folder / "cache"), operator_token_file=str(folder / "token"),
        ),
        work=WorkConfig(processes=0),
    )  # fmt: skip


@pytest.fixture
async def setup(descriptions: Descriptions, tmp_path: Path) -> AsyncIterator[Setup]:
    async with setting_up(descriptions, tmp_path) as setup:
        yield setup


@pytest.mark.github
async def test_when_all_is_well_every_line_says_so(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "LEAST_ROOM", 1)
    async with service(setup.config) as running:
        public = f"http://127.0.0.1:{running.port}"
        setup.change("serve", public_url=public)
        setup.app.hook_url = f"{public}/webhooks"
        setup.world.install(setup.app, setup.world.repository("octo/one"))
        await setup.world.hooks.deliver()
        found = await setup.found()

    assert {one.what: one.said for one in found.values() if one.verdict not in ("ok", "note")} == {}
    assert is_healthy(found.values())
    assert found["public address"].said == f"{public}/webhooks takes what is signed"
    assert found["permissions"].said == found["events"].said == "exactly what is needed"
    assert "the newest" in found["deliveries"].said
    assert found["installations"].said == "1"


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (None, 0o600, "cannot be read"),
        ("", 0o600, "is empty"),
        ("no key", 0o600, "no RSA key"),
        (private_key()[:400], 0o600, "no RSA key"),
        (private_key(), 0o644, "others may read"),
        (private_key(), 0o660, "others may read"),
    ],
    ids=["missing", "empty", "no key", "cut off", "world", "group"],
)
async def test_a_private_key_that_will_not_do(
    tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    place = tmp_path / "key"
    if content is not None:
        place.write_text(content)
        place.chmod(mode)
    config = Config(app=AppConfig(id="1", private_key_file=str(place)))
    found = {one.what: one for one in machine.secrets_of(config, {})}["private key"]

    assert (found.verdict, says in found.said, bool(found.do)) == ("wrong", True, True)
    assert private_key()[40:80] not in found.said


async def test_without_a_key_or_a_secret_nobody_is_asked(tmp_path: Path) -> None:
    config = Config(app=AppConfig(id="1"), serve=ServeConfig(store=str(tmp_path / "s.db")))
    found = {one.what: one async for one in check(config)}

    assert (found["private key"].verdict, found["webhook secret"].verdict) == ("wrong", "wrong")
    assert (found["GitHub"].verdict, found["public address"].verdict) == ("unknown", "unknown")
    assert not is_healthy(found.values())


async def test_a_secret_that_can_be_guessed_and_one_that_others_read(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("short")
    (tmp_path / "hook").chmod(0o600)
    (tmp_path / "token").write_text("t" * 40)
    (tmp_path / "token").chmod(0o604)
    config = Config(
        app=AppConfig(webhook_secret_file=str(tmp_path / "hook")),
        serve=ServeConfig(operator_token_file=str(tmp_path / "token")),
    )
    found = {one.what: one.said for one in machine.secrets_of(config, {})}
    assert "5 characters" in found["webhook secret"]
    assert "others may read" in found["operator token"]


async def test_a_secret_in_a_variable_needs_no_file() -> None:
    given = {"BUGFOUNDRY_PRIVATE_KEY": private_key(), "BUGFOUNDRY_WEBHOOK_SECRET": SECRET}
    found = {one.what: one.verdict for one in machine.secrets_of(Config(), given)}
    assert found == {"private key": "ok", "webhook secret": "ok", "operator token": "note"}


async def test_mirrors_need_a_token_of_their_own() -> None:
    config = Config(work=WorkConfig(engine=EngineSettings(mirrors="acme")))
    found = {one.what: one for one in machine.secrets_of(config, {})}["mirrors' token"]
    assert (found.verdict, "work.mirrors_token_file" in found.do) == ("wrong", True)


@pytest.mark.github
async def test_an_id_that_github_does_not_know(setup: Setup) -> None:
    setup.change("app", id="424242")
    verdict, said, do = await setup.verdict("App")
    assert (verdict, "knows no App with the id 424242" in said) == ("wrong", True)
    assert "app.id" in do


@pytest.mark.github
async def test_a_key_of_another_app(setup: Setup, tmp_path: Path) -> None:
    write_private(tmp_path / "key", setup.world.app("other", own_key=True).pem)
    verdict, said, _ = await setup.verdict("App")
    assert (verdict, "do not belong together" in said) == ("wrong", True)


@pytest.mark.github
async def test_a_slug_of_another_app(setup: Setup) -> None:
    setup.change("app", slug="bugsmith")
    verdict, said, do = await setup.verdict("App")
    assert (verdict, "'bugsmith'" in said, "bugfoundry" in do) == ("wrong", True, True)


@pytest.mark.github
async def test_permissions_that_lack_and_that_are_to_spare(setup: Setup) -> None:
    setup.app.permissions["checks"] = "read"
    verdict, said, do = await setup.verdict("permissions")
    assert (verdict, said) == ("wrong", "the App lacks checks: write")
    assert "/settings/apps/bugfoundry/permissions" in do

    setup.app.permissions |= {"checks": "write", "contents": "write", "administration": "read"}
    verdict, said, _ = await setup.verdict("permissions")
    assert verdict == "wrong"
    assert said == "the App may do more than it needs: administration: read, contents: write"


@pytest.mark.github
async def test_events_that_lack_and_that_are_to_spare(setup: Setup) -> None:
    setup.app.events.append("star")
    assert (await setup.verdict("events"))[:2] == ("note", "it is told of star for nothing")
    setup.app.events.remove("label")
    assert (await setup.verdict("events"))[:2] == ("wrong", "the App is not told of label")


@pytest.mark.github
async def test_a_webhook_that_leads_elsewhere_sends_forms_or_signs_nothing(setup: Setup) -> None:
    setup.app.webhook_secret = None
    assert (await setup.verdict("webhook"))[:2] == ("wrong", "GitHub signs nothing")
    setup.app.content_type = "form"
    assert (await setup.verdict("webhook"))[:2] == ("wrong", "GitHub sends forms")
    setup.app.hook_url = "https://old.example/webhooks"
    verdict, said, do = await setup.verdict("webhook")
    assert (verdict, "delivers to https://old.example/webhooks" in said) == ("wrong", True)
    assert "serve.public_url" in do


@pytest.mark.github
async def test_deliveries_that_were_not_taken_are_counted_with_their_reason(setup: Setup) -> None:
    setup.world.install(setup.app, setup.world.repository("octo/one"))
    lost = setup.world.hooks.lose()
    verdict, said, do = await setup.verdict("deliveries")
    assert verdict == "wrong"
    assert f"{len(lost)} of the newest {len(lost)} were not taken ({len(lost)} times 502)" in said
    assert "/advanced" in do


@pytest.mark.github
async def test_another_secret_on_github_shows_in_what_deliveries_were_answered(
    setup: Setup,
) -> None:
    async with service(setup.config) as running:
        setup.app.hook_url = f"http://127.0.0.1:{running.port}/webhooks"
        setup.app.webhook_secret = "another secret than ours"
        setup.world.install(setup.app, setup.world.repository("octo/one"))
        await setup.world.hooks.deliver()
        verdict, said, do = await setup.verdict("deliveries")
    assert (verdict, "signature of another secret (401)" in said) == ("wrong", True)
    assert "set the same secret" in do


@pytest.mark.github
async def test_installations_none_suspended_and_behind_with_permissions(setup: Setup) -> None:
    assert (await setup.verdict("installations"))[:2] == ("note", "there are none yet")
    one = setup.world.install(setup.app, setup.world.repository("octo/one"))
    setup.world.install(setup.app, setup.world.repository("acme/other"))
    setup.world.suspend(one)
    assert (await setup.verdict("installations"))[:2] == ("note", "2, suspended: octo")
    del one.permissions["checks"]
    verdict, said, _ = await setup.verdict("installations")
    assert (verdict, said.startswith("octo did not accept")) == ("wrong", True)


@pytest.mark.github
@pytest.mark.parametrize(
    ("ahead", "says"),
    [
        (-7, "7 minutes ahead of GitHub's"),
        (7, "7 minutes behind GitHub's"),
        (30, "30 minutes behind"),
    ],
)
async def test_a_clock_that_is_off_is_told_by_how_much(
    descriptions: Descriptions, tmp_path: Path, ahead: float, says: str
) -> None:
    async with setting_up(descriptions, tmp_path, minutes_ahead=ahead) as setup:
        found = await setup.found()
    assert (found["clock"].verdict, says in found["clock"].said) == ("wrong", True)
    if found["App"].verdict == "wrong":
        # Then it is the clock that is spoken of, not the key.
        assert "clock" in found["App"].said


@pytest.mark.github
async def test_github_that_does_not_manage(setup: Setup) -> None:
    setup.world.faults.add(bad_gateway(), where="/app")
    verdict, said, do = await setup.verdict("App")
    assert (verdict, "GitHub answered 502" in said) == ("wrong", True)
    assert do


async def test_nobody_at_githubs_address(tmp_path: Path) -> None:
    write_private(tmp_path / "key", private_key())
    url = f"http://127.0.0.1:{unused_port()}"
    config = Config(
        app=AppConfig(id="1", api_url=url, private_key_file=str(tmp_path / "key")),
        serve=ServeConfig(store=str(tmp_path / "s.db")),
    )
    found = {one.what: one async for one in check(config)}["GitHub"]
    assert (found.verdict, f"nothing answers at {url}" in found.said) == ("wrong", True)
    assert "firewall" in found.do


def test_a_certificate_that_is_not_trusted_leads_to_the_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    error = ssl.SSLCertVerificationError("self-signed certificate in certificate chain")
    found = unreachable("GitHub", "https://x.example", error)
    assert ("not trusted here" in found.said, "SSL_CERT_FILE" in found.do) == (True, True)

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert "which is not there" in unreachable("GitHub", "https://x.example", error).said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TimeoutError(), "did not answer"),
        (aiohttp.InvalidURL("x"), "is no address"),
        (ConnectionResetError("reset by peer"), "reset by peer"),
    ],
)
def test_other_ways_in_which_nobody_answers(error: Exception, says: str) -> None:
    assert says in unreachable("GitHub", "https://x.example", error).said


async def test_what_is_at_the_address_is_not_the_service() -> None:
    async def anything(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Welcome to nginx!</h1>")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", anything)
    async with TestServer(app) as server:
        config = Config(serve=ServeConfig(public_url=str(server.make_url("")).rstrip("/")))
        found = await ask_address(config, SECRET)
    assert (found.verdict, "is not the service" in found.said) == ("wrong", True)


async def test_the_service_at_the_address_was_started_with_another_secret(tmp_path: Path) -> None:
    write_private(tmp_path / "key", private_key())
    write_private(tmp_path / "hook", "another secret than ours")
    config = Config(
        app=AppConfig(id="1", api_url="http://127.0.0.1:9",
                      private_key_file=str(tmp_path / "key"),
                      webhook_secret_file=str(tmp_path / "hook")),
        serve=ServeConfig(port=0, store=str(tmp_path / "s.db")),
        work=WorkConfig(processes=0),
    )  # fmt: skip
    async with service(config) as running:
        asked = ServeConfig(public_url=f"http://127.0.0.1:{running.port}")
        found = await ask_address(Config(serve=asked), SECRET)
    assert (found.verdict, "another webhook secret" in found.said) == ("wrong", True)


async def test_no_public_address() -> None:
    found = await ask_address(Config(), SECRET)
    assert (found.verdict, found.said) == ("wrong", "it is not set")


def test_a_store_that_is_something_else_or_cannot_be_written(tmp_path: Path) -> None:
    other = tmp_path / "notes.db"
    other.write_text("shopping list")
    found = {one.what: one for one in machine.place_of(at(other))}["store"]
    assert (found.verdict, "no store of bugfoundry" in found.said) == ("wrong", True)
    found = {one.what: one for one in machine.place_of(at(tmp_path / "none" / "s.db"))}["store"]
    assert (found.verdict, "cannot be written" in found.said) == ("wrong", True)
    assert other.read_text() == "shopping list"


def at(store: Path) -> Config:
    return Config(serve=ServeConfig(store=str(store), cache=str(store.parent)))


def test_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_ROOM", 10**18)
    found = {one.what: one for one in machine.place_of(at(tmp_path / "s.db"))}["disk space"]
    assert (found.verdict, "GB are free" in found.said) == ("wrong", True)


@pytest.mark.parametrize("kind", ["auto", "docker", "local"])
def test_no_sandbox_but_a_plain_process(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # No path of a socket: the Docker SDK leaves one open that it cannot connect.
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setattr(machine.bubblewrap, "works", lambda: False)
    work = WorkConfig(environment=EnvironmentSettings(sandbox=kind))  # type: ignore[arg-type]
    found = machine.sandbox_of(Config(work=work))
    assert (found.verdict, "install bubblewrap" in found.do) == ("wrong", True)


@pytest.mark.slow
def test_the_command_tells_programs_in_json_and_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "bugfoundry.toml").write_text("[app]\nid = '1'\n")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "app", "check", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    lines = {one["what"]: one for one in told["findings"]}
    assert lines["private key"]["verdict"] == "wrong"
    assert "bugfoundry app create" in lines["private key"]["do"]
