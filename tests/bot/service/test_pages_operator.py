"""What the operator can do, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import FormData

from bot.service.pages.session import LASTS, TRIES, Sessions, Tries, has_form_token
from bot.service.repositories.optin import BY_OPERATOR
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import Job
from tests.furniture.board import NOW, TOKEN, Client, dashboard, fill
from tests.furniture.reading_pages import read_page

DEAD = "/queue/delivery/00000101-2"
SHOP = "/repositories/acme/shop"
POSTS = (
    f"{DEAD}/retry", "/queue/mirror/101/cancel", f"{SHOP}/rebuild", f"{SHOP}/stage",
    f"{SHOP}/opt-out", f"{SHOP}/allow", "/logout",
)  # fmt: skip


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "store.db")
    return tmp_path / "store.db"


@pytest.fixture
async def client(path: Path, clock: Clock) -> AsyncIterator[Client]:
    async with dashboard(path, clock=clock) as opened:
        yield opened


async def log_in(client: Client, token: str = TOKEN) -> int:
    answer = await client.post("/login", data={"token": token}, allow_redirects=False)
    return answer.status


async def csrf(client: Client) -> str:
    return read_page(await (await client.get("/")).text()).csrf


async def act(client: Client, path: str, **fields: str) -> int:
    """Post a form as the page does that has it."""
    fields = {"csrf": await csrf(client)} | fields
    return (await client.post(path, data=fields, allow_redirects=False)).status


def job(path: Path, kind: str, subject: str) -> Job:
    with Store(path) as store:
        found = store.jobs.get(kind, subject)
    assert found is not None
    return found


def shop(path: Path) -> Hosted:
    with Store(path) as store:
        found = store.hosted.find_by_name("acme/shop")
    assert found is not None
    return found


async def test_a_dead_letter_is_retried(client: Client, path: Path) -> None:
    await log_in(client)
    page = read_page(await (await client.get(DEAD)).text())
    assert page.posts == ["/logout", f"{DEAD}/retry"]

    assert await act(client, f"{DEAD}/retry") == 303
    assert job(path, "delivery", "00000101-2").state == "waiting"


async def test_a_job_that_runs_is_cancelled_and_its_worker_learns_of_it(
    client: Client, path: Path
) -> None:
    await log_in(client)
    running = job(path, "mirror", "101")

    assert await act(client, "/queue/mirror/101/cancel") == 303

    with Store(path) as store:
        assert not store.jobs.extend(running, now=NOW, lease=60)
    assert job(path, "mirror", "101").note == "cancelled by the operator"


async def test_subjects_with_marks_in_them_are_acted_on(client: Client, path: Path) -> None:
    await log_in(client)
    answer = await client.post(
        "/queue/comment/101%3A104%3Astatus/cancel", data={"csrf": await csrf(client)}
    )
    assert answer.status == 200
    assert answer.url.path == "/queue/comment/101:104:status"
    assert job(path, "comment", "101:104:status").state == "cancelled"


async def test_an_environment_is_asked_for_anew(client: Client, path: Path) -> None:
    await log_in(client)
    assert await act(client, f"{SHOP}/rebuild") == 303

    asked = job(path, "environment", "101")
    assert (asked.state, asked.payload) == ("waiting", '{"force": true}')


async def test_one_stage_is_run_again_alone(client: Client, path: Path) -> None:
    await log_in(client)
    assert await act(client, f"{SHOP}/stage", stage="report") == 303
    assert job(path, "report", "101").payload == '{"alone": true}'

    assert await act(client, f"{SHOP}/stage", stage="delivery") == 404


async def test_nothing_is_asked_for_where_nobody_opted_in(client: Client, path: Path) -> None:
    await log_in(client)
    assert await act(client, "/repositories/acme/quiet/rebuild") == 303
    with Store(path) as store:
        assert store.jobs.get("environment", "103") is None


async def test_opting_out_stops_the_work_and_withdraws_the_tasks(
    client: Client, path: Path
) -> None:
    await log_in(client)
    assert await act(client, f"{SHOP}/opt-out") == 303

    assert (shop(path).opted_in, shop(path).because) == (False, BY_OPERATOR)
    assert job(path, "mirror", "101").state == "cancelled"
    assert job(path, "comment", "101:104:status").state == "cancelled"
    with Store(path) as store:
        assert shop(path).tree in store.hosted.list_withheld_trees()

    assert await act(client, f"{SHOP}/allow") == 303
    assert shop(path).because == ""


async def test_without_a_session_nothing_can_be_done(client: Client, path: Path) -> None:
    for address in POSTS:
        assert (await client.post(address, data={"csrf": "x"})).status == 403, address
    assert job(path, "delivery", "00000101-2").state == "failed"
    assert shop(path).opted_in


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "\u00e9"])
async def test_a_form_without_what_its_page_gave_it_does_nothing(
    client: Client, path: Path, token: str
) -> None:
    await log_in(client)
    for address in POSTS:
        assert (await client.post(address, data={"csrf": token})).status == 403, address
    assert job(path, "delivery", "00000101-2").state == "failed"


async def test_a_form_from_another_site_does_nothing(client: Client, path: Path) -> None:
    await log_in(client)
    fields = {"csrf": await csrf(client)}
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        assert (await client.post(f"{DEAD}/retry", data=fields, headers=headers)).status == 403
        answer = await client.post("/login", data={"token": TOKEN}, headers=headers)
        assert answer.status == 403
    assert job(path, "delivery", "00000101-2").state == "failed"


async def test_actions_are_never_a_link(client: Client, path: Path) -> None:
    await log_in(client)
    for address in POSTS:
        assert (await client.get(address)).status in (404, 405), address
    assert job(path, "delivery", "00000101-2").state == "failed"


async def test_without_a_token_there_are_no_actions_at_all(path: Path) -> None:
    async with dashboard(path, token="") as client:
        for address in (*POSTS, "/login"):
            assert (await client.post(address, data={"token": ""})).status in (404, 405)
        assert (await client.get("/login")).status == 404
        assert "Log in" not in await (await client.get("/")).text()
        assert "secret-vault" not in await (await client.get("/")).text()


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Client) -> None:
    answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]

    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert f"Max-Age={int(LASTS)}" in cookie
    assert TOKEN not in cookie


async def test_where_people_come_by_https_the_cookie_does_too(path: Path) -> None:
    async with dashboard(path, secure=True) as client:
        answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-bugfoundry=") and "Secure" in cookie


async def test_a_session_ends_by_itself(client: Client, clock: Clock) -> None:
    await log_in(client)
    clock.now += LASTS - 1
    assert "secret-vault" in await (await client.get("/")).text()
    clock.now += 2
    assert "secret-vault" not in await (await client.get("/")).text()


async def test_who_logs_out_is_out_even_with_the_cookie_kept(client: Client) -> None:
    await log_in(client)
    kept = {cookie.key: cookie.value for cookie in client.session.cookie_jar}
    assert await act(client, "/logout") == 303
    answer = await client.get("/", cookies=kept)
    assert "secret-vault" not in await answer.text()


@pytest.mark.parametrize(
    "after", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/a b", "/\n/x"]
)
async def test_logging_in_leads_to_a_page_of_ours(client: Client, after: str) -> None:
    answer = await client.post(
        "/login", data={"token": TOKEN, "after": after}, allow_redirects=False
    )
    assert answer.headers["Location"] == "/"
    answer = await client.post(
        "/login", data={"token": TOKEN, "after": "/queue?state=failed"}, allow_redirects=False
    )
    assert answer.headers["Location"] == "/queue?state=failed"


async def test_who_guesses_is_not_listened_to_for_a_while(client: Client, clock: Clock) -> None:
    for _ in range(TRIES):
        assert await log_in(client, "wrong" * 8) == 403
    assert await log_in(client) == 429
    clock.now += 601
    assert await log_in(client) == 303


async def test_a_form_that_is_none_of_ours_is_not_read(client: Client) -> None:
    answer = await client.post("/login", data={"token": "x" * 20_000})
    assert answer.status == 413
    form = FormData({"token": TOKEN})
    form.add_field("file", b"x" * 100, filename="x")
    assert (await client.post("/login", data=form, allow_redirects=False)).status == 303


def test_a_cookie_that_was_changed_is_nobodys(clock: Clock) -> None:
    sessions = Sessions(TOKEN, clock)
    cookie = sessions.open()
    session = sessions.find_session(cookie)
    assert session is not None and has_form_token(session, session.csrf)

    name, ends, signed = cookie.split(".")
    later = f"{name}.{int(ends) + 9999}.{signed}"
    for changed in ("", ".", "..", later, cookie[:-1], cookie + "0", f"x{cookie}", "\u00e9.1.x"):
        assert sessions.find_session(changed) is None
    assert Sessions(TOKEN, clock).find_session(cookie) is None
    assert Sessions("", clock).find_session(cookie) is None
    assert not Sessions("", clock).is_token("")


def test_one_host_with_many_addresses_has_no_more_tries_than_another(clock: Clock) -> None:
    tries = Tries(clock)
    for number in range(TRIES):
        tries.note_failure(f"2001:db8::{number:x}")
    assert tries.seconds_to_wait("2001:db8::ffff") == 600.0
    assert tries.seconds_to_wait("2001:db8:1::1") == 0.0
    assert tries.seconds_to_wait("not an address") == 0.0
