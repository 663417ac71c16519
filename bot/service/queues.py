"""The queues of the service and what works on each: kinds of jobs, and who does them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.service.chores import INGEST, MARKS, MISSED, RECONCILE, RUNS, TIDY, UPKEEP
from bot.service.handlers.all import handle_delivery
from bot.service.ingesting import find_runs, ingest
from bot.service.marking import look_at_marks
from bot.service.missing import fetch_missed
from bot.service.outbox import OUTBOX
from bot.service.reconciling import reconcile
from bot.service.scene import Handler
from bot.service.tidying import tidy
from storage.deliveries import DELIVERY, INBOX

LIGHT: Mapping[str, Mapping[str, Handler]] = {
    INBOX: {DELIVERY: handle_delivery},
    OUTBOX: {},
    UPKEEP: {
        INGEST: ingest,
        MARKS: look_at_marks,
        MISSED: fetch_missed,
        RECONCILE: reconcile,
        RUNS: find_runs,
        TIDY: tidy,
    },
}
"""By queue and kind: what the serving process itself does."""
HEAVY: Mapping[str, Handler] = {}
"""By kind: what a process of `bugfoundry work` does, one at a time."""
