"""GitHub as a place where batches are judged: a mirror, its one workflow, its runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from forge.remote.actions.mirror_files import FILE, TITLE
from forge.remote.actions.place import RunJob, RunState
from forge.remote.actions.shipment import ship, unship
from forge.remote.batch.artifacts import LARGEST_ARCHIVE, Artifact, read_archive
from mirror.github.client import GitHub
from mirror.github.runs import (
    RunArtifact,
    artifacts_of_run,
    download_artifact,
    find_run,
    jobs_of_run,
    look_at_run,
    start_run,
)
from storage.clones import github_variables
from storage.errors import GitHubError
from storage.git import GitError
from storage.tables.dispatches import ACTIONS
from storage.trees import Trees

log = logging.getLogger(__name__)

WANTED = ("verdicts-", "batch-2")
"""Beginnings of the names of artifacts that are fetched."""

Token = Callable[[], Awaitable[str]]


class GitHubPlace:
    """Judges the batches of one repository in its mirror.

    ``code`` is the commit there that holds the code, ``registry`` where its image is, ``url`` where
    GitHub's repositories are, ``token`` gives one that git may push with.
    """

    def __init__(
        self,
        github: GitHub,
        mirror: str,
        *,
        code: str,
        branch: str,
        registry: str,
        url: str,
        token: Token,
        trees: Trees,
    ) -> None:
        self.name = f"{ACTIONS}{mirror}"
        self._github = github
        self._mirror = mirror
        self._code = code
        self._branch = branch
        self._registry = registry
        self._url = url
        self._token = token
        self._trees = trees

    async def upload_batch(self, folder: Path, plan: str) -> str:
        """Push a batch into the mirror as a commit of its own, and return it."""
        env = github_variables(await self._token(), self._url)
        at = f"{self._url}/{self._mirror}.git"
        return await asyncio.to_thread(ship, folder, plan, at, trees=self._trees, env=env)

    async def remove(self, plan: str) -> None:
        """Take a batch away that was judged. What cannot be taken away stays: it does no harm."""
        env = github_variables(await self._token(), self._url)
        at = f"{self._url}/{self._mirror}.git"
        try:
            await asyncio.to_thread(unship, plan, at, trees=self._trees, env=env)
        except GitError as error:
            log.info("plan=%s stays in the mirror: %s", plan, error)

    async def dispatch(self, address: str, plan: str) -> str:
        """Start the mirror's workflow on a batch, and return the run."""
        run = await start_run(
            self._github,
            self._mirror,
            FILE,
            ref=self._branch,
            inputs={"batch": address, "code": self._code, "registry": self._registry},
            title=TITLE.format(batch=address),
        )
        return str(run)

    async def find(self, address: str, plan: str) -> str | None:
        """Return the run that was started on a batch."""
        title = TITLE.format(batch=address)
        found = await find_run(self._github, self._mirror, FILE, title=title)
        return None if found is None else str(found)

    async def state(self, run: str) -> RunState:
        """Say where a run stands; its jobs once it has ended."""
        found = await look_at_run(self._github, self._mirror, int(run))
        if found.status != "completed":
            return RunState(ended=False, url=found.url)
        jobs = await jobs_of_run(self._github, self._mirror, int(run))
        return RunState(
            ended=True,
            conclusion=found.conclusion,
            url=found.url,
            jobs=tuple(
                RunJob(name=job.name, conclusion=job.conclusion, seconds=job.seconds)
                for job in jobs
            ),
        )

    async def artifacts(self, run: str) -> AsyncGenerator[Artifact, None]:
        """Yield the deliveries of a run's shards, unpacked."""
        listed = artifacts_of_run(self._github, self._mirror, int(run))
        async with aclosing(listed) as artifacts:
            async for one in artifacts:
                if one.name.startswith(WANTED):
                    for artifact in await self._fetch_artifact(one):
                        yield artifact

    async def _fetch_artifact(self, one: RunArtifact) -> list[Artifact]:
        if one.expired:
            return [Artifact(name=one.name, fault="it has expired")]
        if one.size > LARGEST_ARCHIVE:
            return [Artifact(name=one.name, fault=f"it is larger than {LARGEST_ARCHIVE >> 20} MiB")]
        try:
            data = await download_artifact(self._github, self._mirror, one, limit=LARGEST_ARCHIVE)
        except GitHubError as error:
            return [Artifact(name=one.name, fault=str(error))]
        return read_archive(data, one.name)
