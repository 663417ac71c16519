"""Which pull requests are worth mirroring."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mirror.choice.format_changes import kind_of
from mirror.choice.limits import Limits
from mirror.choice.reverts import find_reverted_commits
from mirror.choice.rules import REASONS, ChoiceContext, CommitDiff, explain_exclusion
from mirror.choice.sieve import sift
from mirror.history.crawl import crawl_history
from mirror.history.diffs import FileDiff
from storage.records import Issue, Link, PullRequest
from tests.mirror.maker import SITE, Maker

HERE = "pallets/click"
ISSUE = Link(repository=HERE, number=5, evidence="keyword")
PULL = PullRequest(
    repository=HERE,
    commit="c" * 40,
    base="b" * 40,
    number=12,
    title="Fix the prompt",
    author="Anne",
    merged="2024-05-01T00:00:00Z",
    links=(ISSUE,),
)
WEAK = replace(ISSUE, evidence="changelog")


def file(path: str, added: int = 3, removed: int = 1) -> FileDiff:
    return FileDiff(path=path, before="1" * 40, after="2" * 40, added=added, removed=removed)


FIX = CommitDiff(files=(file("src/shop.py"), file("tests/test_shop.py")))


def test_a_fix_of_an_issue_with_its_test_is_a_candidate() -> None:
    assert explain_exclusion(PULL, ChoiceContext(), Limits(), FIX) == ""


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("revert", {"title": 'Revert "Fix the prompt"'}),
        ("revert", {"title": "fix: reverts the prompt"}),
        ("revert", {"title": "Back out", "body": "This reverts commit " + "a" * 40}),
        ("", {"body": "Parts of it.\n\nThis reverts commit " + "a" * 40}),
        ("", {"title": "Fix reverted order"}),
        ("release", {"title": "Release version 8.1.2"}),
        ("release", {"title": "release 8.1"}),
        ("release", {"title": "Prepare release"}),
        ("release", {"title": "Bump version to 8.4.dev"}),
        ("release", {"title": "v10.4.4"}),
        ("", {"title": "Release the lock when a prompt fails"}),
        ("", {"title": "Fix crash of 3.12"}),
        ("dependency-bump", {"title": "Bump pytest from 8.0 to 8.1"}),
        ("dependency-bump", {"title": "[pre-commit.ci] pre-commit autoupdate"}),
        ("dependency-bump", {"title": "chore(deps): ruff"}),
        ("dependency-bump", {"title": "Update dependencies"}),
        ("dependency-bump", {"author": "dependabot[bot]"}),
        ("dependency-bump", {"labels": ("Dependencies",)}),
        ("", {"title": "Update the prompt when the width changes"}),
        ("branch-merge", {"title": "Merge stable into main", "links": (WEAK,)}),
        ("branch-merge", {"title": "Merge branch '8.1.x'", "links": (WEAK,)}),
        ("", {"title": "Merge branch '8.1.x'"}),
        ("", {"title": "Merge options of both", "links": (WEAK,)}),
        ("no-issue", {"links": ()}),
        ("no-issue", {"links": (replace(ISSUE, evidence="mention"),)}),
        ("no-issue", {"links": (replace(ISSUE, number=3),)}),
        ("", {"links": (Link(repository="a/b", number=3, evidence="keyword"),)}),
        ("late-issue", {"links": (replace(ISSUE, marks=("late",)),)}),
        ("", {"links": (ISSUE, replace(ISSUE, number=6, marks=("late",)))}),
        ("bot-issue", {"links": (replace(ISSUE, marks=("bot",)),)}),
    ],
)
def test_what_a_pull_request_says_of_itself_may_leave_it_out(
    reason: str, changed: dict[str, object]
) -> None:
    pull = replace(PULL, **changed)  # type: ignore[arg-type]
    assert explain_exclusion(pull, ChoiceContext(pulls=frozenset({3})), Limits(), FIX) == reason


@pytest.mark.parametrize(
    ("reason", "issue"),
    [
        ("", {"created": "2024-04-01T00:00:00Z"}),
        ("late-issue", {"created": "2024-06-01T00:00:00Z"}),
        ("bot-issue", {"created": "2024-04-01T00:00:00Z", "bot": True}),
    ],
)
def test_the_issue_itself_may_leave_it_out(reason: str, issue: dict[str, object]) -> None:
    known = ChoiceContext(issues={(HERE, 5): Issue(repository=HERE, number=5, **issue)})  # type: ignore[arg-type]
    assert explain_exclusion(PULL, known, Limits(), FIX) == reason


@pytest.mark.parametrize(
    ("reason", "files"),
    [
        ("no-source", []),
        ("docs", [file("docs/a.rst"), file("README.md")]),
        ("no-source", [file("tests/test_shop.py")]),
        ("no-source", [file("tox.ini"), file("README.md")]),
        ("no-source", [file("src/moved.py", 0, 0), file("tests/test_shop.py")]),
        ("no-tests", [file("src/shop.py"), file("README.md")]),
        ("no-tests", [file("src/shop.py"), replace(file("tests/test_shop.py"), after="")]),
        ("", [file("src/shop.py"), file("tests/data/prompt.txt")]),
        ("too-many-files", [file(f"src/{n}.py") for n in range(4)] + [file("tests/test_a.py")]),
        ("too-many-lines", [file("src/shop.py", 90, 11), file("tests/test_a.py")]),
        ("", [file("src/shop.py", 90, 10), file("tests/test_a.py", 5000)]),
    ],
)
def test_the_files_may_leave_it_out(reason: str, files: list[FileDiff]) -> None:
    limits = Limits(files=3, lines=100)
    assert (
        explain_exclusion(PULL, ChoiceContext(), limits, CommitDiff(files=tuple(files))) == reason
    )


def test_a_commit_that_is_not_here_or_was_taken_back_leaves_it_out() -> None:
    assert explain_exclusion(PULL, ChoiceContext(), Limits(), None) == "not-merged-here"
    known = ChoiceContext(reverted=frozenset({PULL.commit}))
    assert explain_exclusion(PULL, known, Limits(), FIX) == "reverted"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("x = 1\n", "x = 2\n", "logic"),
        ("x = 'a'\n", "x = 'b'\n", "logic"),
        ("x = 'a'\n", 'x = "a"  # why\n', "formatting"),
        ("f(1, 2)\n", "f(\n    1,\n    2,\n)\n", "formatting"),
        ("x = (1)\n", "x = 1\n", "formatting"),
        (
            "def f():\n    '''Old'''\n    return 1\n",
            "def f():\n    '''New'''\n    return 1\n",
            "docs",
        ),
        ("def f():\n    return 1\n", "def f():\n    '''New'''\n    return 1\n", "docs"),
        ("'''a'''\nx = 1\n", "'''b # c'''\nx = 1\n", "docs"),
        ("x = 1\n'''a'''\n", "x = 1\n'''b'''\n", "logic"),
        ("import a\nimport b\n", "import b\nimport a\n", "logic"),
        ("print 'a'\n", 'print "a"\n', "logic"),
        ("x = 1\n", "x = 1\0\n", "logic"),
        ("x = u'a'\n", "x = 'a'\n", "formatting"),
        ("if a:\n    b\n    c\n", "if a:\n    b\nc\n", "logic"),
    ],
)
def test_what_a_change_of_source_is_about(before: str, after: str, kind: str) -> None:
    assert kind_of(before.encode(), after.encode()) == kind


@pytest.mark.parametrize("part", ['"\\\\', "'", '"""', "#", "(", 'u"'])
def test_a_hostile_source_takes_no_time(part: str) -> None:
    started = time.process_time()
    kind_of(part.encode() * 50_000, part.encode() * 50_000 + b"x")
    assert time.process_time() - started < 2


def written(n: int, title: str, *, body: str = "", number: int = 0) -> PullRequest:
    return PullRequest(
        repository=HERE,
        commit=f"{n:040x}",
        base="",
        number=number,
        title=title,
        body=body,
        merged=f"2024-01-{n:02}",
    )


@pytest.mark.parametrize(
    "revert",
    [
        written(9, 'Revert "Fix b"'),
        written(9, 'Revert "Fix b (#2)" (#9)', number=9),
        written(9, "Revert the fix", body=f"This reverts commit {2:040x}."),
        written(9, "Revert it", body="Reverts pallets/click#2"),
    ],
    ids=["title", "numbered title", "commit", "number"],
)
def test_what_was_taken_back_is_known_by_any_name(revert: PullRequest) -> None:
    pulls = [written(1, "Fix a"), written(2, "Fix b", number=2), written(3, "Fix c"), revert]
    assert find_reverted_commits(pulls) == {f"{2:040x}"}


def test_what_was_put_back_again_is_not_taken_back() -> None:
    pulls = [
        written(1, "Fix a"),
        written(2, 'Revert "Fix a"'),
        written(3, 'Revert "Revert "Fix a""'),
    ]
    assert find_reverted_commits(pulls) == {f"{2:040x}"}


def test_what_was_done_anew_after_it_was_taken_back_counts() -> None:
    pulls = [written(1, "Fix a"), written(2, 'Revert "Fix a"'), written(3, "Fix a")]
    assert find_reverted_commits(pulls) == {f"{1:040x}"}


def sifted(made: Maker, limits: Limits | None = None) -> dict[str, str]:
    pulls = list(crawl_history(made.git_dir, "HEAD", HERE))
    return {p.title: reason for p, reason in sift(made.git_dir, "HEAD", pulls, limits=limits)}


def test_each_is_left_out_for_its_reason(tmp_path: Path) -> None:
    made = Maker(tmp_path / "clone")
    both = {"src/shop.py": "def f():\n    return [1,\n    2]\n", "tests/test_shop.py": "b = 1\n"}
    made.commit("Fix it\n\nfixes #1", {**both})
    made.commit(
        "Tidy\n\nfixes #2",
        {"src/shop.py": "def f():\n    return [1, 2]  # so\n", "tests/test_shop.py": "b = 2\n"},
    )
    made.commit(
        "Explain\n\nfixes #3",
        {
            "src/shop.py": 'def f():\n    """Why."""\n    return [1, 2]\n',
            "tests/test_shop.py": "b = 3\n",
        },
    )
    made.commit("Write\n\nfixes #4", {"docs/a.rst": "a\n"})
    made.commit("Untested\n\nfixes #5", {"src/shop.py": "a = 5\n"})
    made.commit("Untold (#20)", through=SITE)
    made.commit("Bump x from 1.0 to 2.0 (#21)", {"requirements.txt": "x==2.0\n"}, through=SITE)
    made.commit("Long\n\nfixes #6", {"src/b.py": "a = 1\n" * 99, "tests/test_b.py": "a = 1\n"})
    made.commit("Wrong\n\nfixes #7")
    made.commit('Revert "Wrong"')
    assert sifted(made, Limits(lines=50)) == {
        "Fix it": "",
        "Tidy": "formatting",
        "Explain": "docs",
        "Write": "docs",
        "Untested": "no-tests",
        "Untold": "no-issue",
        "Bump x from 1.0 to 2.0": "dependency-bump",
        "Long": "too-many-lines",
        "Wrong": "reverted",
        'Revert "Wrong"': "revert",
    }


def test_what_was_merged_elsewhere_is_not_merged_here(tmp_path: Path) -> None:
    made = Maker(tmp_path / "clone")
    made.branch("other")
    made.commit("Fix it, fixes #1")
    pulls = list(crawl_history(made.git_dir, "other", HERE))
    gone = [replace(PULL, commit="9" * 40)]
    found = sift(made.git_dir, "main", [*pulls, *gone])
    assert [reason for _, reason in found] == ["not-merged-here"] * 2


def test_a_whole_history_is_asked_about_by_few_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Maker(tmp_path / "clone")
    for number in range(30):
        made.commit(f"Fix {number}, fixes #{number + 1}")
    started: list[object] = []
    run = subprocess.run

    def counted(*words: object, **options: object) -> object:
        started.append(words)
        return run(*words, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", counted)
    assert len(sifted(made)) == 30
    assert len(started) <= 8


def test_every_reason_is_explained() -> None:
    assert all(text and reason == reason.lower() for reason, text in REASONS.items())
