"""Clone and fetch over HTTP, answered by git itself (`git http-backend`)."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from storage.git import environment
from tests.furniture.github_world.rest import Reply
from tests.furniture.github_world.view import View

PATH = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?(?P<rest>/(?:info/refs|git-(?:upload|receive)-pack))"
)


def is_git(path: str) -> bool:
    """Tell whether a request is git's."""
    return PATH.fullmatch(path) is not None


CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


async def serve(request: web.Request, view: View | Reply) -> web.Response:
    """Answer a request of git's. Pushing is refused."""
    match = PATH.fullmatch(request.path)
    assert match is not None
    if isinstance(view, Reply):
        return web.Response(status=401, text="Bad credentials", headers=CHALLENGE)
    found = view.world.repositories.get(match["name"].lower())
    if found is None or found.git is None or not view.sees(found):
        return web.Response(status=404, text="Repository not found.")
    if not view.may(found, "contents:read"):
        return web.Response(status=403, text="Write access to repository not granted.")
    variables = {
        "GIT_PROJECT_ROOT": str(found.git.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{found.git.name}{match['rest']}",
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": "",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    process = await asyncio.create_subprocess_exec(
        "git",
        "-c",
        "safe.directory=*",
        "http-backend",
        env=environment(variables),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    # aiohttp has already unpacked a body that git sent compressed.
    output, _ = await process.communicate(await request.read())
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split()[0])
    return web.Response(status=status, headers=headers, body=body)
