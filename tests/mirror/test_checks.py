"""Check runs: one for each external id, with every annotation once, whatever goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from mirror.github.checks import LineAnnotation, put_check_run
from mirror.github.texts import MOST_BYTES
from storage.errors import GitHubBroken, GitHubMissing
from tests.furniture.github_world import Fault, World, bad_gateway, cut_off, lost, secondary_limit
from tests.mirror.installed import NAME, Installed, installed

pytestmark = pytest.mark.github

RUNS = f"/repos/{NAME}/check-runs"


@pytest.fixture
async def here(world: World) -> AsyncIterator[Installed]:
    async with installed(world) as here:
        yield here


@pytest.fixture
def sha(here: Installed) -> str:
    return here.world.pull(here.repository).commits[-1].oid


def remarks_on(count: int, message: str = "no test noticed") -> list[LineAnnotation]:
    return [
        LineAnnotation(path="src/a.py", start=n + 1, end=n + 1, message=message, level="warning")
        for n in range(count)
    ]


async def put(
    here: Installed,
    sha: str,
    *,
    remarks: Sequence[LineAnnotation] = (),
    text: str = "All of it.",
    summary: str = "Two tests guard the fix.",
    done: bool = True,
    external_id: str = "mirror:1",
) -> int:
    return await put_check_run(
        here.github,
        NAME,
        sha,
        name="bugfoundry",
        external_id=external_id,
        status="completed" if done else "in_progress",
        conclusion="neutral" if done else None,
        title="Mirrored",
        summary=summary,
        text=text,
        annotations=remarks,
    )


def lines(here: Installed, run: int = -1) -> list[int]:
    """The lines that a run remarks on, in order."""
    return [one["start_line"] for one in here.repository.checks[run].annotations]


async def test_a_check_run_is_updated_in_place(here: Installed, sha: str) -> None:
    first = await put(here, sha, done=False)
    again = await put(here, sha, remarks=remarks_on(2))
    assert first == again
    (run,) = here.repository.checks
    assert (run.status, run.conclusion, run.title) == ("completed", "neutral", "Mirrored")
    assert run.summary is not None
    assert run.summary.endswith("\nTwo tests guard the fix.")
    assert lines(here) == [1, 2]


async def test_a_check_run_that_says_so_already_is_left_alone(here: Installed, sha: str) -> None:
    for _ in range(3):
        await put(here, sha, remarks=remarks_on(120))
    assert here.sent("POST") == 1
    assert here.sent("PATCH") == 2
    assert lines(here) == list(range(1, 121))


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 101])
async def test_annotations_come_in_batches_of_fifty(here: Installed, sha: str, count: int) -> None:
    await put(here, sha, remarks=remarks_on(count))
    assert lines(here) == list(range(1, count + 1))
    assert here.sent("POST") + here.sent("PATCH") == max(1, -(-count // 50))


async def test_a_check_that_was_finished_can_be_begun_again(here: Installed, sha: str) -> None:
    first = await put(here, sha)
    assert await put(here, sha, done=False) == first
    (run,) = here.repository.checks
    assert (run.status, run.conclusion) == ("in_progress", None)


async def test_other_annotations_are_shown_by_a_new_run(here: Installed, sha: str) -> None:
    first = await put(here, sha, remarks=remarks_on(60))
    second = await put(here, sha, remarks=remarks_on(55, "another remark"))
    assert first != second
    assert await put(here, sha, remarks=remarks_on(55, "another remark")) == second
    assert len(here.repository.checks) == 2
    assert lines(here) == list(range(1, 56))


async def test_each_external_id_has_a_run_of_its_own(here: Installed, sha: str) -> None:
    first = await put(here, sha)
    other = await put(here, sha, external_id="mirror:2")
    assert first != other
    assert await put(here, sha) == first


async def test_the_run_of_another_app_is_not_ours(here: Installed, sha: str) -> None:
    foreign = here.world.check_run(here.world.app("another"), here.repository, "bugfoundry", sha)
    foreign.external_id = "mirror:1"
    assert await put(here, sha) != foreign.id
    assert foreign.status == "queued"


@pytest.mark.parametrize("pad", range(4))
async def test_texts_of_any_length_are_taken_and_no_character_is_broken(
    here: Installed, sha: str, pad: int
) -> None:
    long = "x" * pad + "🐛" * MOST_BYTES
    remark = LineAnnotation(path="a.py", start=1, end=1, message=long, title=long, details=long)
    await put(here, sha, summary=long, text=f"```\n{long}", remarks=[remark])
    (run,) = here.repository.checks
    for text in (run.summary, run.text, run.annotations[0]["message"]):
        assert text is not None
        assert MOST_BYTES - 2100 < len(text.encode()) <= MOST_BYTES
        assert "\ufffd" not in text
    assert run.text is not None
    assert run.text.count("```") == 2
    await put(here, sha, summary=long, text=f"```\n{long}", remarks=[remark])
    assert here.sent("PATCH") == 0


FAULTS = {
    "500 after": bad_gateway(500, after=True),
    "502 after": bad_gateway(502, after=True),
    "lost after": lost(after=True),
    "cut": cut_off(),
    "502": bad_gateway(502),
    "lost": lost(),
    "403": secondary_limit(403),
    "429": secondary_limit(429, retry_after=5),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_whatever_goes_wrong_there_is_one_run_with_every_annotation_once(
    here: Installed, sha: str, fault: Fault, method: str
) -> None:
    await here.hub.login()
    here.world.faults.add(fault, times=2, method=method, where=RUNS)
    await put(here, sha, remarks=remarks_on(120))
    assert len(here.repository.checks) == 1
    assert lines(here) == list(range(1, 121))


@pytest.mark.parametrize("fails", [1, 2])
async def test_a_run_that_was_cut_off_between_batches_is_completed(
    here: Installed, sha: str, fails: int
) -> None:
    await here.hub.login()
    here.world.faults.add(bad_gateway(after=True), times=fails - 1, method="PATCH", where=RUNS)
    here.world.faults.add(bad_gateway(), times=99, method="PATCH", where=RUNS)
    with pytest.raises(GitHubBroken):
        await put(here, sha, remarks=remarks_on(120))
    here.world.faults.clear()
    await put(here, sha, remarks=remarks_on(120))
    assert len(here.repository.checks) == 1
    assert lines(here) == list(range(1, 121))


async def test_a_commit_that_is_gone_is_told(here: Installed) -> None:
    with pytest.raises(GitHubMissing, match="no check run bugfoundry of octo/thing at 00000000"):
        await put(here, "0" * 40)
