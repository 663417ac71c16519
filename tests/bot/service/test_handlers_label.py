"""A label opts a repository in and out, whatever way and in whatever order it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.service.optin import LABELLED, UNLABELLED, UNTRUSTED

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import Code, Repository

pytestmark = pytest.mark.github


async def test_an_installed_repository_is_not_opted_in_and_nothing_is_done(
    served: Serving, repository: Repository
) -> None:
    hosted = await served.hosted(repository)

    assert (hosted.name, hosted.opted_in, hosted.because) == ("octo/thing", False, UNLABELLED)
    assert await served.work() == []
    await served.handled_well()


async def test_the_label_opts_in_and_work_begins(
    opted: Serving, repository: Repository, code: Code
) -> None:
    hosted = await opted.hosted(repository)

    assert (hosted.opted_in, hosted.because) == (True, LABELLED)
    assert hosted.head == code.tip("main")
    assert await opted.work() == [f"environment {repository.id}"]
    await opted.handled_well()
