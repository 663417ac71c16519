"""What REST tells and GraphQL does not, or not as well; asked through PyGithub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mirror.github.client import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A repository as GitHub has it now."""

    name: str
    """``owner/name``; another than was asked for when it was renamed or transferred."""
    default_branch: str
    clone_url: str
    private: bool
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A file of a pull request's diff. GraphQL tells neither old names nor patches."""

    path: str
    status: str
    """``added``, ``removed``, ``modified``, ``renamed`` …"""
    previous: str = ""
    """Its path before it was renamed."""
    patch: str = ""
    """Hunks without headers; empty for what is binary or too large."""


async def fetch_repository(github: GitHub, repository: str) -> About:
    """Return what GitHub knows of a repository. Raises GitHubError."""

    def call(pygithub: Any) -> About:
        found = pygithub.get_repo(repository)
        return About(
            name=found.full_name,
            default_branch=found.default_branch,
            clone_url=found.clone_url,
            private=found.private,
            archived=found.archived,
        )

    return await github.through_pygithub(call, what=f"repository {repository}")


async def changed_files(github: GitHub, repository: str, number: int) -> list[ChangedFile]:
    """Return the diff of a pull request, for when no clone gives it. Raises GitHubError."""

    def call(pygithub: Any) -> list[ChangedFile]:
        pull = pygithub.get_repo(repository).get_pull(number)
        return [
            ChangedFile(
                path=one.filename,
                status=one.status,
                previous=one.previous_filename or "",
                patch=one.patch or "",
            )
            for one in pull.get_files()
        ]

    return await github.through_pygithub(call, what=f"files of {repository}#{number}")
