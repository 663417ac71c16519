"""Every payload that GitHub publishes as an example is taken and handled without an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.service.handlers.all import EVENTS

if TYPE_CHECKING:
    from tests.bot.service.running import Serving

pytestmark = pytest.mark.github


async def test_every_example_is_accepted_and_handled_or_ignored_quietly(served: Serving) -> None:
    examples = served.world.examples(served.app)
    assert len(examples) > 100

    served.world.hooks.pending += examples
    sent = await served.told()

    assert {one.code for one in sent} == {202}
    jobs = {job.subject: job for job in await served.jobs("delivery")}
    assert {jobs[one.guid].state for one in examples} == {"done"}
    await served.handled_well()
    ignored = {
        one.event for one in examples if jobs[one.guid].note == f"{one.event}: nothing to do"
    }
    assert not ignored & {event for event, action in EVENTS if not action}
    assert await served.work() == []


async def test_every_example_as_of_a_repository_that_is_opted_in_is_handled_too(
    opted: Serving,
) -> None:
    repository = next(iter(opted.world.repositories.values()))
    [installation] = opted.world.installations.values()
    examples = opted.world.examples(opted.app)
    for one in examples:
        if isinstance(one.payload.get("repository"), dict):
            one.payload["repository"]["id"] = repository.id
        if isinstance(one.payload.get("installation"), dict):
            one.payload["installation"]["id"] = installation.id
    opted.world.hooks.pending += examples
    await opted.told()

    await opted.handled_well()
    assert (await opted.hosted(repository)).opted_in
    assert await opted.jobs("comment", "check", "issue") == []


@pytest.mark.parametrize("name", sorted({event for event, _ in EVENTS}))
async def test_an_event_without_what_it_is_about_does_no_harm(served: Serving, name: str) -> None:
    actions = [action for event, action in EVENTS if event == name]
    bare = [{"action": action, "sender": None, "installation": None} for action in actions]
    served.world.hooks.pending += served.world.hooks.examples(
        served.app, [(name, {key: v for key, v in one.items() if v or key != "action"})
                     for one in bare]
    )  # fmt: skip
    await served.told()

    await served.handled_well()
