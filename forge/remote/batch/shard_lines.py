"""What a shard writes, line by line: its head, each bug when its turn comes, each verdict.

Tests are numbers: positions among the environment's green tests, of which every list of a verdict
is a part. Each start of a shard is marked, and so is its end, so that a death shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from forge.remote.batch.line_files import SCHEMA, convert, parse_line
from forge.remote.batch.partition import Planned, Shard
from forge.run.nouns import format_count
from harness.judge.judge import KINDS
from storage.errors import BatchError
from storage.records import Verdict

KIND = "verdicts"
LARGEST = 128 << 20
"""Bytes of one shard's lines."""
LONGEST_LINE = 2 << 20
LINES_A_BUG = 12
"""Lines that a shard may write for each bug, all its starts together."""
SHOWN = 4000
"""Characters of a detail or a message that are passed on."""
REASON = re.compile(r"[a-z][a-z-]{0,39}")
DONE, STOPPED, OUT_OF_TIME = "done", "stopped", "out-of-time"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFileHeader:
    """Whose verdicts these are."""

    plan: str
    """Id of the plan."""
    shard: int
    environment: str
    harness: str
    mode: str
    kind: str = KIND
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFileLine:
    """One line after the head: one of these is set."""

    started: int | None = None
    """A process begins, its number in this shard from 1."""
    begun: str | None = None
    """A bug's turn came."""
    verdict: PackedVerdict | None = None
    disagreed: str | None = None
    """Selecting tests went wrong, and how."""
    ended: str | None = None
    """A process ends in good order, and why."""
    tests: int = 0
    """With ``ended``: the tests that it ran."""
    seconds: float = 0.0
    """With ``ended``: wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedVerdict:
    """A verdict. Lists of tests are positions among the green ones, ascending."""

    bug: str
    reason: str
    failing: tuple[int, ...] = ()
    spilled: tuple[int, ...] = ()
    excluded: tuple[int, ...] | None = None
    """Green tests that are not in PASS_TO_PASS; None where PASS_TO_PASS is empty."""
    seconds: float = 0.0
    detail: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    """How many of the failing tests were red in which way."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """What some of its failing tests said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """What came of one shard."""

    head: VerdictFileHeader
    verdicts: tuple[tuple[Verdict, Mapping[str, str]], ...]
    """In the order they were given, with messages of failing tests."""
    died_under: tuple[str, ...] = ()
    """Bugs that were in flight when a process died, once for each time."""
    disagreed: tuple[str, ...] = ()
    ended: str = ""
    """Why the last process ended; empty where it died."""
    starts: int = 0
    tests: int = 0
    seconds: float = 0.0


def head_of(planned: Planned, shard: Shard) -> VerdictFileHeader:
    """Return the head under which a shard delivers."""
    return VerdictFileHeader(
        plan=planned.id,
        shard=shard.number,
        environment=planned.environment,
        harness=planned.harness,
        mode=planned.mode,
    )


def pack_verdict(
    verdict: Verdict, green: Sequence[str], messages: Mapping[str, str]
) -> PackedVerdict:
    """Return a verdict as it travels. Raises BatchError where a list names another test."""
    places = {test: place for place, test in enumerate(green)}
    passing = set(verdict.pass_to_pass)
    try:
        return PackedVerdict(
            bug=verdict.bug,
            reason=verdict.reason,
            failing=tuple(places[test] for test in verdict.fail_to_pass),
            spilled=tuple(places[test] for test in verdict.spilled),
            excluded=tuple(place for place, test in enumerate(green) if test not in passing)
            if passing
            else None,
            seconds=verdict.seconds,
            detail=verdict.detail[:SHOWN],
            kinds=verdict.kinds,
            messages={test: text[:SHOWN] for test, text in messages.items()},
        )
    except KeyError as error:
        raise BatchError(f"a verdict names {error}, which is none of the green tests") from error


def unpack_verdict(packed: PackedVerdict, head: VerdictFileHeader, green: Sequence[str]) -> Verdict:
    """Return the verdict that a shard told of. Raises BatchError where it makes no sense."""
    excluded = packed.excluded
    lists = (packed.failing, packed.spilled, excluded or ())
    if not all(is_ascending(each, len(green)) for each in lists):
        raise BatchError(f"the verdict on {packed.bug} names tests that the environment has not")
    sane = REASON.fullmatch(packed.reason) and math.isfinite(packed.seconds) and packed.seconds >= 0
    if not sane or (packed.reason == "valid") != bool(packed.failing):
        raise BatchError(f"the verdict on {packed.bug} contradicts itself")
    if packed.kinds and not is_consistent(packed.kinds, len(packed.failing)):
        raise BatchError(f"the verdict on {packed.bug} counts ways of failing that do not add up")
    without = set(excluded or ())
    if excluded is not None and not {*packed.failing, *packed.spilled} <= without:
        raise BatchError(f"the verdict on {packed.bug} has a test both passing and failing")
    passing = () if excluded is None else (t for n, t in enumerate(green) if n not in without)
    return Verdict(
        bug=packed.bug,
        environment=head.environment,
        harness=head.harness,
        mode=head.mode,
        reason=packed.reason,
        fail_to_pass=tuple(green[place] for place in packed.failing),
        pass_to_pass=tuple(passing),
        spilled=tuple(green[place] for place in packed.spilled),
        seconds=packed.seconds,
        detail=packed.detail,
        kinds=packed.kinds,
    )


def is_ascending(places: Sequence[int], limit: int) -> bool:
    """Say whether these are positions below a limit, in order and without repetition."""
    return all(
        before < after for before, after in zip((-1, *places), (*places, limit), strict=True)
    )


def is_consistent(kinds: Sequence[tuple[str, int]], failing: int) -> bool:
    """Say whether these are ways of failing, sorted and each once, of so many tests."""
    names = [name for name, _ in kinds]
    counts = [count for _, count in kinds]
    return (
        names == sorted(KINDS.intersection(names))
        and all(count > 0 for count in counts)
        and sum(counts) == failing
    )


def read_delivery(
    data: bytes, planned: Planned, bugs: Sequence[str], green: Sequence[str]
) -> ShardResult:
    """Read what a shard wrote, trusting nothing. ``bugs`` are the ids of the batch, in order.

    A last line that is cut off is left out: a process that dies may leave one. Raises BatchError.
    """
    if len(data) > LARGEST:
        raise BatchError(f"it is larger than {LARGEST >> 20} MiB")
    lines = data.split(b"\n")[:-1]
    head = read_head(lines, planned)
    shard = planned.shard(head.shard)
    if shard is None or head != head_of(planned, shard):
        raise BatchError("it says that it is another shard's, environment's or version's")
    mine = {bugs[place] for place in shard.bugs}
    if len(lines) > 16 + LINES_A_BUG * len(mine):
        held = format_count(len(lines), "line")
        raise BatchError(f"it has {held} for {format_count(len(mine), 'bug')}")
    reading = ShardReader(head, mine, green)
    for line in lines[1:]:
        reading.take(read_line(line))
    return reading.delivery()


def read_head(lines: Sequence[bytes], planned: Planned) -> VerdictFileHeader:
    """Read the first line. Raises BatchError where it is no delivery for this plan."""
    if not lines:
        raise BatchError("it is empty")
    head = convert(parse_line(lines[0], "it"), VerdictFileHeader, "its head")
    if head.kind != KIND or head.schema != SCHEMA:
        raise BatchError("it is no delivery of verdicts, or of another schema")
    if head.plan != planned.id:
        raise BatchError("it is a delivery for another plan")
    return head


def read_line(line: bytes) -> VerdictFileLine:
    """Read one of the other lines. Raises BatchError."""
    if len(line) > LONGEST_LINE:
        raise BatchError("it has a line that is too long")
    return convert(parse_line(line, "it"), VerdictFileLine, "a line of it")


class ShardReader:
    """Follows the lines of one shard."""

    def __init__(self, head: VerdictFileHeader, mine: set[str], green: Sequence[str]) -> None:
        self._head = head
        self._mine = mine
        self._green = green
        self._verdicts: dict[str, tuple[Verdict, Mapping[str, str]]] = {}
        self._flying: list[str] = []
        self._died_under: list[str] = []
        self._disagreed: list[str] = []
        self._ended: str | None = None
        self._starts = 0
        self._tests = 0
        self._seconds = 0.0

    def take(self, line: VerdictFileLine) -> None:
        """Take one line. Raises BatchError where it tells of a bug that is another shard's."""
        if line.started is not None:
            self._close()
            self._starts += 1
            self._ended = ""
        elif line.begun is not None:
            self._flying.append(self._own(line.begun))
        elif line.verdict is not None:
            self._judge(line.verdict)
        elif line.disagreed is not None:
            self._disagreed.append(line.disagreed[:SHOWN])
        elif line.ended is not None:
            self._ended = line.ended[:SHOWN]
            self._flying.clear()
            self._tests += line.tests
            self._seconds += line.seconds

    def _judge(self, packed: PackedVerdict) -> None:
        bug = self._own(packed.bug)
        if bug in self._flying:
            self._flying.remove(bug)
        verdict = unpack_verdict(packed, self._head, self._green)
        self._verdicts.setdefault(bug, (verdict, select_failing_messages(packed.messages, verdict)))

    def _own(self, bug: str) -> str:
        if bug not in self._mine:
            raise BatchError(
                f"it tells of bug {bug[:40]}, which is not in shard {self._head.shard}"
            )
        return bug

    def _close(self) -> None:
        """A process begins or the file ends: what is in flight, died."""
        self._died_under += [bug for bug in self._flying if bug not in self._verdicts]
        self._flying.clear()

    def delivery(self) -> ShardResult:
        """Return what came of the shard."""
        self._close()
        return ShardResult(
            head=self._head,
            verdicts=tuple(self._verdicts.values()),
            died_under=tuple(bug for bug in self._died_under if bug not in self._verdicts),
            disagreed=tuple(self._disagreed),
            ended=self._ended or "",
            starts=self._starts,
            tests=self._tests,
            seconds=self._seconds,
        )


def select_failing_messages(messages: Mapping[str, str], verdict: Verdict) -> dict[str, str]:
    """Return what tests said that the verdict lists as failing, cut to what is shown."""
    failing = set(verdict.fail_to_pass)
    return {test: text[:SHOWN] for test, text in messages.items() if test in failing}
