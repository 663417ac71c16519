"""Whose tasks may be given away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.errors import ConfigError
from storage.records import Origin
from storage.tables.hosted import Hosted, Marked
from tasks.withheld import list_withheld_reasons, select_exportable
from tests.tasks.made import Made

HOSTED = Hosted(id=1, installation=9, name="Someone/shop", opted_in=True)


def host(made: Made, hosted: Hosted) -> None:
    made.store.hosted.put_repository(hosted)
    tree, commit = made.repository.tree, made.repository.commit
    made.store.hosted.add_tree(hosted.id, tree, commit, 1)


def test_tasks_made_by_hand_and_those_of_who_opted_in_are_given_away(made: Made) -> None:
    assert select_exportable(made.store).tasks == [made.task]
    host(made, HOSTED)
    assert select_exportable(made.store).tasks == [made.task]
    assert list_withheld_reasons(made.store) == {}


@pytest.mark.parametrize(
    "hosted",
    [replace(HOSTED, opted_in=False), replace(HOSTED, state="gone"),
     replace(HOSTED, private=True, opted_in=False)],
)  # fmt: skip
def test_who_opted_out_or_is_gone_gives_nothing_away(made: Made, hosted: Hosted) -> None:
    host(made, hosted)

    chosen = select_exportable(made.store)
    assert (chosen.tasks, chosen.withheld) == ([], {"opted out": 1})


def test_private_tasks_are_in_no_export_but_that_of_the_repository_alone(made: Made) -> None:
    host(made, replace(HOSTED, private=True))

    chosen = select_exportable(made.store)
    assert (chosen.tasks, chosen.withheld) == ([], {"private": 1})
    assert select_exportable(made.store, private="someone/SHOP").tasks == [made.task]


def test_an_export_of_a_private_repository_holds_nothing_of_others(made: Made) -> None:
    host(made, HOSTED)
    made.store.hosted.put_repository(
        Hosted(id=2, installation=9, name="o/p", private=True, opted_in=True)
    )

    assert select_exportable(made.store, private="o/p").tasks == []


@pytest.mark.parametrize(
    ("hosted", "said"),
    [
        (HOSTED, "is public"),
        (replace(HOSTED, private=True, opted_in=False, because="why not"), "opted out (why not)"),
        (replace(HOSTED, name="o/other"), "bugfoundry hosted"),
    ],
)
def test_what_is_no_private_repository_that_opted_in_is_told(
    made: Made, hosted: Hosted, said: str
) -> None:
    host(made, hosted)
    with pytest.raises(ConfigError) as caught:
        select_exportable(made.store, private="someone/shop")
    assert said in str(caught.value)


def test_a_pull_request_that_is_kept_out_takes_its_bug_and_combinations_along(made: Made) -> None:
    host(made, HOSTED)
    mirrored = Origin(strategy="mirror", pull=7, commit="c" * 40)
    made.store.add_bug(replace(made.bug, origin=mirrored))
    assert list_withheld_reasons(made.store) == {}

    made.store.hosted.mark(Marked(repository=1, number=7, mark="skip"))
    assert list_withheld_reasons(made.store) == {made.task.id: "kept out"}

    joined = replace(
        made.bug,
        changes=(*made.bug.changes, replace(made.bug.changes[0], path="b.py")),
        origin=Origin(strategy="combine", parents=(made.bug.id,)),
    )
    made.store.add_bug(joined)
    made.store.add_task(replace(made.task, id="Someone__shop.joined", bug=joined.id))
    assert list_withheld_reasons(made.store)["Someone__shop.joined"] == "kept out"
