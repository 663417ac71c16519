"""REST: routes by the templates of GitHub's description, and what all answers share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.state import Repository
from tests.furniture.github_world.view import View

NAMES = re.compile("(?:octocat|Codertocat|github)/hello-world|octo-org/octo-repo", re.IGNORECASE)
SITE = re.compile(r"https://github\.com(?=[/\"])")
NUMBERS = re.compile(r"(/(?:issues|pulls|pull))/\d+")
"""What GitHub's examples are of."""
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
NEEDS: dict[tuple[str, str], tuple[str, ...]] = {}
"""What an operation needs: one of these permissions, or to be an App or an installation."""

ANYBODY = "anybody"
AS_APP = "as the App"
AS_INSTALLATION = "as an installation"

IN_REPOSITORY = "/repos/{owner}/{repo}"
NO_JWT = "A JSON web token could not be decoded"
NO_INSTALLATION = "You must authenticate with an installation access token"
NO_ANSWER = "Resource not accessible by integration"
NO_USER = "Requires authentication"
BLOCKED = "Repository access blocked"
ARCHIVED = "Repository was archived so is read-only."
NO_RIGHT = "Must have push access to repository"


class Missing(Exception):
    """404: there is none, or the token may not see it."""


class Moved(Exception):
    """301, to a path under the API."""


class Refused(Exception):
    """What is asked for is refused: status and message, and headers."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reply = error(status, message, headers)


class Unprocessable(Exception):
    """422: a field of a resource is wrong."""

    def __init__(self, resource: str, field: str, code: str, message: str = "") -> None:
        super().__init__(message)
        wrong = {"resource": resource, "field": field, "code": code}
        body = dict(error(422, "Validation Failed").body)
        # The description has no status here, though GitHub sends one.
        del body["status"]
        body["errors"] = [{**wrong, "message": message} if message else wrong]
        self.reply = Reply(422, body)


def route(
    method: str, template: str, *, needs: str = "metadata:read"
) -> Callable[[Handler], Handler]:
    """Register what answers an operation. What it ``needs`` are permissions with ``|`` between."""

    def register(handler: Handler) -> Handler:
        ROUTES[method, template] = handler
        NEEDS[method, template] = tuple(needs.split("|"))
        return handler

    return register


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer that is an error, as GitHub words it."""
    docs = "https://docs.github.com/rest"
    body = {"message": message, "documentation_url": docs, "status": str(status)}
    return Reply(status, body, headers or {})


def answer(view: View, operation: Operation) -> Reply:
    """Return the answer to an operation that GitHub has."""
    handler = ROUTES.get((operation.method, operation.template))
    if handler is None:
        view.world.complain(f"no {operation.method} {operation.template} in this world")
        return error(500, "Server Error")
    try:
        allow(view, operation)
        with view.world.clock.still():
            return handler(view, operation)
    except Missing:
        return error(404, "Not Found")
    except Moved as moved:
        return _elsewhere(f"{view.world.api}{moved}", operation)
    except (Refused, Unprocessable) as refused:
        return refused.reply


def allow(view: View, operation: Operation) -> None:
    """Raise Missing, Moved or Refused unless the token may ask for that."""
    needs = NEEDS.get((operation.method, operation.template), ("metadata:read",))
    if needs == (ANYBODY,):
        return
    if needs == (AS_APP,):
        if view.app is None:
            raise Refused(401, NO_JWT)
        return
    if view.app is not None or (view.grant is not None and not operation.for_apps):
        raise Refused(403, NO_ANSWER)
    if needs == (AS_INSTALLATION,):
        if view.grant is None:
            raise Refused(403, NO_INSTALLATION)
        return
    if operation.template.startswith(IN_REPOSITORY):
        found = repository_of(view, operation)
        _allow_in(view, found, needs)
        if found.blocked:
            raise Refused(451, BLOCKED)
        unarchives = operation.method == "PATCH" and operation.template == IN_REPOSITORY
        if found.archived and operation.method not in ("GET", "DELETE") and not unarchives:
            raise Refused(403, ARCHIVED)


def _allow_in(view: View, repository: Repository, needs: Sequence[str]) -> None:
    if any(view.may(repository, one) for one in needs):
        return
    if view.grant is not None:
        accepted = "; ".join(one.replace(":", "=") for one in needs)
        raise Refused(403, NO_ANSWER, {"X-Accepted-GitHub-Permissions": accepted})
    if not view.login:
        raise Refused(401, NO_USER)
    raise Refused(403, NO_RIGHT)


def _elsewhere(url: str, operation: Operation) -> Reply:
    """A redirected write keeps its method: 307."""
    read = operation.method in ("GET", "HEAD")
    text = "Moved Permanently" if read else "Temporary Redirect"
    body = {"message": text, "url": url, "documentation_url": ""}
    return Reply(301 if read else 307, body, {"Location": url})


def repository_of(view: View, operation: Operation) -> Repository:
    """Return the repository that is asked for. Raises Missing or Moved."""
    asked = f"{operation.arguments['owner']}/{operation.arguments['repo']}"
    found = view.world.repositories.get(asked.lower())
    if found is None or not view.sees(found):
        raise Missing
    if found.full_name.lower() != asked.lower():
        rest = operation.template.removeprefix("/repos/{owner}/{repo}")
        for name, value in operation.arguments.items():
            rest = rest.replace(f"{{{name}}}", quote(value))
        raise Moved(f"/repositories/{found.id}{rest}")
    return found


def paged(
    view: View,
    operation: Operation,
    entries: Sequence[T],
    path: str,
    describe: Callable[[T], dict[str, Any]],
    *,
    under: str = "",
) -> Reply:
    """Return a page of a list, with links to the others; with its count where it is ``under`` a
    name."""
    per_page, page = operation.query["per_page"], operation.query["page"]
    shown = entries[(page - 1) * per_page : page * per_page]
    last = max(1, -(-len(entries) // per_page))
    given = {name: value for name, value in operation.query.items() if name != "page"}
    url = f"{view.world.api}{path}?{urlencode(given)}&page="
    links = []
    if page < last:
        links += [f'<{url}{page + 1}>; rel="next"', f'<{url}{last}>; rel="last"']
    if page > 1:
        links += [f'<{url}1>; rel="first"', f'<{url}{page - 1}>; rel="prev"']
    page_of = [describe(one) for one in shown]
    body = {"total_count": len(entries), under: page_of} if under else page_of
    return Reply(200, body, {"Link": ", ".join(links)} if links else {})


def named(value: Any, repository: Repository, view: View, *, number: int | None = None) -> Any:
    """Return an example of GitHub's with this repository in the place of its own, and this issue
    or pull request in the place of the example's."""
    # As text: that is many times faster than string by string.
    text = NAMES.sub(repository.full_name, json.dumps(value))
    text = SITE.sub(view.world.url, text.replace(EXAMPLE_API, view.world.api))
    return json.loads(text if number is None else NUMBERS.sub(rf"\g<1>/{number}", text))
