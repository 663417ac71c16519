"""Texts of issues of which only the number is known."""

from __future__ import annotations

from collections.abc import Iterable

from mirror.github.client import GitHub
from mirror.github.graphql_records import issue_of
from mirror.github.long_lists import complete
from mirror.github.queries import ISSUES_AT_ONCE, issues_by_number
from storage.errors import GitHubMissing
from storage.records import Issue


async def fetch_issues(github: GitHub, repository: str, numbers: Iterable[int]) -> list[Issue]:
    """Return the issues with these numbers, by number, under the repository's name as given.

    What is a pull request, is gone, or may not be seen is left out. Raises GitHubError.
    """
    wanted = sorted(set(numbers))
    found: list[Issue] = []
    for start in range(0, len(wanted), ISSUES_AT_ONCE):
        found += await _batch(github, repository, wanted[start : start + ISSUES_AT_ONCE])
    return found


async def _batch(github: GitHub, repository: str, numbers: list[int]) -> list[Issue]:
    owner, _, name = repository.partition("/")
    what = f"issues of {repository}"
    data = await github.graphql(
        issues_by_number(numbers), {"owner": owner, "name": name}, what=what
    )
    if data["repository"] is None:
        raise GitHubMissing(f"GitHub knows no {repository}, or the token may not see it")
    answered = [data["repository"][f"i{number}"] for number in numbers]
    nodes = [node for node in answered if node is not None]
    await complete(github, issues=nodes, what=what)
    return [issue_of(node, repository) for node in nodes]
