"""The queues of the service and what works on each: kinds of jobs, and who does them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.service.app.cleanup import tidy
from bot.service.app.run_results import find_runs, ingest
from bot.service.base.scene import Handler
from bot.service.handlers.all import handle_delivery
from bot.service.handlers.missed_deliveries import fetch_missed
from bot.service.outbox.outbox import CHECK, COMMENT, ISSUE, OUTBOX
from bot.service.outbox.sender import send_check, send_comment, send_issue
from bot.service.repositories.chores import INGEST, MARKS, MISSED, RECONCILE, RUNS, TIDY, UPKEEP
from bot.service.repositories.plan import PULL
from bot.service.repositories.pull_marks import look_at_marks
from bot.service.repositories.reconciliation import reconcile
from bot.service.stages.combine import combine
from bot.service.stages.crawl import crawl
from bot.service.stages.environment import environment
from bot.service.stages.judge import judge
from bot.service.stages.mirror import mirror
from bot.service.stages.model import model
from bot.service.stages.procedural import procedural
from bot.service.stages.pull import pull
from bot.service.stages.report import report
from storage.tables.deliveries import DELIVERY, INBOX

LIGHT: Mapping[str, Mapping[str, Handler]] = {
    INBOX: {DELIVERY: handle_delivery},
    OUTBOX: {COMMENT: send_comment, CHECK: send_check, ISSUE: send_issue},
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
HEAVY: Mapping[str, Handler] = {
    "environment": environment,
    "crawl": crawl,
    "mirror": mirror,
    "procedural": procedural,
    "model": model,
    "combine": combine,
    "judge": judge,
    "report": report,
    PULL: pull,
}
"""By kind: what a process of `bugfoundry work` does, one at a time."""
