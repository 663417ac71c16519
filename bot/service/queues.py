"""The queues of the service and what works on each: kinds of jobs, and who does them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.service.handlers.events import handle_delivery
from bot.service.outbox import OUTBOX
from bot.service.scene import Handler
from storage.deliveries import DELIVERY, INBOX

UPKEEP = "upkeep"
"""Looking after things: missed deliveries, what is opted in, what can be forgotten."""

LIGHT: Mapping[str, Mapping[str, Handler]] = {
    INBOX: {DELIVERY: handle_delivery},
    OUTBOX: {},
    UPKEEP: {},
}
"""By queue and kind: what the serving process itself does."""
HEAVY: Mapping[str, Handler] = {}
"""By kind: what a process of `bugfoundry work` does, one at a time."""
