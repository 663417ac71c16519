"""What a killed process left on an engine is told from what others use."""

from __future__ import annotations

import os
import subprocess

import pytest

from harness.sandboxes.docker_owners import BUILDER, OWNER, WHERE, here, left_behind, owned


@pytest.fixture
def ended() -> str:
    """The number of a process that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return str(process.pid)


def test_what_a_living_process_uses_is_left_alone() -> None:
    assert not left_behind(owned(OWNER), OWNER)
    assert not left_behind(owned(BUILDER), BUILDER)


def test_what_a_process_left_that_is_gone_is_left_behind(ended: str) -> None:
    assert left_behind(owned(OWNER) | {OWNER: ended}, OWNER)
    assert left_behind({OWNER: ended}, OWNER)


def test_another_containers_processes_are_not_ours_to_judge(ended: str) -> None:
    theirs = {OWNER: ended, WHERE: f"elsewhere {here().partition(' ')[2]}"}
    assert not left_behind(theirs, OWNER)


def test_what_an_earlier_life_of_this_container_left_is_left_behind() -> None:
    """Its processes had numbers that ours may have now."""
    before = {OWNER: str(os.getpid()), WHERE: f"{here().partition(' ')[0]} 1"}
    assert left_behind(before, OWNER)


def test_of_a_sandbox_its_own_owner_counts_and_not_its_images_builder(ended: str) -> None:
    assert not left_behind(owned(OWNER) | {BUILDER: ended}, BUILDER)
