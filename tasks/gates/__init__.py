"""Gates: what a task has to pass before it leaves. One module a concern, one registry.

A gate stops tasks and says why, or changes what of a task leaves, or both. Nothing in the store is
changed by a gate: switch it off, and the task is there again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from storage.errors import ConfigError
from tasks.gates.copies import fix_elsewhere
from tasks.gates.duplicates import near_duplicates
from tasks.gates.known_fixes import tests_in_the_fix
from tasks.gates.privacy import secret_in_code, without_personal_data
from tasks.gates.revelations import tells_the_fix, without_telling_hints
from tasks.gates.rights import benchmark, licence
from tasks.gates.shape import mostly_spilled, only_symptoms, too_large_a_share
from tasks.gates.subject import GateSubject, Rules
from tasks.intake import TESTS_IN_THE_FIX

Stop = Callable[[GateSubject, Rules], str]
"""Says why a task is stopped, empty where it is not."""
Choose = Callable[[Sequence[GateSubject], Rules], Iterable[tuple[str, str]]]
"""Looks at all tasks at once. Yields the ids of those that are stopped, each with why."""
Change = Callable[[GateSubject], GateSubject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate. ``does`` is what people read of it."""

    name: str
    does: str
    stop: Stop | None = None
    choose: Choose | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that a gate stopped."""

    task: str
    gate: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What came of gates: the tasks that passed, as they leave, and those that were stopped."""

    subjects: tuple[GateSubject, ...]
    stopped: tuple[StoppedTask, ...]


PASS_TO_PASS = "pass-to-pass"
BENCHMARK = "benchmark"
GATES: tuple[Gate, ...] = (
    Gate(
        name=BENCHMARK,
        does="stops tasks on repositories of public benchmarks, forks and renames included",
        stop=benchmark,
    ),
    Gate(
        name="licence",
        does="stops tasks on code whose licence is unknown or not on the list of allowed ones",
        stop=licence,
    ),
    Gate(
        name="tells-the-fix",
        does="stops tasks whose statement holds lines, names or runs of the fix that nothing "
        "public explains, and takes such hints out",
        stop=tells_the_fix,
        change=without_telling_hints,
    ),
    Gate(
        name="fix-elsewhere",
        does="stops tasks whose fix can be read in another file of the project: in a copy of the "
        "changed file, or quoted",
        choose=fix_elsewhere,
    ),
    Gate(
        name=TESTS_IN_THE_FIX,
        does="stops tasks of whose known fix grading puts something back: tests, their examples "
        "or their settings",
        stop=tests_in_the_fix,
    ),
    Gate(
        name="failing-share",
        does="stops bugs that turn more than a quarter of the suite, and more than 10 tests, red",
        stop=too_large_a_share,
    ),
    Gate(
        name="only-symptoms",
        does="stops bugs whose tests only time out or cannot be imported",
        stop=only_symptoms,
    ),
    Gate(
        name="mostly-spilled",
        does="stops bugs most of whose red tests are red only when other tests run before them",
        stop=mostly_spilled,
    ),
    Gate(
        name="secrets",
        does="takes secrets and personal data out of statement and hints, and stops tasks whose "
        "patch holds a secret",
        stop=secret_in_code,
        change=without_personal_data,
    ),
    Gate(
        name="near-duplicates",
        does="keeps the best of tasks with the same code and failing tests, with the same patch "
        "in the same place, or with the same statement",
        choose=near_duplicates,
    ),
    Gate(
        name=PASS_TO_PASS,
        does="cuts PASS_TO_PASS down to the 50 tests nearest to the bug by coverage; "
        "--pass-to-pass says how many",
    ),
)
NAMES = tuple(gate.name for gate in GATES)


def choose_gates(only: Collection[str] = (), without: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the gates that are on, in order. Raises ConfigError for unknown ones."""
    for name in (*only, *without):
        if name not in NAMES:
            raise ConfigError(f"no gate {name!r}; there are {', '.join(NAMES)}")
    return tuple(name for name in NAMES if (not only or name in only) and name not in without)


def pass_gates(
    subjects: Sequence[GateSubject], rules: Rules, names: Collection[str] = NAMES
) -> Passed:
    """Send tasks through gates, one gate after the other; each sees what the last let through."""
    stopped: list[StoppedTask] = []
    through = sorted(subjects, key=lambda subject: subject.task.id)
    for gate in GATES:
        if gate.name in names:
            found = dict(stops(gate, through, rules))
            stopped += [StoppedTask(task, gate.name, why) for task, why in found.items()]
            kept = (subject for subject in through if subject.task.id not in found)
            through = [gate.change(subject) if gate.change else subject for subject in kept]
    return Passed(subjects=tuple(through), stopped=tuple(stopped))


def stops(gate: Gate, subjects: Sequence[GateSubject], rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield the tasks that one gate stops, each with why."""
    if gate.stop:
        for subject in subjects:
            if why := gate.stop(subject, rules):
                yield subject.task.id, why
    if gate.choose:
        yield from gate.choose(subjects, rules)
