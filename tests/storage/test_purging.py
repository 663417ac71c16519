"""Erasing a repository: nothing of it is left, and nothing of others is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.records import (
    Bug,
    Crawl,
    Dispatch,
    FileChange,
    Issue,
    Mirroring,
    ModelCall,
    Origin,
    PullRequest,
    Repository,
    digest,
)
from storage.store import Store
from storage.tables.deliveries import Delivery
from storage.tables.hosted import GitHubWrite, Hosted, Marked
from storage.tables.jobs import NewJob
from storage.tables.pulls import NAMED
from storage.tables.purge import ERASED, OF_REPOSITORY
from tests.storage.samples import (
    ATTEMPT,
    ENVIRONMENT,
    make_baseline,
    make_bug,
    make_task,
    make_verdict,
)

OUT = Hosted(id=1, installation=9, name="pallets/click", commit="c" * 40, head="h", settings="{}")
OTHER = Hosted(id=2, installation=9, name="octo/other", opted_in=True)
SECRET = "only-in-this-repository"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as opened:
        yield opened


def fill(store: Store, hosted: Hosted, tree: str) -> None:
    """Store one of everything for a repository, each row with a text that only it has."""
    owner, _, name = hosted.name.partition("/")
    store.hosted.put_repository(hosted)
    environment = replace(ENVIRONMENT, tree=tree)
    store.add_repository(
        Repository(owner=owner, name=name, commit=digest(tree)[:40], tree=tree, source=SECRET)
    )
    store.hosted.add_tree(hosted.id, tree, digest(tree)[:40], 1)
    store.add_attempt(tree, "local", replace(ATTEMPT, detail=SECRET))
    store.add_environment(environment)
    store.add_baseline(replace(make_baseline(), environment=environment.id))
    store.set_coverage(environment.id, SECRET.encode())
    store.set_image(environment.id, SECRET)
    sent = Dispatch(plan=hosted.name, repository=hosted.name, environment=environment.id,
                    place="actions:o/m", created="2024-01-01", used=3.0, detail=SECRET)  # fmt: skip
    store.dispatches.intend(sent)
    bug = replace(make_bug(), tree=tree, patch=SECRET)
    store.add_bug(bug)
    store.add_verdict(replace(make_verdict(bug), environment=environment.id, detail=SECRET))
    task = make_task(bug)
    store.add_task(replace(task, id=f"{name}{tree}", environment=environment.id, statement=SECRET))
    pull = PullRequest(repository=hosted.name, commit="c" * 40, base="b" * 40, number=1,
                       title=SECRET, origin="github")  # fmt: skip
    issue = Issue(repository=hosted.name, number=2, title=SECRET)
    crawl = Crawl(repository=hosted.name, origin="github", newest="", state=SECRET)
    store.pulls.add([pull], [issue], crawl)
    store.pulls.set_outcome(Mirroring(tree=tree, repository=hosted.name, commit="c" * 40,
                                      outcome="undone", detail=SECRET, bug=bug.id))  # fmt: skip
    store.hosted.mark(Marked(repository=hosted.id, number=1, mark="wanted", by=SECRET))
    store.hosted.write(
        GitHubWrite(key=f"k{hosted.id}", repository=hosted.id, number=1, digest=SECRET)
    )
    told = Delivery(guid=hosted.name, event="label", repository=hosted.id, body=SECRET.encode())
    store.deliveries.receive([told], 1)
    job = NewJob(queue="work", kind="pull", subject=hosted.name, payload=f'"{SECRET}"',
                 repository=hosted.id)  # fmt: skip
    store.jobs.put_jobs([job], 1)
    call = ModelCall(key=hosted.name, model="m", purpose="p", answer=SECRET, input_tokens=1,
                     output_tokens=1, cache_write_tokens=0, cache_read_tokens=0, dollars=0.5,
                     seconds=1.0, created="2024-01-01", repository=hosted.name)  # fmt: skip
    store.calls.settle("none", call)


def rows(store: Store) -> dict[str, int]:
    """Count the rows of every table."""
    with sqlite3.connect(store.path) as db:
        names = [name for (name,) in db.execute("select name from sqlite_master where type='table'")
                 if not name.startswith(("sqlite_", "_sqlite"))]  # fmt: skip
        return {name: db.execute(f"select count(*) from {name}").fetchone()[0] for name in names}


def test_nothing_of_it_is_left_in_the_file_but_that_it_is_out(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    store.purging.erase(OUT)
    store.compact()

    assert SECRET.encode() not in store.path.read_bytes()
    left = {name: count for name, count in rows(store).items() if count}
    assert left == {"hosted": 1, "model_calls": 1, "dispatches": 1}
    found = store.hosted.get(1)
    assert found is not None
    assert (found.name, found.opted_in, found.commit, found.head) == (OUT.name, False, "", "")
    assert [line.dollars for line in store.calls.sums()] == [0.5]


def test_of_every_table_it_is_decided_whether_it_is_erased(store: Store) -> None:
    decided = {table for table, _ in ERASED} | {*OF_REPOSITORY, *NAMED, "test_sets"}
    accounts = {"model_calls", "dispatches"}
    by_triggers = {"standings"}
    of_no_repository = {"turns", "installations", "hosted", "model_holds", "model_batches",
                        "batched_requests", "minute_limits", "campaign_steps"}  # fmt: skip

    assert set(rows(store)) == decided | accounts | by_triggers | of_no_repository


def test_what_is_another_repositorys_stays_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path / "alone.db") as alone:
        fill(alone, OTHER, "u" * 40)
        expected = rows(alone)
    with Store(tmp_path / "both.db") as both:
        fill(both, OTHER, "u" * 40)
        fill(both, OUT, "t" * 40)
        both.purging.erase(OUT)

        left = rows(both)
        assert left == expected | {"hosted": 2, "model_calls": 2, "dispatches": 2}
        assert [task.statement for task in both.tasks()] == [SECRET]
        assert both.verdicts()[0].fail_to_pass


def test_a_tree_that_another_repository_has_too_stays_with_its_tasks(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    store.hosted.put_repository(OTHER)
    store.hosted.add_tree(OTHER.id, "t" * 40, "e" * 40, 1)
    erased = store.purging.erase(OUT)

    assert (erased.shared, len(store.tasks())) == (1, 1)
    assert store.hosted.trees(OUT.id) == []
    assert store.hosted.list_withheld_trees() == set()


def test_a_tree_forged_by_hand_under_another_name_and_commit_stays(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    store.add_repository(
        Repository(owner="me", name="copy", commit="f" * 40, tree="t" * 40, source="pypi:copy")
    )
    assert store.purging.erase(OUT).shared == 1
    assert len(store.tasks()) == 1


def test_what_was_known_under_an_earlier_name_goes_too(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    renamed = replace(OUT, name="pallets/renamed")
    store.hosted.put_repository(renamed)
    store.pulls.rename("pallets/click", "pallets/renamed")
    store.purging.erase(renamed)

    assert store.tasks() == []
    assert store.pulls.all("pallets/renamed") == store.pulls.all("pallets/click") == []


def test_combinations_with_bugs_that_are_erased_go_with_them(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    [bug] = store.bugs("t" * 40)
    change = FileChange(path="b.py", mode="100644", sha256=digest("x"))
    joined = Bug(tree="t" * 40, patch="", changes=(change,),
                 origin=Origin(strategy="combine", parents=(bug.id,)))  # fmt: skip
    store.add_bug(joined)
    store.purging.erase(OUT)

    assert store.bugs("t" * 40) == []


def test_erasing_twice_is_erasing_once(store: Store) -> None:
    fill(store, OUT, "t" * 40)
    assert store.purging.erase(OUT).rows["tasks"] == 1
    assert store.purging.erase(OUT).rows == {}


def test_what_is_stored_again_after_it_was_erased_is_read_right_by_who_was_there_all_along(
    store: Store,
) -> None:
    with Store(store.path) as worker:
        fill(worker, OUT, "t" * 40)
        [verdict] = worker.verdicts()
        with Store(store.path) as other:
            other.purging.erase(OUT)
        fill(worker, OUT, "t" * 40)

        [again] = worker.verdicts()
        assert again == verdict
        assert store.verdicts() == [verdict]
