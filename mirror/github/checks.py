"""Check runs: one for each external id at a commit, with as many annotations as are wanted.

https://docs.github.com/en/rest/checks/runs
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal
from urllib.parse import quote

from mirror.github.client import GitHub
from mirror.github.texts import cut_text, cut_title, has_mark, is_same_text, prepend_mark

BATCH = 50
"""Annotations in one request; more are appended by further ones."""

Json = Mapping[str, Any]
Status = Literal["queued", "in_progress", "completed"]
Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out"]
Level = Literal["notice", "warning", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnnotation:
    """A remark on lines of a file."""

    path: str
    start: int
    end: int
    message: str
    title: str = ""
    details: str = ""
    level: Level = "notice"


async def put_check_run(
    github: GitHub,
    repository: str,
    head_sha: str,
    *,
    name: str,
    external_id: str,
    status: Status,
    title: str,
    summary: str,
    conclusion: Conclusion | None = None,
    text: str = "",
    annotations: Sequence[LineAnnotation] = (),
) -> int:
    """Make our check run of this external id at a commit say this, and return its id.

    It is updated in place. Annotations can only be added to a run: when others are wanted than it
    has, a new run takes its place. Raises GitHubError.
    """
    digest = hashlib.sha256(repr([astuple(one) for one in annotations]).encode()).hexdigest()[:16]
    output = {
        "title": cut_title(title),
        "summary": prepend_mark(f"annotations:{digest}", summary),
        "text": cut_text(text),
    }
    wanted: dict[str, Any] = {"status": status, "output": output}
    if conclusion is not None:
        wanted["conclusion"] = conclusion
    run = _Run(github, repository, head_sha, name, external_id)
    found = await run.look()
    if found is not None and _count_annotations(found) and not _has_digest(found, digest):
        found = await run.make(wanted, annotations, after=found["id"])
    elif found is None:
        found = await run.make(wanted, annotations)
    return await run.complete(found, wanted, annotations, digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCheck:
    """A check run as it is now."""

    head: str
    """The commit that it is of."""
    login: str
    """Whose it is, as the author of what that App writes."""


async def look_at_check_run(github: GitHub, repository: str, number: int) -> SeenCheck:
    """Return a check run. Raises GitHubError."""
    path = f"/repos/{quote(repository)}/check-runs/{number}"
    one = (await github.get(path, what=f"check run {number} of {repository}")).data
    app = one.get("app") or {}
    return SeenCheck(head=one["head_sha"], login=f"{app['slug']}[bot]" if app.get("slug") else "")


class _Run:
    """The run of one external id at one commit."""

    def __init__(
        self, github: GitHub, repository: str, head_sha: str, name: str, external_id: str
    ) -> None:
        self._github = github
        self._at = f"/repos/{repository}"
        self._sha = head_sha
        self._name = name
        self._id = external_id
        self._what = f"check run {name} of {repository} at {head_sha[:8]}"

    async def look(self) -> Json | None:
        """Return our newest run."""
        slug = (await self._github.login()).removesuffix("[bot]")
        path = f"{self._at}/commits/{self._sha}/check-runs"
        asked = {"check_name": self._name, "filter": "all"}
        found: list[Json] = []
        async for page in self._github.pages(path, asked, what=self._what):
            found += [
                one
                for one in page["check_runs"]
                if one["external_id"] == self._id and (one["app"] or {}).get("slug") == slug
            ]
        return max(found, key=lambda one: int(one["id"]), default=None)

    async def make(
        self, wanted: Json, annotations: Sequence[LineAnnotation], *, after: int = 0
    ) -> Json:
        """Make a new run with the first annotations."""

        async def look() -> Json | None:
            found = await self.look()
            return found if found is not None and found["id"] > after else None

        body = {"name": self._name, "head_sha": self._sha, "external_id": self._id}
        body |= _with(wanted, annotations[:BATCH])
        path = f"{self._at}/check-runs"
        answer = await self._github.write("POST", path, body, what=self._what, look=look)
        return dict(answer.data)

    async def complete(
        self, found: Json, wanted: Json, annotations: Sequence[LineAnnotation], digest: str
    ) -> int:
        """Bring a run to what is wanted, and add the annotations that it lacks."""
        path = f"{self._at}/check-runs/{found['id']}"
        has = _count_annotations(found) if _has_digest(found, digest) else 0
        if not _is_as_wanted(found, wanted) and has >= len(annotations):
            await self._github.write("PATCH", path, wanted, what=self._what)
        for start in range(has, len(annotations), BATCH):
            batch = annotations[start : start + BATCH]
            enough = start + len(batch)

            async def look(enough: int = enough) -> Json | None:
                # Sent twice, they would be there twice.
                now: Json = (await self._github.get(path, what=self._what)).data
                return now if _count_annotations(now) >= enough else None

            body = _with(wanted, batch)
            await self._github.write("PATCH", path, body, what=self._what, look=look)
        return int(found["id"])


def _with(wanted: Json, annotations: Sequence[LineAnnotation]) -> dict[str, Any]:
    if not annotations:
        return dict(wanted)
    described = [_make_annotation_body(one) for one in annotations]
    return {**wanted, "output": {**wanted["output"], "annotations": described}}


def _make_annotation_body(one: LineAnnotation) -> dict[str, Any]:
    body = {
        "path": one.path,
        "start_line": one.start,
        "end_line": one.end,
        "annotation_level": one.level,
        "message": cut_text(one.message),
    }
    if one.title:
        body["title"] = cut_title(one.title)
    if one.details:
        body["raw_details"] = cut_text(one.details)
    return body


def _count_annotations(run: Json) -> int:
    return int(run["output"]["annotations_count"] or 0)


def _has_digest(run: Json, digest: str) -> bool:
    return has_mark(run["output"]["summary"] or "", f"annotations:{digest}")


def _is_as_wanted(run: Json, wanted: Json) -> bool:
    output = wanted["output"]
    return (
        run["status"] == wanted["status"]
        and run["conclusion"] == wanted.get("conclusion")
        and all(is_same_text(run["output"][name] or "", text) for name, text in output.items())
    )
