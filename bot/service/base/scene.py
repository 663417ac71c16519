"""What a job is done with, and what it may come to."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.service.base.config import Config
from bot.service.base.store_thread import AsyncStore
from mirror.github.hub import Hub
from storage.store import Store
from storage.tables.jobs import Job, NewJob

Change = Callable[[Store], object]
"""Something to write: it is given the store inside the transaction that ends the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job came to. All of it is stored with the job's end, or none of it."""

    note: str = ""
    """In a few words, for who looks at the queue."""
    changes: tuple[Change, ...] = ()
    jobs: tuple[NewJob, ...] = ()
    """What is to be done next, writes to GitHub among it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a job may use."""

    config: Config
    keeper: AsyncStore
    hub: Hub
    clock: Callable[[], float] = time.time
    progress: Callable[[str], None] = field(default=lambda text: None)
    """Told in a few words how far a long job is."""


Handler = Callable[[Job, Scene], Awaitable[Outcome]]
"""Does a job. It may be begun more than once, and cut off anywhere."""
