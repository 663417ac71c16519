"""What Prometheus is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from storage.tables.jobs import Job, QueueCount

PREFIX = "bugfoundry"
ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
DONE = (0.01, 0.1, 1, 10, 60, 600, 3600)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            f"{PREFIX}_deliveries",
            "Deliveries by event and what became of them: taken, known, refused, unstored.",
            ["event", "outcome"],
            registry=self.registry,
        )
        self.acknowledged = Histogram(
            f"{PREFIX}_acknowledge_seconds",
            "Time from a delivery's headers to its answer.",
            buckets=ACKNOWLEDGED,
            registry=self.registry,
        )
        self.jobs = Histogram(
            f"{PREFIX}_job_seconds",
            "Time that jobs ran, by kind.",
            ["kind"],
            buckets=DONE,
            registry=self.registry,
        )
        self.failures = Counter(
            f"{PREFIX}_job_failures",
            "Attempts that failed, by kind, and whether it was the last one.",
            ["kind", "final"],
            registry=self.registry,
        )
        self.queue = Gauge(
            f"{PREFIX}_jobs",
            "Jobs by queue, kind and state.",
            ["queue", "kind", "state"],
            registry=self.registry,
        )
        self.oldest = Gauge(
            f"{PREFIX}_oldest_due_seconds",
            "How long the first waiting job of a queue has been due.",
            ["queue"],
            registry=self.registry,
        )
        self.requests = Gauge(
            f"{PREFIX}_github_requests",
            "Requests sent to GitHub since the start.",
            registry=self.registry,
        )

    @contextmanager
    def time_job(self, job: Job) -> Iterator[None]:
        """Measure how long a job runs."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.jobs.labels(job.kind).observe(time.perf_counter() - began)

    def count_failure(self, job: Job, *, final: bool) -> None:
        """Count an attempt that failed."""
        self.failures.labels(job.kind, str(final).lower()).inc()

    def show(self, counts: list[QueueCount], now: float) -> bytes:
        """Return all in Prometheus' text format, with the queue as it stands."""
        self.queue.clear()
        self.oldest.clear()
        oldest: dict[str, float] = {}
        for count in counts:
            self.queue.labels(count.queue, count.kind, count.state).set(count.jobs)
            if count.state == "waiting":
                waited = max(0.0, now - count.due)
                oldest[count.queue] = max(oldest.get(count.queue, 0.0), waited)
        for queue, waited in oldest.items():
            self.oldest.labels(queue).set(waited)
        return generate_latest(self.registry)
