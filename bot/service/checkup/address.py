"""Whether the service is where GitHub looks for it: asked over the same address."""

from __future__ import annotations

import json
from uuid import uuid4

import aiohttp

from bot.service.base.config import Config
from bot.service.checkup.findings import CheckupFinding, ok, wrong
from bot.service.checkup.github import TIMEOUT, unreachable
from bot.service.inbox import webhooks
from bot.service.registration.manifest import hook_url

ADDRESS = "public address"
ZEN = json.dumps({"zen": "Is anybody there?"}).encode()


async def ask_address(config: Config, hook_secret: str) -> CheckupFinding:
    """Ask the service for its health, and send it a signed ping as GitHub would."""
    public = config.serve.public_url.rstrip("/")
    if not public:
        return wrong(ADDRESS, "it is not set", "set serve.public_url to where GitHub reaches it")
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session:
            async with session.get(f"{public}/healthz") as health:
                text = (await health.content.read(100)).decode(errors="replace").strip()
            if health.status != 200 or text != "ok":
                said = f"{public} answers, but is not the service (/healthz: {health.status})"
                return wrong(ADDRESS, said, _elsewhere(config))
            return await _send_ping(session, hook_url(public), hook_secret, config)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        found = unreachable(ADDRESS, public, error)
        return wrong(ADDRESS, found.said, f"start `bugfoundry serve`; {found.do}")


async def _send_ping(
    session: aiohttp.ClientSession, url: str, hook_secret: str, config: Config
) -> CheckupFinding:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": str(uuid4()),
        "X-Hub-Signature-256": webhooks.signature(ZEN, hook_secret),
    }
    async with session.post(url, data=ZEN, headers=headers) as answer:
        text = (await answer.content.read(300)).decode(errors="replace").strip()
    if answer.status == 202:
        return ok(ADDRESS, f"{url} takes what is signed")
    if answer.status == 401:
        said = "the service that runs there has another webhook secret than these settings"
        return wrong(ADDRESS, said, "start it again with these settings")
    return wrong(ADDRESS, f"{url} answered {answer.status}: {text[:200]}", _elsewhere(config))


def _elsewhere(config: Config) -> str:
    here = f"http://{config.serve.host}:{config.serve.port}"
    return f"let {config.serve.public_url} lead to {here}, bodies and headers unchanged"
