"""Crawling a repository with real code: what GitHub tells of commits holds in a clone."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from mirror.github.client import GitHub
from mirror.github.crawl import crawl
from mirror.github.lookups import changed_files, fetch_repository
from mirror.history.crawl import crawl_history
from storage.git import GitError, git, line
from storage.records import PullRequest
from storage.store import Store
from tests.furniture.github_world import TOKEN, Code, World
from tests.furniture.github_world.state import Pull
from tests.furniture.github_world.world import How

pytestmark = pytest.mark.github

NAME = "octo/thing"
WAYS: tuple[How, ...] = ("merge", "squash", "rebase", "push")


@pytest.fixture
def code(world: World, tmp_path: Path) -> Code:
    made = Code(world, world.repository(NAME), tmp_path)
    text = "def f():\n    return 1\n"
    made.commit({"src/a.py": text, "src/b.py": text, "tests/test_a.py": "import a\n"}, "Start")
    return made


def fixed(code: Code, how: How, *, parts: int) -> Pull:
    """A fix of an issue in so many commits, merged in one of the ways."""
    issue = code.world.issue(code.repository, f"Broken by {how}")
    branch = f"fix-{how}"
    for n in range(parts):
        text = f"Fixes #{issue.number}" if n == 0 else f"Add part {n}"
        code.commit({f"src/{how}_{n}.py": f"{n}\n"}, f"{text} by {how}", branch=branch)
    pull = code.pull(branch, f"Mend {how}", closes=[issue])
    # So that the main branch has moved on before it is merged.
    if how != "push":
        code.commit({f"docs/{how}.md": "Meanwhile\n"}, f"Meanwhile {how}")
    return code.merge(pull, how)


def diff(git_dir: Path, pull: PullRequest) -> tuple[str, ...]:
    names = git("diff", "--name-only", "--no-renames", pull.base, pull.commit, cwd=git_dir)
    return tuple(sorted(names.decode().split()))


async def clone(world: World, github: GitHub, folder: Path) -> Path:
    """A clone over HTTP, from the address that GitHub gives."""
    url = (await fetch_repository(github, NAME)).clone_url
    made = folder / "clone.git"
    await asyncio.to_thread(git, "clone", "--quiet", "--bare", url, made)
    return made


@pytest.mark.parametrize("parts", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("how", WAYS)
async def test_base_to_commit_is_the_diff_however_it_was_merged(
    world: World,
    github: GitHub,
    store: Store,
    code: Code,
    tmp_path: Path,
    how: How,
    parts: int,
) -> None:
    pull = fixed(code, how, parts=parts)

    await crawl(github, store.pulls, NAME)

    [kept] = store.pulls.all(NAME)
    git_dir = await clone(world, github, tmp_path)
    assert kept.commit == line("rev-parse", "main", cwd=git_dir)
    assert kept.files == tuple(f"src/{how}_{n}.py" for n in range(parts))
    assert diff(git_dir, kept) == kept.files
    assert kept.commits == tuple(commit.oid for commit in pull.commits)
    # Only what was rebased and is long takes another question.
    longer = how in ("rebase", "push") and parts > 4
    assert sum(asked.path == "/graphql" for asked in world.asked) == (2 if longer else 1)


async def test_code_of_a_private_repository_is_given_only_to_who_may_see_it(
    world: World, code: Code, tmp_path: Path
) -> None:
    code.repository.private = True
    world.tokens["ghp_owner"] = "octo"
    url = f"{world.url}/{NAME}"

    def fetched(token: str) -> str:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        header = ("-c", f"http.extraHeader=Authorization: Basic {basic}")
        return git(*header, "ls-remote", url, "refs/heads/main").decode()

    with pytest.raises(GitError, match="not found"):
        await asyncio.to_thread(fetched, TOKEN)
    assert code.tip("main") in await asyncio.to_thread(fetched, "ghp_owner")


async def test_github_and_the_history_agree(
    world: World, github: GitHub, store: Store, code: Code, tmp_path: Path
) -> None:
    fixed(code, "merge", parts=2)
    fixed(code, "squash", parts=2)
    fixed(code, "rebase", parts=1)
    await crawl(github, store.pulls, NAME)
    told = {pull.commit: pull for pull in store.pulls.all(NAME)}

    git_dir = await clone(world, github, tmp_path)
    found = {pull.commit: pull for pull in crawl_history(git_dir, "main", NAME)}

    assert len(told) == 3
    for pull in told.values():
        other = found[pull.commit]
        assert (pull.base, pull.files) == (other.base, other.files)
        assert [link.number for link in pull.closes] == [link.number for link in other.closes]
        assert other.number in (0, pull.number)


async def test_the_diff_that_rest_gives_is_the_clones(
    world: World, github: GitHub, code: Code, tmp_path: Path
) -> None:
    start = "".join(f"line {n}\n" for n in range(30))
    code.commit({"old.py": start})
    code.commit(
        {"old.py": None, "new.py": start + "more\n", "src/a.py": "def f():\n    return 2\n"},
        branch="fix",
    )
    pull = code.pull("fix")

    moved, changed = await changed_files(github, NAME, pull.number)

    assert (moved.path, moved.previous, moved.status) == ("new.py", "old.py", "renamed")
    assert changed.patch == "@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2\n"
