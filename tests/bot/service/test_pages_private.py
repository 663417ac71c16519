"""What is private is shown to nobody but the operator: not by name, count, search or status."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.records import ModelCall, Repository
from storage.store import Store
from storage.tables.hosted import Hosted, HostedState
from storage.tables.jobs import NewJob
from tests.furniture.board import (
    INSTALLATION,
    NOW,
    TOKEN,
    Client,
    Stock,
    bug_of,
    dashboard,
    environment_of,
    pull_of,
    stock,
    verdict_of,
)
from tests.furniture.reading_pages import read_page

SECRET = "acme/secret-vault"
ASKED = (
    "/", "/?q=secret", "/?show=private", "/?show=in", "/tasks", "/tasks?text=secret",
    "/tasks?repository=acme/secret-vault", "/tasks?text=Discount", "/yield", "/queue",
    "/queue?state=failed", "/queue?repository=102", "/queue?kind=mirror", "/deliveries",
    "/deliveries?event=label", "/repositories/acme/shop", "/repositories/acme/secret-vault",
    "/repositories/acme/quiet", "/repositories/acme/shop?text=secret", "/login",
)  # fmt: skip


def put_public(store: Store) -> Stock:
    stock(store, 103, "acme/quiet", opted_in=False)
    return stock(store, 101, "acme/shop")


async def answers(path: Path, paths: tuple[str, ...] = ASKED) -> dict[str, tuple[int, str]]:
    """Return what anybody gets who follows every link."""
    found: dict[str, tuple[int, str]] = {}
    async with dashboard(path) as client:
        waiting = list(paths)
        while waiting:
            asked = waiting.pop()
            if asked in found:
                continue
            answer = await client.get(asked)
            source = await answer.text()
            found[asked] = (answer.status, source)
            targets = [urlsplit(link)._replace(fragment="") for link in read_page(source).links]
            waiting += [
                target.geturl()
                for target in targets
                if not target.netloc and target.path.startswith("/") and "after" not in target.query
            ]
    return found


async def test_to_anybody_a_store_with_a_private_repository_is_one_without_it(
    tmp_path: Path,
) -> None:
    with Store(tmp_path / "without.db") as store:
        put_public(store)
    with Store(tmp_path / "with.db") as store:
        put_public(store)
        secret = stock(store, 102, SECRET, private=True)
    of_secret = (
        *(f"/tasks/{task.id}" for task in secret.tasks[:2]),
        *(f"/bugs/{bug.id}" for bug in secret.bugs[:4]),
        "/queue/mirror/102", "/queue/delivery/00000102-2",
    )  # fmt: skip

    without = await answers(tmp_path / "without.db", ASKED + of_secret)
    found = await answers(tmp_path / "with.db", ASKED + of_secret)

    assert found == without
    assert len(found) > 60
    assert {found[path][0] for path in of_secret} == {404}


async def logged_in(client: Client) -> None:
    answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    assert answer.status == 303


async def test_the_operator_sees_it_all(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        put_public(store)
        secret = stock(store, 102, SECRET, private=True)
    async with dashboard(tmp_path / "store.db") as client:
        await logged_in(client)
        for path in (
            "/",
            "/?q=secret",
            "/queue",
            "/deliveries",
            "/yield",
            f"/repositories/{SECRET}",
        ):
            assert SECRET in await (await client.get(path)).text(), path
        for path in (f"/tasks/{secret.tasks[0].id}", f"/bugs/{secret.bugs[0].id}"):
            assert (await client.get(path)).status == 200


@pytest.mark.parametrize(
    "changed",
    [{"private": True}, {"state": "gone"}, {"state": "suspended"}, {"opted_in": False}],
)
async def test_what_is_made_private_gone_or_opted_out_is_withdrawn_at_once(
    tmp_path: Path, changed: dict[str, bool | HostedState]
) -> None:
    with Store(tmp_path / "store.db") as store:
        shop = put_public(store)
        store.hosted.put_repository(replace(shop.hosted, **changed))  # type: ignore[arg-type]
    async with dashboard(tmp_path / "store.db") as client:
        assert (await client.get(f"/tasks/{shop.tasks[0].id}")).status == 404
        assert (await client.get(f"/bugs/{shop.bugs[0].id}")).status == 404
        assert shop.tasks[0].id not in await (await client.get("/tasks")).text()
        assert "No bug was proposed yet" in await (await client.get("/yield")).text()


async def test_a_tree_that_a_private_repository_shares_is_not_shown(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        shop = put_public(store)
        twin = replace(shop.hosted, id=9, name="acme/fork-inside", private=True)
        store.hosted.put_repository(twin)
        store.hosted.add_tree(9, shop.hosted.tree, shop.hosted.commit, NOW)
    async with dashboard(tmp_path / "store.db") as client:
        assert (await client.get(f"/tasks/{shop.tasks[0].id}")).status == 404
        await logged_in(client)
        assert (await client.get(f"/tasks/{shop.tasks[0].id}")).status == 200


async def test_what_came_from_a_command_line_is_the_operators(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        environment = environment_of("f" * 40)
        store.add_repository(
            Repository(owner="me", name="x", commit="c" * 40, tree="f" * 40, source=".")
        )
        store.add_environment(environment)
        bug = bug_of("f" * 40, 0, random.Random(1))
        store.add_bug(bug)
        store.add_verdict(verdict_of(bug, environment, "no-test-failed", random.Random(1)))
    async with dashboard(tmp_path / "store.db") as client:
        assert (await client.get(f"/bugs/{bug.id}")).status == 404
        await logged_in(client)
        assert (await client.get(f"/bugs/{bug.id}")).status == 200


async def test_a_name_taken_over_from_a_private_repository_tells_nothing_of_it(
    tmp_path: Path,
) -> None:
    """The private one is gone, and a public one has its name: what goes by the name stays out."""
    with Store(tmp_path / "store.db") as store:
        old = Hosted(
            id=5, installation=INSTALLATION.id, name="acme/shop", private=True, state="gone"
        )
        store.hosted.put_repository(old)
        store.pulls.add([pull_of("acme/shop", "e" * 40, 3, "Rotate the production keys")])
        call = ModelCall(key="old", model="m", purpose="bug", answer="{}", input_tokens=1,
                         output_tokens=1, cache_write_tokens=0, cache_read_tokens=0,
                         dollars=777.0, seconds=1.0, created="2025-01-01T00:00:00+00:00",
                         repository="acme/shop", strategy="modify")  # fmt: skip
        store.calls.settle("", call)
        put_public(store)
    async with dashboard(tmp_path / "store.db") as client:
        for path in ("/", "/yield", "/repositories/acme/shop"):
            text = await (await client.get(path)).text()
            assert "production keys" not in text and "$777" not in text, path
        await logged_in(client)
        assert "production keys" in await (await client.get("/repositories/acme/shop")).text()


async def test_jobs_for_no_repository_are_the_operators(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        put_public(store)
        store.jobs.put_jobs([NewJob(queue="upkeep", kind="reconcile", subject="7")], NOW)
    async with dashboard(tmp_path / "store.db") as client:
        assert "reconcile" not in await (await client.get("/queue")).text()
        assert (await client.get("/queue/reconcile/7")).status == 404
        await logged_in(client)
        assert "reconcile" in await (await client.get("/queue")).text()


async def test_the_worker_of_a_job_is_named_to_the_operator_alone(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        put_public(store)
    async with dashboard(tmp_path / "store.db") as client:
        assert "work:host:12" not in await (await client.get("/queue/mirror/101")).text()
        await logged_in(client)
        assert "work:host:12" in await (await client.get("/queue/mirror/101")).text()
