"""What GitHub says of the App: whether it is ours, what it may do, and what came of deliveries."""

from __future__ import annotations

import os
import ssl
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.service.base.config import Config
from bot.service.checkup.findings import CheckupFinding, note, ok, wrong
from bot.service.registration.manifest import hook_url
from bot.service.registration.permissions import Difference, compare_events, compare_permissions
from mirror.github.app import app_jwt
from mirror.github.client import GitHub
from mirror.github.deliveries import Delivered, deliveries
from mirror.github.hub import Hub
from mirror.github.present_state import GitHubInstallation, installations
from mirror.github.tokens import KEY_REFUSED
from storage.errors import GitHubError

REACH, CLOCK, APP, PERMISSIONS, EVENTS, HOOK, DELIVERIES, INSTALLED = (
    "GitHub",
    "clock",
    "App",
    "permissions",
    "events",
    "webhook",
    "deliveries",
    "installations",
)
CLOCK_OFF = 45.0
"""Seconds that a clock may be off; GitHub minds a minute."""
TIMEOUT = aiohttp.ClientTimeout(total=20)
PATIENCE = 60.0
"""Seconds that a question may wait for a limit: a person is waiting."""
RECENT = 3 * 86400.0
"""Seconds for which GitHub keeps deliveries to hand them over again."""
NEWEST = 300
"""So many deliveries are looked at."""
BUNDLE = "where a proxy signs for others, name its certificates in SSL_CERT_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAnswer:
    """What GitHub answered when it was asked who the App is; ``ours`` is by our own clock."""

    status: int
    data: Any
    theirs: float | None
    ours: float


async def ask_github(
    config: Config, key: str, *, clock: Callable[[], float] = time.time
) -> AsyncGenerator[CheckupFinding, None]:
    """Give what GitHub says. ``key`` is the App's private key, known to be one."""
    told = await _ask_app(config, key, clock)
    if isinstance(told, CheckupFinding):
        yield told
        return
    yield ok(REACH, f"{config.app.api_url} answers")
    yield (timed := _clock(told))
    yield (known := _app(config, told, clock_off=timed.verdict != "ok"))
    if told.status != 200 or not isinstance(told.data, dict):
        return
    page = f"{config.app.web_url}/settings/apps/{told.data['slug']}"
    yield _permissions(compare_permissions(told.data["permissions"]), page)
    yield _events(compare_events(told.data["events"]), page)
    if known.verdict != "ok":
        return
    hub = Hub(config.app.api_url, app_id=config.app.id, private_key=key, patience=PATIENCE)
    async with hub:
        for what, look in (
            (HOOK, _hook),
            (DELIVERIES, _deliveries),
            (INSTALLED, _check_installations),
        ):
            try:
                yield await look(hub.as_app(), config, page)
            except GitHubError as error:
                yield wrong(what, str(error), "try again")


async def _ask_app(
    config: Config, key: str, clock: Callable[[], float]
) -> AppAnswer | CheckupFinding:
    """Ask once, without the client's patience: what goes wrong on the way is what we are after."""
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {app_jwt(config.app.id, key, now=clock())}",
        "User-Agent": "bugfoundry",
    }
    api = config.app.api_url.rstrip("/")
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session:
            began = clock()
            async with session.get(f"{api}/app", headers=headers) as response:
                ours = (began + clock()) / 2
                data = await _data(response)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return unreachable(REACH, api, error)
    return AppAnswer(status=response.status, data=data, theirs=_date(response.headers), ours=ours)


async def _data(response: aiohttp.ClientResponse) -> Any:
    try:
        return await response.json(content_type=None)
    except (ValueError, RecursionError):
        return None


def unreachable(what: str, url: str, error: Exception) -> CheckupFinding:
    """Say in words why nothing answers at an address."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        bundle = os.environ.get("SSL_CERT_FILE", "")
        if bundle and not Path(bundle).is_file():
            said = f"SSL_CERT_FILE names {bundle}, which is not there"
            return wrong(what, said, "mend the variable, or unset it")
        reason = getattr(error, "certificate_error", None) or error
        said = f"the certificate of {url} is not trusted here: {_line(reason)}"
        return wrong(what, said, BUNDLE)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return wrong(
            what, f"the name in {url} is not known", "mend the address, or this machine's DNS"
        )
    if isinstance(error, TimeoutError):
        said = f"{url} did not answer in {TIMEOUT.total:.0f} s"
        return wrong(what, said, "see whether a firewall or proxy stands between")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return wrong(what, f"{url} is no address", "mend it in the settings")
    said = f"nothing answers at {url}: {_line(error)}"
    return wrong(what, said, "see whether it runs, and whether a firewall or proxy stands between")


def _clock(app_answer: AppAnswer) -> CheckupFinding:
    if app_answer.theirs is None:
        return note(CLOCK, "GitHub did not tell its time")
    off = app_answer.ours - app_answer.theirs
    if abs(off) <= CLOCK_OFF:
        return ok(CLOCK, "agrees with GitHub's")
    amount = f"{abs(off):.0f} seconds" if abs(off) < 90 else f"{abs(off) / 60:.0f} minutes"
    side = "ahead of" if off > 0 else "behind"
    said = f"this machine's clock is {amount} {side} GitHub's"
    return wrong(
        CLOCK, said, "set it, or let NTP keep it: GitHub refuses what is signed at another time"
    )


def _app(config: Config, app_answer: AppAnswer, *, clock_off: bool) -> CheckupFinding:
    data = app_answer.data if isinstance(app_answer.data, dict) else {}
    if app_answer.status == 200 and "slug" in data:
        slug = config.app.slug
        if slug and slug != data["slug"]:
            said = f"app.slug is {slug!r}, but the App is {data['slug']!r}"
            return wrong(APP, said, f'set app.slug = "{data["slug"]}"')
        return ok(APP, f"{data['name']} (number {data['id']}) of {data['owner']['login']}")
    if app_answer.status == 404:
        said = f"{config.app.api_url} knows no App with the id {config.app.id}"
        return wrong(
            APP, said, "set app.id to the number on the App's page, and api_url to its GitHub"
        )
    if app_answer.status == 401 and clock_off:
        return wrong(
            APP, "GitHub refuses the signature, as the clock is off", "set the clock first"
        )
    if app_answer.status == 401:
        return wrong(APP, *KEY_REFUSED.split("; "))
    said = f"GitHub answered {app_answer.status}: {data.get('message', 'no reason given')}"
    return wrong(APP, said, "try again; see https://www.githubstatus.com if it stays")


def _permissions(found: Difference, page: str) -> CheckupFinding:
    where = f"change it on {page}/permissions"
    if found.lacking:
        said = f"the App lacks {', '.join(found.lacking)}"
        return wrong(PERMISSIONS, said, f"{where}; installations have to accept it")
    if found.spare:
        said = f"the App may do more than it needs: {', '.join(found.spare)}"
        return wrong(PERMISSIONS, said, f"{where}; docs/permissions.md says what is needed")
    return ok(PERMISSIONS, "exactly what is needed")


def _events(found: Difference, page: str) -> CheckupFinding:
    where = f"change it on {page}/permissions"
    if found.lacking:
        return wrong(EVENTS, f"the App is not told of {', '.join(found.lacking)}", where)
    if found.spare:
        return note(EVENTS, f"it is told of {', '.join(found.spare)} for nothing", where)
    return ok(EVENTS, "exactly what is needed")


async def _hook(as_app: GitHub, config: Config, page: str) -> CheckupFinding:
    hook = (await as_app.get("/app/hook/config", what="the App's webhook")).data
    wanted, change = hook_url(config.serve.public_url), f"change it on {page}"
    if hook.get("url", "").rstrip("/") != wanted:
        said = f"GitHub delivers to {hook.get('url') or 'nowhere'}, the service is at {wanted}"
        return wrong(HOOK, said, f"{change}, or mend serve.public_url")
    if hook.get("content_type") != "json":
        return wrong(HOOK, "GitHub sends forms", f"{change}: content type application/json")
    if not hook.get("secret"):
        return wrong(HOOK, "GitHub signs nothing", f"{change}: the secret the service has")
    if str(hook.get("insecure_ssl", "0")) != "0":
        return wrong(HOOK, "GitHub does not verify the certificate", f"{change}: enable it")
    return ok(HOOK, f"GitHub delivers to {wanted}, signed")


async def _deliveries(as_app: GitHub, config: Config, page: str) -> CheckupFinding:
    found = await deliveries(as_app, time.time() - RECENT, most=NEWEST)
    newest: dict[str, Delivered] = {one.guid: one for one in found}
    failed = [one for one in newest.values() if not one.taken]
    if any(one.status == 401 for one in failed):
        count = sum(one.status == 401 for one in failed)
        said = f"{count} of the newest {len(newest)} bear a signature of another secret (401)"
        return wrong(DELIVERIES, said, f"set the same secret on {page} and here")
    if not newest:
        return note(DELIVERIES, "GitHub had nothing to deliver in three days")
    if failed:
        reasons = Counter(one.status for one in failed)
        told = ", ".join(
            f"{n} times {status or 'no answer'}" for status, n in reasons.most_common()
        )
        said = f"{len(failed)} of the newest {len(newest)} were not taken ({told})"
        do = f"see {page}/advanced; the service fetches them again when it runs"
        return wrong(DELIVERIES, said, do)
    return ok(DELIVERIES, f"the newest {len(newest)} were all taken")


async def _check_installations(as_app: GitHub, config: Config, page: str) -> CheckupFinding:
    found = await installations(as_app)
    if not found:
        return note(INSTALLED, "there are none yet", f"{page}/installations has the button")
    behind = [one for one in found if compare_permissions(_may(one)).lacking]
    if behind:
        said = f"{_accounts(behind)} did not accept all permissions that the App asks for"
        return wrong(
            INSTALLED, said, "ask their owners: GitHub shows it among their installed Apps"
        )
    suspended = [one for one in found if one.suspended]
    told = f"{len(found)}" + (f", suspended: {_accounts(suspended)}" if suspended else "")
    return (note if suspended else ok)(INSTALLED, told)


def _may(one: GitHubInstallation) -> Mapping[str, str]:
    return one.permissions


def _accounts(found: list[GitHubInstallation]) -> str:
    names = [one.account for one in found]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _date(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None


def _line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
