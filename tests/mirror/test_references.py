"""Numbers of issues in changelog entries and tests."""

from __future__ import annotations

import pytest

from mirror.history.changelogs import diff_links, is_changelog_path, is_fragment
from mirror.history.diffs import FileLines
from mirror.history.references import ENTRY, TEST, issue_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("- Fix the prompt. :issue:`12`", {12}),
        ("- Fix the prompt. {issue}`12` {pr}`13`", {12}),
        ("- Fix (:issue:`12`, :pr:`13`)", {12}),
        ("- :issue:`the prompt <12>`", {12}),
        ("- :issue:`12, 14` :pr:`13,15`", {12, 14}),
        ("- Fix the prompt (#12)", {12}),
        ("- Fix ([#12](https://github.com/x/y/issues/12))", {12}),
        ("- Fix ([#13](https://github.com/x/y/pull/13))", set()),
        ("(`#12 <https://github.com/x/y/issues/12>`_; PR by @z)", {12}),
        ("(issue12, pr13 by z)", {12}),
        ("(issue 12 and bug #14)", {12, 14}),
        ("GH-12, gh12", {12}),
        ("PR #13, pull request 14, MR 15", set()),
        ("* x by @z in https://github.com/x/y/pull/13", set()),
        ("see [discussion #9](https://github.com/x/y/discussions/9)", set()),
        ("Released 2024-05-12, version 8.1.12", set()),
    ],
)
def test_an_entry_names_issues_and_not_pull_requests(text: str, numbers: set[int]) -> None:
    assert issue_numbers(text, ENTRY) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("def test_issue_12():", {12}),
        ("def test_issue12_again():", {12}),
        ("def test_regression_gh12(self):", {12}),
        ("    # see #12", {12}),
        ('    """Regression test for #12."""', {12}),
        ("    Regression test for #12, in a long docstring", {12}),
        ("    # https://github.com/x/y/issues/12", {12}),
        ("    # regression test for #12, #13 and #14", {12, 13, 14}),
        ('@pytest.mark.issue("issue 12")', {12}),
        ("    assert style(fg='#123') == 1", set()),
        ('    colour = "#123456"', set()),
        ("    debug123 = tissue12", set()),
        ("    # PR #13", set()),
        ("    x = 12", set()),
    ],
)
def test_a_test_names_issues_and_not_colours(text: str, numbers: set[int]) -> None:
    assert issue_numbers(text, TEST) == numbers


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("CHANGES.rst", True),
        ("CHANGES", True),
        ("CHANGELOG.md", True),
        ("HISTORY.rst", True),
        ("NEWS", True),
        ("docs/changelog.rst", True),
        ("docs/versionhistory.rst", True),
        ("docs/whatsnew/v1.2.txt", True),
        ("changes/123.bugfix.rst", True),
        ("changelog.d/123.fixed", True),
        ("src/changes.py", False),
        ("docs/index.rst", False),
        ("tests/changes.txt", False),
        ("src/newsletter.md", False),
    ],
)
def test_changelogs_are_known_by_their_paths(path: str, expected: bool) -> None:
    assert is_changelog_path(path) is expected


def test_a_fragment_is_an_entry_named_for_its_issue() -> None:
    assert is_fragment("newsfragments/123.bugfix.rst")
    assert not is_fragment("docs/123.rst")


def lines(path: str, added: str = "", removed: str = "", *, created: bool = False) -> FileLines:
    return FileLines(path=path, added=added, removed=removed, created=created)


def found(*files: FileLines) -> dict[int, str]:
    return {link.number: link.evidence for link in diff_links(files, "x/y")}


def test_what_a_diff_adds_is_evidence_and_what_it_moves_is_not() -> None:
    assert found(
        lines("CHANGES.md", added="- New (#12)\n- Old (#7)"),
        lines("CHANGES.rst", removed="- Old (#7)"),
        lines("changes/14.bugfix.rst", added="Fix.", created=True),
        lines("changes/15.bugfix.rst", added="Reworded."),
        lines("tests/test_a.py", added="# see #13"),
        lines("src/a.py", added="# see #99"),
    ) == {12: "changelog", 14: "changelog", 13: "test"}


def test_a_release_that_names_many_issues_tells_of_no_fix() -> None:
    assert found(lines("CHANGES.md", added="\n".join(f"- #{n}" for n in range(1, 30)))) == {}
