"""What we write where people read it: each text is found again by its mark and edited in place.

Two at once with the same mark could both find nothing and both write: do one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.github.client import GitHub
from mirror.github.looking import who
from mirror.github.texts import bears, cut_title, marked, same

Json = Mapping[str, Any]


async def put_comment(
    github: GitHub, repository: str, number: int, *, marker: str, body: str
) -> int:
    """Make our comment of this mark say this, and return its id. Raises GitHubError.

    There is one for each mark on an issue or pull request: it is edited when it says something
    else, and nothing is sent when it says so already.
    """
    at = f"/repos/{repository}/issues"
    text = marked(marker, body)
    what = f"a comment on {repository}#{number}"

    async def look() -> Json | None:
        return await _ours(github, f"{at}/{number}/comments", {}, marker=marker, what=what)

    found = await look()
    if found is None:
        path, asked = f"{at}/{number}/comments", {"body": text}
        found = (await github.write("POST", path, asked, what=what, look=look)).data
    if not same(found["body"], text):
        await github.write("PATCH", f"{at}/comments/{found['id']}", {"body": text}, what=what)
    return int(found["id"])


async def put_issue(
    github: GitHub,
    repository: str,
    *,
    marker: str,
    title: str,
    body: str,
    labels: Sequence[str] = (),
    reopen: bool = False,
) -> int:
    """Make our issue of this mark say this, and return its number. Raises GitHubError.

    It is edited in place, open or closed; ``reopen`` opens it again where somebody closed it. Its
    labels are set when it is made, and then left to people.
    """
    at = f"/repos/{repository}/issues"
    wanted = {"title": cut_title(title), "body": marked(marker, body)}
    what = f"an issue of {repository}"

    async def look() -> Json | None:
        asked = {"state": "all", "creator": await github.login(), "direction": "asc"}
        return await _ours(github, at, asked, marker=marker, what=what)

    found = await look()
    if found is None:
        made = {**wanted, "labels": list(labels)}
        found = (await github.write("POST", at, made, what=what, look=look)).data
    changes = {name: text for name, text in wanted.items() if not same(found[name], text)}
    if reopen and found["state"] == "closed":
        changes["state"] = "open"
    if changes:
        await github.write("PATCH", f"{at}/{found['number']}", changes, what=what)
    return int(found["number"])


async def _ours(
    github: GitHub, path: str, params: Mapping[str, str], *, marker: str, what: str
) -> Json | None:
    """Return the first in a list that we wrote and that bears a mark: others may copy marks."""
    login = await github.login()
    async for page in github.pages(path, params, what=what, cached=True):
        for one in page:
            if bears(one["body"] or "", marker) and who(one)[0].lower() == login.lower():
                return dict(one)
    return None
