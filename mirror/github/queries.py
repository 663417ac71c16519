"""What is asked of GitHub in GraphQL, and how much of each list at once.

At most 500,000 nodes may be asked for in a query, lists in lists multiplied:
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 100
"""Pull requests on a page; the most GitHub gives."""
SMALLEST_PAGE = 10
"""Pages shrink to this when GitHub cannot manage larger ones."""
LISTS_AT_ONCE = 40
"""Lists that one follow-up goes on with."""
ISSUES_AT_ONCE = 50
"""Issues asked for by number in one query."""

FIRST = {
    "labels": 20,
    "files": 100,
    "commits": 100,
    "comments": 100,
    "closingIssuesReferences": 10,
    "history": 100,
}
"""Entries of each list in one answer; what goes beyond is asked for when there is more."""

ANCESTORS = 4
"""Generations above the merge commit: tells the base of what was rebased, up to as many commits."""

ACTOR = "author { __typename login }"
COMMIT = "oid messageHeadline authoredDate"


def connection(field: str, after: str = "") -> str:
    """Return the selection of one list, from a cursor's variable on."""
    at = f", after: ${after}" if after else ""
    return (
        f"{field}(first: {FIRST[field]}{at}) "
        f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_entry(field)} }} }}"
    )


def _entry(field: str) -> str:
    return {
        "labels": "name",
        "files": "path",
        "commits": f"commit {{ {COMMIT} }}",
        "comments": f"{ACTOR} createdAt body",
        "closingIssuesReferences": "...issue",
        "history": COMMIT,
    }[field]


def _ancestors(generations: int) -> str:
    if not generations:
        return COMMIT
    # Only of the merge commit itself does it matter whether there is a second parent.
    first = 2 if generations == ANCESTORS else 1
    return f"{COMMIT} parents(first: {first}) {{ nodes {{ {_ancestors(generations - 1)} }} }}"


ISSUE = f"""
fragment issue on Issue {{
  id number title body createdAt {ACTOR}
  repository {{ nameWithOwner }}
  {connection("labels")}
  {connection("comments")}
}}"""

PULL = f"""
fragment pull on PullRequest {{
  id number title body createdAt mergedAt updatedAt authorAssociation
  headRefName baseRefOid {ACTOR}
  {connection("labels")}
  {connection("files")}
  {connection("commits")}
  mergeCommit {{ id {_ancestors(ANCESTORS)} }}
  {connection("closingIssuesReferences")}
}}"""

PULLS = f"""
query ($owner: String!, $name: String!, $first: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequests(
      states: MERGED, first: $first, after: $after,
      orderBy: {{ field: UPDATED_AT, direction: DESC }}
    ) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...pull }}
    }}
  }}
}}
{PULL}
{ISSUE}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A list that goes on beyond what was answered."""

    type: str
    """The GraphQL type it hangs on."""
    field: str


def follow_up(lists: Sequence[Unfinished]) -> str:
    """Return a query that goes on with lists.

    The n-th is ``n<n>``, of the node ``$i<n>``, after the cursor ``$c<n>``.
    """
    variables = ", ".join(f"$i{n}: ID!, $c{n}: String" for n in range(len(lists)))
    asked = "\n".join(
        f"  n{n}: node(id: $i{n}) {{ ... on {one.type} {{ {connection(one.field, f'c{n}')} }} }}"
        for n, one in enumerate(lists)
    )
    needs_issue = any(one.field == "closingIssuesReferences" for one in lists)
    return f"query ({variables}) {{\n{asked}\n}}{ISSUE if needs_issue else ''}"


def issues_by_number(numbers: Sequence[int]) -> str:
    """Return a query for issues of one repository; each is ``i<number>``."""
    asked = "\n".join(
        f"    i{number}: issue(number: {number}) {{ ...issue }}" for number in numbers
    )
    return (
        "query ($owner: String!, $name: String!) {\n"
        f"  repository(owner: $owner, name: $name) {{\n{asked}\n  }}\n}}{ISSUE}"
    )
