"""The GitHub of the tests: what happens in it is delivered, as GitHub does it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.furniture.github_world import App, Code, Delivery, Repository, World, call, headers_of

pytestmark = pytest.mark.github

NAME = "octo/thing"


@dataclass
class Receiver:
    """A service that keeps what it gets."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Given first; then 202."""
    slow: float = 0.0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [f"{h['X-GitHub-Event']} {json.loads(b).get('action', '')}" for h, b in self.got]

    async def handle(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.slow)
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 202, text="ok")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application(client_max_size=2**25)
    app.router.add_post("/webhooks", made.handle)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/webhooks"))
        yield made


@pytest.fixture
def repository(world: World) -> Repository:
    return world.repository(NAME)


@pytest.fixture
def app(world: World, receiver: Receiver, repository: Repository) -> App:
    app = world.app(hook_url=receiver.url)
    world.install(app, repository)
    world.hooks.pending.clear()
    return app


async def test_a_label_is_told_signed_and_on_record(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    world.create_label(repository, "bugfoundry")
    assert receiver.got == []
    (delivery,) = await world.hooks.deliver()
    (headers, body) = receiver.got[0]
    assert headers["X-GitHub-Event"] == "label"
    assert headers["X-GitHub-Delivery"] == delivery.guid
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(app.id)
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    signed = hmac.new((app.webhook_secret or "").encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signed}"
    told = json.loads(body)
    assert (told["action"], told["label"]["name"]) == ("created", "bugfoundry")
    assert told["repository"]["full_name"] == NAME
    assert told["sender"]["login"] == "maintainer"
    listed = await call(world, "GET", "/app/hook/deliveries", token=world.jwt(app))
    assert [(one["guid"], one["status"], one["status_code"]) for one in listed.json] == [
        (delivery.guid, "OK", 202)
    ]


async def test_whatever_happens_is_told_as_github_describes_it(
    world: World, receiver: Receiver, app: App, tmp_path: Path
) -> None:
    # A payload that its schema does not allow is a complaint, and fails the test.
    repository = world.repository("octo/code")
    installation = world.install(app, repository)
    code = Code(world, repository, tmp_path)
    code.commit({"a.py": "a = 1\n"})
    world.edit_label(repository, world.create_label(repository, "old").name, new_name="new")
    issue = world.issue(repository, labels=["new"])
    comment = world.comment(issue, "/bugfoundry status")
    world.edit_comment(issue, comment, "/bugfoundry mirror")
    world.delete_comment(issue, comment)
    world.touch(issue, "Other title", body="Other body")
    world.unlabel(issue, "new")
    code.commit({"a.py": "a = 2\n"}, branch="patch")
    pull = code.pull("patch", closes=[issue])
    code.commit({"a.py": "a = 3\n"}, branch="patch")
    world.pull(repository, fork=world.repository("someone/code"))
    world.comment(pull, "Thanks")
    world.label(pull, "bugfoundry")
    world.unlabel(pull, "bugfoundry")
    run = world.check_run(app, repository, "bugfoundry", pull.head)
    world.complete_check(run, "neutral", by=app.bot)
    world.rerequest_check(run)
    code.merge(pull, "squash")
    world.reopen(issue)
    world.delete_label(repository, "new")
    world.suspend(installation)
    world.create_label(repository, "not told")
    world.unsuspend(installation)
    other = world.repository("octo/other")
    world.add_repositories(installation, other)
    world.remove_repositories(installation, other)
    world.accept_permissions(installation, app.permissions)
    world.privatize(repository)
    world.privatize(repository, False)
    world.archive(repository)
    world.archive(repository, False)
    world.change_default_branch(repository, "next")
    world.rename(repository, "renamed")
    world.transfer(repository, world.user("someone"))
    world.add_repositories(installation, other)
    world.delete_repository(other)
    world.uninstall(installation)
    await world.hooks.deliver()
    assert receiver.events == [
        "installation created",
        "push ",
        "label created",
        "label edited",
        "issues opened",
        "issue_comment created",
        "issue_comment edited",
        "issue_comment deleted",
        "issues edited",
        "issues unlabeled",
        "push ",
        "pull_request opened",
        "push ",
        "pull_request synchronize",
        "pull_request opened",
        "issue_comment created",
        "label created",
        "pull_request labeled",
        "pull_request unlabeled",
        "check_run created",
        "check_run completed",
        "check_run rerequested",
        "push ",
        "pull_request closed",
        "issues closed",
        "issues reopened",
        "label deleted",
        "installation suspend",
        "installation unsuspend",
        "installation_repositories added",
        "installation_repositories removed",
        "installation new_permissions_accepted",
        "repository privatized",
        "repository publicized",
        "repository archived",
        "repository unarchived",
        "repository edited",
        "repository renamed",
        "repository transferred",
        "installation_repositories removed",
        "installation_repositories added",
        "repository deleted",
        "installation deleted",
    ]


async def test_an_app_is_told_only_of_what_it_asked_for_where_it_is_installed(
    world: World, repository: Repository
) -> None:
    app = world.app(permissions={"issues": "read"}, events=["issues"])
    world.install(app, repository)
    world.hooks.pending.clear()
    world.create_label(repository, "x")
    world.pull(repository)
    world.issue(world.repository("octo/elsewhere"))
    world.issue(repository)
    assert [(one.event, one.app.id) for one in world.hooks.pending] == [("issues", app.id)]


async def test_deliveries_come_late_shuffled_twice_or_under_a_new_guid(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    for name in "abcdef":
        world.create_label(repository, name)
    sent = await world.hooks.deliver(shuffled=random.Random(1))
    names = [json.loads(body)["label"]["name"] for _, body in receiver.got]
    assert sorted(names) == list("abcdef") != names
    await world.hooks.send(sent[0])
    assert receiver.got[0] == receiver.got[-1]
    world.hooks.again(sent[0])
    await world.hooks.deliver()
    (old, body), (new, again) = receiver.got[0], receiver.got[-1]
    assert body == again
    assert old["X-GitHub-Delivery"] != new["X-GitHub-Delivery"]


async def test_what_was_lost_can_be_looked_up_for_three_days_and_asked_for_again(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    jwt, path = world.jwt(app), "/app/hook/deliveries"
    for name in "abc":
        world.create_label(repository, name)
    await world.hooks.deliver()
    receiver.answers = [503]
    world.create_label(repository, "d")
    await world.hooks.deliver()
    world.create_label(repository, "e")
    world.hooks.lose()
    page = await call(world, "GET", f"{path}?per_page=2", token=jwt)
    assert [one["status"] for one in page.json] == [
        "failed to connect to host",
        "Invalid HTTP Response: 503",
    ]
    failed = await call(world, "GET", f"{path}?status=failure", token=jwt)
    assert [one["id"] for one in failed.json] == [one["id"] for one in page.json]
    next_page = page.headers["Link"].partition(">")[0].strip("<")
    rest = await call(world, "GET", next_page, token=jwt)
    assert [one["status_code"] for one in rest.json] == [202, 202]
    lost = page.json[0]
    one = await call(world, "GET", f"{path}/{lost['id']}", token=jwt)
    assert one.json["request"]["payload"]["label"]["name"] == "e"
    asked = await call(world, "POST", f"{path}/{lost['id']}/attempts", token=jwt)
    assert asked.status == 202
    await world.hooks.deliver()
    assert receiver.got[-1][0]["X-GitHub-Delivery"] == lost["guid"]
    newest = (await call(world, "GET", f"{path}?per_page=1", token=jwt)).json[0]
    assert (newest["guid"], newest["redelivery"], newest["status"]) == (lost["guid"], True, "OK")
    await world.clock.sleep(3 * 24 * 3600 + 60)
    assert (await call(world, "GET", path, token=world.jwt(app))).json == []


async def test_a_slow_receiver_is_given_up(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    receiver.slow, world.hooks.limit = 5.0, 0.05
    world.create_label(repository, "x")
    (delivery,) = await world.hooks.deliver()
    assert (delivery.status, delivery.code) == ("timed out", 504)


async def test_live_deliveries_are_sent_as_they_happen(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    world.hooks.live = True
    world.create_label(repository, "x")
    await world.hooks.settled()
    assert receiver.events == ["label created"]


async def test_the_hook_can_be_set_by_the_app(
    world: World, receiver: Receiver, repository: Repository, app: App
) -> None:
    jwt, path = world.jwt(app), "/app/hook/config"
    assert (await call(world, "GET", path, token=jwt)).json["url"] == receiver.url
    changed = {"content_type": "form", "secret": "new"}
    assert (await call(world, "PATCH", path, changed, token=jwt)).json["secret"] == "********"
    world.create_label(repository, "x")
    await world.hooks.deliver()
    (headers, body) = receiver.got[0]
    assert json.loads(parse_qs(body.decode())["payload"][0])["action"] == "created"
    signed = hmac.new(b"new", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signed}"


async def test_every_published_example_can_be_delivered(world: World, app: App) -> None:
    made = world.examples(app)
    assert len({one.guid for one in made}) == len(made) > 300
    assert {"push", "workflow_run", "installation", "ping"} <= {one.event for one in made}

    def signed(one: Delivery) -> bool:
        return headers_of(one, one.body)["X-Hub-Signature-256"].startswith("sha256=")

    assert all(signed(one) for one in made)


async def test_a_list_in_pages_has_every_delivery_once_whatever_order_they_ended_in(
    world: World, repository: Repository, app: App
) -> None:
    for number in range(150):
        world.create_label(repository, f"x{number}")
    random.Random(1).shuffle(world.hooks.pending)
    world.hooks.lose()
    path, found = "/app/hook/deliveries?per_page=40", []
    while path:
        answered = await call(world, "GET", path, token=world.jwt(app))
        found += [one["id"] for one in answered.json]
        link = answered.headers.get("Link", "")
        path = link.partition(">")[0].lstrip("<").removeprefix(world.api)
    assert sorted(found) == sorted(one.id for one in world.hooks.log)
