"""``bugfoundry crawl`` and ``pulls``, from a checkout and a URL to what is stored and shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from forge.pulls import crawl
from forge.pulls.crawl import CrawlSettings, CrawlSummary, crawl_repository
from forge.pulls.outcomes import list_pulls
from forge.run.progress import Quiet
from mirror.choice.limits import Limits
from storage import clones
from storage.clones import on_site
from storage.errors import ConfigError, SourceError
from storage.git import git, line
from storage.records import Mirroring
from storage.store import Store
from tests.bot.conftest import Run
from tests.mirror.maker import SITE, Maker

if TYPE_CHECKING:
    from tests.furniture.github_world import Code, Descriptions, World


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    made = Maker(tmp_path / "shop")
    made.commit("Fix it (#12)\n\nfixes #5", through=SITE)
    made.commit("Write it (#13)\n\nfixes #6", {"README.md": "Shop\n"}, through=SITE)
    made.commit("Bump x from 1.0 to 1.1 (#14)", through=SITE)
    return made


def crawled(run: Run, *words: str) -> dict[str, Any]:
    code, told, _ = run("crawl", *words, "--json")
    assert code == 0
    return dict(json.loads(told))


def listed(run: Run, *words: str) -> dict[int, dict[str, Any]]:
    code, told, _ = run("pulls", *words, "--json")
    assert code == 0
    return {row["number"]: row for row in json.loads(told)}


def test_a_checkout_is_crawled_and_its_pull_requests_are_listed(run: Run, made: Maker) -> None:
    summary = crawled(run, "shop")
    assert summary["repository"] == "local/shop"
    assert summary["head"] == made.head
    assert (summary["way"], summary["requests"]) == ("history", 0)
    assert (summary["pulls"], summary["new"], summary["closing"]) == (3, 3, 2)
    assert summary["evidence"] == [["keyword", 2]]
    assert summary["candidates"] == 1
    assert summary["left_out"] == [["dependency-bump", 1], ["docs", 1]]

    rows = listed(run, "shop")
    assert [row["outcome"] for row in rows.values()] == ["dependency-bump", "docs", "candidate"]
    assert rows[12]["issues"] == [{"name": "#5", "evidence": "keyword", "marks": []}]
    assert list(listed(run, "shop", "--reason", "docs")) == [13]
    assert list(listed(run, "shop", "--limit", "2")) == [14, 13]


def test_people_read_it_in_words(run: Run, made: Maker) -> None:
    _, told, _ = run("crawl", "shop")
    assert "local/shop" in told
    assert "1  candidates (1 by keyword)" in told
    assert "1  docs: it changes documentation only" in told
    _, told, _ = run("pulls", "shop", "--limit", "2")
    assert "#13  2020-09-13  Write it\n    closes #6 (keyword)\n    docs: it changes" in told
    assert told.endswith("2 of 3 pull requests\n")


def test_a_second_crawl_reads_only_what_is_new(run: Run, made: Maker) -> None:
    crawled(run, "shop")
    assert crawled(run, "shop")["new"] == 0
    made.commit("Fix more (#15)\n\nfixes #7", through=SITE)
    summary = crawled(run, "shop")
    assert (summary["pulls"], summary["new"]) == (4, 1)
    assert summary["candidates"] == 2


def test_a_crawl_that_was_cut_off_goes_on(
    run: Run, made: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "BATCH", 1)
    add, calls = Store.__init__.__globals__["Pulls"].add, []

    def cut(self: object, *words: object) -> None:
        add(self, *words)
        calls.append(words)
        if len(calls) == 2:
            raise SourceError("the power is cut")

    monkeypatch.setattr("storage.tables.pulls.Pulls.add", cut)
    assert run("crawl", "shop")[0] == 1
    with Store(tmp_path / "bugfoundry.db") as store:
        assert [pull.number for pull in store.pulls.all("local/shop")] == [13, 12]
    assert crawled(run, "shop")["new"] == 1
    assert list(listed(run, "shop")) == [14, 13, 12]


def test_other_rules_read_everything_anew(
    run: Run, made: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawled(run, "shop")
    monkeypatch.setattr(crawl, "RULES", "next")
    assert crawled(run, "shop")["new"] == 3
    assert crawled(run, "shop")["new"] == 0


def test_limits_may_change_from_crawl_to_crawl(run: Run, made: Maker) -> None:
    made.commit(
        "Long (#15)\n\nfixes #7", {"src/b.py": "a = 1\n" * 9, "tests/b.txt": ""}, through=SITE
    )
    assert crawled(run, "shop", "--max-lines", "5")["candidates"] == 1
    assert listed(run, "shop")[15]["outcome"] == "too-many-lines"
    assert crawled(run, "shop")["candidates"] == 2
    assert listed(run, "shop")[15]["outcome"] == "candidate"


def test_what_was_tried_is_not_forgotten_by_choosing_again(
    run: Run, made: Maker, tmp_path: Path
) -> None:
    crawled(run, "shop")
    row = listed(run, "shop")[12]
    with Store(tmp_path / "bugfoundry.db") as store:
        tree = store.pulls.outcomes("local/shop")[0].tree
        done = Mirroring(
            tree=tree,
            repository="local/shop",
            commit=row["commit"],
            outcome="undone",
            tier="apply",
            undone=1.0,
            bug="b" * 32,
        )
        store.pulls.set_outcome(done)
    crawled(run, "shop", "--max-lines", "1")
    assert listed(run, "shop", "--reason", "undone")[12]["tier"] == "apply"
    assert "undone by apply, 100% of the fix: bug bbbb" in run("pulls", "shop")[1]


def test_the_name_is_that_of_the_remote(run: Run, made: Maker) -> None:
    git("remote", "add", "origin", "git@github.com:octo/thing.git", cwd=made.folder)
    assert crawled(run, "shop")["repository"] == "octo/thing"
    assert list(listed(run, "octo/thing")) == [14, 13, 12]
    assert list(listed(run, "https://github.com/octo/thing")) == [14, 13, 12]


def test_a_url_is_cloned_whole_and_brought_up_to_date(
    run: Run, made: Maker, tmp_path: Path
) -> None:
    url = made.folder.as_uri()
    assert crawled(run, url)["pulls"] == 3
    made.commit("Fix more (#15)\n\nfixes #7", through=SITE)
    summary = crawled(run, url)
    assert (summary["new"], summary["head"]) == (1, made.head)
    before = line("rev-parse", "HEAD~2", cwd=made.folder)
    assert crawled(run, f"{url}@{before}")["head"] == before


def test_a_bare_repository_and_a_work_tree_of_another_are_checkouts(
    run: Run, made: Maker, tmp_path: Path
) -> None:
    git("clone", "--quiet", "--bare", made.folder, tmp_path / "bare.git")
    git("worktree", "add", "--quiet", tmp_path / "second", cwd=made.folder)
    assert crawled(run, "bare.git")["pulls"] == 3
    assert crawled(run, "second")["pulls"] == 3


def shallow(made: Maker, folder: Path) -> None:
    git("clone", "--quiet", "--depth=1", made.folder.as_uri(), folder / "cut")


def empty(made: Maker, folder: Path) -> None:
    git("init", "--quiet", folder / "new")


def nothing(made: Maker, folder: Path) -> None:
    (folder / "plain").mkdir()


@pytest.mark.parametrize(
    ("words", "prepare", "told"),
    [
        (("crawl", "no/such/folder"), nothing, "no/such/folder"),
        (("crawl", "plain"), nothing, "plain is no git checkout"),
        (("crawl", "pypi:click"), nothing, "has no history"),
        (("crawl", "cut"), shallow, "git fetch --unshallow"),
        (("crawl", "new"), empty, "no commit yet"),
        (("crawl", "shop/src"), nothing, "name that one"),
        (("crawl", "shop@v9"), nothing, "'v9'"),
        (("crawl", "file:///no/such/clone"), nothing, "file:///no/such/clone"),
        (("crawl", "shop", "--from", "github"), nothing, "GITHUB_TOKEN"),
        (("pulls", "shop"), nothing, "bugfoundry crawl shop"),
        (("pulls", "octo/thing"), nothing, "bugfoundry crawl octo/thing"),
        (("pulls", "pypi:click"), nothing, "has no history"),
    ],
)
def test_a_mistake_gets_one_clear_line(
    run: Run,
    made: Maker,
    tmp_path: Path,
    words: tuple[str, ...],
    prepare: Callable[[Maker, Path], None],
    told: str,
) -> None:
    prepare(made, tmp_path)
    code, _, errors = run(*words)
    assert code == 1
    assert len(errors.strip().splitlines()) == 1
    assert errors.startswith("bugfoundry: ")
    assert told in errors


def test_a_shallow_clone_behind_a_url_is_told_apart(run: Run, made: Maker, tmp_path: Path) -> None:
    shallow(made, tmp_path)
    url = (tmp_path / "cut").as_uri()
    code, _, errors = run("crawl", url)
    assert code == 1
    assert "shallow" in errors
    git("fetch", "--quiet", "--unshallow", cwd=tmp_path / "cut")
    assert crawled(run, url)["pulls"] == 3


def test_an_outcome_that_is_none_is_answered_with_those_there_are(run: Run, made: Maker) -> None:
    crawled(run, "shop")
    code, _, errors = run("pulls", "shop", "--reason", "boring")
    assert code == 1
    assert "candidate, dependency-bump, docs" in errors
    assert listed(run, "shop", "--reason", "release") == {}


def test_a_commit_that_no_branch_tells_of_is_fetched_by_its_name(
    made: Maker, tmp_path: Path
) -> None:
    base = made.head
    made.branch("fork")
    proposed = made.commit("Propose it")
    made.goto()
    git("update-ref", "refs/pull/15/head", proposed, cwd=made.folder)
    git("branch", "-D", "fork", cwd=made.folder)
    url = made.folder.as_uri()

    git_dir, commit = clones.fetch_history(url, proposed, cache=tmp_path / "cache")

    assert commit == proposed
    assert clones.merge_base(git_dir, proposed, made.head) == base
    assert clones.is_ancestor(git_dir, base, proposed)
    assert not clones.is_ancestor(git_dir, proposed, base)
    assert not clones.is_ancestor(git_dir, "0" * 40, base)


def test_a_shallow_fetch_does_not_cut_off_the_history_that_was_crawled(
    run: Run, made: Maker, tmp_path: Path
) -> None:
    url = made.folder.as_uri()
    crawled(run, url)
    clones.fetch_clone(url, "", cache=tmp_path / "cache")
    made.commit("Fix more (#15)\n\nfixes #7", through=SITE)
    assert crawled(run, url)["pulls"] == 4


@pytest.mark.parametrize(
    ("api", "site"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://git.example.org/api/v3", "https://git.example.org"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_repositories_are_where_the_api_says(api: str, site: str) -> None:
    assert CrawlSettings(source="x", cache=Path(), api_url=api).site == site


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("https://github.com/a/b", True),
        ("https://me@GitHub.com/a/b.git", True),
        ("git@github.com:a/b.git", True),
        ("ssh://git@github.com:22/a/b.git", True),
        ("https://github.com.example.org/a/b", False),
        ("https://gitlab.com/github.com/b", False),
        ("/srv/git/b", False),
        ("", False),
    ],
)
def test_a_url_is_on_github_by_its_host(url: str, there: bool) -> None:
    assert on_site(url, "https://github.com") is there


NAME = "octo/thing"


@pytest.fixture
async def world(descriptions: Descriptions) -> AsyncIterator[World]:
    from tests.furniture.github_world import github_world

    async with github_world(descriptions) as world:
        yield world


@pytest.fixture
def code(world: World, tmp_path: Path) -> Code:
    """A repository with one pull request that fixes an issue."""
    from tests.furniture.github_world import Code

    made = Code(world, world.repository(NAME), tmp_path)
    made.commit({"src/a.py": "a = 1\n", "tests/test_a.py": "a = 1\n"}, "Start")
    issue = world.issue(made.repository, "Wrong", "It says 1.")
    text = f"Mend it\n\nFixes #{issue.number}"
    made.commit({"src/a.py": "a = 2\n", "tests/test_a.py": "a = 2\n"}, text, branch="fix")
    made.merge(made.pull("fix", "Mend it", closes=[issue]), "merge")
    return made


async def crawl_world(world: World, folder: Path, store: Store, **changed: Any) -> CrawlSummary:
    from tests.furniture.github_world.world import TOKEN

    settings = CrawlSettings(
        source=NAME, cache=folder / "cache", api_url=world.api, token=TOKEN, limits=Limits()
    )
    return await crawl_repository(
        replace(settings, **changed), store=store, reporter=Quiet(Console(file=StringIO()))
    )


@pytest.mark.github
async def test_github_is_asked_where_there_is_a_token(
    world: World, code: Code, tmp_path: Path
) -> None:
    with Store(tmp_path / "s.db") as store:
        summary = await crawl_world(world, tmp_path, store)
        assert (summary.way, summary.repository) == ("github", NAME)
        assert summary.requests == len([a for a in world.asked if not a.path.endswith(".git")])
        assert (summary.candidates, summary.evidence) == (1, (("closing-reference", 1),))
        [row] = list_pulls(NAME, store=store, cache=tmp_path / "cache")
        assert (row.number, row.outcome, row.origin) == (2, "candidate", "github")


@pytest.mark.github
async def test_without_a_token_the_history_is_read_and_texts_come_with_one(
    world: World, code: Code, tmp_path: Path
) -> None:
    with Store(tmp_path / "s.db") as store:
        summary = await crawl_world(world, tmp_path, store, token="")
        assert (summary.way, summary.requests) == ("history", 0)
        assert [issue.number for issue in store.pulls.list_unfetched_issues(NAME)] == [1]
        assert not world.asked

        summary = await crawl_world(world, tmp_path, store, way="history")
        assert (summary.way, summary.candidates) == ("history", 1)
        issue = store.pulls.issue(NAME, 1)
        assert issue is not None
        assert issue.body == "It says 1."


@pytest.mark.github
async def test_texts_that_cannot_be_had_do_not_stop_a_crawl(
    world: World, code: Code, tmp_path: Path
) -> None:
    from tests.furniture.github_world import TOKEN, Fault

    with Store(tmp_path / "s.db") as store:
        await crawl_world(world, tmp_path, store, token="")
        world.faults.add(Fault(status=401, body="{}"), where="/graphql")
        said = StringIO()
        await crawl.crawl_repository(
            CrawlSettings(
                source=NAME,
                cache=tmp_path / "cache",
                way="history",
                api_url=world.api,
                token=TOKEN,
            ),
            store=store,
            reporter=Quiet(Console(file=said)),
        )
        assert "the text of issues is not fetched" in said.getvalue()


@pytest.mark.github
async def test_what_is_not_on_github_is_not_asked_of_it(
    world: World, made: Maker, tmp_path: Path
) -> None:
    with Store(tmp_path / "s.db") as store:
        source = str(made.folder)
        assert (await crawl_world(world, tmp_path, store, source=source)).way == "history"
        with pytest.raises(ConfigError, match="is not on http"):
            await crawl_world(world, tmp_path, store, source=source, way="github")
