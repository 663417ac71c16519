"""The service over HTTP: webhooks, health and metrics, and the pages of the dashboard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.service.base.metrics import Metrics
from bot.service.base.store_thread import AsyncStore
from bot.service.inbox import webhooks
from bot.service.inbox.inbox import Inbox
from bot.service.inbox.webhooks import LARGEST, DeliveryRefused
from bot.service.pages.board import Board
from bot.service.pages.routes import add_pages
from storage.errors import StoreError
from storage.tables.deliveries import Delivery

log = logging.getLogger(__name__)

PATIENCE = 9.0
"""Seconds in which a payload must have arrived: GitHub itself gives up after ten."""
IN_A_THREAD = 512 * 1024
"""Bytes from which a payload is checked beside the event loop."""
TOO_SLOW = "the payload did not arrive in time"
UNSTORED = "the delivery cannot be stored just now; redeliver it later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What the web application stands on."""

    inbox: Inbox
    keeper: AsyncStore
    secret: str = field(repr=False)
    metrics: Metrics = field(default_factory=Metrics)
    nudge: Callable[[], None] = lambda: None
    """Called when there is something new in the inbox."""
    clock: Callable[[], float] = time.time
    requests: Callable[[], int] = lambda: 0
    """How many requests were sent to GitHub."""


class UnderWay:
    """The requests that are being answered."""

    def __init__(self) -> None:
        self._count = 0
        self._ended = asyncio.Event()

    @contextmanager
    def count_one(self) -> Iterator[None]:
        """Count a request while the block lasts."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._ended.set()

    async def wait_until_idle(self) -> None:
        """Wait until there are none."""
        while self._count:
            self._ended.clear()
            await self._ended.wait()


FRONT: web.AppKey[Front] = web.AppKey("front", Front)
UNDER_WAY: web.AppKey[UnderWay] = web.AppKey("under_way", UnderWay)


def make_app(front: Front, board: Board | None = None) -> web.Application:
    """Return the application, with the pages of a dashboard where there is one.

    Raises ConfigError when its operator's token could be guessed.
    """
    app = web.Application(client_max_size=LARGEST, middlewares=[count_request, plain_errors])
    app[FRONT] = front
    app[UNDER_WAY] = UnderWay()
    app.router.add_post("/webhooks", take)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    if board is not None:
        add_pages(app, board)
    return app


async def take(request: web.Request) -> web.Response:
    """Store a delivery and acknowledge it; whatever it leads to is done later."""
    front = request.app[FRONT]
    event = request.headers.get("X-GitHub-Event", "")
    with front.metrics.acknowledged.time():
        status, outcome, text = await _receive_delivery(request, front)
    # Names that anybody could send must not become metrics without end.
    known = outcome in ("taken", "known")
    front.metrics.deliveries.labels(event if known else "", outcome).inc()
    if status >= 400:
        log.warning("delivery refused status=%d reason=%r", status, text)
    return web.Response(status=status, text=f"{text}\n")


async def _receive_delivery(request: web.Request, front: Front) -> tuple[int, str, str]:
    try:
        async with asyncio.timeout(PATIENCE):
            body = await request.read()
    except TimeoutError:
        return 408, "refused", TOO_SLOW
    except web.HTTPRequestEntityTooLarge:
        return 413, "refused", webhooks.TOO_LARGE
    if request.content_type != "application/json":
        return 415, "refused", webhooks.NOT_JSON
    headers = {name.lower(): value for name, value in request.headers.items()}

    def parse_body() -> Delivery:
        return webhooks.read_delivery(headers, body, secret=front.secret, now=front.clock())

    try:
        delivery = await asyncio.to_thread(parse_body) if len(body) > IN_A_THREAD else parse_body()
        news = await front.inbox.take(delivery)
    except DeliveryRefused as refused:
        return refused.status, "refused", str(refused)
    except StoreError as error:
        # GitHub lists a delivery that was not taken, and it is fetched from there later.
        log.error("delivery not stored error=%r", str(error))
        return 503, "unstored", UNSTORED
    if news:
        front.nudge()
    return 202, "taken" if news else "known", "taken" if news else "known already"


async def healthz(request: web.Request) -> web.Response:
    """Say that the process lives."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Say whether deliveries can be stored."""
    try:
        await request.app[FRONT].keeper(lambda store: store.jobs.counts())
    except StoreError as error:
        return web.Response(status=503, text=f"{error}\n")
    return web.Response(text="ready\n")


async def metrics(request: web.Request) -> web.Response:
    """Show the metrics."""
    front = request.app[FRONT]
    counts = await front.keeper(lambda store: store.jobs.counts())
    front.metrics.requests.set(front.requests())
    shown = front.metrics.show(counts, front.clock())
    return web.Response(body=shown, headers={"Content-Type": "text/plain; version=0.0.4"})


@web.middleware
async def count_request(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Count a request while it is being answered."""
    with request.app[UNDER_WAY].count_one():
        return await handler(request)


@web.middleware
async def plain_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what goes wrong in one line, and keep the rest for the log."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except StoreError as error:
        log.error("request failed path=%s error=%r", request.path, str(error))
        return web.Response(status=503, text="the store cannot be read just now; try again\n")
