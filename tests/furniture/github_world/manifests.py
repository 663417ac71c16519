"""How an App is made from a manifest: a page to post it to, and a code that stands for the App.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import html
import json
import re
import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.furniture.github_world.apps import App
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import ANYBODY, Missing, Reply, route
from tests.furniture.github_world.rest_apps import described_app
from tests.furniture.github_world.view import View
from tests.furniture.github_world.world import World

PATH = re.compile(r"(?:/organizations/(?P<owner>[^/]+))?/settings/apps/(?P<what>new|manifest)")
KNOWN = {
    "callback_urls",
    "default_events",
    "default_permissions",
    "description",
    "hook_attributes",
    "name",
    "public",
    "redirect_url",
    "request_oauth_on_install",
    "setup_on_update",
    "setup_url",
    "url",
}
GOOD_FOR = 3600
"""Seconds in which a code has to be used."""
PAGE = """<!doctype html><title>Register new GitHub App</title>
<h1>Register new GitHub App</h1>
{problem}<form action="{action}" method="post">
<input type="hidden" name="manifest" value="{manifest}">
<input type="hidden" name="state" value="{state}">
<label>GitHub App name <input name="name" value="{name}"></label>
<button type="submit">Create GitHub App for {owner}</button>
</form>"""


def is_page(path: str) -> bool:
    """Tell whether a request is for one of these pages."""
    return PATH.fullmatch(path) is not None


async def page(request: web.Request, world: World) -> web.StreamResponse:
    """Answer a browser: a manifest that is posted is shown, and made an App by a button."""
    match = PATH.fullmatch(request.path)
    assert match is not None
    form = {key: str(value) for key, value in (await request.post()).items()}
    owner = match["owner"] or "octocat"
    state = form.get("state", request.query.get("state", ""))
    try:
        manifest = json.loads(form["manifest"])
        if match["what"] == "manifest":
            manifest["name"] = form.get("name", manifest.get("name"))
            code = create(world, manifest, owner=owner)
            query = urlencode({"code": code, **({"state": state} if state else {})})
            raise web.HTTPFound(f"{manifest['redirect_url']}?{query}")
        check(manifest)
        problem, status = "", 200
    except (KeyError, ValueError) as wrong:
        problem, status = f"<p role=alert>Error {html.escape(str(wrong))}</p>\n", 422
        manifest = {}
    text = PAGE.format(
        problem=problem,
        action=html.escape(request.path.replace("/new", "/manifest")),
        manifest=html.escape(json.dumps(manifest)),
        state=html.escape(state),
        name=html.escape(str(manifest.get("name", ""))),
        owner=html.escape(owner),
    )
    return web.Response(status=status, text=text, content_type="text/html")


def check(manifest: dict[str, Any]) -> None:
    """Raise ValueError for what GitHub does not take."""
    unknown = sorted(set(manifest) - KNOWN)
    if unknown:
        raise ValueError(f"Invalid GitHub App configuration: {', '.join(unknown)}")
    for name in ("url", "redirect_url"):
        if not str(manifest.get(name, "")).startswith("http"):
            raise ValueError(f"Invalid GitHub App configuration: {name} is missing")
    if not manifest.get("hook_attributes", {"url": "-"}).get("url"):
        raise ValueError("Invalid GitHub App configuration: hook_attributes.url is missing")


def create(world: World, manifest: dict[str, Any], *, owner: str = "octocat") -> str:
    """Make an App, and return the code that stands for it. Raises ValueError."""
    check(manifest)
    name = str(manifest.get("name") or "app")
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    if any(one.slug == slug for one in world.apps.values()):
        raise ValueError("Name is already taken")
    hook = manifest.get("hook_attributes", {})
    made = world.app(
        slug,
        owner=owner,
        permissions=manifest.get("default_permissions", {}),
        events=manifest.get("default_events", []),
        hook_url=hook.get("url", ""),
        webhook_secret=secrets.token_hex(20) if hook else None,
        own_key=True,
    )
    made.name, made.url = name, manifest["url"]
    made.hook_active = bool(hook) and hook.get("active", True)
    code = secrets.token_hex(20)
    world.codes[code] = (made, world.clock.now + GOOD_FOR)
    return code


@route("POST", "/app-manifests/{code}/conversions", needs=ANYBODY)
def conversion(view: View, operation: Operation) -> Reply:
    """A code is good once."""
    made, until = view.world.codes.pop(operation.arguments["code"], (None, 0.0))
    if made is None or view.world.clock.now > until:
        raise Missing
    return Reply(201, {**described_app(view, made), **_secrets(made)})


def _secrets(made: App) -> dict[str, Any]:
    return {
        "client_id": made.client_id,
        "client_secret": made.client_secret,
        "webhook_secret": made.webhook_secret,
        "pem": made.pem,
    }
