"""REST: routes by the templates of GitHub's description, and what all answers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.furniture.github_world.graph import View
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.state import Repository

EXAMPLE_NAME = "octocat/Hello-World"
EXAMPLE_API = "https://api.github.com"

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """An answer, before rate limits and ETags are added."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[View, Operation], Reply]
ROUTES: dict[tuple[str, str], Handler] = {}


class Missing(Exception):
    """404: there is none, or the token may not see it."""


class Moved(Exception):
    """301, to a path under the API."""


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register what answers an operation."""

    def register(handler: Handler) -> Handler:
        ROUTES[method, template] = handler
        return handler

    return register


def error(status: int, message: str) -> Reply:
    """Return an answer that is an error, as GitHub words it."""
    docs = "https://docs.github.com/rest"
    return Reply(status, {"message": message, "documentation_url": docs, "status": str(status)})


def answer(view: View, operation: Operation) -> Reply:
    """Return the answer to an operation that GitHub has."""
    handler = ROUTES.get((operation.method, operation.template))
    if handler is None:
        view.world.complain(f"no {operation.method} {operation.template} in this world")
        return error(500, "Server Error")
    try:
        return handler(view, operation)
    except Missing:
        return error(404, "Not Found")
    except Moved as moved:
        url = f"{view.world.api}{moved}"
        body = {"message": "Moved Permanently", "url": url, "documentation_url": ""}
        return Reply(301, body, {"Location": url})


def repository_of(view: View, operation: Operation) -> Repository:
    """Return the repository that is asked for. Raises Missing or Moved."""
    asked = f"{operation.arguments['owner']}/{operation.arguments['repo']}"
    found = view.world.repositories.get(asked.lower())
    if found is None or not view.sees(found):
        raise Missing
    if found.full_name.lower() != asked.lower():
        rest = operation.template.removeprefix("/repos/{owner}/{repo}")
        for name, value in operation.arguments.items():
            rest = rest.replace(f"{{{name}}}", value)
        raise Moved(f"/repositories/{found.id}{rest}")
    return found


def paged(
    view: View,
    operation: Operation,
    entries: Sequence[T],
    path: str,
    describe: Callable[[T], dict[str, Any]],
) -> Reply:
    """Return a page of a list, with links to the others."""
    per_page, page = operation.query["per_page"], operation.query["page"]
    shown = entries[(page - 1) * per_page : page * per_page]
    last = max(1, -(-len(entries) // per_page))
    url = f"{view.world.api}{path}?per_page={per_page}&page="
    links = []
    if page < last:
        links += [f'<{url}{page + 1}>; rel="next"', f'<{url}{last}>; rel="last"']
    if page > 1:
        links += [f'<{url}1>; rel="first"', f'<{url}{page - 1}>; rel="prev"']
    return Reply(200, [describe(one) for one in shown], {"Link": ", ".join(links)} if links else {})


def named(value: Any, repository: Repository, view: View) -> Any:
    """Return an example of GitHub's with this repository in the place of its own."""
    if isinstance(value, dict):
        return {name: named(one, repository, view) for name, one in value.items()}
    if isinstance(value, list):
        return [named(one, repository, view) for one in value]
    if isinstance(value, str):
        return value.replace(EXAMPLE_NAME, repository.full_name).replace(
            EXAMPLE_API, view.world.api
        )
    return value
