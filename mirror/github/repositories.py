"""Repositories of our own on GitHub: made where they are not there.

https://docs.github.com/en/rest/repos/repos
"""

from __future__ import annotations

from typing import Any

from mirror.github.client import GitHub
from storage.errors import GitHubMissing


async def ensure_repository(
    github: GitHub, owner: str, name: str, *, private: bool, description: str
) -> bool:
    """Make a repository of an organisation or of the token's own user; say whether it is new.

    It has neither issues nor wiki nor projects. Raises GitHubError.
    """
    what = f"the repository {owner}/{name}"

    async def look() -> dict[str, Any] | None:
        try:
            return dict((await github.get(f"/repos/{owner}/{name}", what=what)).data)
        except GitHubMissing:
            return None

    if await look() is not None:
        return False
    body = {
        "name": name,
        "description": description[:350],
        "private": private,
        "has_issues": False,
        "has_wiki": False,
        "has_projects": False,
    }
    try:
        await github.write("POST", f"/orgs/{owner}/repos", body, what=what, look=look)
    except GitHubMissing:
        # No organisation: the account of a person, whose own token this has to be.
        await github.write("POST", "/user/repos", body, what=what, look=look)
    return True
