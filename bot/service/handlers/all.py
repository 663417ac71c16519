"""The job that hands deliveries on, with every handler there is: importing one registers it."""

from bot.service.handlers import (
    check_run,
    installation,
    issue_comment,
    issues,
    label,
    pull_request,
    repository,
    workflow_run,
)
from bot.service.handlers.events import EVENTS, handle_delivery

__all__ = [
    "EVENTS",
    "check_run",
    "handle_delivery",
    "installation",
    "issue_comment",
    "issues",
    "label",
    "pull_request",
    "repository",
    "workflow_run",
]
