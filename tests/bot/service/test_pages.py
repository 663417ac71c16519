"""What people see of the dashboard, over a store as a service fills it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.errors import StoreError
from storage.store import Store
from storage.tables.hosted import Hosted
from tests.furniture.board import TOKEN, Client, Stock, dashboard, fill, stock
from tests.furniture.reading_pages import Html, read_page

OURS = ("/", "#")
GITHUB = "https://github.com/"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("board")


@pytest.fixture(scope="module")
def stocks(folder: Path) -> dict[str, Stock]:
    return fill(folder / "store.db")


@pytest.fixture
async def client(folder: Path, stocks: dict[str, Stock]) -> AsyncIterator[Client]:
    async with dashboard(folder / "store.db") as opened:
        yield opened


async def see(client: Client, path: str, *, status: int = 200) -> Html:
    answer = await client.get(path)
    assert answer.status == status, (path, answer.status)
    return read_page(await answer.text())


async def test_every_page_that_links_lead_to_is_there_and_well_made(client: Client) -> None:
    waiting, seen = ["/"], set[str]()
    while waiting:
        path = waiting.pop()
        page = await see(client, path)
        for link in page.links:
            assert link.startswith((*OURS, GITHUB)), link
            parts = urlsplit(link)
            target = parts._replace(fragment="").geturl()
            if target.startswith("/") and target not in seen and "after=" not in target:
                seen.add(target)
                waiting.append(target)
        assert all(source.startswith("/static/") for source in page.sources)

    kinds = {path.split("/")[1].partition("?")[0] for path in seen}
    assert kinds >= {"", "repositories", "tasks", "bugs", "yield", "queue", "deliveries"}
    assert len(seen) > 50


async def test_the_list_says_what_is_opted_in_and_what_came_of_it(client: Client) -> None:
    page = await see(client, "/")

    assert "acme/shop" in page.text
    assert "opted in" in page.text and "not opted in" in page.text
    assert "mirror 40 of 200 pull requests" in page.text
    assert "57 min ago" in page.text


async def test_repositories_are_found_by_name_and_by_whether_they_opted_in(client: Client) -> None:
    assert "acme/quiet" not in (await see(client, "/?q=SHOP")).text
    assert "acme/shop" not in (await see(client, "/?show=out")).text
    assert "No repository is like that" in (await see(client, "/?q=%25")).text


async def test_an_empty_store_tells_what_to_do(tmp_path: Path) -> None:
    async with dashboard(tmp_path / "store.db") as client:
        page = await see(client, "/")
        assert "Create the label bugfoundry" in page.text
        assert "bugfoundry app check" in page.text
        for path in ("/tasks", "/yield", "/queue", "/deliveries"):
            await see(client, path)


async def test_a_repository_tells_how_its_environment_stands(client: Client) -> None:
    text = (await see(client, "/repositories/acme/shop")).text

    assert "pyproject group 'test'" in text
    assert "47 of 48 can serve" in text
    assert "stale" in text
    assert "uv pip install pytest>=8 hypothesis" in text


async def test_names_are_found_whatever_their_case(client: Client) -> None:
    assert "acme/shop" in (await see(client, "/repositories/ACME/Shop")).text


async def bugs_shown(client: Client, query: str) -> set[str]:
    page = await see(client, f"/repositories/acme/shop?{query}")
    start = page.text.index("Bugs and verdicts")
    end = page.text.index("Test gaps")
    shown = page.text[start:end]
    ids = {link.split("/")[2] for link in page.links if link.startswith("/bugs/")}
    return {bug for bug in ids if bug[:10] in shown}


async def test_bugs_are_filtered_by_strategy_operator_reason_file_and_text(
    client: Client, stocks: dict[str, Stock]
) -> None:
    bugs = stocks["acme/shop"].bugs
    by_operator = {bug.id for bug in bugs if bug.origin.operator == "change_constant"}
    mirrored = {bug.id for bug in bugs if bug.origin.strategy == "mirror"}
    unjudged = {bug.id for number, bug in enumerate(bugs) if number % 11 == 10}

    assert await bugs_shown(client, "") == {bug.id for bug in bugs}
    assert await bugs_shown(client, "operator=change_constant") == by_operator != set()
    assert await bugs_shown(client, "strategy=mirror") == mirrored != set()
    assert await bugs_shown(client, "reason=unjudged") == unjudged
    assert await bugs_shown(client, "file=checkout_1.py") == {bugs[1].id}
    assert await bugs_shown(client, "text=total+%3E%3D+100") == {
        bug.id for bug in bugs if "total >= 100" in bug.patch
    }
    assert await bugs_shown(client, "text=100%25") == set()
    assert await bugs_shown(client, "operator=change_constant&file=offers&text=checkout") == set()
    assert await bugs_shown(client, "operator=change_constant&file=offers&text=101") == {
        bug.id for bug in bugs if "offers" in bug.origin.path and "101" in bug.patch
    }


async def test_long_lists_come_in_pages_that_keep_the_filter(tmp_path: Path) -> None:
    with Store(tmp_path / "big.db") as store:
        made = stock(store, 1, "acme/big", bugs=130)
    async with dashboard(tmp_path / "big.db") as client:
        seen: set[str] = set()
        for number in (1, 2, 3):
            page = await see(client, f"/repositories/acme/big?page={number}&file=_")
            seen |= {link for link in page.links if link.startswith("/bugs/")}
        assert {f"/bugs/{bug.id}" for bug in made.bugs} <= seen
        first = await see(client, "/repositories/acme/big?file=_")
        assert "1–50 of 130" in first.text  # noqa: RUF001
        assert any("file=_" in link and "page=2" in link for link in first.links)
        assert "101–130 of 130" in (await see(client, "/repositories/acme/big?page=99")).text  # noqa: RUF001


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "\u0663", ""])
async def test_a_page_number_that_is_none_is_the_first(client: Client, page: str) -> None:
    for path in ("/", "/tasks", "/queue", "/deliveries"):
        await see(client, f"{path}?page={page}")


async def test_gaps_are_bugs_that_no_test_noticed_in_a_full_run(
    client: Client, stocks: dict[str, Stock]
) -> None:
    text = (await see(client, "/repositories/acme/shop")).text
    gaps = text[text.index("Test gaps") : text.index("Pull requests")]

    unnoticed = [bug for number, bug in enumerate(stocks["acme/shop"].bugs)
                 if number % 8 in (3, 5) and number % 11 != 10]  # fmt: skip
    assert f"{len(unnoticed)} bugs on this commit" in gaps
    assert all(bug.id[:10] in gaps for bug in unnoticed)


async def test_pull_requests_tell_what_became_of_them(client: Client) -> None:
    page = await see(client, "/repositories/acme/shop?outcome=no-tests")
    pulls = page.text[page.text.index("What became of it") :]

    assert "Rework acme/shop (no-tests)" in pulls
    assert "too-large)" not in pulls
    assert f"{GITHUB}acme/shop/pull/51" in page.links


async def test_a_task_shows_all_that_makes_it(client: Client, stocks: dict[str, Stock]) -> None:
    task = next(task for task in stocks["acme/shop"].tasks if task.test_patch)
    answer = await client.get(f"/tasks/{task.id}")
    source = await answer.text()
    page = read_page(source)

    assert "Discount is applied to baskets of exactly 100" in page.text
    assert "FAIL_TO_PASS" in page.text and "PASS_TO_PASS" in page.text
    assert "tests/test_basket.py::test_total[0]" in page.text
    assert "Hidden tests" in page.text and "The fix that was undone" in page.text
    assert f"bugfoundry check {task.id}" in page.text
    assert any(link.startswith(f"{GITHUB}acme/shop/pull/1") for link in page.links)
    assert source.count('<tr class="added">') >= 1 <= source.count('<tr class="removed">')


async def test_tasks_are_filtered(client: Client, stocks: dict[str, Stock]) -> None:
    tasks = stocks["acme/shop"].tasks
    bugs = {bug.id: bug for bug in stocks["acme/shop"].bugs}
    mirrored = {t.id for t in tasks if bugs[t.bug].origin.strategy == "mirror"}

    async def shown(query: str) -> set[str]:
        page = await see(client, f"/tasks?{query}")
        return {link.split("/")[2] for link in page.links if link.startswith("/tasks/")}

    assert await shown("repository=acme/shop") == {task.id for task in tasks}
    assert await shown("strategy=mirror") == mirrored != set()
    assert await shown(f"text={tasks[0].id[-8:]}") == {tasks[0].id}
    assert await shown("repository=acme/nothing") == set()


async def test_a_bug_without_a_task_has_a_page(client: Client, stocks: dict[str, Stock]) -> None:
    bugs = stocks["acme/shop"].bugs

    assert "It made no task." in (await see(client, f"/bugs/{bugs[3].id}")).text
    assert "It was not judged yet." in (await see(client, f"/bugs/{bugs[10].id}")).text


async def test_plots_and_tables_of_the_yield_have_the_same_numbers(
    client: Client, stocks: dict[str, Stock]
) -> None:
    answer = await client.get("/yield")
    source = await answer.text()
    page = read_page(source)
    mirrored = [bug for bug in stocks["acme/shop"].bugs if bug.origin.strategy == "mirror"]

    assert source.count("<svg") == 5
    assert "mirror: structural" in page.text
    row = source[source.index('data-label="Operator">structural') :]
    assert f'data-label="Proposed" class="num">{len(mirrored)}<' in row[:400]


async def test_the_queue_shows_what_waits_runs_and_failed(client: Client) -> None:
    page = await see(client, "/queue")
    assert {"inbox", "outbox", "work"} <= set(page.text.split())

    dead = await see(client, "/queue?state=failed")
    assert "GitHub answered 502 eight times" in dead.text
    assert "40 of 200" not in dead.text


async def test_a_jobs_page_tells_payload_error_and_attempts(client: Client) -> None:
    failed = await see(client, "/queue/delivery/00000101-2")
    assert "GitHub answered 502 eight times" in failed.text
    assert failed.posts == []

    comment = await see(client, "/queue/comment/101%3A104%3Astatus")
    assert '"body": "acme/shop has 3 tasks"' in comment.text


async def test_deliveries_tell_what_came_and_how_far_it_is(client: Client) -> None:
    page = await see(client, "/deliveries?event=pull_request")

    assert "closed" in page.text and "failed" in page.text
    assert "created" not in page.text


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/repositories/no/body", "/tasks/none", "/bugs/none", "/queue/none/x",
     "/static/../pages.py", "/repositories/a", "/tasks/%00", "/bugs/%ff", "/queue/x/%F0%9F"],
)  # fmt: skip
async def test_what_is_not_there_is_a_page_that_says_so(client: Client, path: str) -> None:
    await see(client, path, status=404)


async def test_every_answer_keeps_browsers_from_harm(client: Client) -> None:
    for path in ("/", "/nowhere", "/login", "/static/style.css", "/tasks"):
        answer = await client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in (await client.get("/")).headers["Cache-Control"]


async def test_the_machines_addresses_answer_as_before(client: Client) -> None:
    assert await (await client.get("/healthz")).text() == "ok\n"
    assert await (await client.get("/readyz")).text() == "ready\n"
    refused = await client.post("/webhooks", data=b"{}", headers={"Content-Type": "text/plain"})
    assert refused.status == 415


async def test_a_page_that_takes_too_long_says_so_and_the_next_one_comes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.views.query.LONGEST", -1.0)
    monkeypatch.setattr("storage.views.query.LOOK_EVERY", 1)
    assert "narrow what is asked for" in (await see(client, "/tasks", status=503)).text
    monkeypatch.undo()
    await see(client, "/tasks")


async def test_nothing_can_be_written_by_what_reads(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db"):
        pass
    with Store(tmp_path / "store.db", read_only=True) as store, pytest.raises(StoreError):
        store.hosted.put_repository(Hosted(id=1, installation=1, name="a/b"))


async def test_a_token_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    from storage.errors import ConfigError

    with pytest.raises(ConfigError, match="shorter than 16"):
        async with dashboard(tmp_path / "store.db", token=TOKEN[:15]):
            pass
