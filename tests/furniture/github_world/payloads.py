"""What a webhook says of the things that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.furniture.github_world.actions import Run, Workflow
from tests.furniture.github_world.apps import Installation
from tests.furniture.github_world.describing import (
    ends,
    label,
    links,
    own,
    own_comment,
    own_issue,
    own_pull,
    user,
)
from tests.furniture.github_world.rest import named
from tests.furniture.github_world.rest_apps import described_installation
from tests.furniture.github_world.rest_checks import branch_of, described_run
from tests.furniture.github_world.rest_code import short_commit
from tests.furniture.github_world.rest_runs import own_run
from tests.furniture.github_world.rest_workflows import described_workflow
from tests.furniture.github_world.state import (
    CheckRun,
    Comment,
    Issue,
    Label,
    Pull,
    Repository,
    User,
)
from tests.furniture.github_world.view import View


def payload(
    view: View,
    action: str | None,
    *,
    repository: Repository | None,
    by: User,
    installation: Installation,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the payload of a webhook: ``about`` are things of the world, or JSON, by key."""
    made: dict[str, Any] = {} if action is None else {"action": action}
    around = {**about, "repository": repository}
    for key, value in about.items():
        describe = DESCRIBERS.get(type(value))
        made[key] = describe(view, value, around) if describe else value
    if repository is not None:
        made["repository"] = full(view, repository)
        if repository.owner.kind == "Organization":
            made["organization"] = organization(view, repository.owner)
        made["installation"] = {"id": installation.id, "node_id": installation.node}
    return {**made, "sender": user(view, by)}


def full(view: View, one: Repository) -> dict[str, Any]:
    """Return a repository as webhooks have it."""
    body = _example(view, one, "label", "repository", "repository")
    body.update({name: value for name, value in own(one, view).items() if name in body})
    return body


def short(one: Repository) -> dict[str, Any]:
    """Return a repository as events of installations have it."""
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
    }


def organization(view: View, one: User) -> dict[str, Any]:
    """Return an organization."""
    api = f"{view.world.api}/orgs/{one.login}"
    return {
        "login": one.login,
        "id": one.id,
        "node_id": f"O_kw{one.id}",
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{view.world.url}/avatars/{one.id}",
        "description": "",
    }


def _example(
    view: View,
    repository: Repository,
    event: str,
    key: str,
    definition: str,
    number: int | None = None,
) -> dict[str, Any]:
    example = view.world.descriptions.webhooks.example(event, key, definition)
    made: dict[str, Any] = named(example, repository, view, number=number)
    return made


def _issue(view: View, one: Issue, _: Mapping[str, Any]) -> dict[str, Any]:
    body = _example(view, one.repository, "issues", "issue", "issue", one.number)
    body.pop("performed_via_github_app", None)
    body.update(own_issue(view, one), assignee=None, assignees=[], milestone=None)
    if isinstance(one, Pull):
        body["pull_request"] = links(view, one)
    return body


def _pull(view: View, one: Pull, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pull request; as an issue where a comment is told of."""
    if "comment" in about:
        return _issue(view, one, about)
    event = "pull_request"
    body = _example(view, one.repository, event, event, "pull-request", one.number)
    for side, (repository, said) in ends(view, one).items():
        body[side].update(said)
        body[side]["repo"] = {**full(view, repository), "fork": repository is one.fork}
    body.update(
        own_pull(view, one),
        active_lock_reason=None,
        merged=one.merged is not None,
        merged_by=user(view, one.merged_by) if one.merged_by else None,
        comments=len(one.comments),
        commits=len(one.commits),
        changed_files=len(one.changes),
    )
    return body


def _comment(view: View, one: Comment, about: Mapping[str, Any]) -> dict[str, Any]:
    issue = about["issue"]
    event = "issue_comment"
    body = _example(view, issue.repository, event, "comment", "issue-comment", issue.number)
    body.update(own_comment(view, issue, one), performed_via_github_app=None)
    return body


def _label(view: View, one: Label, around: Mapping[str, Any]) -> dict[str, Any]:
    return label(view, around["repository"], one)


def _installation(view: View, one: Installation, _: Mapping[str, Any]) -> dict[str, Any]:
    body = described_installation(view, one)
    del body["client_id"]
    for name in ("created_at", "updated_at"):
        body[name] = int(datetime.fromisoformat(body[name]).timestamp())
    body["events"] = list(body["events"])
    body["permissions"] = dict(body["permissions"])
    return body


def _check(view: View, one: CheckRun, _: Mapping[str, Any]) -> dict[str, Any]:
    body = described_run(view, one)
    api = f"{view.world.api}/repos/{one.repository.full_name}/check-suites/{one.suite.id}"
    body["app"].pop("client_id")
    body["check_suite"] = {
        "id": one.suite.id,
        "head_branch": branch_of(one.repository, one.sha),
        "head_sha": one.sha,
        "status": one.status,
        "conclusion": one.conclusion,
        "url": api,
        "before": None,
        "after": one.sha,
        "pull_requests": body["pull_requests"],
        "app": body["app"],
        "created_at": one.suite.created,
        "updated_at": one.suite.created,
    }
    return body


def _workflow(view: View, one: Workflow, around: Mapping[str, Any]) -> dict[str, Any]:
    return described_workflow(view, around["repository"], one)


def _run(view: View, one: Run, _: Mapping[str, Any]) -> dict[str, Any]:
    body = _example(view, one.repository, "workflow_run", "workflow_run", "workflow-run")
    told = own_run(view, one)
    body.update({name: value for name, value in told.items() if name in body})
    shape = set(body["repository"])
    lite = {name: value for name, value in full(view, one.repository).items() if name in shape}
    body.update(
        repository=lite, head_repository=lite, head_commit=short_commit(one.repository, one.sha)
    )
    return body


Describer = Callable[[View, Any, Mapping[str, Any]], dict[str, Any]]
DESCRIBERS: dict[type, Describer] = {
    CheckRun: _check,
    Comment: _comment,
    Installation: _installation,
    Issue: _issue,
    Label: _label,
    Pull: _pull,
    Run: _run,
    Workflow: _workflow,
    User: lambda view, one, _: user(view, one),
}
