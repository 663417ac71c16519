"""Clone, fetch and push over HTTP, answered by git itself (`git http-backend`)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import web

from storage.git import environment, git
from tests.furniture.github_world.rest import Reply
from tests.furniture.github_world.view import View

PATH = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?(?P<rest>/(?:info/refs|git-(?:upload|receive)-pack))"
)


def is_git(path: str) -> bool:
    """Tell whether a request is git's."""
    return PATH.fullmatch(path) is not None


GUARD = """#!/bin/sh
test -n "$MAY_CHANGE_WORKFLOWS" && exit 0
empty=$(git hash-object -t tree /dev/null)
while read -r old new ref; do
    case $new in *[!0]*) ;; *) continue ;; esac
    case $old in *[!0]*) ;; *) old=$(git rev-parse -q --verify HEAD || echo "$empty") ;; esac
    for path in $(git diff-tree -r --name-only "$old" "$new" -- .github/workflows); do
        echo "refusing to allow a GitHub App to create or update workflow" \\
            "\\`$path\\` without \\`workflows\\` permission"
        exit 1
    done
done
"""
CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


async def answer(request: web.Request, view: View | Reply) -> Reply:
    """Answer a request of git's."""
    match = PATH.fullmatch(request.path)
    assert match is not None
    if isinstance(view, Reply):
        return Reply(401, b"Bad credentials", CHALLENGE)
    found = view.world.repositories.get(match["name"].lower())
    if found is None or found.git is None or not view.sees(found):
        # Who did not say who they are is asked first.
        asked = Reply(401, b"Repository not found.", CHALLENGE)
        return Reply(404, b"Repository not found.") if view.key else asked
    pushes = "git-receive-pack" in (match["rest"].strip("/"), request.query.get("service"))
    if pushes and not view.key:
        return Reply(401, b"Authentication required.", CHALLENGE)
    if not view.may(found, "contents:write" if pushes else "contents:read"):
        return Reply(403, b"Write access to repository not granted.")
    if pushes and found.archived:
        return Reply(403, b"This repository was archived so it is read-only.")
    variables = {
        "GIT_PROJECT_ROOT": str(found.git.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{found.git.name}{match['rest']}",
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "REMOTE_USER": view.actor.login if view.key else "",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": "",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "MAY_CHANGE_WORKFLOWS": "yes" if view.may(found, "workflows:write") else "",
    }
    if match["rest"] != "/git-receive-pack":
        return await _backend(variables, await request.read())
    _guard(found.git)
    before = refs(found.git)
    reply = await _backend(variables, await request.read())
    after = refs(found.git)
    for ref in sorted(before.keys() | after.keys()):
        if before.get(ref) != after.get(ref):
            old, new = before.get(ref, ""), after.get(ref, "")
            view.world.pushed(found, ref, old, new, by=view.actor)
    return reply


def refs(git_dir: Path) -> dict[str, str]:
    """Return what each branch and tag points to."""
    out = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=git_dir).decode()
    return dict(line.split(" ", 1) for line in out.splitlines())


def _guard(git_dir: Path) -> None:
    """Refuse workflow files from who may not change them, as GitHub does."""
    hook = git_dir / "hooks" / "pre-receive"
    if not hook.exists():
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(GUARD)
        hook.chmod(0o755)


async def _backend(variables: dict[str, str], body: bytes) -> Reply:
    process = await asyncio.create_subprocess_exec(
        "git",
        "-c",
        "safe.directory=*",
        "-c",
        "http.receivepack=true",
        "http-backend",
        env=environment(variables),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    # aiohttp has already unpacked a body that git sent compressed.
    output, _ = await process.communicate(body)
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split()[0])
    return Reply(status, body, headers)
