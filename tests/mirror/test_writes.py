"""Comments and issues of ours: one for each mark, edited in place, never written twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mirror.github.client import GitHub
from mirror.github.texts import MOST_BYTES, mark
from mirror.github.writes import put_comment, put_issue
from storage.errors import (
    GitHubBroken,
    GitHubGone,
    GitHubMissing,
    GitHubRefused,
    GitHubRejected,
)
from tests.furniture.github_world import (
    Fault,
    Issue,
    World,
    bad_gateway,
    cut_off,
    hub_of,
    lost,
    primary_limit,
    secondary_limit,
)
from tests.mirror.installed import NAME, Installed, installed

pytestmark = pytest.mark.github

KEY = "status"
ISSUES = f"/repos/{NAME}/issues"
COMMENTS = f"{ISSUES}/1/comments"


@pytest.fixture
async def here(world: World) -> AsyncIterator[Installed]:
    async with installed(world) as here:
        yield here


@pytest.fixture
def pull(here: Installed) -> Issue:
    return here.world.pull(here.repository)


async def comment(here: Installed, body: str = "Mirrored.", *, number: int = 1) -> int:
    return await put_comment(here.github, NAME, number, marker=KEY, body=body)


async def report(here: Installed, body: str = "3 bugs", *, reopen: bool = False) -> int:
    return await put_issue(
        here.github,
        NAME,
        marker="report",
        title="Bugs that no test noticed",
        body=body,
        labels=["bugfoundry: report"],
        reopen=reopen,
    )


def texts(thread: Issue) -> list[str]:
    return [one.body.partition("\n")[2] for one in thread.comments]


async def test_a_comment_is_edited_in_place_and_never_becomes_a_stream(
    here: Installed, pull: Issue
) -> None:
    first = await comment(here, "Working on it.")
    again = await comment(here, "Mirrored.")
    assert first == again == pull.comments[0].id
    assert texts(pull) == ["Mirrored."]
    assert pull.comments[0].author is here.app.bot


async def test_a_comment_that_says_so_already_costs_no_write_and_no_points(
    here: Installed, pull: Issue
) -> None:
    await comment(here)
    await comment(here)
    key = f"installation {here.installation.id}"
    rate = here.world.rates.of(key, "core", now=here.world.clock.now)
    used = rate.used
    await comment(here)
    assert here.sent("POST") == 1
    assert here.sent("PATCH") == 0
    assert rate.used == used


async def test_each_mark_has_a_comment_of_its_own(here: Installed, pull: Issue) -> None:
    await comment(here)
    await put_comment(here.github, NAME, 1, marker="help", body="Say it.")
    await put_comment(here.github, NAME, 1, marker="help", body="Say this.")
    assert texts(pull) == ["Mirrored.", "Say this."]


async def test_what_somebody_else_marked_as_ours_is_left_alone(
    here: Installed, pull: Issue
) -> None:
    stranger = here.world.user("bugfoundry-fan")
    named = here.world.user("bugfoundry")
    copied = here.world.app("another").bot
    for by in (stranger, copied):
        here.world.comment(pull, f"{mark(KEY)}\nI am the bot", by=by)
    assert named is here.app.bot
    await comment(here)
    assert texts(pull) == ["I am the bot", "I am the bot", "Mirrored."]


async def test_our_comment_is_found_behind_hundreds_of_others(here: Installed, pull: Issue) -> None:
    for n in range(100):
        here.world.comment(pull, f"comment {n}")
    await comment(here, "Working on it.")
    await comment(here, "Mirrored.")
    assert len(pull.comments) == 101
    assert texts(pull)[-1] == "Mirrored."


async def test_a_comment_that_was_deleted_is_written_again(here: Installed, pull: Issue) -> None:
    first = await comment(here)
    here.world.delete_comment(pull, pull.comments[0])
    assert await comment(here) != first
    assert texts(pull) == ["Mirrored."]


async def test_a_comment_whose_id_is_known_is_found_without_reading_the_others(
    here: Installed, pull: Issue
) -> None:
    known = await comment(here, "Working on it.")
    await put_comment(here.github, NAME, 1, marker=KEY, body="Mirrored.", known=known)
    assert texts(pull) == ["Mirrored."]
    assert here.sent("GET", COMMENTS) == 1
    here.world.delete_comment(pull, pull.comments[0])
    again = await put_comment(here.github, NAME, 1, marker=KEY, body="Mirrored.", known=known)
    assert again != known
    other = here.world.comment(pull, "not ours")
    kept = await put_comment(here.github, NAME, 1, marker=KEY, body="Done.", known=other.id)
    assert (kept, texts(pull)[0], pull.comments[1].body) == (again, "Done.", "not ours")


async def test_a_comment_of_any_length_is_taken(here: Installed, pull: Issue) -> None:
    await comment(here, "```\n" + "🐛" * MOST_BYTES)
    assert len(pull.comments[0].body.encode()) <= MOST_BYTES
    await comment(here, "```\n" + "🐛" * MOST_BYTES)
    assert here.sent("PATCH") == 0


FAULTS = {
    "500 after": bad_gateway(500, after=True),
    "502 after": bad_gateway(502, after=True),
    "504 after": bad_gateway(504, after=True),
    "lost after": lost(after=True),
    "cut": cut_off(),
    "500": bad_gateway(500),
    "502": bad_gateway(502),
    "503": bad_gateway(503),
    "lost": lost(),
    "403": secondary_limit(403),
    "429": secondary_limit(429, retry_after=5),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("times", [1, 3])
async def test_whatever_goes_wrong_a_comment_is_written_once(
    here: Installed, pull: Issue, fault: Fault, times: int
) -> None:
    await here.hub.login()
    here.world.faults.add(fault, times=times, method="POST", where=COMMENTS)
    await comment(here)
    assert texts(pull) == ["Mirrored."]
    assert not here.world.faults.left or fault.after or fault.cut


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_whatever_goes_wrong_an_issue_is_opened_once(here: Installed, fault: Fault) -> None:
    await here.hub.login()
    here.world.faults.add(fault, method="POST", where=ISSUES)
    assert await report(here) == 1
    assert len(here.repository.threads) == 1


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_whatever_goes_wrong_an_edit_comes_through(
    here: Installed, pull: Issue, fault: Fault
) -> None:
    await comment(here, "Working on it.")
    here.world.faults.add(fault, times=2, method="PATCH", where="/comments")
    await comment(here)
    assert texts(pull) == ["Mirrored."]


async def test_a_write_whose_answer_is_lost_is_not_looked_for_before_it_can_have_happened(
    here: Installed, pull: Issue
) -> None:
    here.world.faults.add(lost(after=True), method="POST", where=COMMENTS)
    await comment(here)
    assert here.world.clock.slept == [10]
    assert here.sent("POST") == 1


async def test_a_write_that_happened_though_nothing_ever_answered_is_found_the_next_time(
    here: Installed, pull: Issue
) -> None:
    here.world.faults.add(bad_gateway(after=True), method="POST", where=COMMENTS)
    here.world.faults.add(bad_gateway(), times=6, method="GET", where=COMMENTS)
    await here.hub.login()
    with pytest.raises(GitHubBroken):
        await comment(here)
    here.world.faults.clear()
    await comment(here)
    assert texts(pull) == ["Mirrored."]


async def test_a_killed_service_that_starts_again_writes_nothing_twice(
    here: Installed, pull: Issue
) -> None:
    await comment(here)
    async with hub_of(here.world, here.app) as hub:
        await comment(replace(here, hub=hub))
    assert texts(pull) == ["Mirrored."]


async def test_a_renamed_repository_is_written_to_by_its_old_name(
    here: Installed, pull: Issue
) -> None:
    here.world.rename(here.repository, "renamed")
    await comment(here, "Working on it.")
    await comment(here)
    assert texts(pull) == ["Mirrored."]


async def test_a_token_that_ends_in_mid_write_is_replaced(here: Installed, pull: Issue) -> None:
    await comment(here, "Working on it.")
    here.world.grants.clear()
    await comment(here)
    assert texts(pull) == ["Mirrored."]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=403, body='{"message": "Resource not accessible"}'), GitHubRefused),
        (Fault(status=404, body='{"message": "Not Found"}'), GitHubMissing),
        (Fault(status=410, body='{"message": "Issues are disabled"}'), GitHubGone),
        (Fault(status=422, body='{"message": "Validation Failed"}'), GitHubRejected),
        (Fault(status=451, body='{"message": "Repository access blocked"}'), GitHubGone),
    ],
    ids=["403", "404", "410", "422", "451"],
)
async def test_a_refusal_for_good_is_told_and_not_repeated(
    here: Installed, pull: Issue, fault: Fault, kind: type[Exception]
) -> None:
    here.world.faults.add(fault, times=9, method="POST", where=COMMENTS)
    with pytest.raises(kind):
        await comment(here)
    assert here.sent("POST") == 1
    assert here.world.clock.slept == []


async def test_a_primary_limit_is_waited_for_before_a_write(here: Installed, pull: Issue) -> None:
    fault = primary_limit(reset=here.world.clock.now + 900)
    here.world.faults.add(fault, method="POST", where=COMMENTS)
    await comment(here)
    assert texts(pull) == ["Mirrored."]
    assert here.world.clock.slept == [901]


async def test_more_than_eighty_comments_take_more_than_a_minute(
    here: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(100):
        here.world.pull(here.repository)
    monkeypatch.setattr(here.world.clock, "step", lambda: None)
    before = here.world.clock.now
    await asyncio.gather(*(comment(here, number=n + 1) for n in range(100)))
    assert all(texts(one) == ["Mirrored."] for one in here.repository.threads.values())
    assert not here.world.rates.tripped
    assert here.world.rates.most_content[60] <= 80
    assert here.world.clock.now - before >= 60


async def test_a_report_is_one_issue_that_is_kept_up_to_date(here: Installed) -> None:
    first = await report(here)
    again = await report(here, "2 bugs")
    assert first == again == 1
    found = here.repository.threads[1]
    assert found.body.partition("\n")[2] == "2 bugs"
    assert found.title == "Bugs that no test noticed"
    assert [one.name for one in found.labels] == ["bugfoundry: report"]
    await report(here, "2 bugs")
    assert here.sent("PATCH") == 1


async def test_a_report_whose_number_is_known_needs_no_list(
    here: Installed,
) -> None:
    async def again(known: int, body: str) -> int:
        return await put_issue(
            here.github, NAME, marker="report", title="Bugs", body=body, known=known
        )

    number = await again(0, "3 bugs")
    assert await again(number, "2 bugs") == number
    assert here.repository.threads[number].body.partition("\n")[2] == "2 bugs"
    assert here.sent("GET", ISSUES) == 2
    foreign = here.world.issue(here.repository, "mine", "theirs")
    assert await again(foreign.number, "1 bug") == number
    assert await again(99, "0 bugs") == number
    assert foreign.body == "theirs"


async def test_a_closed_report_is_kept_up_to_date_and_opened_only_when_that_is_wanted(
    here: Installed,
) -> None:
    await report(here)
    found = here.repository.threads[1]
    here.world.close(found)
    await report(here, "2 bugs")
    assert (found.state, found.body.partition("\n")[2]) == ("CLOSED", "2 bugs")
    await report(here, "4 bugs", reopen=True)
    assert (found.state, found.body.partition("\n")[2]) == ("OPEN", "4 bugs")
    assert len(here.repository.threads) == 1


async def test_an_issue_or_pull_request_that_only_looks_like_the_report_is_left_alone(
    here: Installed,
) -> None:
    body = f"{mark('report')}\nmine"
    here.world.issue(here.repository, "Bugs that no test noticed", body)
    here.world.pull(here.repository, "Bugs that no test noticed", body, by=here.app.bot)
    assert await report(here) == 3
    assert [one.body for one in here.repository.threads.values()][:2] == [body, body]


async def test_the_labels_of_a_report_are_left_to_people(here: Installed) -> None:
    await report(here)
    here.world.unlabel(here.repository.threads[1], "bugfoundry: report")
    await report(here, "2 bugs")
    assert here.repository.threads[1].labels == []


async def test_where_issues_are_off_there_is_no_report(here: Installed) -> None:
    here.repository.has_issues = False
    with pytest.raises(GitHubGone, match="Issues are disabled"):
        await report(here)


async def test_a_post_that_could_not_be_looked_for_is_never_sent(github: GitHub) -> None:
    with pytest.raises(ValueError, match="looked for"):
        await github.write("POST", f"/repos/{NAME}/issues", {"title": "x"}, what="an issue")
