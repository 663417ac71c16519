"""The GitHub of the tests: what the service reads of a repository, and writes into it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.furniture.github_world import Answered, Code, Repository, World, call

pytestmark = pytest.mark.github

NAME = "octo/thing"
API = f"/repos/{NAME}"


@pytest.fixture
def repository(world: World) -> Repository:
    return world.repository(NAME)


@pytest.fixture
def token(world: World, repository: Repository) -> str:
    return world.grant(world.install(world.app(), repository)).token


def codes(answered: Answered) -> list[tuple[str, str]]:
    """Which fields were wrong, and how."""
    assert answered.status == 422
    return [(one["field"], one["code"]) for one in answered.json["errors"]]


async def test_labels_are_made_changed_and_deleted(world: World, token: str) -> None:
    made = await call(world, "POST", f"{API}/labels", {"name": "bugfoundry: skip"}, token=token)
    assert (made.status, made.json["color"]) == (201, "ededed")
    again = await call(world, "POST", f"{API}/labels", {"name": "Bugfoundry: Skip"}, token=token)
    assert codes(again) == [("name", "already_exists")]
    path = f"{API}/labels/bugfoundry%3A%20skip"
    edited = await call(world, "PATCH", path, {"color": "ff0000"}, token=token)
    assert edited.json["color"] == "ff0000"
    listed = await call(world, "GET", f"{API}/labels", token=token)
    assert [one["name"] for one in listed.json] == ["bugfoundry: skip"]
    assert (await call(world, "DELETE", path, token=token)).status == 204
    assert (await call(world, "GET", path, token=token)).status == 404


async def test_a_deleted_label_is_on_nothing(
    world: World, repository: Repository, token: str
) -> None:
    pull = world.pull(repository, labels=["bugfoundry"])
    path = f"{API}/issues/{pull.number}/labels"
    assert [one["name"] for one in (await call(world, "GET", path, token=token)).json] == [
        "bugfoundry"
    ]
    world.delete_label(repository, "bugfoundry")
    assert (await call(world, "GET", path, token=token)).json == []
    put = await call(world, "POST", path, {"labels": ["seen"]}, token=token)
    assert [one["name"] for one in put.json] == ["seen"]
    assert (await call(world, "DELETE", f"{path}/other", token=token)).status == 404
    assert (await call(world, "DELETE", f"{path}/seen", token=token)).json == []


async def test_the_bot_opens_an_issue_and_keeps_it_up_to_date(
    world: World, repository: Repository, token: str
) -> None:
    world.issue(repository)
    world.pull(repository)
    asked = {"title": "Test gaps", "body": "none", "labels": ["report"]}
    made = await call(world, "POST", f"{API}/issues", asked, token=token)
    assert (made.status, made.json["user"]["login"]) == (201, "bugfoundry[bot]")
    path = f"{API}/issues/{made.json['number']}"
    edited = await call(world, "PATCH", path, {"body": "one", "state": "closed"}, token=token)
    assert (edited.json["body"], edited.json["state"]) == ("one", "closed")
    query = "?state=all&creator=bugfoundry[bot]&labels=report"
    found = await call(world, "GET", f"{API}/issues{query}", token=token)
    assert [one["number"] for one in found.json] == [made.json["number"]]
    every = await call(world, "GET", f"{API}/issues?state=all", token=token)
    assert [("pull_request" in one) for one in every.json] == [False, True, False]
    long = await call(world, "PATCH", path, {"body": "x" * 65_537}, token=token)
    assert codes(long) == [("body", "custom")]


async def test_a_comment_is_edited_in_place(
    world: World, repository: Repository, token: str
) -> None:
    pull = world.pull(repository)
    path = f"{API}/issues/{pull.number}/comments"
    made = await call(world, "POST", path, {"body": "working on it"}, token=token)
    assert made.status == 201
    one = f"{API}/issues/comments/{made.json['id']}"
    await call(world, "PATCH", one, {"body": "done"}, token=token)
    listed = await call(world, "GET", path, token=token)
    assert [(c["user"]["type"], c["body"]) for c in listed.json] == [("Bot", "done")]
    empty = await call(world, "POST", path, {"body": " "}, token=token)
    assert codes(empty) == [("body", "missing_field")]


async def test_who_may_write_is_told(world: World, repository: Repository, token: str) -> None:
    world.collaborator(repository, "anne", "write")
    world.collaborator(repository, "mia", "maintain")
    world.user("passer-by")
    told = {}
    for login in ("anne", "mia", "passer-by", "nobody"):
        path = f"{API}/collaborators/{login}/permission"
        told[login] = (await call(world, "GET", path, token=token)).json.get("permission")
    assert told == {"anne": "write", "mia": "write", "passer-by": "read", "nobody": None}


async def test_files_branches_and_commits_come_from_git(
    world: World, repository: Repository, token: str, tmp_path: Path
) -> None:
    code = Code(world, repository, tmp_path)
    first = code.commit({".github/bugfoundry.yml": "report: issue\n", "src/a.py": "a = 1\n"})
    path = f"{API}/contents/.github/bugfoundry.yml"
    found = await call(world, "GET", path, token=token)
    assert base64.b64decode(found.json["content"]) == b"report: issue\n"
    accept = {"Accept": "application/vnd.github.raw+json"}
    raw = await call(world, "GET", path, token=token, headers=accept)
    assert raw.content == b"report: issue\n"
    listed = await call(world, "GET", f"{API}/contents/src", token=token)
    assert [one["path"] for one in listed.json] == ["src/a.py"]
    for missing in ("contents/none", "contents/src/a", "branches/none", "git/ref/heads/none"):
        assert (await call(world, "GET", f"{API}/{missing}", token=token)).status == 404
    branch = await call(world, "GET", f"{API}/branches/main", token=token)
    assert branch.json["commit"]["sha"] == first
    ref = await call(world, "GET", f"{API}/git/ref/heads/main", token=token)
    assert ref.json["object"]["sha"] == first
    commit = await call(world, "GET", f"{API}/commits/main", token=token)
    assert commit.json["commit"]["message"] == "Change"
    code.commit({"src/a.py": "a = 2\n"}, branch="patch")
    pull = code.pull("patch")
    of = await call(world, "GET", f"{API}/commits/{pull.head}/pulls", token=token)
    assert [(one["number"], one["head"]["sha"]) for one in of.json] == [(1, pull.head)]


NOTE = {
    "path": "src/a.py",
    "start_line": 1,
    "end_line": 1,
    "annotation_level": "warning",
    "message": "no test noticed",
}


def check(sha: str, **output: Any) -> dict[str, Any]:
    return {
        "name": "bugfoundry",
        "head_sha": sha,
        "external_id": "pull-1",
        "output": {"title": "Guards", "summary": "two", **output},
    }


async def test_a_check_run_grows_by_fifty_annotations_at_a_time(
    world: World, repository: Repository, token: str
) -> None:
    head = world.pull(repository).head
    made = await call(world, "POST", f"{API}/check-runs", check(head), token=token)
    assert (made.status, made.json["status"]) == (201, "queued")
    path = f"{API}/check-runs/{made.json['id']}"
    output = {"title": "Guards", "summary": "two", "annotations": [NOTE] * 50}
    for _ in range(2):
        await call(world, "PATCH", path, {"output": output}, token=token)
    done = await call(world, "PATCH", path, {"conclusion": "neutral"}, token=token)
    assert (done.json["status"], done.json["output"]["annotations_count"]) == ("completed", 100)
    notes = await call(world, "GET", f"{path}/annotations?page=2&per_page=60", token=token)
    assert len(notes.json) == 40
    named = f"{API}/commits/{head}/check-runs?check_name=bugfoundry&app_id={made.json['app']['id']}"
    found = await call(world, "GET", named, token=token)
    assert [one["external_id"] for one in found.json["check_runs"]] == ["pull-1"]
    suites = await call(world, "GET", f"{API}/commits/{head}/check-suites", token=token)
    (suite,) = suites.json["check_suites"]
    assert (suite["status"], suite["conclusion"]) == ("completed", "neutral")
    runs = await call(world, "GET", f"{API}/check-suites/{suite['id']}/check-runs", token=token)
    assert [one["id"] for one in runs.json["check_runs"]] == [made.json["id"]]


async def test_a_check_run_has_limits(world: World, repository: Repository, token: str) -> None:
    head = world.pull(repository).head
    long = check(head, text="é" * 32_768)
    refused = await call(world, "POST", f"{API}/check-runs", long, token=token)
    assert codes(refused) == [("text", "custom")]
    many = check(head, annotations=[NOTE] * 51)
    assert (await call(world, "POST", f"{API}/check-runs", many, token=token)).status == 500
    assert "output/annotations" in world.complaints.pop()
    unknown = await call(world, "POST", f"{API}/check-runs", check("0" * 40), token=token)
    assert unknown.status == 422


async def test_what_was_not_granted_is_refused_and_told(
    world: World, repository: Repository
) -> None:
    app = world.app(permissions={"issues": "read"}, events=())
    token = world.grant(world.install(app, repository)).token
    issue = world.issue(repository)
    assert (await call(world, "GET", f"{API}/issues", token=token)).status == 200
    path = f"{API}/issues/{issue.number}/comments"
    refused = await call(world, "POST", path, {"body": "hi"}, token=token)
    assert refused.status == 403
    assert refused.json["message"] == "Resource not accessible by integration"
    accepted = refused.headers["X-Accepted-GitHub-Permissions"]
    assert accepted == "issues=write; pull_requests=write"


async def test_a_repository_can_be_renamed_archived_blocked_or_without_issues(
    world: World, repository: Repository, token: str
) -> None:
    repository.has_issues = False
    assert (await call(world, "GET", f"{API}/issues", token=token)).status == 410
    repository.archived = True
    label = {"name": "x"}
    archived = await call(world, "POST", f"{API}/labels", label, token=token)
    assert (archived.status, "read-only" in archived.json["message"]) == (403, True)
    repository.archived = False
    repository.blocked = True
    assert (await call(world, "GET", API, token=token)).status == 451
    repository.blocked = False
    world.rename(repository, "renamed")
    moved = await call(world, "GET", API, token=token)
    assert moved.status == 301
    there = await call(world, "GET", moved.headers["Location"], token=token)
    assert there.json["full_name"] == "octo/renamed"
    assert (await call(world, "POST", f"{API}/labels", label, token=token)).status == 307


async def test_writes_are_limited_by_the_minute_and_the_hour(
    world: World, repository: Repository
) -> None:
    installation = world.install(world.app(), repository)

    async def create(number: int) -> int:
        asked, token = {"name": f"label {number}"}, world.grant(installation).token
        return (await call(world, "POST", f"{API}/labels", asked, token=token)).status

    for number in range(500):
        if number % 80 == 79:
            await world.clock.sleep(60)
        assert await create(number) == 201
    assert world.rates.tripped == []
    await world.clock.sleep(60)
    assert await create(500) == 403
    assert "501 content-creating requests in 3600 s" in world.rates.tripped[0]
    await world.clock.sleep(3600)
    for number in range(501, 581):
        assert await create(number) == 201
    assert await create(581) == 403
    assert world.rates.most_content == {60: 80, 3600: 500}


async def test_a_pull_request_of_a_fork_is_told_from_one_of_a_branch(
    world: World, repository: Repository, token: str
) -> None:
    inside = world.pull(repository)
    outside = world.pull(repository, fork=world.repository("someone/thing"))
    told = []
    for pull in (inside, outside):
        one = (await call(world, "GET", f"{API}/pulls/{pull.number}", token=token)).json
        told.append((one["head"]["label"], one["head"]["repo"]["id"] == one["base"]["repo"]["id"]))
    assert told == [("octo:patch", True), ("someone:patch", False)]
