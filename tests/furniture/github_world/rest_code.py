"""REST: files, references, branches and commits, from the git repository itself."""

from __future__ import annotations

import base64
from typing import Any

from storage.git import git
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import Missing, Refused, Reply, paged, repository_of, route
from tests.furniture.github_world.rest_pulls import described as described_pull
from tests.furniture.github_world.state import Repository, node_id
from tests.furniture.github_world.view import View

READ = "contents:read"
FORM = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
EMPTY = "Git Repository is empty."
LARGEST = 1024 * 1024
"""Bytes of a file that come in JSON; larger ones only raw."""
NO_COMMIT = "No commit found for SHA: {}"


@route("GET", "/repos/{owner}/{repo}/contents/{path}", needs=READ)
def contents(view: View, operation: Operation) -> Reply:
    found, path = repository_of(view, operation), operation.arguments["path"].rstrip("/")
    ref = operation.query.get("ref", found.default_branch)
    oid = resolved(found, ref)
    listed = _tree(found, oid, path)
    if listed and listed[0]["path"] == path and listed[0]["type"] == "blob":
        return _file(view, operation, found, ref, listed[0])
    inside = _tree(found, oid, path + "/")
    if not inside:
        raise Missing
    return Reply(200, [_entry(view, found, ref, one) for one in inside])


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref}", needs=READ)
def reference(view: View, operation: Operation) -> Reply:
    found, name = repository_of(view, operation), f"refs/{operation.arguments['ref']}"
    if found.git is None:
        raise Refused(409, EMPTY)
    asked = ("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", name)
    lines = git(*asked, cwd=found.git).decode().splitlines()
    for oid, kind, ref in (one.split(" ", 2) for one in lines):
        if ref == name:
            api = f"{view.world.api}/repos/{found.full_name}/git"
            target = {"sha": oid, "type": kind, "url": f"{api}/{kind}s/{oid}"}
            node = node_id("REF", oid)
            return Reply(
                200, {"ref": ref, "node_id": node, "url": f"{api}/{ref}", "object": target}
            )
    raise Missing


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", needs=READ)
def commit(view: View, operation: Operation) -> Reply:
    found, ref = repository_of(view, operation), operation.arguments["ref"]
    oid = resolved(found, ref, missing=Refused(422, NO_COMMIT.format(ref)))
    if "sha" in operation.accept:
        return Reply(200, oid.encode(), {"Content-Type": "application/vnd.github.sha"})
    return Reply(200, described_commit(view, found, oid))


@route("GET", "/repos/{owner}/{repo}/branches/{branch}", needs=READ)
def branch(view: View, operation: Operation) -> Reply:
    found, name = repository_of(view, operation), operation.arguments["branch"]
    oid = resolved(found, f"refs/heads/{name}", missing=Refused(404, "Branch not found"))
    api = f"{view.world.api}/repos/{found.full_name}/branches/{name}"
    html = f"{view.world.url}/{found.full_name}/tree/{name}"
    body = {
        "name": name,
        "commit": described_commit(view, found, oid),
        "_links": {"self": api, "html": html},
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{api}/protection",
    }
    return Reply(200, body)


@route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", needs="pull_requests:read")
def pulls(view: View, operation: Operation) -> Reply:
    found, sha = repository_of(view, operation), operation.arguments["commit_sha"]
    shown = [
        one
        for one in found.pulls
        if sha in [made.oid for made in one.commits]
        or (one.merge_commit is not None and one.merge_commit.oid == sha)
    ]
    path = f"/repos/{found.full_name}/commits/{sha}/pulls"
    return paged(
        view, operation, shown, path, lambda one: described_pull(view, one, "pull-request-simple")
    )


def described_commit(view: View, repository: Repository, oid: str) -> dict[str, Any]:
    """Return a commit; git's people are nobody's accounts."""
    assert repository.git is not None
    out = git("show", "--no-patch", FORM, oid, cwd=repository.git).decode()
    _, tree, parents, an, ae, ad, cn, ce, cd, message = out.rstrip("\n").split("\0", 9)
    api = f"{view.world.api}/repos/{repository.full_name}"
    html = f"{view.world.url}/{repository.full_name}/commit"
    return {
        "sha": oid,
        "node_id": node_id("C", oid),
        "commit": {
            "author": {"name": an, "email": ae, "date": ad},
            "committer": {"name": cn, "email": ce, "date": cd},
            "message": message.strip(),
            "tree": {"sha": tree, "url": f"{api}/git/trees/{tree}"},
            "url": f"{api}/git/commits/{oid}",
            "comment_count": 0,
        },
        "url": f"{api}/commits/{oid}",
        "html_url": f"{html}/{oid}",
        "comments_url": f"{api}/commits/{oid}/comments",
        "author": None,
        "committer": None,
        "parents": [
            {"sha": one, "url": f"{api}/commits/{one}", "html_url": f"{html}/{one}"}
            for one in parents.split()
        ],
    }


def short_commit(repository: Repository, oid: str) -> dict[str, Any]:
    """Return a commit as part of something else; one that is not in git has the tree it is."""
    known = repository.commits.get(oid)
    if known is not None and repository.git is None:
        who = {"name": "A", "email": "a@example.org"}
        about = {"id": oid, "tree_id": oid, "message": known.message, "timestamp": known.authored}
        return {**about, "author": who, "committer": who}
    form = "--format=%T%x00%an%x00%ae%x00%cI%x00%cn%x00%ce%x00%B"
    out = git("show", "--no-patch", form, oid, cwd=repository.git).decode()
    tree, author, email, date, committer, other, message = out.split("\0", 6)
    return {
        "id": oid,
        "tree_id": tree,
        "message": message.strip(),
        "timestamp": date,
        "author": {"name": author, "email": email},
        "committer": {"name": committer, "email": other},
    }


def resolved(repository: Repository, ref: str, *, missing: Exception | None = None) -> str:
    """Return the commit of a branch, a tag or an id. Raises Missing, or what is given."""
    if repository.git is None:
        raise missing or Missing
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
        asked = ("for-each-ref", "--format=%(objectname) %(refname)", name)
        for found in git(*asked, cwd=repository.git).decode().splitlines():
            oid, _, called = found.partition(" ")
            if called == name:
                return oid
    oid = _object(repository, ref)
    if not oid:
        raise missing or Missing
    return oid


def _object(repository: Repository, name: str) -> str:
    """Return the commit of a full or short id."""
    if not all(letter in "0123456789abcdef" for letter in name):
        return ""
    asked = f"{name}^{{commit}}\n".encode()
    out = git("cat-file", "--batch-check", cwd=repository.git, stdin=asked).decode()
    return "" if out.split()[-1] in ("missing", "ambiguous") else out.split()[0]


def _tree(repository: Repository, oid: str, path: str) -> list[dict[str, Any]]:
    asked = ["ls-tree", "-l", "-z", oid, "--", path] if path != "/" else ["ls-tree", "-lz", oid]
    out = git(*asked, cwd=repository.git).decode()
    made = []
    for record in out.split("\0")[:-1]:
        facts, _, name = record.partition("\t")
        mode, kind, blob, size = facts.split()
        made.append({"mode": mode, "type": kind, "sha": blob, "size": size, "path": name})
    return made


def _file(
    view: View, operation: Operation, repository: Repository, ref: str, one: dict[str, Any]
) -> Reply:
    content = git("cat-file", "blob", one["sha"], cwd=repository.git)
    if "raw" in operation.accept:
        return Reply(200, content, {"Content-Type": "application/vnd.github.raw; charset=utf-8"})
    body = _entry(view, repository, ref, one)
    small = len(content) <= LARGEST
    body["content"] = base64.encodebytes(content).decode() if small else ""
    body["encoding"] = "base64" if small else "none"
    return Reply(200, body)


def _entry(view: View, repository: Repository, ref: str, one: dict[str, Any]) -> dict[str, Any]:
    api = f"{view.world.api}/repos/{repository.full_name}"
    html = f"{view.world.url}/{repository.full_name}"
    kind = "dir" if one["type"] == "tree" else "file"
    plural = "trees" if kind == "dir" else "blobs"
    place = "tree" if kind == "dir" else "blob"
    links = {
        "self": f"{api}/contents/{one['path']}?ref={ref}",
        "git": f"{api}/git/{plural}/{one['sha']}",
        "html": f"{html}/{place}/{ref}/{one['path']}",
    }
    return {
        "type": kind,
        "size": 0 if kind == "dir" else int(one["size"]),
        "name": one["path"].rpartition("/")[2],
        "path": one["path"],
        "sha": one["sha"],
        "url": links["self"],
        "git_url": links["git"],
        "html_url": links["html"],
        "download_url": None if kind == "dir" else f"{html}/raw/{ref}/{one['path']}",
        "_links": links,
    }
