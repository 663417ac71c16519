"""What is opted in decides whose tasks may be given away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.records import Bug, FileChange, Origin
from storage.store import Store
from storage.tables.hosted import GitHubWrite, Hosted, Installation, Marked

PUBLIC = Hosted(id=1, installation=9, name="Owner/Public", opted_in=True)
PRIVATE = Hosted(id=2, installation=9, name="owner/private", opted_in=True, private=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        opened.hosted.put_installation(Installation(id=9, account="owner"))
        yield opened


def with_bug(store: Store, hosted: Hosted, tree: str) -> None:
    store.hosted.put_repository(hosted)
    store.hosted.add_tree(hosted.id, tree, "c" * 40, now=1)
    change = FileChange(path="a.py", mode="100644", sha256=tree)
    store.add_bug(Bug(tree=tree, patch="", changes=(change,), origin=Origin(strategy="mirror")))


def test_a_repository_is_known_by_number_and_by_its_present_name(store: Store) -> None:
    store.hosted.put_repository(PUBLIC)
    renamed = replace(PUBLIC, name="owner/new")
    store.hosted.put_repository(renamed)

    assert store.hosted.get(1) == renamed
    assert store.hosted.find_by_name("OWNER/NEW") == renamed
    assert store.hosted.find_by_name("owner/public") is None


def test_it_is_stale_once_the_default_branch_moved_on() -> None:
    built = replace(PUBLIC, commit="a", head="a")

    assert not built.stale
    assert replace(built, head="b").stale


def test_public_tasks_of_a_repository_that_opted_in_are_given_away(store: Store) -> None:
    with_bug(store, PUBLIC, "t1")

    assert store.hosted.list_withheld_trees() == set()


def test_opting_out_withholds_and_opting_in_again_restores(store: Store) -> None:
    with_bug(store, PUBLIC, "t1")

    store.hosted.put_repository(replace(PUBLIC, opted_in=False))
    assert store.hosted.list_withheld_trees(private=True) == {"t1"}

    store.hosted.put_repository(PUBLIC)
    assert store.hosted.list_withheld_trees() == set()


def test_private_ones_are_withheld_unless_asked_for(store: Store) -> None:
    with_bug(store, PRIVATE, "t2")

    assert store.hosted.list_withheld_trees() == {"t2"}
    assert store.hosted.list_withheld_trees(private=True) == set()


def test_a_tree_of_a_public_and_a_private_repository_is_public(store: Store) -> None:
    with_bug(store, PUBLIC, "same")
    with_bug(store, PRIVATE, "same")

    assert store.hosted.list_withheld_trees() == set()


def test_what_was_made_on_the_command_line_is_nobodys_to_withhold(store: Store) -> None:
    change = FileChange(path="a.py", mode="100644", sha256="x")
    bug = Bug(tree="mine", patch="", changes=(change,), origin=Origin(strategy="procedural"))
    store.add_bug(bug)

    assert store.hosted.list_withheld_trees() == set()


def test_marks_and_what_was_written_are_kept(store: Store) -> None:
    store.hosted.put_repository(PUBLIC)
    wanted = Marked(repository=1, number=7, mark="wanted", by="ann", since=3)
    store.hosted.mark(wanted)
    written = GitHubWrite(key="comment:1:7", repository=1, number=55, digest="d")
    store.hosted.write(written)

    assert store.hosted.marks(1) == [wanted]
    assert store.hosted.get_write("comment:1:7") == written
    store.hosted.unmark(1, 7)
    assert store.hosted.marks(1) == []
