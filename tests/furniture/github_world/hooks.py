"""Webhooks: what happens makes deliveries; they are sent, lost, or sent again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.furniture.github_world.apps import App
from tests.furniture.github_world.clock import Clock

LIMIT = 10.0
"""Seconds that a delivery may take."""
LARGEST = 25 * 1024 * 1024
"""Bytes; a larger one is not sent at all."""
KEPT = 3 * 24 * 3600
"""Seconds for which deliveries can be looked up, and sent again."""
AGENT = "GitHub-Hookshot/0a1b2c3"
NOT_CONNECTED = (502, "failed to connect to host")
TIMED_OUT = (504, "timed out")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivery, before or after it was sent. A redelivery has the GUID of the first."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    payload: Any
    installation_id: int | None = None
    repository_id: int | None = None
    redelivery: bool = False
    sent: float = 0.0
    """When, by the world's time; 0 for not yet."""
    duration: float = 0.0
    code: int = 0
    status: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with it."""
    answer: str = ""
    answer_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The bytes that are signed and sent."""
        text = json.dumps(self.payload, separators=(",", ":"), ensure_ascii=False)
        if self.app.content_type == "form":
            text = urlencode({"payload": text})
        return text.encode()


def headers_of(one: Delivery, body: bytes) -> dict[str, str]:
    """Return what GitHub sends with a body.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
    """
    form = one.app.content_type == "form"
    made = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": AGENT,
        "X-GitHub-Delivery": one.guid,
        "X-GitHub-Event": one.event,
        "X-GitHub-Hook-ID": str(one.app.hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(one.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if one.app.webhook_secret is not None:
        secret = one.app.webhook_secret.encode()
        made["X-Hub-Signature"] = f"sha1={hmac.new(secret, body, hashlib.sha1).hexdigest()}"
        made["X-Hub-Signature-256"] = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
    return made


class Hooks:
    """Deliveries of all Apps.

    What happens waits in ``pending`` until a test lets it be sent (:meth:`deliver`), in another
    order, twice (:meth:`send`), with a new GUID (:meth:`again`), or not at all (:meth:`lose`). With
    ``live`` each is sent as soon as it happens. GitHub does not repeat one by itself.
    """

    def __init__(self, clock: Clock) -> None:
        self.pending: list[Delivery] = []
        self.log: list[Delivery] = []
        """What was sent, or should have been, oldest first."""
        self.live = False
        self.limit = LIMIT
        self._clock = clock
        self._ids = 90_000_000_000
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Delivery]] = set()

    def add(self, app: App, event: str, action: str | None, payload: Any, **ids: Any) -> Delivery:
        """Note a new delivery."""
        made = Delivery(
            id=self._next_id(),
            guid=str(uuid.uuid4()),
            app=app,
            event=event,
            action=action,
            payload=payload,
            **ids,
        )
        return self._wait(made)

    def examples(self, app: App, payloads: Iterable[tuple[str, dict[str, Any]]]) -> list[Delivery]:
        """Return deliveries of payloads that have nothing to do with this world, not sent."""
        return [
            Delivery(
                id=self._next_id(),
                guid=str(uuid.uuid4()),
                app=app,
                event=event,
                action=payload.get("action"),
                payload=payload,
            )
            for event, payload in payloads
        ]

    def again(self, one: Delivery) -> Delivery:
        """Let the same body wait once more, under a new GUID."""
        return self._wait(replace(one, id=self._next_id(), guid=str(uuid.uuid4()), sent=0.0))

    def redeliver(self, one: Delivery) -> Delivery:
        """Let a delivery wait once more, as somebody asked for: its GUID stays."""
        return self._wait(replace(one, id=self._next_id(), redelivery=True, sent=0.0))

    async def deliver(self, *, shuffled: random.Random | None = None) -> list[Delivery]:
        """Send what is pending, one after the other; return how it went."""
        waiting, self.pending = self.pending, []
        if shuffled is not None:
            shuffled.shuffle(waiting)
        return [await self.send(one) for one in waiting]

    def lose(self) -> list[Delivery]:
        """Let nothing that is pending arrive, as when the service is down; it is on record."""
        waiting, self.pending = self.pending, []
        code, status = NOT_CONNECTED
        return [self._done(one, code=code, status=status) for one in waiting]

    async def send(self, one: Delivery) -> Delivery:
        """Send a delivery (also one that was sent before) and put it on record."""
        body = one.body
        if len(body) > LARGEST:
            return one
        headers = headers_of(one, body)
        begun = time.monotonic()
        told = await self._post(one.app.hook_url, body, headers)
        known = {past.id for past in self.log}
        number = self._next_id() if one.id in known else one.id
        took = round(time.monotonic() - begun, 2)
        return self._done(replace(one, id=number), headers=headers, duration=took, **told)

    async def settled(self) -> None:
        """Wait until everything that is being sent has arrived or failed."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop sending."""
        await stop(self._tasks)
        if self._session is not None:
            await self._session.close()

    def kept(self, app: App) -> list[Delivery]:
        """Return what an App can look up, newest first."""
        since = self._clock.now - KEPT
        return [one for one in reversed(self.log) if one.app is app and one.sent >= since]

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        limit = aiohttp.ClientTimeout(total=self.limit)
        try:
            sending = self._session.post(
                url, data=body, headers=headers, timeout=limit, allow_redirects=False
            )
            async with sending as response:
                answer = (await response.read())[:10_000].decode(errors="replace")
        except TimeoutError:
            return {"code": TIMED_OUT[0], "status": TIMED_OUT[1]}
        except (aiohttp.ClientError, OSError, ValueError):
            return {"code": NOT_CONNECTED[0], "status": NOT_CONNECTED[1]}
        good = 200 <= response.status < 300
        status = "OK" if good else f"Invalid HTTP Response: {response.status}"
        told = {"code": response.status, "status": status, "answer": answer}
        return {**told, "answer_headers": dict(response.headers)}

    def _wait(self, one: Delivery) -> Delivery:
        if not self.live:
            self.pending.append(one)
            return one
        task = asyncio.get_running_loop().create_task(self.send(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return one

    def _done(self, one: Delivery, **told: Any) -> Delivery:
        done = replace(one, sent=self._clock.now, **told)
        self.log.append(done)
        return done

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Stop tasks, and wait until they have."""
    stopping = list(tasks)
    for task in stopping:
        task.cancel()
    await asyncio.gather(*stopping, return_exceptions=True)
