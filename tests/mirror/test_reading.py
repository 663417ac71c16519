"""From GitHub's answers to records: which issues a pull request names."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mirror.github.graphql_records import MOST_MENTIONS, links_of

NAME = "octo/thing"


def pull(body: str, *, title: str = "Fix it", closes: tuple[tuple[str, int], ...] = ()) -> Any:
    issues = [
        {
            "repository": {"nameWithOwner": repository},
            "number": number,
            "createdAt": "2024-01-01T00:00:00Z",
            "author": None,
        }
        for repository, number in closes
    ]
    return {
        "number": 20,
        "title": title,
        "body": body,
        "createdAt": "2024-01-02T00:00:00Z",
        "closingIssuesReferences": {"nodes": issues},
    }


def named(body: str, **more: Any) -> list[tuple[str, int, str]]:
    return [(k.repository, k.number, k.evidence) for k in links_of(pull(body, **more), NAME)]


def test_a_mention_is_no_closing_reference() -> None:
    assert named("See #12 and other/place#3", closes=((NAME, 11),)) == [
        (NAME, 11, "closing-reference"),
        (NAME, 12, "mention"),
        ("other/place", 3, "mention"),
    ]


def test_a_keyword_that_github_did_not_take_for_closing_is_a_mention() -> None:
    assert named("Fixes #12") == [(NAME, 12, "mention")]


@pytest.mark.parametrize("body", ["Fixes #11", "Octo/Thing#11", "#11 and #11", "see GH-11"])
def test_what_is_closed_is_not_mentioned_too(body: str) -> None:
    assert named(body, closes=((NAME, 11),)) == [(NAME, 11, "closing-reference")]


def test_a_title_names_issues_too() -> None:
    assert named("", title="Fix #12") == [(NAME, 12, "mention")]


@pytest.mark.parametrize("body", ["#20", "<!-- Fixes #12 -->", "`#12`", "```\n#12\n```", "a#12b"])
def test_itself_templates_and_code_name_nothing(body: str) -> None:
    assert named(body) == []


def test_what_is_mentioned_and_came_later_is_marked() -> None:
    assert [link.marks for link in links_of(pull("#19 #21"), NAME)] == [(), ("late",)]


def test_no_more_mentions_are_kept_than_a_person_writes() -> None:
    assert len(named(" ".join(f"#{n}" for n in range(100, 999)))) == MOST_MENTIONS


@pytest.mark.parametrize(
    "body",
    [" ".join("`" * n for n in range(1, 350)), "<!--" * 15_000, "a/" * 30_000, "```\n" * 15_000],
    ids=["ticks", "comments", "paths", "fences"],
)
def test_a_text_made_to_keep_us_busy_does_not(body: str) -> None:
    started = time.process_time()
    named(body)
    assert time.process_time() - started < 2
