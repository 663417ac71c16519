"""What a pull request was applied to, told from the commits GitHub names."""

from __future__ import annotations

from typing import Any

from mirror.github.bases import base_of

Node = dict[str, Any]


def commit(oid: str, headline: str, *parents: Node, authored: str = "2024-01-01T00:00:00Z") -> Node:
    return {
        "oid": oid,
        "messageHeadline": headline,
        "authoredDate": authored,
        "parents": {"nodes": list(parents)},
    }


MAIN = commit("main", "Before", commit("older", "Long before"))
OWN = [commit("b1", "Add a test"), commit("b2", "Fix it", authored="2024-01-02T00:00:00Z")]


def test_a_merge_commit_lies_on_its_first_parent() -> None:
    merge = commit("m", "Merge pull request #7", MAIN, OWN[1])
    assert base_of(merge, OWN, fallback="f") == "main"


def test_a_squash_commit_lies_on_its_parent() -> None:
    assert base_of(commit("s", "Fix it (#7)", MAIN), OWN, fallback="f") == "main"


def test_a_squash_commit_with_the_headline_of_the_last_commit_is_told_by_its_date() -> None:
    squash = commit("s", "Fix it", MAIN, authored="2024-03-01T00:00:00Z")
    assert base_of(squash, OWN, fallback="f") == "main"


def test_a_rebased_branch_lies_on_the_parent_of_its_first_commit() -> None:
    first = commit("r1", "Add a test", MAIN)
    last = commit("r2", "Fix it", first, authored="2024-01-02T00:00:00Z")
    assert base_of(last, OWN, fallback="f") == "main"


def test_a_commit_that_rebasing_left_out_does_not_move_the_base() -> None:
    last = commit("r2", "Fix it", MAIN, authored="2024-01-02T00:00:00Z")
    assert base_of(last, OWN, fallback="f") == "main"


def test_a_long_rebased_branch_needs_the_history() -> None:
    own = [commit(f"b{n}", f"Part {n}") for n in range(9)]
    merge = commit("r8", "Part 8", commit("r7", "Part 7", commit("r6", "Part 6")))
    assert base_of(merge, own, fallback="f") is None

    entries = [commit(f"r{n}", f"Part {n}") for n in reversed(range(9))]
    merge["history"] = {"nodes": [*entries, MAIN]}
    assert base_of(merge, own, fallback="f") == "main"


def test_where_the_history_does_not_reach_the_base_branch_as_github_saw_it_serves() -> None:
    own = [commit(f"b{n}", f"Part {n}") for n in range(9)]
    merge = commit("r8", "Part 8", commit("r7", "Part 7"))
    merge["history"] = {"nodes": [commit("r8", "Part 8"), commit("r7", "Part 7")]}
    assert base_of(merge, own, fallback="f") == "f"


def test_a_branch_whose_commits_repeat_an_older_one_ends_at_its_own_number() -> None:
    twice = commit("older", "Add a test", commit("oldest", "Start"))
    first = commit("r1", "Add a test", twice)
    last = commit("r2", "Fix it", first, authored="2024-01-02T00:00:00Z")
    assert base_of(last, OWN, fallback="f") == "older"


def test_the_first_commit_of_all_lies_on_nothing() -> None:
    assert base_of(commit("m", "Start"), OWN, fallback="f") == ""
