"""What we write where people read it: each text is found again by its mark and edited in place.

Two at once with the same mark could both find nothing and both write: do one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.github.client import GitHub
from mirror.github.present_state import who
from mirror.github.texts import cut_title, has_mark, is_same_text, prepend_mark
from storage.errors import GitHubMissing

Json = Mapping[str, Any]


async def put_comment(
    github: GitHub, repository: str, number: int, *, marker: str, body: str, known: int = 0
) -> int:
    """Make our comment of this mark say this, and return its id. Raises GitHubError.

    There is one for each mark on an issue or pull request: it is edited when it says something
    else, and nothing is sent when it says so already. ``known`` is the id that was returned the
    last time: there it is looked for first.
    """
    at = f"/repos/{repository}/issues"
    text = prepend_mark(marker, body)
    what = f"comment on {repository}#{number}"

    async def look() -> Json | None:
        found = await _at(github, f"{at}/comments/{known}", marker=marker, what=what, known=known)
        path = f"{at}/{number}/comments"
        return found or await _ours(github, path, {}, marker=marker, what=what)

    found = await look()
    if found is None:
        path, asked = f"{at}/{number}/comments", {"body": text}
        found = (await github.write("POST", path, asked, what=what, look=look)).data
    if not is_same_text(found["body"], text):
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
    known: int = 0,
) -> int:
    """Make our issue of this mark say this, and return its number. Raises GitHubError.

    It is edited in place, open or closed; ``reopen`` opens it again where somebody closed it. Its
    labels are set when it is made, and then left to people. ``known`` is the number that was
    returned the last time: there it is looked for first.
    """
    at = f"/repos/{repository}/issues"
    wanted = {"title": cut_title(title), "body": prepend_mark(marker, body)}
    what = f"issue of ours in {repository}"

    async def look() -> Json | None:
        asked = {"state": "all", "creator": await github.login(), "direction": "asc"}
        found = await _at(github, f"{at}/{known}", marker=marker, what=what, known=known)
        return found or await _ours(github, at, asked, marker=marker, what=what)

    found = await look()
    if found is None:
        made = {**wanted, "labels": list(labels)}
        found = (await github.write("POST", at, made, what=what, look=look)).data
    changes = {name: text for name, text in wanted.items() if not is_same_text(found[name], text)}
    if reopen and found["state"] == "closed":
        changes["state"] = "open"
    if changes:
        await github.write("PATCH", f"{at}/{found['number']}", changes, what=what)
    return int(found["number"])


async def _at(github: GitHub, path: str, *, marker: str, what: str, known: int) -> Json | None:
    """Return what is at a place that is known, if it still is what we wrote there."""
    if not known:
        return None
    try:
        one: Json = (await github.get(path, what=what, cached=True)).data
    except GitHubMissing:
        return None
    # What was transferred is at another place now, where it has another number.
    still = known in (one["id"], one.get("number"))
    return one if still and _is_ours(one, await github.login(), marker) else None


async def _ours(
    github: GitHub, path: str, params: Mapping[str, str], *, marker: str, what: str
) -> Json | None:
    """Return the first in a list that we wrote and that bears a mark: others may copy marks."""
    login = await github.login()
    async for page in github.pages(path, params, what=what, cached=True):
        for one in page:
            if _is_ours(one, login, marker):
                return dict(one)
    return None


def _is_ours(one: Json, login: str, marker: str) -> bool:
    ours = who(one)[0].lower() == login.lower() and "pull_request" not in one
    return ours and has_mark(one["body"] or "", marker)
