"""Choose tasks evenly from an export, so that ``bugfoundry verify`` can prove a balanced sample.

    bugfoundry export --format jsonl -o all.jsonl
    python -m benchmarks.reliability all.jsonl --each 20 -o sample.jsonl
    bugfoundry verify sample.jsonl --rounds 5

So many of each repository, its strategies in turn, and the repositories in turn: what a run has
done when it is stopped is as balanced as the whole.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from forge.grade.carried_tasks import Row, read_rows


def in_turn(groups: Sequence[Sequence[Row]]) -> Iterator[Row]:
    """Yield the first of each group, then the second of each, until all are there."""
    waiting = [iter(group) for group in groups]
    while waiting:
        left = []
        for group in waiting:
            row = next(group, None)
            if row is not None:
                yield row
                left.append(group)
        waiting = left


def grouped(rows: Sequence[Row], field: str) -> list[list[Row]]:
    """Return rows by what a field says, in the order of its values."""
    values = sorted({row[field] for row in rows})
    return [[row for row in rows if row[field] == value] for value in values]


def chosen(rows: Sequence[Row], each: int, seed: int) -> list[Row]:
    """Return so many rows of each repository, mixed; the same ones for a seed."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    own = [
        list(islice(in_turn(grouped(repository, "strategy")), each))
        for repository in grouped(shuffled, "repo")
    ]
    return list(in_turn(own))


def with_bundles(rows: Sequence[Row], every: Sequence[Row]) -> Iterator[Row]:
    """Yield rows so that the first of each tree carries the code, as an export's do."""
    bundles = {row["tree"]: row["tree_bundle"] for row in every if row["tree_bundle"]}
    for row in rows:
        yield {**row, "tree_bundle": bundles.pop(row["tree"], "")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=Path)
    parser.add_argument("--each", type=int, default=20, help="tasks of each repository")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    every = read_rows(given.export)
    rows = chosen(every, given.each, given.seed)
    with given.output.open("w", encoding="utf-8") as file:
        for row in with_bundles(rows, every):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    for (repository, strategy), count in sorted(
        Counter((r["repo"], r["strategy"]) for r in rows).items()
    ):
        print(f"{repository} {strategy}: {count}")
    print(f"{len(rows)} of {len(every)} tasks")


if __name__ == "__main__":
    main()
