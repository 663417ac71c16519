"""How many bugs beside its own would the tests notice that a task leaves with?

    python -m benchmarks.nearest --store FILE [--limit 50]

For each task and each other valid bug that changes one of its files: is one of the tests that fail
by the other bug among the task's? A patch that mends the one and brings in the other is accepted
where none is. Nothing is run. Two ways to choose the tests: the nearest alone, and half of them
spread over the changed files, as an export does.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from forge.release.export import lines_run
from storage.records import Bug, Verdict
from storage.store import Store
from tasks.nearest import Masks, by_distance, lines_of, nearest

WAYS = ("the nearest", "half of them spread")
OTHERS = 12
"""Other bugs that are looked at for each."""


def missed(store: Store, environment: str, limit: int) -> dict[str, list[bool]]:
    """Say of each pair and way whether the other bug would not be noticed."""
    judged = {
        verdict.bug: (bug, verdict)
        for verdict in store.verdicts(environment)
        if verdict.valid and (bug := store.bug(verdict.bug)) is not None
    }
    tasks = {task.bug for task in store.tasks() if task.environment == environment}
    ran = lines_run(store, environment)
    found: dict[str, list[bool]] = defaultdict(list)
    for own in sorted(tasks & judged.keys()):
        mine = judged[own][0]
        files = lines_of(mine.patch).keys()
        others = [one for one in sorted(judged) if files & lines_of(judged[one][0].patch).keys()]
        for other in [one for one in others if one != own][:OTHERS]:
            chosen = choices(mine, judged[own][1], ran, limit)
            failing = frozenset(judged[other][1].fail_to_pass)
            for way, tests in chosen.items():
                found[way].append(not failing & {*tests, *judged[own][1].fail_to_pass})
    return found


def choices(
    bug: Bug, verdict: Verdict, ran: Mapping[str, Masks], limit: int
) -> dict[str, tuple[str, ...]]:
    """Return the tests that each way chooses."""
    tests, patch, failing = verdict.pass_to_pass, bug.patch, verdict.fail_to_pass
    order = by_distance(tests, ran=ran, patch=patch, failing=failing)
    spread = nearest(tests, ran=ran, patch=patch, failing=failing, limit=limit)
    return dict(zip(WAYS, (tuple(order[:limit]), spread), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=50)
    given = parser.parse_args()
    total: dict[str, list[bool]] = defaultdict(list)
    with Store(given.store) as store:
        names = {task.environment: task.id.partition(".")[0] for task in store.tasks()}
        for environment, name in sorted(names.items(), key=lambda item: item[1]):
            found = missed(store, environment, given.limit)
            told(name, found)
            for way, each in found.items():
                total[way] += each
    told("all", total)


def told(name: str, found: dict[str, list[bool]]) -> None:
    """Print one line."""
    parts = [f"{way} {sum(found[way])}" for way in WAYS]
    print(
        f"{name}: of {len(found[WAYS[0]])} other bugs not noticed by {', '.join(parts)}", flush=True
    )


if __name__ == "__main__":
    main()
