"""What shards deliver is put together, and nothing of it is taken on trust."""

from __future__ import annotations

import io
import json
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from forge.remote.batch.artifacts import Artifact, read_archive, read_folder
from forge.remote.batch.collection import Collected, Collecting
from forge.remote.batch.partition import Planned
from forge.remote.batch.plans import Batch, expectations
from forge.remote.batch.waves import next_wave
from tests.bot.batches import (
    GREEN,
    artifact,
    batch_of,
    delivered,
    ids,
    verdict_on,
    zipped,
)


def collect(
    batch: Batch,
    *data: bytes,
    plans: list[Planned] | None = None,
    lost: set[tuple[int, int]] = frozenset(),  # type: ignore[assignment]
) -> Collected:
    collecting = Collecting(batch, plans or [batch.planned])
    for number, each in enumerate(data):
        collecting.take(artifact(each, f"verdicts-{number}"))
    return collecting.collect_verdicts(lost)


def again(batch: Batch, collected: Collected, *plans: Planned) -> Planned:
    planned = next_wave(batch, plans or (batch.planned,), collected, expectations(batch))
    assert planned is not None
    return planned


def test_verdicts_come_back_as_they_were_given() -> None:
    batch = batch_of()
    collected = collect(batch, *(delivered(batch, shard) for shard in batch.planned.shards))

    assert [found.verdict for found in collected.found.values()] == [
        verdict_on(bug.id) for bug in batch.bugs.bugs
    ]
    assert not collected.missing
    assert next_wave(batch, [batch.planned], collected, expectations(batch)) is None


def test_what_failing_tests_said_comes_with_them() -> None:
    batch = batch_of()
    collected = collect(batch, delivered(batch, batch.planned.shards[0]))

    assert {tuple(found.messages) for found in collected.found.values()} == {GREEN[:1]}


def test_a_shard_that_was_stopped_delivers_what_it_had() -> None:
    batch = batch_of()
    first, *others = batch.planned.shards
    some = [verdict_on(name) for name in ids(batch, first)[:2]]
    data = delivered(batch, first, judged=some, flying=ids(batch, first)[2:3], ended="stopped")
    collected = collect(batch, data, *(delivered(batch, shard) for shard in others))

    planned = again(batch, collected)
    assert [ids(batch, shard) for shard in planned.shards] == [ids(batch, first)[2:]]
    assert planned.shards[0].alone == ()
    assert not collected.deaths


def test_a_line_that_was_cut_off_is_left_out() -> None:
    batch = batch_of()
    whole = delivered(batch, batch.planned.shards[0], ended=None)
    collected = collect(batch, whole[:-20])

    assert len(collected.found) == len(batch.planned.shards[0].bugs) - 1
    assert not collected.faults


def test_the_same_delivery_twice_changes_nothing() -> None:
    batch = batch_of()
    data = [delivered(batch, shard) for shard in batch.planned.shards]
    once, twice = collect(batch, *data), collect(batch, *data, *data)

    assert twice.found == once.found
    assert twice.repeated == 3


def test_a_later_upload_of_the_same_shard_takes_the_place_of_the_earlier() -> None:
    batch = batch_of()
    shard = batch.planned.shards[0]
    whole = delivered(batch, shard)
    early = whole[: whole.index(b"\n", len(whole) // 2) + 1]
    for order in ((early, whole), (whole, early)):
        collected = collect(batch, *order)
        assert len(collected.found) == len(shard.bugs)
        assert not collected.deaths


def test_failed_shards_are_judged_again_alone() -> None:
    batch = batch_of()
    first, second, third = batch.planned.shards
    collected = collect(batch, delivered(batch, second))

    planned = again(batch, collected)

    assert [shard.bugs for shard in planned.shards] == [first.bugs, third.bugs]
    assert planned.wave == 2
    assert planned.id != batch.planned.id
    late = [delivered(batch, shard, planned=planned) for shard in planned.shards]
    whole = collect(batch, delivered(batch, second), *late, plans=[batch.planned, planned])
    assert len(whole.found) == 12
    assert not whole.missing


def test_a_bug_under_which_a_runner_died_is_judged_last_and_alone() -> None:
    batch = batch_of()
    shard = batch.planned.shards[0]
    some, flying = [verdict_on(ids(batch, shard)[0])], ids(batch, shard)[1:3]
    collected = collect(batch, delivered(batch, shard, judged=some, flying=flying, ended=None))

    planned = again(batch, collected)

    assert collected.deaths == dict.fromkeys(flying, 1)
    alone = {batch.bugs.bugs[place].id for each in planned.shards for place in each.alone}
    assert alone == set(flying)


def test_a_bug_under_which_two_runners_died_is_set_aside() -> None:
    batch = batch_of()
    shard = batch.planned.shards[0]
    killer = ids(batch, shard)[1]
    data = delivered(
        batch, shard, judged=[verdict_on(ids(batch, shard)[0])], flying=[killer], ended=None
    )
    planned = again(batch, collect(batch, data))
    (mine,) = [each for each in planned.shards if killer in ids(batch, each)]
    more = delivered(batch, mine, planned=planned, judged=[], flying=[killer], ended=None)

    collected = collect(batch, data, more, plans=[batch.planned, planned])

    assert collected.found[killer].verdict.reason == "runner-died"
    assert "2 runners died" in collected.found[killer].verdict.detail
    assert ids(batch, shard)[2] not in collected.found


def test_shards_that_leave_nothing_close_in_on_the_bug_that_kills_them() -> None:
    batch = batch_of(12, shards=1)
    killer = batch.bugs.bugs[7].id
    plans = [batch.planned]
    data: list[bytes] = []
    lost: set[tuple[int, int]] = set()
    for _ in range(8):
        last = plans[-1]
        for shard in last.shards:
            if killer in ids(batch, shard):
                lost.add((last.wave, shard.number))
            else:
                data.append(delivered(batch, shard, planned=last))
        collected = collect(batch, *data, plans=plans, lost=lost)
        planned = next_wave(batch, plans, collected, expectations(batch))
        if planned is None:
            break
        plans.append(planned)

    assert collected.found[killer].verdict.reason == "runner-died"
    assert sum(found.verdict.valid for found in collected.found.values()) == 11


def test_a_sandbox_that_broke_says_nothing_of_the_bug_unless_it_breaks_again() -> None:
    batch = batch_of()
    shard = batch.planned.shards[0]
    broken = ids(batch, shard)[0]
    data = delivered(batch, shard, judged=[verdict_on(broken, "sandbox-broken")])
    collected = collect(batch, data)
    assert broken not in collected.found

    planned = again(batch, collected)
    (mine,) = [each for each in planned.shards if broken in ids(batch, each)]
    more = delivered(batch, mine, planned=planned, judged=[verdict_on(broken, "sandbox-broken")])
    whole = collect(batch, data, more, plans=[batch.planned, planned])
    assert whole.found[broken].verdict.reason == "sandbox-broken"


def changed_head(**values: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head, _, rest = data.partition(b"\n")
        return json.dumps(json.loads(head) | values).encode() + b"\n" + rest

    return change


def changed_verdict(**values: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        for number, line in enumerate(lines):
            if b'"verdict"' in line:
                found = json.loads(line)
                found["verdict"] |= values
                lines[number] = json.dumps(found).encode()
                break
        return b"\n".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_head(shard=1), "which is not in shard 1"),
        (changed_head(shard=99), "another shard's"),
        (changed_head(environment="0" * 32), "another shard's, environment's or version's"),
        (changed_head(harness="1"), "another shard's, environment's or version's"),
        (changed_head(mode="selected"), "another shard's, environment's or version's"),
        (changed_head(plan="0" * 32), "for another plan"),
        (changed_head(schema=2), "of another schema"),
        (changed_head(shard="0"), "not of the form"),
        (changed_verdict(bug="f" * 32), "which is not in shard 0"),
        (changed_verdict(failing=[10]), "names tests that the environment has not"),
        (changed_verdict(failing=[-1]), "names tests that the environment has not"),
        (changed_verdict(failing=[1, 0]), "names tests that the environment has not"),
        (changed_verdict(failing=[0, 0]), "names tests that the environment has not"),
        (changed_verdict(failing=[]), "contradicts itself"),
        (changed_verdict(reason="no-test-failed"), "contradicts itself"),
        (changed_verdict(reason="<script>"), "contradicts itself"),
        (changed_verdict(seconds=float("nan")), "contradicts itself"),
        (changed_verdict(seconds=-1), "contradicts itself"),
        (changed_verdict(kinds=[["failed", 2]]), "do not add up"),
        (changed_verdict(kinds=[["failed", 0], ["timeout", 1]]), "do not add up"),
        (changed_verdict(kinds=[["timeout", 2], ["failed", -1]]), "do not add up"),
        (changed_verdict(kinds=[["<script>", 1]]), "do not add up"),
        (changed_verdict(excluded=[]), "both passing and failing"),
        (changed_verdict(failing="all"), "not of the form"),
        (lambda data: b"", "is empty"),
        (lambda data: b"\0" * 100 + b"\n", "no JSON"),
        (lambda data: b"[1]\n", "no object"),
        (lambda data: b"[" * 100_000 + b"\n", "no JSON"),
        (lambda data: data + b'{"begun":"x"}\n' * 200, "lines for 4 bugs"),
        (lambda data: data + b'{"disagreed":"' + b"x" * (3 << 20) + b'"}\n', "too long"),
        (lambda data: data[: data.index(b"\n") + 1] + b"garbage\n", "no JSON"),
    ],
)
def test_what_is_not_as_it_should_be_is_not_believed(
    change: Callable[[bytes], bytes], said: str
) -> None:
    batch = batch_of()
    data = delivered(batch, batch.planned.shards[0])
    collected = collect(batch, change(data), delivered(batch, batch.planned.shards[1]))

    assert len(collected.found) == 4
    assert len(collected.faults) == 1
    assert said in collected.faults[0]
    assert len(collected.faults[0]) < 400


def test_a_delivery_for_another_batch_is_not_believed() -> None:
    batch, other = batch_of(), batch_of(9)
    collected = collect(batch, delivered(other, other.planned.shards[0]))

    assert not collected.found
    assert "another plan" in collected.faults[0]


def link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("a.jsonl")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.jsonl", "one")
        archive.writestr("a.jsonl", "two")
    return buffer.getvalue()


def lying() -> bytes:
    data = zipped({"a.jsonl": b"x" * 5000})
    size = (5000).to_bytes(4, "little")
    return data.replace(size, (10).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not an archive", "cannot be unpacked"),
        (b"", "cannot be unpacked"),
        (zipped({"a.jsonl": b"x"})[:-10], "cannot be unpacked"),
        (zipped({"../../evil.jsonl": b"x"}), "would land elsewhere"),
        (zipped({"/etc/evil.jsonl": b"x"}), "would land elsewhere"),
        (zipped({"..\\evil.jsonl": b"x"}), "would land elsewhere"),
        (zipped({"folder/evil.jsonl": b"x"}), "would land elsewhere"),
        (zipped({"evil.py": b"x"}), "not what a shard uploads"),
        (zipped({f"{number}.jsonl": b"x" for number in range(9)}), "more than a shard uploads"),
        (zipped({"bomb.jsonl": b"\0" * (64 << 20)}), "unpack to more"),
        (link(), "not what a shard uploads"),
        (twice(), "a member twice"),
        (lying(), "cannot be unpacked"),
    ],
)
def test_an_archive_that_is_not_as_it_should_be_is_not_read(data: bytes, said: str) -> None:
    (found,) = read_archive(data, "verdicts-1-0")

    assert said in found.fault
    assert not found.data


def test_a_folder_of_archives_and_of_unpacked_ones_is_read_alike(tmp_path: Path) -> None:
    batch = batch_of()
    first, second, third = (delivered(batch, shard) for shard in batch.planned.shards)
    (tmp_path / "verdicts-1-0.zip").write_bytes(zipped({"wave-1-shard-0.jsonl": first}))
    (tmp_path / "verdicts-1-1").mkdir()
    (tmp_path / "verdicts-1-1" / "wave-1-shard-1.jsonl").write_bytes(second)
    (tmp_path / "wave-1-shard-2.jsonl").write_bytes(third)
    (tmp_path / "link.jsonl").symlink_to("/etc/passwd")
    (tmp_path / "notes.txt").write_text("not mine")

    found = list(read_folder(tmp_path))

    assert [each.data for each in found if not each.fault] == [first, second, third]
    assert [each.fault for each in found if each.fault] == ["it is a link, or no file"]


def test_a_corrupt_artifact_costs_only_its_own_shard() -> None:
    batch = batch_of()
    collecting = Collecting(batch, [batch.planned])
    for shard in batch.planned.shards:
        data = zipped({"shard.jsonl": delivered(batch, shard)})
        damaged = data[:40] + b"\xff" * 20 + data[60:] if shard.number == 1 else data
        for each in read_archive(damaged, f"verdicts-1-{shard.number}"):
            collecting.take(each)

    collected = collecting.collect_verdicts()

    assert [state.state for state in collected.shards] == ["done", "nothing", "done"]
    assert collected.missing == batch.planned.shards[1].bugs
    assert collected.faults[0].startswith("verdicts-1-1: ")


def test_a_plan_for_more_than_a_matrix_holds_is_not_made() -> None:
    batch = batch_of()
    many = tuple(
        replace(batch.planned.shards[0], number=number, bugs=(number,)) for number in range(12)
    )
    plan = replace(batch.planned, shards=many)
    wide = replace(batch, planned=plan)

    planned = again(wide, collect(wide), plan)

    assert len(planned.shards) == 12


def test_an_artifact_with_a_fault_is_noted() -> None:
    batch = batch_of()
    collecting = Collecting(batch, [batch.planned])
    collecting.take(Artifact(name="verdicts-1-0", fault="it has expired"))

    assert collecting.collect_verdicts().faults == ("verdicts-1-0: it has expired",)
