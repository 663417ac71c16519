"""What a killed process left on an engine is told from what others use."""

from __future__ import annotations

import os
import subprocess

import pytest

from harness.sandboxes.docker_owners import (
    BUILDER,
    OWNER,
    WHERE,
    here,
    is_left_behind,
    make_owner_labels,
)


@pytest.fixture
def ended() -> str:
    """The number of a process that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return str(process.pid)


def test_what_a_living_process_uses_is_left_alone() -> None:
    assert not is_left_behind(make_owner_labels(OWNER), OWNER)
    assert not is_left_behind(make_owner_labels(BUILDER), BUILDER)


def test_what_a_process_left_that_is_gone_is_left_behind(ended: str) -> None:
    assert is_left_behind(make_owner_labels(OWNER) | {OWNER: ended}, OWNER)
    assert is_left_behind({OWNER: ended}, OWNER)


def test_another_containers_processes_are_not_ours_to_judge(ended: str) -> None:
    theirs = {OWNER: ended, WHERE: f"elsewhere {here().partition(' ')[2]}"}
    assert not is_left_behind(theirs, OWNER)


def test_what_an_earlier_life_of_this_container_left_is_left_behind() -> None:
    """Its processes had numbers that ours may have now."""
    before = {OWNER: str(os.getpid()), WHERE: f"{here().partition(' ')[0]} 1"}
    assert is_left_behind(before, OWNER)


def test_of_a_sandbox_its_own_owner_counts_and_not_its_images_builder(ended: str) -> None:
    assert not is_left_behind(make_owner_labels(OWNER) | {BUILDER: ended}, BUILDER)
