"""The present state, which is all that a webhook is taken to hint at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mirror.github.present_state import (
    file_at,
    has_label,
    installation_repositories,
    installations,
    labels,
    look_at_comment,
    look_at_installation,
    look_at_pull,
    look_at_repository,
    permission,
)
from storage.errors import GitHubError, GitHubGone, GitHubMissing
from tests.furniture.github_world import Code, Fault, World
from tests.mirror.installed import NAME, Installed, installed

pytestmark = pytest.mark.github


@pytest.fixture
async def here(world: World) -> AsyncIterator[Installed]:
    async with installed(world) as here:
        yield here


def spent(here: Installed) -> int:
    key = f"installation {here.installation.id}"
    return here.world.rates.of(key, "core", now=here.world.clock.now).used


async def test_a_repository_is_seen_by_name_and_by_id(here: Installed) -> None:
    by_name = await look_at_repository(here.github, NAME)
    assert by_name == await look_at_repository(here.github, here.repository.id)
    assert by_name.id == here.repository.id
    assert (by_name.name, by_name.default_branch) == (NAME, "main")
    assert not (by_name.private or by_name.archived or by_name.disabled)


async def test_a_renamed_repository_is_seen_under_its_new_name_however_it_is_asked_for(
    here: Installed,
) -> None:
    here.world.rename(here.repository, "renamed")
    for asked in (NAME, "octo/renamed", here.repository.id):
        seen = await look_at_repository(here.github, asked)
        assert (seen.id, seen.name) == (here.repository.id, "octo/renamed")


async def test_what_changed_is_seen_and_what_did_not_costs_nothing(here: Installed) -> None:
    await look_at_repository(here.github, NAME)
    before = spent(here)
    await look_at_repository(here.github, NAME)
    assert spent(here) == before
    here.repository.archived = True
    assert (await look_at_repository(here.github, NAME)).archived


async def test_a_repository_that_is_gone_and_one_that_never_was_are_told_apart(
    here: Installed,
) -> None:
    with pytest.raises(GitHubMissing, match="no repository octo/none") as missing:
        await look_at_repository(here.github, "octo/none")
    assert not isinstance(missing.value, GitHubGone)
    here.world.faults.add(Fault(status=451, body='{"message": "Repository access blocked"}'))
    with pytest.raises(GitHubGone, match="access blocked"):
        await look_at_repository(here.github, NAME)


async def test_labels_are_seen_as_they_are_now(here: Installed) -> None:
    assert not await has_label(here.github, NAME, "bugfoundry: skip")
    here.world.create_label(here.repository, "bugfoundry: skip")
    here.world.create_label(here.repository, "a/b ü")
    assert await has_label(here.github, NAME, "bugfoundry: skip")
    assert await has_label(here.github, NAME, "BugFoundry: skip")
    assert await has_label(here.github, NAME, "a/b ü")
    assert await labels(here.github, NAME) == {"bugfoundry: skip", "a/b ü"}
    here.world.delete_label(here.repository, "bugfoundry: skip")
    assert not await has_label(here.github, NAME, "bugfoundry: skip")
    assert await labels(here.github, NAME) == {"a/b ü"}


async def test_a_list_that_grows_beyond_a_full_page_is_read_to_its_end(here: Installed) -> None:
    for n in range(100):
        here.world.create_label(here.repository, f"l{n:03}")
    assert len(await labels(here.github, NAME)) == 100
    here.world.create_label(here.repository, "z")
    assert "z" in await labels(here.github, NAME)
    before = spent(here)
    assert len(await labels(here.github, NAME)) == 101
    # Only what it ends with is asked for anew.
    assert spent(here) <= before + 1


async def test_a_pull_request_is_seen_with_what_decides_on_it(here: Installed) -> None:
    made = here.world.pull(here.repository, "Fix it", labels=["bugfoundry"])
    seen = await look_at_pull(here.github, NAME, made.number)
    assert (seen.number, seen.title, seen.author, seen.bot) == (1, "Fix it", "author", False)
    assert (seen.open, seen.merged, seen.merge_commit) == (True, False, "")
    assert seen.head == made.commits[-1].oid
    assert seen.labels == {"bugfoundry"}

    here.world.merge(made)
    here.world.unlabel(made, "bugfoundry")

    assert made.merge_commit is not None
    seen = await look_at_pull(here.github, NAME, made.number)
    assert (seen.open, seen.merged, seen.merge_commit) == (False, True, made.merge_commit.oid)
    assert seen.labels == frozenset()


async def test_a_pull_request_that_was_closed_unmerged_has_no_merge_commit(here: Installed) -> None:
    made = here.world.pull(here.repository)
    here.world.close(made)
    seen = await look_at_pull(here.github, NAME, made.number)
    assert (seen.open, seen.merged, seen.merge_commit) == (False, False, "")


async def test_a_comment_is_seen_as_it_is_now(here: Installed) -> None:
    thread = here.world.pull(here.repository)
    made = here.world.comment(thread, "/bugfoundry mirror", by=here.world.user("maintainer"))
    seen = await look_at_comment(here.github, NAME, made.id)
    assert (seen.number, seen.author, seen.bot) == (1, "maintainer", False)
    here.world.edit_comment(thread, made, "never mind")
    assert (await look_at_comment(here.github, NAME, made.id)).body == "never mind"
    here.world.comment(thread, "mine", by=here.app.bot)
    assert (await look_at_comment(here.github, NAME, thread.comments[-1].id)).bot
    here.world.delete_comment(thread, made)
    with pytest.raises(GitHubMissing):
        await look_at_comment(here.github, NAME, made.id)


@pytest.mark.parametrize("role", ["admin", "maintain", "write", "triage", "read"])
async def test_what_somebody_may_do_is_told_by_their_role(here: Installed, role: str) -> None:
    here.world.collaborator(here.repository, "somebody", role)
    assert await permission(here.github, NAME, "somebody") == role


async def test_who_lost_a_right_has_it_no_longer_at_once(here: Installed) -> None:
    here.world.collaborator(here.repository, "somebody", "write")
    assert await permission(here.github, NAME, "somebody") == "write"
    here.repository.private = True
    here.world.collaborator(here.repository, "somebody", "none")
    assert await permission(here.github, NAME, "somebody") == "none"


@pytest.mark.parametrize("login", ["nobody-at-all", "bugfoundry[bot]", "a b/../c"])
async def test_who_is_no_user_may_do_nothing(here: Installed, login: str) -> None:
    assert await permission(here.github, NAME, login) == "none"


async def test_a_role_of_an_organization_counts_as_what_it_is_built_on(here: Installed) -> None:
    body = '{"permission": "write", "role_name": "release-manager", "user": null}'
    here.world.faults.add(Fault(status=200, body=body), where="/permission")
    assert await permission(here.github, NAME, "somebody") == "write"
    body = '{"permission": "own", "role_name": "release-manager", "user": null}'
    here.world.faults.add(Fault(status=200, body=body), where="/permission")
    assert await permission(here.github, NAME, "somebody") == "none"


async def test_a_file_is_read_at_a_commit(here: Installed, tmp_path: Path) -> None:
    code = Code(here.world, here.repository, tmp_path)
    content = "report: check\n# é 🐛\n" + "#" * 5000
    old = code.commit({".github/bugfoundry.yml": content, "docs/a b.md": "x"})
    code.commit({".github/bugfoundry.yml": None})
    read = await file_at(here.github, NAME, ".github/bugfoundry.yml", old)
    assert read == content.encode()
    assert await file_at(here.github, NAME, "docs/a b.md", "main") == b"x"
    assert await file_at(here.github, NAME, ".github/bugfoundry.yml", "main") is None
    assert await file_at(here.github, NAME, "docs", "main") is None
    assert await file_at(here.github, NAME, "a.py", "no-such-branch") is None


async def test_a_file_that_github_does_not_show_is_told(here: Installed) -> None:
    body = '{"type": "file", "encoding": "none", "content": "", "size": 2000000}'
    here.world.faults.add(Fault(status=200, body=body), where="/contents")
    with pytest.raises(GitHubError, match=r"\.github/bugfoundry\.yml of octo/thing is larger"):
        await file_at(here.github, NAME, ".github/bugfoundry.yml", "main")


async def test_installations_and_their_repositories_are_listed(here: Installed) -> None:
    for n in range(120):
        here.world.repository(f"acme/r{n:03}", private=n % 2 == 0)
    acme = here.world.install(here.app, here.world.user("acme", "Organization"))
    here.world.suspend(here.installation)

    listed = {one.account: one for one in await installations(here.hub.as_app())}

    assert listed["octo"].suspended
    assert not listed["acme"].suspended
    assert listed["acme"].every_repository
    assert listed["acme"].permissions["checks"] == "write"
    assert "pull_request" in listed["acme"].events
    assert listed["acme"] == await look_at_installation(here.hub.as_app(), acme.id)
    repositories = await installation_repositories(here.hub.installation(acme.id))
    assert [one.name for one in repositories] == [f"acme/r{n:03}" for n in range(120)]
    with pytest.raises(GitHubMissing, match="no installation 99"):
        await look_at_installation(here.hub.as_app(), 99)
