"""What things say of themselves, in REST and in webhooks alike."""

from __future__ import annotations

from typing import Any

from tests.furniture.github_world.state import (
    Comment,
    Issue,
    Label,
    Pull,
    Repository,
    User,
    made_up_oid,
)
from tests.furniture.github_world.view import View


def own(one: Repository, view: View) -> dict[str, Any]:
    """Return what a repository says of itself beyond URLs under the API."""
    url = f"{view.world.url}/{one.full_name}"
    return {
        "id": one.id,
        "node_id": one.node,
        "name": one.name,
        "full_name": one.full_name,
        "owner": user(view, one.owner),
        "private": one.private,
        "visibility": "private" if one.private else "public",
        "archived": one.archived,
        "default_branch": one.default_branch,
        "language": "Python",
        "html_url": url,
        "clone_url": f"{url}.git",
        "created_at": one.created,
        "updated_at": one.created,
        "pushed_at": one.created,
    }


def user(view: View, one: User) -> dict[str, Any]:
    """Return a user as part of something else. A bot's login ends in ``[bot]`` in REST."""
    login = f"{one.login}[bot]" if one.kind == "Bot" else one.login
    api = f"{view.world.api}/users/{login}"
    return {
        "login": login,
        "id": one.id,
        "node_id": f"U_kw{one.id}",
        "avatar_url": f"{view.world.url}/avatars/{one.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{view.world.url}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": one.kind,
        "site_admin": False,
    }


def label(view: View, repository: Repository, one: Label) -> dict[str, Any]:
    """Return a label."""
    return {
        "id": one.id,
        "node_id": one.node,
        "url": f"{view.world.api}/repos/{repository.full_name}/labels/{one.name}",
        "name": one.name,
        "description": one.description,
        "color": one.color,
        "default": False,
    }


def own_issue(view: View, one: Issue) -> dict[str, Any]:
    """Return what an issue says of itself beyond URLs under the API."""
    return {
        "id": one.id,
        "node_id": one.node,
        "number": one.number,
        "title": one.title,
        "body": one.body,
        "state": "open" if one.state == "OPEN" else "closed",
        "user": user(view, one.author or view.world.user("ghost")),
        "author_association": one.association,
        "labels": [label(view, one.repository, each) for each in one.labels],
        "comments": len(one.comments),
        "locked": False,
        "created_at": one.created,
        "updated_at": one.updated,
        "closed_at": one.closed,
        "html_url": html_url(view, one),
    }


def html_url(view: View, one: Issue) -> str:
    """Return the page of an issue or pull request."""
    kind = "pull" if isinstance(one, Pull) else "issues"
    return f"{view.world.url}/{one.repository.full_name}/{kind}/{one.number}"


def links(view: View, one: Pull) -> dict[str, Any]:
    """Return what an issue that is a pull request says of that."""
    page = html_url(view, one)
    return {
        "url": f"{view.world.api}/repos/{one.repository.full_name}/pulls/{one.number}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "merged_at": one.merged,
    }


def ends(view: View, one: Pull) -> dict[str, tuple[Repository, dict[str, Any]]]:
    """Return both ends of a pull request: each repository, and the rest of what is said of it."""
    head, base = one.fork or one.repository, one.repository
    return {
        "head": (head, _end(view, head, one.branch, one.head)),
        "base": (base, _end(view, base, base.default_branch, one.base_oid)),
    }


def _end(view: View, repository: Repository, branch: str, oid: str) -> dict[str, Any]:
    owner = repository.owner
    return {
        "label": f"{owner.login}:{branch}",
        "ref": branch,
        "sha": oid,
        "user": user(view, owner),
    }


def own_pull(view: View, one: Pull) -> dict[str, Any]:
    """Return what a pull request says of itself."""
    page = html_url(view, one)
    shared = own_issue(view, one)
    # Of an open one GitHub names a merge that it only tried.
    tried = made_up_oid("tried", one.head) if one.state == "OPEN" else None
    del shared["comments"]
    for each in shared["labels"]:
        each["description"] = each["description"] or ""
    return {
        **shared,
        "url": f"{view.world.api}/repos/{one.repository.full_name}/pulls/{one.number}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "draft": False,
        "auto_merge": None,
        "milestone": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "merged_at": one.merged,
        "merge_commit_sha": one.merge_commit.oid if one.merge_commit else tried,
    }


def own_comment(view: View, issue: Issue, one: Comment) -> dict[str, Any]:
    """Return what a comment says of itself."""
    api = f"{view.world.api}/repos/{issue.repository.full_name}/issues"
    return {
        "id": one.id,
        "node_id": one.node,
        "url": f"{api}/comments/{one.id}",
        "html_url": f"{html_url(view, issue)}#issuecomment-{one.id}",
        "issue_url": f"{api}/{issue.number}",
        "body": one.body,
        "user": user(view, one.author or view.world.user("ghost")),
        "created_at": one.created,
        "updated_at": one.updated,
        "author_association": one.association,
    }
