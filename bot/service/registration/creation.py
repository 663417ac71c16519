"""A page on this machine that has GitHub make the App, and takes what GitHub gives for it."""

from __future__ import annotations

import asyncio
import hmac
import html
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from string import Template
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bot.service.registration.manifest import Wish, manifest, new_app_url
from bot.service.registration.permissions import EVENTS, PERMISSIONS
from mirror.github.client import GitHub, look_for_nothing
from storage.errors import BugfoundryError, ConfigError, GitHubError, GitHubMissing

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
PATIENCE = 3600.0
"""Seconds within which GitHub wants all steps to be done."""
TOO_LATE = "nobody made the App within an hour; begin again"
NOT_OURS = "This was not asked for by the page that is open here. Nothing was done; begin there."
NO_CODE = (
    "GitHub does not take the code: it was used already, or is older than an hour. If the App is "
    "among those at {place}, delete it there; then begin again"
)
PAGE = Template(
    """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem;
       color: #1f2328; background: #fff }
button { font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 0; border-radius: .4rem;
         color: #fff; background: #1f883d; cursor: pointer }
table { border-collapse: collapse; margin: 1rem 0 } td { padding: .3rem .8rem .3rem 0;
        vertical-align: top; border-top: 1px solid #d1d9e0 }
code { font-size: .95em } .small { color: #59636e; font-size: .9em }
</style>
<h1>$title</h1>
$body
</html>"""
)
BEGIN = Template(
    """<p>GitHub makes the App <b>$name</b> for $owner when you press the button, and confirm there.
Its deliveries go to <code>$hook</code>.</p>
<form action="$action" method="post">
<input type="hidden" name="manifest" value="$manifest">
<button>Create the App on GitHub</button></form>
<h2>What it may do</h2>
<table>$permissions</table>
<p class="small">It is told of: $events.</p>"""
)
MADE = Template(
    """<p><b>$name</b> is there, and its credentials are stored. The terminal says what comes next.
</p><p><a href="$install">Install it on a repository</a></p>"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An App that GitHub made, with all that it is known by."""

    id: int
    slug: str
    name: str
    url: str
    """Its page."""
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


Keep = Callable[[Made], None]


class Creating:
    """The page of one App to be made: it is asked for once, answered once, and gone."""

    def __init__(self, wish: Wish, api_url: str, keep: Keep) -> None:
        self.start = f"/{secrets.token_urlsafe(16)}"
        """Where the page is. Others on this machine cannot guess it."""
        self._state = secrets.token_urlsafe(32)
        self._wish = wish
        self._api_url = api_url
        self._keep = keep
        self._taking = False
        self.made: asyncio.Future[Made] = asyncio.get_running_loop().create_future()

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application(middlewares=[_require_loopback])
        app.router.add_get(self.start, self.begin)
        app.router.add_get("/created", self.receive_code)
        return app

    async def begin(self, request: web.Request) -> web.Response:
        """Show what will be asked of GitHub, and the button."""
        wish, back = self._wish, f"http://{request.host}/created"
        body = BEGIN.substitute(
            name=html.escape(wish.name),
            owner=html.escape(wish.organization or "your own account"),
            hook=html.escape(manifest(wish, redirect_url=back)["hook_attributes"]["url"]),
            action=html.escape(new_app_url(wish, state=self._state)),
            manifest=html.escape(json.dumps(manifest(wish, redirect_url=back))),
            permissions="".join(
                f"<tr><td><code>{one.name}</code><td>{one.level}<td>{html.escape(one.why)}"
                for one in PERMISSIONS
            ),
            events=", ".join(f"<code>{one.name}</code>" for one in EVENTS),
        )
        policy = f"form-action {wish.web_url} http://{request.host}"
        return _page(f"Create {wish.name}", body, policy=policy)

    async def receive_code(self, request: web.Request) -> web.Response:
        """Take the code that GitHub sends the browser back with, and have it exchanged."""
        state, code = request.query.get("state", ""), request.query.get("code", "")
        if not hmac.compare_digest(state.encode(errors="replace"), self._state.encode()):
            return _page("Not done", f"<p>{NOT_OURS}</p>", status=400)
        if self._taking or not code:
            return _page("Not done", "<p>This was done already, or lacks a code.</p>", status=409)
        self._taking = True
        try:
            made = await exchange(self._api_url, code, web_url=self._wish.web_url)
            self._keep(made)
        except BugfoundryError as error:
            self._settle(self.made.set_exception, error)
            return _page("Not done", f"<p>{html.escape(str(error))}.</p>", status=502)
        self._settle(self.made.set_result, made)
        install = html.escape(f"{made.url}/installations/new")
        return _page("Done", MADE.substitute(name=html.escape(made.name), install=install))

    def _settle(self, settle: Callable[[Any], None], value: object) -> None:
        # Later, so that the browser has its answer before the page is gone.
        asyncio.get_running_loop().call_later(0.5, settle, value)


async def create(
    wish: Wish,
    *,
    api_url: str,
    keep: Keep,
    ready: Callable[[str], Awaitable[None] | None],
    port: int = 0,
    patience: float = PATIENCE,
) -> Made:
    """Serve the page until the App is made, and return it.

    ``keep`` stores the App before the browser is told of it; ``ready`` is given the page's address.
    Raises ConfigError, GitHubError or what ``keep`` raises.
    """
    creating = Creating(wish, api_url, keep)
    runner = web.AppRunner(creating.app(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
        except OSError as error:
            raise ConfigError(f"port {port} cannot be listened on: {error.strerror}") from error
        said = ready(f"http://{LOOPBACK}:{runner.addresses[0][1]}{creating.start}")
        if said is not None:
            await said
        async with asyncio.timeout(patience):
            return await creating.made
    except TimeoutError as error:
        raise ConfigError(TOO_LATE) from error
    finally:
        with suppress(asyncio.InvalidStateError):
            creating.made.cancel()
        await runner.cleanup()


async def exchange(api_url: str, code: str, *, web_url: str) -> Made:
    """Return the App that GitHub made, for the code it gave. Raises GitHubError."""
    async with GitHub(api_url, identity="nobody") as github:
        path = f"/app-manifests/{quote(code, safe='')}/conversions"
        try:
            answer = await github.write("POST", path, what="the App", look=look_for_nothing)
        except GitHubMissing as error:
            raise GitHubMissing(NO_CODE.format(place=f"{web_url}/settings/apps")) from error
    return parse_app(answer.data)


def parse_app(data: Any) -> Made:
    """Return the App that an answer speaks of. Raises GitHubError when it lacks something."""
    try:
        return Made(
            id=int(data["id"]),
            slug=str(data["slug"]),
            name=str(data["name"]),
            url=str(data["html_url"]),
            private_key=str(data["pem"]),
            webhook_secret=data["webhook_secret"] or "",
        )
    except (KeyError, TypeError, ValueError):
        # Not from its cause: that may quote the key.
        raise GitHubError("GitHub's answer is no App with its credentials") from None


@web.middleware
async def _require_loopback(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer only who asked this machine by its own address: no name that leads here."""
    if request.url.host not in (LOOPBACK, "localhost"):
        raise web.HTTPForbidden(text="Open the address that the terminal shows.\n")
    return await handler(request)


def _page(title: str, body: str, *, status: int = 200, policy: str = "") -> web.Response:
    shown = PAGE.substitute(title=html.escape(title), body=body)
    rules = "; ".join(filter(None, ("default-src 'none'; style-src 'unsafe-inline'", policy)))
    return web.Response(
        status=status,
        text=shown,
        content_type="text/html",
        headers={
            "Content-Security-Policy": rules,
            "Cache-Control": "no-store",
        },
    )
