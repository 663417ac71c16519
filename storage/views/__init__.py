"""What pages show: read-only questions over the whole store, and who may see the answers."""

from __future__ import annotations

from pathlib import Path

from storage.tables.sqlite import Database
from storage.views.bugs import BugViews
from storage.views.pulls import PullViews
from storage.views.queue import QueueViews
from storage.views.repositories import RepositoryViews
from storage.views.tasks import TaskViews
from storage.views.yields import YieldViews


class Views:
    """All questions, by what they are about; reached as ``store.views``."""

    def __init__(self, db: Database, path: Path) -> None:
        self.repositories = RepositoryViews(db, path)
        self.bugs = BugViews(db, path)
        self.pulls = PullViews(db, path)
        self.tasks = TaskViews(db, path)
        self.yields = YieldViews(db, path)
        self.queue = QueueViews(db, path)
