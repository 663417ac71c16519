"""Crawling a clone's own history."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from mirror.history import crawl as history
from mirror.history.crawl import crawl_history
from storage.git import git, line
from storage.records import PullRequest
from tests.mirror.maker import ANNE, BEN, SITE, Maker

HERE = "pallets/click"


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "clone")


def crawled(made: Maker, **options: str) -> list[PullRequest]:
    return list(crawl_history(made.git_dir, "HEAD", HERE, **options))


def only(made: Maker) -> PullRequest:
    [pull] = crawled(made)
    return pull


def links(pull: PullRequest) -> dict[int, str]:
    return {link.number: link.evidence for link in pull.links}


def test_a_merge_commit_is_a_pull_request_with_all_that_its_branch_says(made: Maker) -> None:
    base = made.head
    commit = made.pull(
        12, "Show it\n\nFixes #5", "Also that, closes #6", "See #7", title="The prompt is empty"
    )
    pull = only(made)
    assert (pull.number, pull.commit, pull.base) == (12, commit, base)
    assert pull.title == "The prompt is empty"
    assert pull.branch == "topic-12"
    assert pull.author == "Anne"
    assert pull.merged == "2020-09-13T12:31:40Z"
    assert pull.origin == "history"
    assert len(pull.commits) == 3
    assert line("rev-parse", f"{commit}^2", cwd=made.folder) == pull.commits[-1]
    assert pull.files[:2] == ("src/m12_0.py", "src/m12_1.py")
    assert links(pull) == {5: "keyword", 6: "keyword", 7: "mention"}


def test_a_pull_request_without_a_title_has_that_of_its_only_commit(made: Maker) -> None:
    made.pull(12, "Show it\n\nFixes #5 at last")
    pull = only(made)
    assert pull.title == "Show it"
    assert pull.body == "Fixes #5 at last"


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Merge pull request #12 from anne/topic", 12),
        ("Show it (#12)", 12),
        ("Merged in anne/topic (pull request #12)", 12),
        ("Auto merge of #12 - anne:topic, r=ben", 12),
        ("Merge #12", 12),
        ("Merge PR #12: show it", 12),
    ],
)
def test_a_merge_is_known_by_any_usual_subject(made: Maker, subject: str, number: int) -> None:
    made.branch("topic")
    made.commit("Show it, fixes #5")
    made.goto()
    made.merge("topic", subject)
    pull = only(made)
    assert pull.number == number
    assert links(pull)[5] == "keyword"


def test_a_squash_is_a_pull_request(made: Maker) -> None:
    base = made.head
    commit = made.commit("Fix the prompt (#12)\n\n* Closes #5", through=SITE)
    pull = only(made)
    assert (pull.number, pull.commit, pull.base) == (12, commit, base)
    assert pull.title == "Fix the prompt"
    assert pull.commits == ()
    assert pull.author == "Anne"
    assert links(pull) == {5: "keyword"}


def test_a_number_in_a_branch_s_commit_is_no_squash(made: Maker) -> None:
    made.pull(12, "Fix the prompt (#5)", title="Prompt")
    pull = only(made)
    assert pull.number == 12
    assert links(pull) == {5: "mention"}


def test_a_squash_on_a_maintenance_branch_is_its_own_and_not_of_the_merge(made: Maker) -> None:
    made.branch("stable")
    made.commit("Fix the prompt (#12)\n\nFixes #5", through=SITE)
    made.goto()
    made.merge("stable", "Merge stable into main (#13)")
    inner, outer = crawled(made)
    assert (inner.number, links(inner)) == (12, {5: "keyword"})
    assert (outer.number, outer.commits, links(outer)) == (13, (), {})


def test_the_own_number_is_never_the_issue(made: Maker) -> None:
    made.commit(
        "Fix the prompt (#12)\n\nResolves #12",
        {"CHANGES.md": "- Fix the prompt (#12)\n", "src/shop.py": "a = 2\n"},
        through=SITE,
    )
    assert only(made).links == ()


def test_an_issue_opened_later_is_marked(made: Maker) -> None:
    made.commit("Fix (#12)\n\nfixes #40 and fixes pallets/flask#41", through=SITE)
    assert {link.number: link.marks for link in only(made).links} == {40: ("late",), 41: ()}


def test_a_plain_commit_counts_only_when_it_closes_an_issue(made: Maker) -> None:
    made.commit("See #4")
    base = made.head
    commit = made.commit("Fix it, fixes #5")
    made.commit("Tidy up")
    pull = only(made)
    assert (pull.number, pull.commit, pull.base, pull.commits) == (0, commit, base, (commit,))


def test_commits_rebased_at_once_for_another_are_one_change(made: Maker) -> None:
    base = made.head
    first = made.commit("Show it, fixes #5", by=ANNE, through=BEN)
    last = made.commit("Test it", by=ANNE, through=BEN, at_once=True)
    pull = only(made)
    assert (pull.base, pull.commit, pull.commits) == (base, last, (first, last))
    assert pull.title == "Show it, fixes #5"


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("Test it", {"through": BEN}),
        ("Test it", {"at_once": True}),
        ("Test it", {"by": BEN, "through": ANNE, "at_once": True}),
        ("Test it, fixes #6", {"through": BEN, "at_once": True}),
    ],
    ids=["later", "own", "of another", "another issue"],
)
def test_neighbours_are_apart_where_nothing_shows_that_they_belong_together(
    made: Maker, message: str, options: dict[str, object]
) -> None:
    first = made.commit("Show it, fixes #5", by=ANNE, through=BEN)
    made.commit(message, **options)  # type: ignore[arg-type]
    assert crawled(made)[0].commits == (first,)


def test_a_branch_merged_without_a_pull_request_is_one_change(made: Maker) -> None:
    made.branch("fix-prompt")
    one = made.commit("Show it")
    two = made.commit("Test it, fixes #5")
    made.goto()
    commit = made.merge("fix-prompt", "Merge branch 'fix-prompt'")
    pull = only(made)
    assert (pull.number, pull.commit, pull.commits) == (0, commit, (one, two))
    assert pull.branch == "fix-prompt"


def test_a_line_of_development_that_is_merged_is_many_changes(made: Maker) -> None:
    made.branch("2.x-line")
    one = made.commit("Show it, fixes #5")
    two = made.commit("Hide it, fixes #6")
    made.goto()
    made.merge("2.x-line", "Merge branch '2.x-line'")
    assert [pull.commit for pull in crawled(made)] == [one, two]


def test_merging_main_into_a_branch_brings_nothing_of_main_into_its_pull_request(
    made: Maker,
) -> None:
    made.branch("topic")
    made.commit("Show it, fixes #5", {"src/new.py": "a = 1\n"})
    made.goto()
    made.commit("Other, fixes #6")
    made.goto("topic")
    made.merge("main", "Merge branch 'main' into topic; fixes #7")
    made.goto()
    made.merge("topic", "Merge pull request #12 from anne/topic")
    other, pull = crawled(made)
    assert other.number == 0
    assert links(pull) == {5: "keyword"}


@pytest.mark.parametrize("inner", ["anne/part", "pallets/main"])
def test_pull_requests_of_a_fork_belong_to_that_of_the_fork(made: Maker, inner: str) -> None:
    made.branch("topic")
    made.branch("part")
    made.commit("Show it, fixes #500")
    made.goto("topic")
    made.merge("part", f"Merge pull request #2 from {inner}")
    made.goto()
    made.merge("topic", "Merge pull request #612 from anne/topic")
    pull = only(made)
    assert pull.number == 612
    assert links(pull) == {500: "keyword"}


def test_a_pull_request_into_another_of_the_same_repository_is_its_own(made: Maker) -> None:
    made.branch("topic")
    made.branch("part")
    made.commit("Show it, fixes #5")
    made.goto("topic")
    made.merge("part", "Merge pull request #11 from ben/part")
    made.goto()
    made.merge("topic", "Merge pull request #12 from anne/topic")
    assert [(pull.number, links(pull)) for pull in crawled(made)] == [
        (11, {5: "keyword"}),
        (12, {}),
    ]


def test_changelogs_and_tests_are_weaker_evidence(made: Maker) -> None:
    made.commit(
        "Fix the prompt (#12)\n\nfixes #5",
        {
            "CHANGES.md": "- Fix {issue}`5` {issue}`6` {pr}`12`\n",
            "src/shop.py": "a = 2\n",
            "tests/test_shop.py": "def test_issue_7(): pass  # and #6\n",
        },
        through=SITE,
    )
    assert links(only(made)) == {5: "keyword", 6: "changelog", 7: "test"}


def test_changelogs_count_only_beside_a_change_of_source(made: Maker) -> None:
    made.commit("Write the changelog (#12)", {"CHANGES.md": "- Fix #5\n"}, through=SITE)
    assert only(made).links == ()


def test_a_revert_closes_nothing_and_is_told_of(made: Maker) -> None:
    commit = made.commit("Fix it, fixes #5")
    made.commit(f'Revert "Fix it, fixes #5"\n\nThis reverts commit {commit}.')
    fix, revert = crawled(made)
    assert links(fix) == {5: "keyword"}
    assert links(revert) == {5: "mention"}


def test_files_are_named_as_they_are_after_the_change(made: Maker) -> None:
    text = "".join(f"line{n} = {n}\n" for n in range(30))
    made.commit("Add", {"src/old name é.py": text})
    made.commit(
        "Move (#12)",
        {"src/old name é.py": None, "src/new name é.py": text + "b = 1\n"},
        through=SITE,
    )
    assert only(made).files == ("src/new name é.py",)


def test_programs_are_known_by_their_names(made: Maker) -> None:
    made.commit("Bump x (#12)", by=("dependabot[bot]", "d@example.org"), through=SITE)
    assert only(made).bot


def eventful(made: Maker) -> Maker:
    """Write a history with a bit of everything."""
    made.commit("Fix a, fixes #1")
    made.pull(3, "Fix b, fixes #2")
    made.branch("1.x")
    made.commit("Fix c (#5)\n\nfixes #4", {"src/c.py": "c = 1\n"}, through=SITE)
    made.goto()
    made.commit("Fix d, fixes #6", through=BEN)
    made.commit("Test d", through=BEN, at_once=True)
    made.merge("1.x", "Merge branch '1.x'")
    made.pull(9, "Fix e", "Fix f, fixes #7", title="Fix e and f")
    made.commit('Revert "Fix a, fixes #1"')
    made.branch("fix-g")
    made.commit("Fix g, fixes #10", {"src/g.py": "g = 1\n"})
    made.goto()
    made.merge("fix-g", "Merge branch 'fix-g'")
    return made


def test_an_incremental_crawl_finds_what_a_full_one_does(made: Maker) -> None:
    full = crawled(eventful(made))
    assert len(full) == 7
    amid = line("rev-parse", ":/Fix d", cwd=made.folder)
    for since in line("rev-list", "--first-parent", "HEAD", cwd=made.folder).split():
        if since == amid:
            continue  # it came in one push with the next
        before = list(crawl_history(made.git_dir, since, HERE))
        after = crawled(made, since=since)
        assert len(before) + len(after) == len(full)
        assert {p.commit: p for p in before + after} == {p.commit: p for p in full}


def test_a_crawl_that_was_cut_off_goes_on_from_what_it_yielded_last(made: Maker) -> None:
    full = crawled(eventful(made))
    for count in range(1, len(full) + 1):
        first = list(islice(crawl_history(made.git_dir, "HEAD", HERE), count))
        rest = crawled(made, since=first[-1].commit)
        assert {p.commit: p for p in [*first, *rest]} == {p.commit: p for p in full}


def test_a_commit_that_is_gone_leaves_a_full_crawl(made: Maker) -> None:
    assert crawled(eventful(made), since="0" * 40) == crawled(made)


def test_batches_change_nothing(made: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    full = crawled(eventful(made))
    monkeypatch.setattr(history, "BATCH", 1)
    assert crawled(made) == full


def awkward_message(made: Maker) -> None:
    made.commit(
        "Fix (#12)\n\n\x1b[31m \x01 fixes #5\n\ndiff --git a/x b/x\n+++ b/CHANGES\n", through=SITE
    )


def awkward_lines(made: Maker) -> None:
    made.commit("Old", {"CHANGES": "-- a/x\n++ b/tests/t.py"})
    made.commit(
        "Fix (#12)\n\nfixes #5",
        {"CHANGES": "++ b/tests/test_x.py\n@@ -1 +1 @@\n" + "a" * 40, "src/shop.py": "a = 9\n"},
        through=SITE,
    )


def awkward_bytes(made: Maker) -> None:
    (made.folder / "CHANGES").write_bytes(b"\xff\xfe\x00 #6\r\nno newline")
    made.commit("Fix (#12)\n\nfixes #5", {"src/shop.py": "a = 9\n"}, through=SITE)


@pytest.mark.parametrize("write", [awkward_message, awkward_lines, awkward_bytes])
def test_awkward_bytes_are_read_as_they_are(made: Maker, write: Callable[[Maker], None]) -> None:
    write(made)
    assert links(only(made))[5] == "keyword"


def test_settings_of_the_clone_do_not_matter(made: Maker) -> None:
    full = crawled(eventful(made))
    for name, value in (
        ("log.showSignature", "true"),
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("color.ui", "always"),
        ("diff.renames", "false"),
        ("core.quotePath", "true"),
    ):
        git("config", name, value, cwd=made.folder)
    assert crawled(made) == full
