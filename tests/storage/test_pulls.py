"""Pull requests in the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import StoreError
from storage.records import Comment, Crawl, Issue, Link, Mirroring, PullRequest
from storage.store import Store
from tests.storage.samples import TREE

PULL = PullRequest(
    repository="pallets/click",
    commit="c" * 40,
    base="b" * 40,
    number=7,
    title="Fix the prompt",
    labels=("bug",),
    merged="2024-05-01T00:00:00Z",
    files=("src/click/termui.py", "tests/test_termui.py"),
    commits=("a" * 40,),
    links=(
        Link(repository="pallets/click", number=5, evidence="closing-reference"),
        Link(repository="pallets/click", number=4, evidence="mention", marks=("late",)),
    ),
)
ISSUE = Issue(
    repository="pallets/click",
    number=5,
    title="The prompt is empty",
    body="Steps …",
    created="2024-04-01T00:00:00Z",
    comments=(Comment(author="x", created="2024-04-02T00:00:00Z", body="Same here"),),
)


def test_what_was_crawled_is_found_again_after_opening_the_file_anew(tmp_path: Path) -> None:
    crawl = Crawl(repository=PULL.repository, origin="github", newest=PULL.merged, cursor="Y3")
    with Store(tmp_path / "s.db") as store:
        store.pulls.add([PULL], [ISSUE], crawl)

    with Store(tmp_path / "s.db") as store:
        assert store.pulls.all(PULL.repository) == [PULL]
        assert store.pulls.issue(PULL.repository, 5) == ISSUE
        assert store.pulls.crawl(PULL.repository, "github") == crawl
    assert [link.number for link in PULL.closes] == [5]


def test_what_the_history_tells_does_not_replace_what_github_told(tmp_path: Path) -> None:
    guess = replace(PULL, title="Merge pull request #7", labels=(), origin="history")
    with Store(tmp_path / "s.db") as store:
        store.pulls.add([guess], [Issue(repository=PULL.repository, number=5)])
        assert [issue.number for issue in store.pulls.list_unfetched_issues(PULL.repository)] == [5]

        store.pulls.add([PULL], [ISSUE])
        store.pulls.add([guess], [Issue(repository=PULL.repository, number=5)])

        assert store.pulls.all(PULL.repository) == [PULL]
        assert store.pulls.issue(PULL.repository, 5) == ISSUE
        assert store.pulls.list_unfetched_issues(PULL.repository) == []


def test_a_page_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    broken = replace(PULL, commit="d" * 40, body=object())  # type: ignore[arg-type]
    with Store(tmp_path / "s.db") as store:
        with pytest.raises(StoreError):
            store.pulls.add([PULL, broken], [ISSUE])
        assert store.pulls.all(PULL.repository) == []


def test_the_last_outcome_of_a_pull_request_on_a_tree_is_kept(tmp_path: Path) -> None:
    first = Mirroring(tree=TREE, repository=PULL.repository, commit=PULL.commit, outcome="conflict")
    last = replace(first, outcome="undone", tier="structural", undone=0.5, bug="f" * 32)
    with Store(tmp_path / "s.db") as store:
        store.pulls.set_outcome(first)
        store.pulls.set_outcome(last)
        assert store.pulls.outcomes(PULL.repository, TREE) == [last]
        assert store.pulls.outcomes(PULL.repository, "0" * 40) == []
