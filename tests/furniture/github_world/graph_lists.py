"""GraphQL: connections and who acts."""

from __future__ import annotations

from tests.furniture.github_world.connections import Connection, PageInfo
from tests.furniture.github_world.graph import TYPES, fields
from tests.furniture.github_world.state import User

CONNECTIONS = (
    "CommitConnection",
    "CommitHistoryConnection",
    "IssueCommentConnection",
    "IssueConnection",
    "LabelConnection",
    "PullRequestChangedFileConnection",
    "PullRequestCommitConnection",
    "PullRequestConnection",
)

TYPES[Connection] = lambda page: str(page.typename)
TYPES[PageInfo] = lambda _: "PageInfo"
TYPES[User] = lambda user: str(user.kind)

for name in CONNECTIONS:
    fields(
        name,
        nodes=lambda page, _: page.nodes,
        totalCount=lambda page, _: page.total,
        pageInfo=lambda page, _: page.info,
    )
fields(
    "PageInfo",
    hasNextPage=lambda info, _: info.has_next,
    hasPreviousPage=lambda info, _: info.has_previous,
    startCursor=lambda info, _: info.start,
    endCursor=lambda info, _: info.end,
)
for name in ("User", "Bot", "Organization"):
    fields(name, login=lambda user, _: user.login)
